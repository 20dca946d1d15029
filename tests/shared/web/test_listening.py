"""A round of visits when one body publishes what cannot be kept, or more than its share: the others are heard all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.federation import COURTS, MINISTRY
from support.federations import Member, Realm, issuer, justice
from support.signing import AT
from support.trial_web import Watch

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, Flow
from shared.storage import Storage, StorageError, Tx
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import Artefact
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.snapshot import Snapshot
from shared.trust.superiors import Gathered, gather
from shared.web import heard
from shared.web.heard import Heard, Site

ROGUE, DEVOLVED = "https://a-rogue.example", "https://devolved.example"


def rogue(*more: Artefact) -> Member:
    return Member(ROGUE, superiors=(MINISTRY,), more=more)


def devolved() -> Realm:
    return Realm(Member(DEVOLVED), issuer("https://registry.example", DEVOLVED))


@dataclass
class Round:
    """Whoever listens to some federations, of each the first body; ``lies`` as those of a street."""

    rows: Storage
    realms: tuple[Realm, ...]
    watch: Watch = field(default_factory=lambda: Watch(AT))
    lies: dict[str, bytes | int | Exception] = field(default_factory=dict)

    @property
    def trust(self) -> TrustAnchors:
        return TrustAnchors(federation=tuple(each.pin(next(iter(each.members))) for each in self.realms))

    async def fetch(self, wanted: Fetch) -> Fetched:
        for each in self.realms:
            if any(wanted.url.startswith(entity) for entity in each.members):
                return each.street(**self.lies).answer(wanted)
        raise Unavailable("nobody lives here")

    async def listen(self) -> dict[str, Site]:
        return {each.site: each for each in await heard.listen(self.rows, self.fetch, self.trust, at=self.watch)}

    async def known(self) -> Heard:
        return await self.rows.read(lambda tx: heard.heard(tx, self.trust))

    async def words(self) -> list[str]:
        return [each.entity for each in (await self.known()).federation.words]


def with_rogue(one: Member) -> Realm:
    """Asked before its neighbours, with a body of its own."""
    realm = justice()
    return Realm(realm[MINISTRY], one, issuer("https://own.example", ROGUE), *(each for each in realm.members.values()))


@pytest.mark.parametrize("kind", ["a\0b", "a\nb", "ä", "x" * 256])
async def test_a_kind_of_file_that_no_database_takes_stops_only_who_publishes_it(rows: Storage, kind: str) -> None:
    round_ = Round(rows, (with_rogue(rogue(Artefact(media_type=kind, data=b"x"))), devolved()))
    told = await round_.listen()
    assert {each for each, visit in told.items() if visit.fault} == {ROGUE}
    assert await round_.words() == [MINISTRY, COURTS, DEVOLVED]


async def test_words_of_a_fault_that_no_database_takes(rows: Storage) -> None:
    round_ = Round(rows, (with_rogue(rogue()), devolved()), lies={ROGUE: Unavailable("it said \0")})
    assert (await round_.listen())[ROGUE].fault == "it said  "
    assert await round_.words() == [MINISTRY, COURTS, DEVOLVED]


async def test_a_word_that_cannot_be_kept_takes_no_other_with_it(rows: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it: each has a unit of work of its own."""
    put = heard.put

    async def spoilt(tx: Tx, name: str, snapshot: Snapshot, artefacts: Sequence[Artefact]) -> None:
        await put(tx, name, snapshot, artefacts)
        if name.endswith(ROGUE):
            await tx.execute("INSERT INTO heard_site (site, tried_at, fault) VALUES ($1, 1, '')", "\0")

    monkeypatch.setattr(heard, "put", spoilt)
    round_ = Round(rows, (with_rogue(rogue()), devolved()))
    assert {each for each, visit in (await round_.listen()).items() if visit.fault} == {ROGUE}
    assert await round_.words() == [MINISTRY, COURTS, DEVOLVED]


async def test_a_federation_that_fails_wholly_fails_no_other(rows: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own, say: it is raised once the others have been heard."""

    def broken(anchor: FederationAnchor, *known: Any, **how: Any) -> Flow[Gathered]:
        if anchor.entity == MINISTRY:
            raise StorageError("a bug")
        return gather(anchor, *known, **how)

    monkeypatch.setattr(heard, "gather", broken)
    round_ = Round(rows, (justice(), devolved()))
    with pytest.raises(StorageError):
        await round_.listen()
    assert await round_.words() == [DEVOLVED]
