"""Acting for somebody: power of attorney, deputyship, appointeeship.

Member names follow the data model of the register of lasting powers of attorney and the person identification data of the EU; the
Welsh words are the register's own (rhoddwr, atwrnai, atwrneiaeth arhosol). What limits the power is always in clear (security rule
S3); what grants it, and who the people are, is shown leaf by leaf.
"""

from __future__ import annotations

from . import _representation_rules as rules
from ._claim import NO_FIXED_ADDRESS, Choice, Claim, Disclosure, Group, Kind, Reason, Text
from ._follows import after_death
from ._issued_by import issued_by
from ._joint import joint, joint_claims, together
from ._model import CredentialType, ReadyQuery
from ._reports import reports, tag_claim

ALWAYS = Disclosure.ALWAYS

KINDS = (
    Choice("power_of_attorney", Text("Power of attorney", "Atwrneiaeth")),
    Choice("deputyship", Text("Deputyship", "Dirprwyaeth")),
    Choice("appointeeship", Text("Appointeeship", "Penodeiaeth")),
)
INSTRUMENTS = (
    Choice(
        "lpa-property-and-affairs",
        Text("Lasting power of attorney: property and financial affairs", "Atwrneiaeth arhosol: eiddo a materion ariannol"),
    ),
    Choice("lpa-personal-welfare", Text("Lasting power of attorney: health and welfare", "Atwrneiaeth arhosol: iechyd a lles")),
    Choice("epa", Text("Enduring power of attorney", "Atwrneiaeth barhaus")),
    Choice("ordinary", Text("Ordinary power of attorney", "Atwrneiaeth gyffredin")),
)
BASES = (
    Choice("register", Text("Entry in the register", "Cofnod yn y gofrestr")),
    Choice("inspection", Text("Certified copy that was inspected", "Copi ardystiedig a archwiliwyd")),
    Choice("court-order", Text("Court order", "Gorchymyn llys")),
)
DECISION_RULES = (
    Choice("alone", Text("The only attorney", "Yr unig atwrnai")),
    Choice("jointly", Text("Jointly: all must agree", "Ar y cyd: rhaid i bawb gytuno")),
    Choice("jointly-and-severally", Text("Jointly and severally: any one may act", "Ar y cyd ac yn unigol: caiff unrhyw un weithredu")),
    Choice(
        "jointly-for-some-severally-for-others",
        Text(
            "Jointly for some decisions, jointly and severally for others",
            "Ar y cyd ar gyfer rhai penderfyniadau, ar y cyd ac yn unigol ar gyfer eraill",
        ),
    ),
)
USABLE_WHEN = (
    Choice("when-has-capacity", Text("While the donor can decide, and after", "Tra bo gan y rhoddwr alluedd meddyliol, ac wedyn")),
    Choice(
        "when-capacity-lost",
        Text("Only once the donor has lost mental capacity", "Dim ond ar ôl i’r rhoddwr golli galluedd meddyliol"),
    ),
)
POWERS = (
    Choice("general", Text("Everything that this document can cover", "Popeth y gall y ddogfen hon ei gwmpasu")),
    Choice("council-tax", Text("Council tax", "Treth gyngor")),
    Choice("benefits", Text("Benefits and pensions", "Budd-daliadau a phensiynau")),
    Choice("banking", Text("Bank and building society accounts", "Cyfrifon banc a chymdeithas adeiladu")),
    Choice("property.sale", Text("Selling property", "Gwerthu eiddo")),
    Choice("utilities", Text("Gas, electricity, water and telephone", "Nwy, trydan, dŵr a ffôn")),
    Choice("insurance", Text("Insurance", "Yswiriant")),
    Choice("care-contract", Text("Contracts for care", "Contractau gofal")),
    Choice("telecare", Text("Alarm and lifeline services", "Gwasanaethau larwm a llinell fywyd")),
    Choice("health-decisions", Text("Health and treatment", "Iechyd a thriniaeth")),
    Choice("parking", Text("Parking permits and fines", "Trwyddedau a dirwyon parcio")),
)
APPOINTMENTS = (
    Choice("original", Text("Original attorney", "Atwrnai gwreiddiol")),
    Choice("replacement", Text("Replacement attorney", "Atwrnai wrth gefn")),
)
SUBSTITUTION = (Choice("not_allowed", Text("The attorney cannot pass the power on", "Ni chaiff yr atwrnai drosglwyddo’r pŵer")),)
GROUPS = (
    Group(id="authority", label=Text("What kind of authority", "Pa fath o awdurdod")),
    Group(id="limits", label=Text("How it may be used", "Sut y gellir ei ddefnyddio")),
    Group(id="restrictions", label=Text("Restrictions", "Cyfyngiadau"), cwt=8, within="further"),
    Group(id="powers", label=Text("Powers", "Pwerau"), cwt=5),
    Group(id="donor-name", label=Text("Donor’s name", "Enw’r rhoddwr"), cwt=1),
    Group(id="donor-birthdate", label=Text("Donor’s date of birth", "Dyddiad geni’r rhoddwr"), cwt=2),
    Group(id="donor-postcode", label=Text("Donor’s postcode", "Cod post y rhoddwr"), cwt=3),
    Group(id="donor-other-names", label=Text("Donor’s other names", "Enwau eraill y rhoddwr"), cwt=9, within="further"),
    Group(id="attorney-name", label=Text("Attorney’s name", "Enw’r atwrnai"), cwt=4),
    Group(id="attorney-birthdate", label=Text("Attorney’s date of birth", "Dyddiad geni’r atwrnai"), cwt=10, within="further"),
    Group(id="portrait", label=Text("Attorney’s photo", "Llun yr atwrnai"), cwt=6),
    Group(id="dates", label=Text("Dates and appointment", "Dyddiadau a phenodiad"), cwt=11, within="further"),
    Group(id="register-entry", label=Text("Register entry", "Cofnod yn y gofrestr"), cwt=12, within="further"),
    joint(13, "further"),
    reports(14, "further"),
    Group(id="further", label=Text("Further details", "Manylion pellach"), cwt=7),  # what is shown seldom costs one digest for all of it
    Group(id="evidence", label=Text("Who certified it", "Pwy a’i hardystiodd")),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(
        path=("representation_kind",),
        kind=Kind.CODE,
        choices=KINDS,
        label=Text("Kind of authority", "Math o awdurdod"),
        group="authority",
        disclosure=ALWAYS,
        required=True,
        cwt=1,
    ),
    Claim(
        path=("instrument_type",),
        kind=Kind.CODE,
        choices=INSTRUMENTS,
        label=Text("Type of document", "Math o ddogfen"),
        group="authority",
        disclosure=ALWAYS,
        hint=Text("Only for a power of attorney", "Dim ond ar gyfer atwrneiaeth"),
        cwt=2,
    ),
    Claim(
        path=("attestation_basis",),
        kind=Kind.CODE,
        choices=BASES,
        label=Text("How it was established", "Sut y cafodd ei gadarnhau"),
        group="authority",
        disclosure=ALWAYS,
        hint=Text("Leave out for an enduring power of attorney", "Gadewch allan ar gyfer atwrneiaeth barhaus"),
        cwt=3,
    ),
    Claim(
        path=("authority_current",),
        kind=Kind.BOOLEAN,
        label=Text("The authority is in force", "Mae’r awdurdod mewn grym"),
        group="authority",
        disclosure=ALWAYS,
        hint=Text("Only for an enduring power of attorney", "Dim ond ar gyfer atwrneiaeth barhaus"),
        cwt=4,
    ),
    Claim(
        path=("decision_rule",),
        kind=Kind.CODE,
        choices=DECISION_RULES,
        label=Text("How attorneys make decisions", "Sut mae atwrneiod yn gwneud penderfyniadau"),
        group="limits",
        disclosure=ALWAYS,
        required=True,
        cwt=5,
    ),
    Claim(
        path=("cardinality",),
        kind=Kind.INTEGER,
        label=Text("How many must act together", "Faint sy’n gorfod gweithredu gyda’i gilydd"),
        group="limits",
        disclosure=ALWAYS,
        hint=Text("Two or more where attorneys act jointly", "Dau neu fwy lle mae atwrneiod yn gweithredu ar y cyd"),
        cwt=6,
    ),
    Claim(
        path=("usable_when",),
        kind=Kind.CODE,
        choices=USABLE_WHEN,
        label=Text("When it may be used", "Pryd y gellir ei ddefnyddio"),
        group="limits",
        disclosure=ALWAYS,
        hint=Text("Only for a power of attorney", "Dim ond ar gyfer atwrneiaeth"),
        cwt=7,
    ),
    Claim(
        path=("substitution",),
        kind=Kind.CODE,
        choices=SUBSTITUTION,
        label=Text("Passing the power on", "Trosglwyddo’r pŵer"),
        group="limits",
        disclosure=ALWAYS,
        required=True,
        cwt=8,
    ),
    Claim(
        path=("has_restrictions",),
        kind=Kind.BOOLEAN,
        label=Text("There are restrictions", "Mae cyfyngiadau"),
        group="limits",
        disclosure=ALWAYS,
        required=True,
        cwt=9,
    ),
    Claim(
        path=("restrictions_text",),
        kind=Kind.TEXT,
        label=Text("Restrictions and conditions", "Cyfyngiadau ac amodau"),
        group="restrictions",
        max_length=2_000,
        hint=Text("Word for word", "Air am air"),
        cwt=23,
    ),
    Claim(
        path=("powers", None),
        kind=Kind.CODE,
        choices=POWERS,
        label=Text("Power", "Pŵer"),
        group="powers",
        required=True,
        cwt=21,
    ),
    Claim(
        path=("represented", "given_name"),
        kind=Kind.TEXT,
        label=Text("Donor’s first names", "Enwau cyntaf y rhoddwr"),
        group="donor-name",
        required=True,
        cwt=15,
    ),
    Claim(
        path=("represented", "family_name"),
        kind=Kind.TEXT,
        label=Text("Donor’s last name", "Cyfenw’r rhoddwr"),
        group="donor-name",
        required=True,
        cwt=16,
    ),
    Claim(
        path=("represented", "birthdate"),
        kind=Kind.DATE,
        label=Text("Donor’s date of birth", "Dyddiad geni’r rhoddwr"),
        group="donor-birthdate",
        required=True,
        cwt=17,
    ),
    Claim(
        path=("represented", "address", "postal_code"),
        kind=Kind.TEXT,
        label=Text("Donor’s postcode", "Cod post y rhoddwr"),
        group="donor-postcode",
        hint=NO_FIXED_ADDRESS,
        max_length=10,
        cwt=18,
    ),
    Claim(
        path=("represented", "also_known_as", None),
        kind=Kind.TEXT,
        label=Text("Another name of the donor", "Enw arall y rhoddwr"),
        group="donor-other-names",
        max_items=8,
        cwt=24,
    ),
    Claim(
        path=("proxy", "given_name"),
        kind=Kind.TEXT,
        label=Text("Attorney’s first names", "Enwau cyntaf yr atwrnai"),
        group="attorney-name",
        required=True,
        cwt=19,
    ),
    Claim(
        path=("proxy", "family_name"),
        kind=Kind.TEXT,
        label=Text("Attorney’s last name", "Cyfenw’r atwrnai"),
        group="attorney-name",
        required=True,
        cwt=20,
    ),
    Claim(
        path=("proxy", "birthdate"),
        kind=Kind.DATE,
        label=Text("Attorney’s date of birth", "Dyddiad geni’r atwrnai"),
        group="attorney-birthdate",
        cwt=25,
    ),
    Claim(
        path=("proxy", "portrait"),
        kind=Kind.PORTRAIT,
        label=Text("Attorney’s photo", "Llun yr atwrnai"),
        group="portrait",
        hint=Text("A small picture of the face, for a person to compare", "Llun bach o’r wyneb, i berson ei gymharu"),
        cwt=22,
    ),
    Claim(
        path=("proxy", "appointment_type"),
        kind=Kind.CODE,
        choices=APPOINTMENTS,
        label=Text("Attorney’s appointment", "Penodiad yr atwrnai"),
        group="dates",
        cwt=28,
    ),
    Claim(
        path=("grant_date",),
        kind=Kind.DATE,
        label=Text("Date it was signed", "Dyddiad llofnodi"),
        group="dates",
        cwt=26,
    ),
    Claim(
        path=("registration_date",),
        kind=Kind.DATE,
        label=Text("Date of registration", "Dyddiad cofrestru"),
        group="dates",
        cwt=27,
    ),
    Claim(
        path=("register_entry",),
        kind=Kind.TEXT,
        label=Text("Register entry", "Cofnod yn y gofrestr"),
        group="register-entry",
        disclosure=Disclosure.ONCE,
        hint=Text("Shown only where a body must name the entry", "Dim ond lle mae’n rhaid i gorff enwi’r cofnod"),
        cwt=29,
    ),
    Claim(
        path=("evidence", "attested_by"),
        kind=Kind.TEXT,
        label=Text("Certified by", "Ardystiwyd gan"),
        group="evidence",
        disclosure=ALWAYS,
        hint=Text("Only where a certified copy was inspected", "Dim ond lle archwiliwyd copi ardystiedig"),
        cwt=10,
    ),
    Claim(
        path=("evidence", "attested_on"),
        kind=Kind.DATE,
        label=Text("Certified on", "Ardystiwyd ar"),
        group="evidence",
        disclosure=ALWAYS,
        cwt=11,
    ),
    *issued_by(12),
    Claim(
        path=("replaces_now",),
        kind=Kind.BOOLEAN,
        label=Text("A replacement attorney who acts now", "Atwrnai wrth gefn sy’n gweithredu nawr"),
        group="limits",
        disclosure=ALWAYS,
        hint=Text("Only for a replacement attorney", "Dim ond ar gyfer atwrnai wrth gefn"),
        cwt=30,
    ),
    *joint_claims(31),
    tag_claim(33),
)

