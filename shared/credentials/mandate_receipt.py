"""That a body has recorded an authority that was shown to it: its departments, and whoever trusts its check, need not see that again.

It says who may do what there and since when. Of the document that was looked at it holds nothing, and it ends when that ends.
"""

from __future__ import annotations

from . import _mandate_receipt_rules as rules
from ._claim import NO_FIXED_ADDRESS, Choice, Claim, Disclosure, Group, Kind, Reason, Text
from ._follows import FOLLOWED, after_authority
from ._issued_by import issued_by
from ._model import CredentialType, ReadyQuery
from .representation import POWERS

ALWAYS = Disclosure.ALWAYS

DECISIONS = (
    Choice("accepted", Text("Recorded", "Wedi’i gofnodi")),
    Choice("accepted-in-part", Text("Recorded in part", "Wedi’i gofnodi’n rhannol")),
)
GROUPS = (
    Group(id="record", label=Text("What was recorded", "Beth a gofnodwyd")),
    Group(id="donor-name", label=Text("Name of the person acted for", "Enw’r person y gweithredir drosto"), cwt=1),
    Group(id="donor-postcode", label=Text("Their postcode", "Eu cod post"), cwt=2),
    Group(id="attorney-name", label=Text("Name of the person who acts", "Enw’r person sy’n gweithredu"), cwt=3),
    Group(id="case", label=Text("Reference of the case", "Cyfeirnod yr achos"), cwt=4),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    Claim(
        path=("accepted_by",),
        kind=Kind.TEXT,
        label=Text("Recorded by", "Cofnodwyd gan"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=1,
    ),
    Claim(
        path=("decision",),
        kind=Kind.CODE,
        choices=DECISIONS,
        label=Text("Decision", "Penderfyniad"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=2,
    ),
    Claim(
        path=("received_at",),
        kind=Kind.DATE,
        label=Text("Received on", "Derbyniwyd ar"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=3,
    ),
    Claim(
        path=("effective_from",),
        kind=Kind.DATE,
        label=Text("In force from", "Mewn grym o"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=4,
    ),
    Claim(
        path=("scope", None),
        kind=Kind.CODE,
        choices=POWERS,
        label=Text("What for", "Ar gyfer beth"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=5,
    ),
    Claim(
        path=("review_on",),
        kind=Kind.DATE,
        label=Text("Looked at again on", "Edrychir arno eto ar"),
        group="record",
        disclosure=ALWAYS,
        required=True,
        cwt=6,
    ),
    Claim(
        path=("represented", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of the person acted for", "Enwau cyntaf y person y gweithredir drosto"),
        group="donor-name",
        required=True,
        cwt=10,
    ),
    Claim(
        path=("represented", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of the person acted for", "Cyfenw’r person y gweithredir drosto"),
        group="donor-name",
        required=True,
        cwt=11,
    ),
    Claim(
        path=("represented", "address", "postal_code"),
        kind=Kind.TEXT,
        label=Text("Their postcode", "Eu cod post"),
        group="donor-postcode",
        hint=NO_FIXED_ADDRESS,
        max_length=10,
        cwt=12,
    ),
    Claim(
        path=("proxy", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of the person who acts", "Enwau cyntaf y person sy’n gweithredu"),
        group="attorney-name",
        required=True,
        cwt=13,
    ),
    Claim(
        path=("proxy", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of the person who acts", "Cyfenw’r person sy’n gweithredu"),
        group="attorney-name",
        required=True,
        cwt=14,
    ),
    Claim(
        path=("case_ref",),
        kind=Kind.TEXT,
        label=Text("Reference of the case", "Cyfeirnod yr achos"),
        group="case",
        disclosure=Disclosure.ONCE,
        max_length=60,
        hint=Text("It links: shown only to the department that gave it", "Mae’n cysylltu: dim ond i’r adran a’i rhoddodd"),
        cwt=15,
    ),
    *issued_by(7),
)

_NAMES = (("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name"))

QUERIES = (
    ReadyQuery(
        id="already-recorded",
        title=Text("Already recorded by the same body", "Eisoes wedi’i gofnodi gan yr un corff"),
        purpose=Text(
            "Deal with you on the word of one of our offices that has checked it",
            "Delio â chi heb ofyn eto am yr hyn y mae adran arall wedi’i wirio",
        ),
        paths=_NAMES,
        optional=(("represented", "address", "postal_code"),),
    ),
)

REASONS = (
    *FOLLOWED,
    Reason("corrected", Text("Replaced by a corrected document", "Disodlwyd gan ddogfen wedi’i chywiro"), ("cancel",)),
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("cancel", "hold")),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

TYPE: CredentialType = CredentialType(
    id="mandate-receipt",
    vct="urn:fdc:vct.example:2027:mandate-receipt:1",
    vct_int=65_002,
    doctype="example.vct.2027.mandate-receipt.1",
    title=Text("Recorded authority", "Awdurdod a gofnodwyd"),
    description=Text(
        "Shows that a body has recorded that somebody may act for another there",
        "Yn dangos bod corff wedi cofnodi y caiff rhywun weithredu dros un arall yno",
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    copy_days=30,
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 86_400},
    represents=("represented",),
    holder=("proxy",),
    cancelled_by=(
        Text("the body that recorded it", "y corff a’i cofnododd"),
        Text("the person acted for", "y person y gweithredir drosto"),
        Text("the person who acts", "y person sy’n gweithredu"),
    ),
    reasons=REASONS,
    follows=after_authority(("represented",), ("proxy",)),
    kept_days=366,
    retention="sealed",
    limits=rules.LIMITS,
    said=rules.SAID,
    uses=rules.USES,
)
