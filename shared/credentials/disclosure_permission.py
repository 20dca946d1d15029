"""A permission for one body to tell another something, once or a few times, signed by the person whom it is about or by who acts for them.

The record follows ISO/IEC TS 27560 (purpose, recipient, categories of data, expiry, how to withdraw). All of it is always in clear but the
names: a body that is to act upon it has to see all of its limits. In the terms of the W3C Data Privacy Vocabulary ``discloser`` is
dpv:hasDataController, ``recipient`` dpv:hasRecipient, ``data_categories`` dpv:hasPersonalData, ``purpose`` dpv:hasPurpose, ``legal_basis``
dpv:hasLegalBasis, and the person whom it is about dpv:hasDataSubject.
"""

from __future__ import annotations

from . import _disclosure_permission_rules as rules
from ._claim import Choice, Claim, Disclosure, Group, Kind, Reason, Text
from ._follows import FOLLOWED, after_authority
from ._issued_by import issued_by
from ._model import CredentialType, ReadyQuery

ALWAYS = Disclosure.ALWAYS

CATEGORIES = (
    Choice("care-contribution-assessment", Text("Assessment of the care contribution", "Asesiad o’r cyfraniad gofal")),
    Choice("benefit-outcome", Text("Outcome of a claim", "Canlyniad hawliad")),
    Choice("address", Text("Address", "Cyfeiriad")),
    Choice("income", Text("Income", "Incwm")),
    Choice("savings", Text("Savings", "Cynilion")),
    Choice("household", Text("Who lives in the household", "Pwy sy’n byw yn y cartref")),
)
BASES = (
    Choice("consent", Text("Consent", "Caniatâd")),
    Choice("consent-by-attorney", Text("Consent by an attorney", "Caniatâd gan atwrnai")),
)
GROUPS = (
    Group(id="permission", label=Text("What is allowed", "Yr hyn a ganiateir")),
    Group(id="limits", label=Text("How long and how often", "Am ba hyd a pha mor aml")),
    Group(id="subject-name", label=Text("Whom it is about", "Am bwy y mae"), cwt=1),
    Group(id="subject-birthdate", label=Text("Their date of birth", "Eu dyddiad geni"), cwt=2),
    Group(id="signer-name", label=Text("Who allows it", "Pwy sy’n ei ganiatáu"), cwt=3),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)


def _always(
    name: str, kind: Kind, label: Text, cwt: int, group: str = "permission", *, choices: tuple[Choice, ...] = (), max_length: int = 200
) -> Claim:
    return Claim(
        path=(name,), kind=kind, label=label, group=group, disclosure=ALWAYS, required=True, choices=choices, max_length=max_length, cwt=cwt
    )