_DONOR = (("represented", "given_name"), ("represented", "family_name"))
_ATTORNEY = (("proxy", "given_name"), ("proxy", "family_name"))
_BIRTHDATE = ("represented", "birthdate")
_POSTCODE = ("represented", "address", "postal_code")
_POWER = ("powers", None)
_RESTRICTIONS = ("restrictions_text",)
_PORTRAIT = ("proxy", "portrait")  # for the person at a counter to compare

QUERIES = (
    ReadyQuery(
        id="council-tax",
        title=Text("Council tax", "Treth gyngor"),
        purpose=Text(
            "Record that you may deal with this person’s council tax and write to you instead of them",
            "Cofnodi y cewch ddelio â threth gyngor y person hwn ac ysgrifennu atoch chi yn lle hynny",
        ),
        paths=(*_DONOR, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS, _BIRTHDATE),
        values={_POWER: ("council-tax", "general")},
        use={"powers": ("council-tax",)},
    ),
    ReadyQuery(
        id="parking",
        title=Text("Parking permits and fines", "Trwyddedau a dirwyon parcio"),
        purpose=Text(
            "Record that you may deal with this person’s parking permits and fines",
            "Cofnodi y cewch ddelio â thrwyddedau a dirwyon parcio’r person hwn",
        ),
        paths=(*_DONOR, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS,),
        values={_POWER: ("parking", "general")},
        use={"powers": ("parking",)},
    ),
    ReadyQuery(
        id="bank",
        title=Text("Bank account", "Cyfrif banc"),
        purpose=Text(
            "Record that you may use this person’s accounts with us",
            "Cofnodi y cewch weithredu cyfrifon y person hwn gyda ni",
        ),
        paths=(*_DONOR, _BIRTHDATE, _POSTCODE, *_ATTORNEY, _POWER),
        optional=(_RESTRICTIONS, _PORTRAIT),
        values={_POWER: ("banking", "general")},
        use={"powers": ("banking",)},
        beside=(("person", "same-person"),),
    ),
    ReadyQuery(
        id="utility",
        title=Text("Gas, electricity, water or telephone account", "Cyfrif nwy, trydan, dŵr neu ffôn"),
        purpose=Text(
            "Record that you may deal with this person’s account and talk to you about it",
            "Cofnodi y cewch ddelio â chyfrif y person hwn a siarad â chi amdano",
        ),
        paths=(*_DONOR, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS, *_ATTORNEY),
        values={_POWER: ("utilities", "general")},
        use={"powers": ("utilities",)},
    ),
    ReadyQuery(
        id="pensions",
        title=Text("Pensions and benefits", "Pensiynau a budd-daliadau"),
        purpose=Text(
            "Record that you may act in this person’s claims for pension and benefits",
            "Cofnodi y cewch weithredu yn hawliadau pensiwn a budd-daliadau’r person hwn",
        ),
        paths=(*_DONOR, _BIRTHDATE, *_ATTORNEY, _POWER),
        optional=(_RESTRICTIONS, _POSTCODE),
        values={_POWER: ("benefits", "general")},
        use={"powers": ("benefits",)},
    ),
    ReadyQuery(
        id="property-sale",
        title=Text("Selling a house or land", "Gwerthu tŷ neu dir"),
        purpose=Text(
            "Check that you may sell this person’s property for them",
            "Gwirio y cewch werthu eiddo’r person hwn drostynt",
        ),
        paths=(*_DONOR, _BIRTHDATE, _POSTCODE, *_ATTORNEY, _POWER),
        optional=(_RESTRICTIONS, _PORTRAIT),
        values={_POWER: ("property.sale", "general")},
        use={"powers": ("property.sale",)},
        beside=(("person", "same-person"),),
    ),
    ReadyQuery(
        id="insurance",
        title=Text("Insurance", "Yswiriant"),
        purpose=Text(
            "Record that you may deal with this person’s insurance and talk to you about it",
            "Cofnodi y cewch ddelio ag yswiriant y person hwn a siarad â chi amdano",
        ),
        paths=(*_DONOR, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS, _BIRTHDATE),
        values={_POWER: ("insurance", "general")},
        use={"powers": ("insurance",)},
    ),
    ReadyQuery(
        id="telecare",
        title=Text("Alarm and lifeline service", "Gwasanaeth larwm a llinell fywyd"),
        purpose=Text(
            "Record that you may arrange this person’s alarm service and whom it calls",
            "Cofnodi y cewch drefnu gwasanaeth larwm y person hwn a phwy y mae’n ei ffonio",
        ),
        paths=(*_DONOR, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS, *_ATTORNEY),
        values={_POWER: ("telecare", "general")},
        use={"powers": ("telecare",)},
    ),
    ReadyQuery(
        id="care-contract",
        title=Text("Contract with a care home", "Contract gyda chartref gofal"),
        purpose=Text(
            "Sign the contract for this person’s care with you and send you the bills",
            "Llofnodi’r contract ar gyfer gofal y person hwn gyda chi ac anfon y biliau atoch",
        ),
        paths=(*_DONOR, _BIRTHDATE, *_ATTORNEY, _POWER),
        optional=(_RESTRICTIONS,),
        values={_POWER: ("care-contract", "general")},
        use={"powers": ("care-contract",)},
    ),
    ReadyQuery(
        id="social-care",
        title=Text("Adult social care", "Gofal cymdeithasol i oedolion"),
        purpose=Text(
            "Record that you may deal with what this person pays towards their care",
            "Cofnodi y cewch ddelio â’r hyn y mae’r person hwn yn ei dalu tuag at ei ofal",
        ),
        paths=(*_DONOR, _BIRTHDATE, _POSTCODE, _POWER),
        optional=(_RESTRICTIONS,),
        values={_POWER: ("care-contract", "general")},
        use={"powers": ("care-contract",)},
    ),
)

