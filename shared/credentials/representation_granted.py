"""The donor's side of a power of attorney: who acts for her, in what, and since when (domain sheet C02, ADR 0011).

It is her own paper and is shown to nobody but the office that made it: there she stops or ends by it what it is about, and by its
secret she collects what was reported of its use. No question of a relying party names it, and no check of one ever accepts it.
"""

from __future__ import annotations

from . import representation as power
from ._claim import Claim, Group, Kind, Text
from ._issued_by import issued_by
from ._model import CredentialType
from ._reports import reports, secret_claim
from ._rules import answer

GROUPS = (
    Group(id="attorney-name", label=Text("Who acts for you", "Pwy sy’n gweithredu drosoch"), cwt=1),
    Group(id="powers", label=Text("In what", "Ym mha faterion"), cwt=2),
    Group(id="authority", label=Text("How", "Sut"), cwt=3),
    Group(id="you", label=Text("You", "Chi"), cwt=4),
    reports(5),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)

CLAIMS = (
    *issued_by(1),
    Claim(
        path=("proxy", "given_name"),
        kind=Kind.TEXT,
        label=Text("Attorney’s first names", "Enwau cyntaf yr atwrnai"),
        group="attorney-name",
        required=True,
        cwt=4,
    ),
    Claim(
        path=("proxy", "family_name"),
        kind=Kind.TEXT,
        label=Text("Attorney’s last name", "Cyfenw’r atwrnai"),
        group="attorney-name",
        required=True,
        cwt=5,
    ),
    Claim(
        path=("powers", None),
        kind=Kind.CODE,
        choices=power.POWERS,
        label=Text("Power", "Pŵer"),
        group="powers",
        required=True,
        cwt=6,
    ),
    Claim(
        path=("representation_kind",),
        kind=Kind.CODE,
        choices=power.KINDS,
        label=Text("Kind of authority", "Math o awdurdod"),
        group="authority",
        required=True,
        cwt=7,
    ),
    Claim(
        path=("instrument_type",),
        kind=Kind.CODE,
        choices=power.INSTRUMENTS,
        label=Text("Type of document", "Math o ddogfen"),
        group="authority",
        cwt=8,
    ),
    Claim(
        path=("decision_rule",),
        kind=Kind.CODE,
        choices=power.DECISION_RULES,
        label=Text("How attorneys make decisions", "Sut mae atwrneiod yn gwneud penderfyniadau"),
        group="authority",
        required=True,
        cwt=9,
    ),
    Claim(
        path=("restrictions_text",),
        kind=Kind.TEXT,
        label=Text("Restrictions and conditions", "Cyfyngiadau ac amodau"),
        group="authority",
        max_length=2_000,
        cwt=10,
    ),
    Claim(path=("since",), kind=Kind.DATE, label=Text("Since", "Ers"), group="authority", cwt=11),
    Claim(
        path=("represented", "given_name"),
        kind=Kind.TEXT,
        label=Text("Your first names", "Eich enwau cyntaf"),
        group="you",
        required=True,
        cwt=12,
    ),
    Claim(
        path=("represented", "family_name"),
        kind=Kind.TEXT,
        label=Text("Your last name", "Eich cyfenw"),
        group="you",
        required=True,
        cwt=13,
    ),
    secret_claim(14),
)

TYPE: CredentialType = CredentialType(
    id="representation-granted",
    vct="urn:fdc:vct.example:2027:representation-granted:1",
    vct_int=65_008,
    doctype="example.vct.2027.representation-granted.1",
    title=Text("Somebody acts for you", "Mae rhywun yn gweithredu drosoch"),
    description=Text(
        "Shows you who may act for you and what they told you of it. With it you can stop them",
        "Yn dangos i chi pwy gaiff weithredu drosoch a’r hyn a ddywedwyd wrthych. Gallwch eu hatal â hi",
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=(),
    copy_days=30,
    batch_size=4,  # it is shown to its own office alone
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 86_400},
    about=("proxy",),
    holder=("represented",),
    cancelled_by=power.TYPE.cancelled_by,
    reasons=power.REASONS,
    kept_days=0,
    retention="sealed",
    private=True,
    uses=(answer("wrong_instrument", "", ["is", True, True], "this is the donor's own document: nobody relies on it"),),
)