CLAIMS = (
    _always("discloser", Kind.TEXT, Text("Who may tell", "Pwy gaiff ddweud"), 1, max_length=500),
    _always("recipient", Kind.TEXT, Text("Who may be told", "Wrth bwy y ceir dweud"), 2, max_length=500),
    Claim(
        path=("data_categories", None),
        kind=Kind.CODE,
        choices=CATEGORIES,
        label=Text("What may be told", "Yr hyn y ceir ei ddweud"),
        group="permission",
        disclosure=ALWAYS,
        required=True,
        cwt=3,
    ),
    _always("purpose", Kind.TEXT, Text("What for", "I ba ddiben"), 4, max_length=500),
    _always("legal_basis", Kind.CODE, Text("On what ground", "Ar ba sail"), 5, choices=BASES),
    _always("not_before", Kind.DATE, Text("From", "O"), 6, "limits"),
    _always("expires", Kind.DATE, Text("Until", "Hyd at"), 7, "limits"),
    _always("max_uses", Kind.INTEGER, Text("How often", "Pa mor aml"), 8, "limits"),
    _always("withdraw_at", Kind.TEXT, Text("Where to withdraw it", "Ble i’w dynnu’n ôl"), 9, "limits", max_length=500),
    _always("on_behalf_of", Kind.BOOLEAN, Text("Given for somebody else", "Wedi’i roi dros rywun arall"), 10, "limits"),
    Claim(
        path=("subject", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names", "Enwau cyntaf"),
        group="subject-name",
        required=True,
        cwt=14,
    ),
    Claim(path=("subject", "family_name"), kind=Kind.TEXT, label=Text("Last name", "Cyfenw"), group="subject-name", required=True, cwt=15),
    Claim(path=("subject", "birthdate"), kind=Kind.DATE, label=Text("Date of birth", "Dyddiad geni"), group="subject-birthdate", cwt=16),
    Claim(
        path=("signer", "given_name"),
        kind=Kind.TEXT,
        label=Text("First names of who allows it", "Enwau cyntaf pwy sy’n ei ganiatáu"),
        group="signer-name",
        required=True,
        cwt=17,
    ),
    Claim(
        path=("signer", "family_name"),
        kind=Kind.TEXT,
        label=Text("Last name of who allows it", "Cyfenw pwy sy’n ei ganiatáu"),
        group="signer-name",
        required=True,
        cwt=18,
    ),
    *issued_by(11),
)

_SUBJECT, _SIGNER = (("subject", "given_name"), ("subject", "family_name")), (("signer", "given_name"), ("signer", "family_name"))

QUERIES = (
    ReadyQuery(
        id="may-tell",
        title=Text("May tell another body", "Caiff ddweud wrth gorff arall"),
        purpose=Text("Tell the other body what you allow, and nothing else", "Dweud wrth y corff arall yr hyn a ganiatewch, a dim arall"),
        paths=(*_SUBJECT, *_SIGNER),
        optional=(("subject", "birthdate"),),
    ),
    ReadyQuery(
        id="may-be-told",
        title=Text("May be told by another body", "Caiff corff arall ddweud wrtho"),
        purpose=Text(
            "Ask the other body for what you allow, and nothing else", "Gofyn i’r corff arall am yr hyn a ganiatewch, a dim arall"
        ),
        paths=_SUBJECT,
        optional=(("subject", "birthdate"), *_SIGNER),
    ),
)

REASONS = (
    Reason("withdrawn", Text("Withdrawn by who gave it", "Wedi’i dynnu’n ôl gan bwy a’i rhoddodd"), ("cancel",)),
    Reason("used-up", Text("Used as often as was allowed", "Defnyddiwyd mor aml ag a ganiatawyd"), ("cancel",)),
    *FOLLOWED,
    Reason("made-in-error", Text("Made in error", "Gwnaed mewn camgymeriad"), ("cancel",)),
    Reason("device-lost", Text("The device was lost", "Collwyd y ddyfais"), ("cancel", "hold")),
    Reason("held-in-error", Text("Held in error", "Ataliwyd mewn camgymeriad"), ("reinstate",)),
)

TYPE: CredentialType = CredentialType(
    id="disclosure-permission",
    vct="urn:fdc:vct.example:2027:disclosure-permission:1",
    vct_int=65_003,
    doctype="example.vct.2027.disclosure-permission.1",
    title=Text("Permission to tell", "Caniatâd i ddweud"),
    description=Text(
        "Allows one body to tell another something, and nothing else", "Yn caniatáu i un corff ddweud rhywbeth wrth un arall, a dim arall"
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    copy_days=30,
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 86_400, "high": 86_400},
    holder=("signer",),
    about=("subject",),
    cancelled_by=(Text("whoever gave it", "pwy bynnag a’i rhoddodd"), Text("the person whom it is about", "y person y mae amdano")),
    reasons=REASONS,
    follows=after_authority(("subject",), ("signer",)),
    kept_days=366,
    retention="sealed",
    successors="nobody",  # what one body was allowed to tell, another was not
    limits=rules.LIMITS,
    said=rules.SAID,
    uses=rules.USES,
)
