"""Small federations in memory: any number of levels and anchors, who may say what, and what every superior publishes of those below it.

realm = justice()                                  # a ministry over the Public Guardian, and over courts over one court
realm.members[COURTS].about[COURT] = critical(…)   # bend what is said
federation = realm.federation(MINISTRY)            # as somebody knows it who pinned the ministry and listened once
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from support.federation import COURT, COURTS, MINISTRY, Body, critical, says
from support.signing import AT, Signer
from support.trial_verify import BANK, DAY, ISSUER, VCT, registry

from shared.codec import base64url
from shared.cose import thumbprint
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, run
from shared.jose.jwk import render_jwk
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import ENTITY_STATEMENT, SNAPSHOT, Artefact
from shared.trust.carried import ENTITY_TYPES
from shared.trust.federation import Federation
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey
from shared.trust.policy import Policy
from shared.trust.publication import DOCUMENT, render_publication
from shared.trust.snapshot import FEDERATION_TYP, KeyHistory, SeenSnapshot, prepare_snapshot
from shared.trust.superiors import Gathered, Word, gather
from shared.urls import well_known


@dataclass
class Member(Body):
    """A body with its keys by role, and what it publishes of those below it: number, date and life of its snapshot, in seconds."""

    keys: dict[Role, Signer] = field(default_factory=dict)
    fates: dict[str, dict[str, Any]] = field(default_factory=dict)  # by thumbprint: what became of a key of anybody below, or of its own
    more: tuple[Artefact, ...] = ()
    others: tuple[KeyHistory, ...] = ()  # keys of those whom it registers
    more_keys: tuple[Signer, ...] = ()  # with which it makes documents too
    place: str = ""  # where it publishes, if not at the usual address
    seq: int = 1
    at: int = AT - 60
    life: int = 7 * DAY

    def itself(self, **claims: Any) -> str:
        known = dict(self.metadata)
        for role, signer in self.keys.items():
            signers = (signer, *(self.more_keys if role is Role.CREDENTIAL_ISSUER else ()))
            jwks = [render_jwk(each.public) | {"kid": FederationKey.of(each.public).kid} for each in signers]
            known[ENTITY_TYPES[role]] = {"jwks": {"keys": jwks}} | known.get(ENTITY_TYPES[role], {})
        return Body.itself(replace(self, metadata={"federation_entity": self.own, **known}, keys={}), **claims)

    @property
    def own(self) -> dict[str, Any]:
        named = {"organization_name": f"The body at {self.entity}", "federation_fetch_endpoint": self.fetch}
        return named | ({"muniment_trust_endpoint": self.place} if self.place else {})

    def histories(self) -> list[KeyHistory]:
        """All its keys, in use for a month."""
        more = [(Role.CREDENTIAL_ISSUER, each) for each in self.more_keys]
        roles = [(Role.FEDERATION, self.signer), *self.keys.items(), *more]
        return [KeyHistory.of(each.public, role=role, entity=self.entity, since=AT - 30 * DAY) for role, each in roles]

    def end(self, signer: Signer, **fate: Any) -> None:
        """``state``, ``until`` and ``reason`` of a key from now on."""
        self.fates[base64url.encode(thumbprint(signer.public))] = {"reason": "test", **fate}


class Realm:
    """Bodies by their identifiers. A body that has no other below it publishes nothing but its own configuration."""

    def __init__(self, *members: Member) -> None:
        self.members = {each.entity: each for each in members}
        self._said: dict[tuple[object, ...], tuple[str, tuple[Artefact, ...]]] = {}

    def __getitem__(self, entity: str) -> Member:
        return self.members[entity]

    def below(self, superior: str) -> list[Member]:
        return [each for each in self.members.values() if superior in each.superiors]

    def publishes(self, entity: str) -> bool:
        """Whether it speaks of others: below it, or registered by it."""
        return bool(self.below(entity) or self.members[entity].more)

    def said(self, superior: str) -> tuple[str, tuple[Artefact, ...]]:
        """Its snapshot and all that this names: the same bytes as long as its number stays."""
        by = self.members[superior]
        name = superior, by.seq, by.at
        if name not in self._said:
            below = self.below(superior)
            tokens = [by.itself(), *(by.of(each) for each in below), *(self.leaf(each) for each in below)]
            self.say(superior, (*(Artefact(media_type=ENTITY_STATEMENT, data=each.encode()) for each in tokens), *by.more))
        return self._said[name]

    def say(self, superior: str, statements: tuple[Artefact, ...]) -> None:
        """What it publishes under its number, whatever it is."""
        by = self.members[superior]
        told = [*(each for one in (by, *self.below(superior)) for each in one.histories()), *by.others]
        unsigned = prepare_snapshot(
            issuer=superior, entity=superior, seq=by.seq, at=by.at, next_update=by.at + by.life, statements=statements,
            keys=[replace(each, **by.fates.get(each.thumbprint, {})) for each in told],
            key=KeyId("federation"), public=by.signer.public, typ=FEDERATION_TYP,
        )  # fmt: skip
        self._said[superior, by.seq, by.at] = by.signer.finish(unsigned), statements

    def leaf(self, member: Member) -> str:
        """Its configuration; who has nobody below it names no address to ask at."""
        if self.publishes(member.entity):
            return member.itself()
        return replace(
            member, metadata={"federation_entity": {"organization_name": member.own["organization_name"]}, **member.metadata}
        ).itself()

    def publication(self, superior: str) -> bytes:
        snapshot, statements = self.said(superior)
        return render_publication(snapshot, statements)

    def again(self, superior: str, *, at: int = AT - 30, by: int = 1) -> None:
        """It says everything anew, as it is now."""
        self.members[superior].seq += by
        self.members[superior].at = at

    def street(self, **lies: Any) -> Street:
        return Street(self, lies)

    def pin(self, entity: str, **how: Any) -> FederationAnchor:
        return replace(self.members[entity].pin(), **how)

    def gathered(self, entity: str, *, at: int = AT, street: Callable[[Fetch], Fetched] | None = None, **how: Any) -> Gathered:
        held: Iterable[Word] = how.pop("held", ())
        seen: Mapping[str, SeenSnapshot] = how.pop("seen", {})
        return run(gather(self.pin(entity, **how), held, seen, at=at), street or self.street().answer)

    def federation(self, *entities: str, at: int = AT, street: Callable[[Fetch], Fetched] | None = None, **how: Any) -> Federation:
        """As known by who pinned these anchors and has listened once."""
        words = [word for each in entities for word in self.gathered(each, at=at, street=street).words]
        return Federation(tuple(self.pin(each, **how) for each in entities), tuple(words))

    def policy(self, *entities: str, at: int = AT, **how: Any) -> Policy:
        """That trusts these anchors and nobody else."""
        federation = self.federation(*entities, at=at, **how)
        return Policy(TrustAnchors(federation=federation.anchors), federation=federation)

    def artefacts(self, *superiors: str) -> tuple[Artefact, ...]:
        """All that those superiors publish, as it lies in a checking pack; of all of them if none is named."""
        named: Sequence[str] = superiors or [each for each in self.members if self.below(each)]
        said = [self.said(each) for each in named]
        return tuple(part for token, rest in said for part in (Artefact(media_type=SNAPSHOT, data=token.encode()), *rest))


@dataclass
class Street:
    """Where all superiors publish. ``lies`` change what the address of a body answers: bytes, a status, or an error."""

    realm: Realm
    lies: dict[str, bytes | int | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch.url)
        for entity in self.realm.members:
            if fetch.url == well_known(entity, DOCUMENT):
                said = self.lies.get(entity) or (self.realm.publication(entity) if self.realm.publishes(entity) else 404)
                if isinstance(said, Exception):
                    raise said
                return Fetched(status=said) if isinstance(said, int) else Fetched(status=200, body=said)
        raise Unavailable("nobody lives here")


def issuer(entity: str, *superiors: str, by: Signer | None = None, **how: Any) -> Member:
    """A body that makes documents."""
    return Member(entity, superiors=superiors, keys={Role.CREDENTIAL_ISSUER: by or Signer.new()}, **how)


def justice() -> Realm:
    """A ministry accredits courts, which let one court say ``VCT``; the Public Guardian, of ``trial_verify``, may say it by the ministry's word,
    and a bank is a relying party that the ministry knows.
    """
    top = Member(MINISTRY)
    middle = Member(COURTS, superiors=(MINISTRY,))
    top.about[COURTS] = critical(accredits=[says(VCT)])
    top.about[ISSUER] = critical(entitlements=[says(VCT)])
    middle.about[COURT] = critical(entitlements=[says(VCT)])
    bank = Member(BANK, superiors=(MINISTRY,), keys={Role.RELYING_PARTY: Signer.new()})
    return Realm(top, middle, issuer(COURT, COURTS), issuer(ISSUER, MINISTRY, by=registry().signer), bank)
