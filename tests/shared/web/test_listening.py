"""A round of visits when one body publishes what cannot be kept, or more than its share: the others are heard all the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.federation import COURT, COURTS, MINISTRY
from support.federations import Member, Realm, issuer, justice
from support.signing import AT
from support.trial_web import Watch

from shared.codec import base64url
from shared.cose import thumbprint
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, Flow
from shared.storage import Storage, StorageError, Tx
from shared.trust.anchors import TrustAnchors
from shared.trust.artefact import TRUST_MARK, Artefact
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.publication import DOCUMENT
from shared.trust.snapshot import MAX_LIFE, Snapshot
from shared.trust.superiors import Gathered, gather
from shared.urls import well_known
from shared.web import heard
from shared.web.ahead import AT_ONCE, Ahead
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
            if any(wanted.url == well_known(entity, DOCUMENT) for entity in each.members):
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


@pytest.mark.parametrize("size", [1_900, 3_900])
async def test_a_name_that_no_database_finds_stops_only_who_bears_it(rows: Storage, size: int) -> None:
    """Names that do not shrink when they are packed."""
    name = "https://long.example/" + "".join(hashlib.sha512(b"%d" % each).hexdigest() for each in range(40))[:size]
    long = Member(name, superiors=(ROGUE,))
    round_ = Round(rows, (with_rogue(rogue()), devolved()))
    round_.realms[0].members |= {name: long, "https://low.example": issuer("https://low.example", name)}
    told = await round_.listen()
    assert not any(each.fault for each in told.values())
    short = {name} if size == 1_900 else set()
    assert {*await round_.words()} == {MINISTRY, ROGUE, COURTS, DEVOLVED} | short


async def test_words_of_a_fault_that_no_database_takes(rows: Storage) -> None:
    round_ = Round(rows, (with_rogue(rogue()), devolved()), lies={ROGUE: Unavailable("it said \0")})
    assert (await round_.listen())[ROGUE].fault == "it said  "
    assert await round_.words() == [MINISTRY, COURTS, DEVOLVED]


async def test_a_word_that_cannot_be_kept_takes_no_other_with_it(rows: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it: each has a unit of work of its own."""
    put = heard.put

    async def spoilt(tx: Tx, name: str, snapshot: Snapshot, artefacts: Sequence[Artefact], dates: Mapping[str, int]) -> None:
        await put(tx, name, snapshot, artefacts, dates)
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


# --- without end -----------------------------------------------------------------------------------------------------------------------


def below(turn: int, number: int = 3, size: int = 1_000) -> list[Member]:
    """Superiors that a rogue names in one round, each with a body of its own."""
    names = [f"https://r{turn}n{each}.example" for each in range(number)]
    more = (Artefact(media_type=TRUST_MARK, data=b"x" * size),)
    return [
        *(Member(name, superiors=(ROGUE,), more=more) for name in names),
        *(issuer(f"https://own-{name.removeprefix('https://')}", name) for name in names),
    ]


async def count(rows: Storage) -> dict[str, int]:
    async def work(tx: Tx) -> dict[str, int]:
        statements = await tx.fetch("SELECT DISTINCT fingerprint FROM heard_statement")
        anchors, sites = await tx.fetch("SELECT token FROM heard_anchor"), await tx.fetch("SELECT site FROM heard_site")
        kept = sum("." in row["token"] for row in anchors)
        return {"files of": len(statements), "words": kept, "numbers": len(anchors), "sites": len(sites)}

    return await rows.read(work)