_STOPPED = "joint-attorney-stopped"

REASONS = (
    Reason("donor-died", Text("The donor has died", "Mae’r rhoddwr wedi marw"), ("cancel",)),
    Reason("donor-revoked", Text("The donor has ended it", "Mae’r rhoddwr wedi ei dirymu"), ("cancel",)),
    Reason("attorney-stopped", Text("The attorney no longer acts", "Nid yw’r atwrnai’n gweithredu mwyach"), ("cancel",), _STOPPED),
    Reason("attorney-died", Text("The attorney has died", "Mae’r atwrnai wedi marw"), ("cancel",), _STOPPED),
    Reason("attorney-lost-capacity", Text("The attorney has lost capacity", "Mae’r atwrnai wedi colli galluedd"), ("cancel",), _STOPPED),
    Reason("bankruptcy", Text("Bankruptcy or debt relief order", "Methdaliad neu orchymyn rhyddhau o ddyled"), ("cancel",), _STOPPED),
    Reason("divorce", Text("Divorce from the donor", "Ysgariad oddi wrth y rhoddwr"), ("cancel",), _STOPPED),
    Reason(_STOPPED, Text("A joint attorney no longer acts", "Nid yw cyd-atwrnai’n gweithredu mwyach"), ("cancel", "hold")),
    Reason(
        "others-go-on",
        Text("The instrument says that the others go on", "Mae’r offeryn yn dweud bod y lleill yn parhau"),
        ("reinstate",),
    ),
    Reason("court-order", Text("Order of the court", "Gorchymyn y llys"), ("cancel", "hold", "reinstate")),
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("investigation", Text("Under investigation", "Yn destun ymchwiliad"), ("hold",)),
    Reason("awaiting-registration", Text("Must be registered first", "Rhaid ei gofrestru yn gyntaf"), ("hold",)),
    Reason("donor-asked", Text("The donor asked for it", "Gofynnodd y rhoddwr am hyn"), ("hold", "reinstate")),
    Reason("device-lost", Text("The attorney’s device was lost", "Collwyd dyfais yr atwrnai"), ("cancel", "hold")),
    Reason("investigation-closed", Text("Investigation closed", "Ymchwiliad wedi’i gau"), ("reinstate",)),
    Reason("registered", Text("It has been registered", "Mae wedi’i gofrestru"), ("reinstate",)),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

STATES = {
    "registered": "valid",
    "suspended": "on-hold",
    "in-progress": "never",
    "statutory-waiting-period": "never",
    **dict.fromkeys(("cancelled", "de-registered", "withdrawn", "expired", "cannot-register", "do-not-register"), "cancelled"),
    "active": "valid",
    "inactive": "cancelled",
    "removed": "cancelled",
}
"""What the register of lasting powers of attorney says of an instrument, and of one attorney."""
OF_ATTORNEY = ("active", "inactive", "removed")

TYPE: CredentialType = CredentialType(
    id="representation",
    vct="urn:fdc:vct.example:2027:representation:1",
    vct_int=65_001,
    doctype="example.vct.2027.representation.1",
    title=Text("Power of attorney", "Atwrneiaeth"),
    description=Text(
        "Shows that one person may act for another, in what, and with which limits",
        "Yn dangos y caiff un person weithredu dros un arall, ym mha faterion, a chyda pha derfynau",
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=tuple(together(QUERIES)),
    copy_days=30,
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 86_400},
    represents=("represented",),
    holder=("proxy",),
    cancelled_by=(
        Text("the donor", "y rhoddwr"),
        Text("any attorney", "unrhyw atwrnai"),
        Text("the Office of the Public Guardian", "Swyddfa’r Gwarcheidwad Cyhoeddus"),
        Text("the Court of Protection", "y Llys Gwarchod"),
        Text("the solicitor who certified it", "y cyfreithiwr a’i hardystiodd"),
    ),
    reasons=REASONS,
    states=STATES,
    of_holder=OF_ATTORNEY,
    follows=(after_death(("represented",), "donor-died"), after_death(("proxy",), "attorney-died", postcode=False)),
    kept_days=366,
    retention="sealed",  # copies live a month and are renewed; the authority lasts for years
    limits=rules.LIMITS,
    said=rules.SAID,
    uses=rules.USES,
)
