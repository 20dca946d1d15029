"""The rest of a registrar's entry: cause, certifier, places, occupation, informant, relatives. Apart from the fact, so that nobody asks by accident.

Each detail is asked for only in the case that it is named for; an ordinary reader of a register does not see them either.
"""

from __future__ import annotations

from ._claim import Claim, ClaimPath, Disclosure, Group, Kind, Text
from ._issued_by import issued_by
from ._life_event_rules import DATED
from ._model import CredentialType, ReadyQuery
from .life_event import EVENTS, INTERIM, REASONS, STATES

GROUPS = (
    Group(id="name", label=Text("Name of the person", "Enw’r person"), cwt=1),
    Group(id="dates", label=Text("Dates of birth and death", "Dyddiadau geni a marw"), cwt=2),
    Group(id="cause", label=Text("Cause of death", "Achos y farwolaeth"), cwt=3),
    Group(id="place", label=Text("Place of death", "Man y farwolaeth"), cwt=4),
    Group(id="occupation", label=Text("Occupation", "Galwedigaeth"), cwt=5),
    Group(id="informant", label=Text("Who told the registrar", "Pwy a hysbysodd y cofrestrydd"), cwt=6),
    Group(id="relatives", label=Text("Relatives", "Perthnasau"), cwt=7),
    Group(id="register-entry", label=Text("Register entry", "Cofnod yn y gofrestr"), cwt=8),
    Group(id="issuer", label=Text("Who made this document", "Pwy wnaeth y ddogfen hon")),
)


def _once(*path: str, label: Text, group: str, cwt: int, required: bool = False, length: int = 200) -> Claim:
    return Claim(
        path=path, kind=Kind.TEXT, label=label, group=group, disclosure=Disclosure.ONCE, required=required, max_length=length, cwt=cwt
    )


CLAIMS = (
    Claim(
        path=("event_type",),
        kind=Kind.CODE,
        choices=EVENTS[:1],
        label=Text("What was registered", "Beth a gofrestrwyd"),
        group="name",
        required=True,
        cwt=4,
    ),
    Claim(path=("subject", "given_name"), kind=Kind.TEXT, label=Text("First names", "Enwau cyntaf"), group="name", required=True, cwt=5),
    Claim(path=("subject", "family_name"), kind=Kind.TEXT, label=Text("Last name", "Cyfenw"), group="name", required=True, cwt=6),
    Claim(path=("subject", "birthdate"), kind=Kind.PARTIAL_DATE, label=Text("Date of birth", "Dyddiad geni"), group="dates", cwt=7),
    Claim(path=("death_date", "value"), kind=Kind.PARTIAL_DATE, label=Text("Date of death", "Dyddiad y farwolaeth"), group="dates", cwt=8),
    _once("cause_of_death", label=Text("Cause of death", "Achos y farwolaeth"), group="cause", cwt=9, required=True, length=1_000),
    _once("certified_by", label=Text("Certified by", "Ardystiwyd gan"), group="cause", cwt=10),
    _once("place_of_death", label=Text("Place of death", "Man y farwolaeth"), group="place", cwt=11),
    _once("occupation", label=Text("Occupation", "Galwedigaeth"), group="occupation", cwt=12),
    _once("informant", "given_name", label=Text("Informant’s first names", "Enwau cyntaf yr hysbysydd"), group="informant", cwt=13),
    _once("informant", "family_name", label=Text("Informant’s last name", "Cyfenw’r hysbysydd"), group="informant", cwt=14),
    _once("informant", "capacity", label=Text("In what capacity", "Ym mha rinwedd"), group="informant", cwt=15),
    _once("partner_name", label=Text("Name of the partner", "Enw’r partner"), group="relatives", cwt=16),
    _once("parents_names", label=Text("Names of the parents", "Enwau’r rhieni"), group="relatives", cwt=17),
    _once("register_entry", label=Text("Register entry", "Cofnod yn y gofrestr"), group="register-entry", cwt=18),
    *issued_by(1),
)

_NAME: tuple[ClaimPath, ...] = (("subject", "given_name"), ("subject", "family_name"))

QUERIES = (
    ReadyQuery(
        id="life-insurance",
        title=Text("Life insurance that depends on the cause", "Yswiriant bywyd sy’n dibynnu ar yr achos"),
        purpose=Text(
            "Decide whether the policy pays for this cause of death", "Penderfynu a yw’r polisi’n talu am yr achos hwn o farwolaeth"
        ),
        paths=(*_NAME, ("death_date", "value"), ("cause_of_death",)),
        optional=(("certified_by",),),
    ),
)

TYPE: CredentialType = CredentialType(
    id="life-event-full",
    vct="urn:fdc:vct.example:2027:life-event-full:1",
    vct_int=65_005,
    doctype="example.vct.2027.life-event-full.1",
    title=Text("Full entry in a civil register", "Cofnod llawn mewn cofrestr sifil"),
    description=Text(
        "Shows the rest of an entry, such as the cause of a death, where a body has to know it",
        "Yn dangos gweddill cofnod, megis achos marwolaeth, lle mae’n rhaid i gorff ei wybod",
    ),
    groups=GROUPS,
    claims=CLAIMS,
    queries=QUERIES,
    uses=DATED,
    copy_days=30,  # and renewed: a retired key could back-date for as long as the longest copy lives (S15)
    batch_size=20,
    status_bits=2,
    status_max_age={"low": 7 * 86_400, "high": 7 * 86_400},
    about=("subject",),
    cancelled_by=(Text("the registrar", "y cofrestrydd"), Text("whoever told the registrar", "pwy bynnag a hysbysodd y cofrestrydd")),
    reasons=tuple(reason for reason in REASONS if reason.value not in INTERIM),
    states=STATES,
    kept_days=90,
    retention="sealed",
)