async def test_names_that_change_each_hour_do_not_add_up(rows: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """S17: the number of what is gone stays as long as anything older could still be in force, of the newest."""
    round_ = Round(rows, (with_rogue(rogue()),))
    realm = round_.realms[0]
    members = dict(realm.members)
    for turn in range(3):
        realm.members = members | {each.entity: each for each in below(turn)}
        realm.again(ROGUE, at=AT - 30 + turn)
        assert not any(each.fault for each in (await round_.listen()).values())
        assert await count(rows) == {"files of": 6, "words": 6, "numbers": 6 + 3 * turn, "sites": 6}
        assert len((await round_.known()).federation.words) == len(await rows.read(heard.dates)) == 6
    monkeypatch.setattr(heard, "MAX_GONE", 4)
    await round_.listen()
    assert len(await rows.read(heard.seen)) == 10
    round_.watch.at = AT + MAX_LIFE
    for each in (MINISTRY, COURTS, ROGUE):
        realm.again(each, at=round_.watch.at)
    await round_.listen()
    assert (await count(rows))["numbers"] == 6


async def test_a_way_that_comes_back_is_whole_again_and_not_older(rows: Storage) -> None:
    round_ = Round(rows, (with_rogue(rogue()),))
    realm = round_.realms[0]
    realm.again(COURTS)
    await round_.listen()
    there = realm[COURTS]
    there.superiors = ()
    realm.again(MINISTRY)
    await round_.listen()
    assert COURTS not in await round_.words()
    there.superiors, there.seq, there.at = (MINISTRY,), 1, AT - 60
    realm.again(MINISTRY)
    assert "newer snapshot" in (await round_.listen())[COURTS].fault
    assert COURTS not in await round_.words()
    assert (await round_.known()).seen[f"{MINISTRY} {COURTS}"].key == base64url.encode(thumbprint(there.signer.public))
    realm.again(COURTS)
    assert (await round_.listen())[COURTS].fault == ""
    assert (await round_.known()).federation.chain(COURT, AT).subject == COURT


async def test_what_was_heard_of_those_who_are_pinned_no_more_is_not_read(rows: Storage) -> None:
    both = Round(rows, (with_rogue(rogue()), devolved()))
    await both.listen()
    # what cannot be read, of those who are not asked for, stops nobody
    await rows.write(lambda tx: tx.execute("UPDATE heard_anchor SET token = 'x.x' WHERE fingerprint <> $1", DEVOLVED))
    assert await Round(rows, both.realms[1:]).words() == [DEVOLVED]
    found = await rows.read(lambda tx: heard.heard(tx, TrustAnchors()))
    assert (found.artefacts, found.snapshots, found.federation.words) == ((), {}, ())
    assert len(found.seen) == 4


async def test_slow_sites_are_asked_a_few_at_once_and_what_was_heard_is_kept_meanwhile(rows: Storage) -> None:
    """Twenty sites of a rogue do not answer, until all others have been kept."""
    round_ = Round(rows, (with_rogue(rogue()),))
    realm = round_.realms[0]
    realm.members |= {each.entity: each for each in below(0, 20)}
    realm.again(ROGUE)
    slow, most, kept = set[str](), 0, asyncio.Event()

    async def fetch(wanted: Fetch) -> Fetched:
        nonlocal most
        if "//r0n" in wanted.url:
            slow.add(wanted.url)
            most = max(most, len(slow))
            if COURTS in await round_.words():
                kept.set()
            await asyncio.wait_for(kept.wait(), 30)
            slow.discard(wanted.url)
            raise Unavailable("slow")
        return await round_.fetch(wanted)

    async with asyncio.timeout(60):
        told = await heard.listen(rows, fetch, round_.trust, at=round_.watch)
    assert 2 < most <= AT_ONCE + 1
    assert sum(bool(each.fault) for each in told) == 20
    assert {*await round_.words()} == {MINISTRY, ROGUE, COURTS}


async def test_what_is_asked_ahead_in_vain_is_given_up() -> None:
    begun, ended = list[str](), list[str]()

    async def fetch(wanted: Fetch) -> Fetched:
        begun.append(wanted.url)
        try:
            await asyncio.sleep(0 if wanted.url == "0" else 60)
        finally:
            ended.append(wanted.url)
        raise Unavailable(wanted.url)

    ahead = Ahead(fetch)
    ahead.expect([Fetch(url=str(number)) for number in range(20)])
    ahead.expect([Fetch(url=str(number)) for number in range(1, 20)])  # what is on its way is not asked again
    for wanted in ("0", "0"):  # the second time nobody expected it
        with pytest.raises(Unavailable):
            await ahead(Fetch(url=wanted))
    await ahead.close()
    assert sorted(begun) == sorted(ended) == sorted(["0", "0", *(str(number) for number in range(1, AT_ONCE + 1))])
