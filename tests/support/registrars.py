"""A federation with registrars: a ministry lets two bodies register those who ask, each in a country of its own.

counter = RegisteredCounter(world, world.council)      # as ``airplane.Counter``, registered by the first of them
counter.register()
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.airplane import Counter, unsigned_registration
from support.federation import MINISTRY, critical
from support.federations import Member, Realm
from support.signing import AT
from support.trial_verify import DAY
from support.world import Party

from shared.credentials import Text
from shared.keys import KeyId, Role
from shared.trust.artefact import RP_CERTIFICATE, Artefact
from shared.trust.registered_use import Registrar
from shared.trust.snapshot import KeyHistory

REGISTRAR, OTHER = "https://registrar.example", "https://cofrestrydd.example"
NAME = Text("Register of those who ask (test)", "Cofrestr y rhai sy’n gofyn (prawf)")


def registrars(*, life: int = 7 * DAY) -> Realm:
    """The ministry lets one register in Great Britain, the other in Ireland; nobody is registered yet."""
    top = Member(MINISTRY, life=life)
    members = [Member(each, superiors=(MINISTRY,), life=life) for each in (REGISTRAR, OTHER)]
    for each, country in zip(members, ("GB", "IE"), strict=True):
        top.about[each.entity] = critical(may_register=[country])
    for each in (top, *members):
        each.claims = {"exp": AT - 60 + life}
    for about in top.about.values():
        about["exp"] = AT - 60 + life
    return Realm(top, *members)


def certify(realm: Realm, counter: Counter, by: str = REGISTRAR, **changes: Any) -> bytes:
    """What the registrar certifies (rp-cert)."""
    key = realm[by].signer
    how: dict[str, Any] = {
        "anchor": by,
        "anchor_public": key.public,
        "key": KeyId("federation"),
        "country": "GB",
        "by_registrar": True,
        "registrar": Registrar(entity=by, name=NAME),
    }
    return key.finish(unsigned_registration(counter, **how | changes))


def enter(realm: Realm, party: Party, data: bytes, by: str = REGISTRAR, *, at: int) -> None:
    """The registrar names it, and its key, in what it publishes next."""
    member, since = realm[by], AT - 30 * DAY
    key = KeyHistory.of(party.by.signer.public, role=Role.RELYING_PARTY, entity=party.entity, since=since)
    member.more = (*(each for each in member.more if party.name.encode() not in each.data), Artefact(media_type=RP_CERTIFICATE, data=data))
    member.others = (*(each for each in member.others if each.thumbprint != key.thumbprint), key)
    realm.again(by, at=at)
    realm.again(MINISTRY, at=at)


@dataclass
class RegisteredCounter(Counter):
    """A desk whose party is registered by a registrar of the world's federation, and whose own anchor publishes nothing."""

    by: str = REGISTRAR
    realm: Realm = field(init=False)

    def __post_init__(self) -> None:
        self.world.realm = self.realm = self.world.realm or registrars()
        self.world.pinned = (MINISTRY,)

    def register(self) -> None:
        enter(self.realm, self.party, certify(self.realm, self, self.by), self.by, at=self.world.clock() - 30)
