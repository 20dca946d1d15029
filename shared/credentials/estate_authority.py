"""Dealing with the estate of somebody who died: as informant, named executor, by a grant, or as a solicitor who acts for one of these.

Members follow the data of grants of representation. How far the authority goes is always in clear; the value of the estate is never in it,
only the band that it lies in.
"""

from __future__ import annotations

from . import _estate_authority_rules as rules
from ._claim import Choice, Claim, Disclosure, Group, Kind, Reason, Text
from ._follows import DEATH, LIFE_EVENT, same_person
from ._issued_by import issued_by
from ._joint import joint, joint_claims, together
from ._model import CredentialType, Follow, ReadyQuery

ALWAYS = Disclosure.ALWAYS

LEVELS = (
    Choice("informant", Text("Told the registrar of the death", "Hysbysodd y cofrestrydd am y farwolaeth")),
    Choice("named-executor", Text("Executor named in the will", "Ysgutor a enwir yn yr ewyllys")),
    Choice("grant-of-probate", Text("Grant of probate", "Grant profiant")),
    Choice("letters-of-administration", Text("Letters of administration", "Llythyrau gweinyddu")),
    Choice("letters-with-will", Text("Letters of administration with the will", "Llythyrau gweinyddu gyda’r ewyllys")),
)
DECISION_RULES = (
    Choice("alone", Text("The only one", "Yr unig un")),
    Choice("jointly", Text("All must agree", "Rhaid i bawb gytuno")),
    Choice("jointly-and-severally", Text("Any one of them may act", "Caiff unrhyw un ohonynt weithredu")),
)
ACTS = (
    Choice("general", Text("Everything that this authority covers", "Popeth y mae’r awdurdod hwn yn ei gwmpasu")),
    Choice("notify", Text("Telling bodies of the death", "Hysbysu cyrff am y farwolaeth")),
    Choice("freeze-accounts", Text("Having accounts frozen", "Rhewi cyfrifon")),
    Choice("release-funds", Text("Receiving money of the estate", "Derbyn arian yr ystad")),
    Choice("pensions", Text("Pensions and benefits", "Pensiynau a budd-daliadau")),
    Choice("tax", Text("Tax", "Treth")),
    Choice("property", Text("Land and houses", "Tir a thai")),
    Choice("utilities", Text("Gas, electricity, water and telephone", "Nwy, trydan, dŵr a ffôn")),
    Choice("insurance", Text("Insurance", "Yswiriant")),
)
BANDS = (
    Choice("up-to-5000", Text("Up to £5,000", "Hyd at £5,000")),
    Choice("up-to-20000", Text("Up to £20,000", "Hyd at £20,000")),
    Choice("up-to-50000", Text("Up to £50,000", "Hyd at £50,000")),
    Choice("up-to-325000", Text("Up to £325,000", "Hyd at £325,000")),
    Choice("more", Text("More than £325,000", "Mwy na £325,000")),
)
DOMICILES = (
    Choice("GB-EAW", Text("England and Wales", "Cymru a Lloegr")),
    Choice("GB-SCT", Text("Scotland", "Yr Alban")),
    Choice("GB-NIR", Text("Northern Ireland", "Gogledd Iwerddon")),
    Choice("elsewhere", Text("Elsewhere", "Mewn man arall")),
)
GROUPS = (
    Group(id="authority", label=Text("What kind of authority", "Pa fath o awdurdod")),
    Group(id="acts", label=Text("What it covers", "Yr hyn y mae’n ei gwmpasu"), cwt=1),
    Group(id="deceased-name", label=Text("Name of the person who died", "Enw’r person a fu farw"), cwt=2),
    Group(id="deceased-dates", label=Text("Their dates of birth and death", "Eu dyddiadau geni a marw"), cwt=3),
    Group(id="representative-name", label=Text("Name of whoever deals with the estate", "Enw pwy bynnag sy’n delio â’r ystad"), cwt=4),
    Group(id="acting-for", label=Text("For whom a solicitor acts", "Dros bwy y mae cyfreithiwr yn gweithredu"), cwt=5),
    Group(id="value", label=Text("Band of the estate’s value", "Band gwerth yr ystad"), cwt=6),
    Group(id="limits", label=Text("Limits in words", "Terfynau mewn geiriau"), cwt=8, within="further"),
    Group(
        id="domicile", label=Text("Where the person lived by law", "Ble roedd y person yn byw yn ôl y gyfraith"), cwt=9, within="further"
    ),
    Group(id="grant", label=Text("Date and registry of the grant", "Dyddiad a chofrestrfa’r grant"), cwt=10, within="further"),
    Group(id="grant-number", label=Text("Number of the grant", "Rhif y grant"), cwt=11, within="further"),
    joint(12, "further"),
    Group(id="further", label=Text("Further details", "Manylion pellach"), cwt=7),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(
        path=("authority_level",),
        kind=Kind.CODE,
        choices=LEVELS,
        label=Text("Kind of authority", "Math o awdurdod"),
        group="authority",
        disclosure=ALWAYS,
        required=True,
        cwt=1,
    ),
    Claim(
        path=("decision_rule",),
        kind=Kind.CODE,
        choices=DECISION_RULES,
        label=Text("Who must agree", "Pwy sy’n gorfod cytuno"),
        group="authority",
        disclosure=ALWAYS,
        required=True,
        cwt=2,
    ),
    Claim(
        path=("cardinality",),
        kind=Kind.INTEGER,
        label=Text("How many must act together", "Faint sy’n gorfod gweithredu gyda’i gilydd"),
        group="authority",
        disclosure=ALWAYS,
        hint=Text("Two or more where they act jointly", "Dau neu fwy lle maent yn gweithredu ar y cyd"),
        cwt=3,
    ),
    Claim(
        path=("acts_for_another",),
        kind=Kind.BOOLEAN,
        label=Text("Acts for an executor or administrator", "Yn gweithredu dros ysgutor neu weinyddwr"),
        group="authority",
        disclosure=ALWAYS,
        required=True,
        hint=Text("For a solicitor, who acts within what is listed", "I gyfreithiwr, sy’n gweithredu o fewn yr hyn a restrir"),
        cwt=4,
    ),
    Claim(
        path=("has_limits",),
        kind=Kind.BOOLEAN,
        label=Text("There are limits in words", "Mae terfynau mewn geiriau"),
        group="authority",
        disclosure=ALWAYS,
        required=True,
        cwt=5,
    ),
    Claim(
        path=("acts", None),
        kind=Kind.CODE,
        choices=ACTS,
        label=Text("Covers", "Yn cwmpasu"),
        group="acts",
        required=True,
        cwt=15,
    ),
    Claim(
        path=("deceased", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of the person who died", "Enwau cyntaf y person a fu farw"),
        group="deceased-name",
        required=True,
        cwt=16,
    ),
    Claim(
        path=("deceased", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of the person who died", "Cyfenw’r person a fu farw"),
        group="deceased-name",
        required=True,
        cwt=17,
    ),
    Claim(
        path=("deceased", "birthdate"),
        kind=Kind.PARTIAL_DATE,
        label=Text("Their date of birth", "Eu dyddiad geni"),
        group="deceased-dates",
        cwt=18,
    ),
    Claim(
        path=("deceased", "death_date"),
        kind=Kind.PARTIAL_DATE,
        label=Text("Their date of death", "Dyddiad eu marwolaeth"),
        group="deceased-dates",
        required=True,
        cwt=19,
    ),
    Claim(
        path=("deceased", "domicile"),
        kind=Kind.CODE,
        choices=DOMICILES,
        label=Text("Where the person lived by law", "Ble roedd y person yn byw yn ôl y gyfraith"),
        group="domicile",
        cwt=20,
    ),
    Claim(
        path=("representative", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of whoever deals with the estate", "Enwau cyntaf pwy bynnag sy’n delio â’r ystad"),
        group="representative-name",
        required=True,
        cwt=21,
    ),
    Claim(
        path=("representative", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of whoever deals with the estate", "Cyfenw pwy bynnag sy’n delio â’r ystad"),
        group="representative-name",
        required=True,
        cwt=22,
    ),
    Claim(
        path=("acting_for", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of the executor acted for", "Enwau cyntaf yr ysgutor y gweithredir drosto"),
        group="acting-for",
        cwt=23,
    ),
    Claim(
        path=("acting_for", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of the executor acted for", "Cyfenw’r ysgutor y gweithredir drosto"),
        group="acting-for",
        cwt=24,
    ),
    Claim(
        path=("estate_net_value_band",),
        kind=Kind.CODE,
        choices=BANDS,
        label=Text("Band of the estate’s net value", "Band gwerth net yr ystad"),
        group="value",
        cwt=25,
    ),
    Claim(
        path=("limits_text",),
        kind=Kind.TEXT,
        label=Text("Limits", "Terfynau"),
        group="limits",
        max_length=2_000,
        hint=Text("Word for word", "Air am air"),
        cwt=26,
    ),
    Claim(path=("grant_date",), kind=Kind.DATE, label=Text("Date of the grant", "Dyddiad y grant"), group="grant", cwt=27),
    Claim(path=("registry",), kind=Kind.TEXT, label=Text("Registry", "Cofrestrfa"), group="grant", cwt=28),
    Claim(
        path=("grant_number",),
        kind=Kind.TEXT,
        label=Text("Number of the grant", "Rhif y grant"),
        group="grant-number",
        disclosure=Disclosure.ONCE,
        max_length=60,
        hint=Text("Shown only where a body must name the grant", "Dim ond lle mae’n rhaid i gorff enwi’r grant"),
        cwt=29,
    ),
    *issued_by(6),
    *joint_claims(30),
)

_DECEASED = (("deceased", "given_name"), ("deceased", "family_name"))
_DATES = (("deceased", "death_date"),)
_REPRESENTATIVE = (("representative", "given_name"), ("representative", "family_name"))
_ACTS, _LIMITS, _BAND = ("acts", None), ("limits_text",), ("estate_net_value_band",)

QUERIES = (
    ReadyQuery(
        id="freeze",
        title=Text("Freeze an account", "Rhewi cyfrif"),
        purpose=Text("Freeze the account of the person who died", "Rhewi cyfrif y person a fu farw"),
        paths=(*_DECEASED, *_DATES, *_REPRESENTATIVE, _ACTS),
        optional=(_LIMITS,),
        values={_ACTS: ("freeze-accounts", "general")},
        use={"acts": ("freeze-accounts",), "authority": "named-executor"},
    ),
    ReadyQuery(
        id="release",
        title=Text("Pay out money of an estate", "Talu arian ystad"),
        purpose=Text("Show that you may close the account and receive the money", "Dangos y cewch gau’r cyfrif a derbyn yr arian"),
        paths=(*_DECEASED, *_DATES, *_REPRESENTATIVE, _ACTS),
        optional=(_LIMITS,),
        values={_ACTS: ("release-funds", "general")},
        use={"acts": ("release-funds",), "authority": "grant-of-probate"},
    ),
    ReadyQuery(
        id="small-estate",
        title=Text("Pay out a small sum without a grant", "Talu swm bach heb grant"),
        purpose=Text("Show that the estate is small, so that no grant is needed", "Dangos bod yr ystad yn fach, fel nad oes angen grant"),
        paths=(*_DECEASED, *_DATES, *_REPRESENTATIVE, _ACTS, _BAND),
        optional=(_LIMITS,),
        values={_ACTS: ("release-funds", "general")},
        use={"acts": ("release-funds",), "authority": "named-executor", "bands": ("up-to-20000",)},
    ),
    ReadyQuery(
        id="estate-pensions",
        title=Text("Pensions and benefits of an estate", "Pensiynau a budd-daliadau ystad"),
        purpose=Text("Settle with you the pension of the person who died", "Setlo gyda chi bensiwn y person a fu farw"),
        paths=(*_DECEASED, *_DATES, *_REPRESENTATIVE, _ACTS),
        optional=(_LIMITS,),
        values={_ACTS: ("pensions", "general")},
        use={"acts": ("pensions",), "authority": "named-executor"},
    ),
)

REASONS = (
    Reason("grant-revoked", Text("The grant was revoked", "Dirymwyd y grant"), ("cancel",)),
    Reason("renounced", Text("The executor has given it up", "Mae’r ysgutor wedi ymwrthod"), ("cancel",)),
    Reason("instructions-ended", Text("The solicitor no longer acts", "Nid yw’r cyfreithiwr yn gweithredu mwyach"), ("cancel",)),
    Reason("estate-settled", Text("The estate is settled", "Setlwyd yr ystad"), ("cancel",)),
    Reason("entry-cancelled", Text("The entry of the death was cancelled", "Canslwyd cofnod y farwolaeth"), ("cancel",)),
    Reason("entry-changed", Text("The entry of the death was changed", "Newidiwyd cofnod y farwolaeth"), ("hold",)),
    Reason("entry-stands", Text("The entry of the death stands", "Mae cofnod y farwolaeth yn sefyll"), ("reinstate",)),
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("caveat", Text("Somebody has entered a caveat", "Mae rhywun wedi cofnodi cafeat"), ("hold",)),
    Reason("caveat-lifted", Text("The caveat was lifted", "Codwyd y cafeat"), ("reinstate",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("cancel", "hold")),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

_DEATH_OF = (*same_person(("deceased",), ("subject",)), (("deceased", "death_date"), ("death_date", "value")))

TYPE: CredentialType = CredentialType(
    id="estate-authority",
    vct="urn:fdc:vct.example:2027:estate-authority:1",
    vct_int=65_006,
    doctype="example.vct.2027.estate-authority.1",
    title=Text("Dealing with an estate", "Delio ag ystad"),
    description=Text(
        "Shows who may deal with the estate of somebody who died, and how far",
        "Yn dangos pwy gaiff ddelio ag ystad rhywun a fu farw, a pha mor bell",
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=tuple(together(QUERIES)),
    copy_days=30,  # and renewed: a retired key could back-date for as long as the longest copy lives (S15)
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 86_400, "high": 86_400},
    represents=("acting_for",),  # a solicitor, for the executor; an executor is no agent of the dead
    holder=("representative",),
    about=("deceased",),
    cancelled_by=(
        Text("the probate registry", "y gofrestrfa brofiant"),
        Text("the court", "y llys"),
        Text("whoever deals with the estate", "pwy bynnag sy’n delio â’r ystad"),
    ),
    reasons=REASONS,
    # A status tells that the entry counts no longer, not whether a corrected one follows: somebody has to look.
    follows=(
        Follow(
            vct=LIFE_EVENT,
            on="cancelled",
            action="hold",
            reason="entry-changed",
            match=_DEATH_OF,
        ),
        Follow(vct=LIFE_EVENT, on="shown", action="reinstate", reason="entry-stands", match=_DEATH_OF, values=DEATH),
    ),
    kept_days=366,
    retention="sealed",
    limits=rules.LIMITS,
    said=rules.SAID,
    uses=rules.USES,
)
