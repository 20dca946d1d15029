"""Visits to issuers: a branch of a federation that is slow, endless or odd takes time and room from nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support.desk import Template, opened
from support.federation import COURT, MINISTRY, critical, says
from support.federations import Member, Realm, issuer, justice
from support.signing import AT
from support.town import Town, check, pin
from support.trial_verify import ISSUER, LIST, VCT, status_cwt

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.storage import StorageError, Tx
from verifier import rounds
from verifier.desk import Desk
from verifier.material import Store
from verifier.records import knowledge
from verifier.records.knowledge import Visit

ROGUE = "https://a-rogue.example"


def makers(number: int) -> Realm:
    """A ministry over a rogue that lets so many bodies make documents, before everybody else."""
    made = justice()
    own = [issuer(f"https://a{each}.rogue.example", ROGUE) for each in range(number)]
    rogue = Member(ROGUE, superiors=(MINISTRY,), about={each.entity: critical(entitlements=[says(VCT)]) for each in own})
    made[MINISTRY].about[ROGUE] = critical(accredits=[says(VCT)])
    made.members = {MINISTRY: made[MINISTRY], ROGUE: rogue, **{each.entity: each for each in own}, **made.members}
    return made


async def visits(desk: Desk) -> dict[str, Visit]:
    return {each.entity: each for each in await desk.storage.read(knowledge.visits)}


async def test_a_slow_branch_holds_up_nobody_else(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rogue's bodies do not answer until the lists of the others are here."""
    town, slow, heard = Town(cwt={LIST: status_cwt()}, realm=makers(30)), set[str](), asyncio.Event()
    note = knowledge.note_visit

    async def noted(tx: Tx, entity: str, at: int, faults: Sequence[str]) -> None:
        await note(tx, entity, at, faults)
        if entity == ISSUER:
            heard.set()

    monkeypatch.setattr(knowledge, "note_visit", noted)

    async with opened(template, tmp_path / "desk") as desk, asyncio.timeout(60):
        pin(desk, town)

        async def fetch(wanted: Fetch) -> Fetched:
            if ".rogue.example" not in wanted.url:
                return await town(wanted)
            slow.add(wanted.url)
            await heard.wait()
            raise Unavailable("slow")

        await Store(desk).refresh(fetch)
        assert (await check(desk)).decision == "accepted"
        assert len(slow) == 30
        assert {each for each, visit in (await visits(desk)).items() if not visit.faults} == {ISSUER}


@dataclass
class Clock:
    """Seconds that pass only where somebody is slow."""

    at: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def fetch(self, wanted: Fetch) -> Fetched:
        self.asked.append(wanted.url)
        self.at += 10
        return Fetched(status=200, body=b"x" * 1_000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rounds, "_now", lambda: made.at)
    return made


async def ask(number: int, entity: str, fetch: rounds.Fetching) -> int:
    """How many of so many answers come."""
    for done in range(number):
        try:
            await fetch(Fetch(url=entity))
        except Unavailable:
            return done
    return number


async def visited(clock: Clock, branch: rounds.Branch, number: int) -> dict[str, int]:
    """How many answers came from whom."""
    got: dict[str, int] = {}

    async def one(entity: str, fetch: rounds.Fetching) -> None:
        got[entity] = await ask(number, entity, fetch)

    await rounds.visit([branch], one, clock.fetch)
    return got


async def test_a_body_and_a_branch_have_their_time(clock: Clock) -> None:
    """Sites that take ten seconds an answer, for as many answers as there are."""
    bodies = [str(each) for each in range(90)]
    assert await visited(clock, rounds.Branch(bodies), 1) == dict.fromkeys(bodies[:60], 1)
    assert await visited(clock, rounds.Branch(bodies), 100) == dict.fromkeys(bodies[:5], 12)
    assert await visited(clock, rounds.Branch(["alone"]), 100) == {"alone": 60}


async def test_those_who_gave_everything_and_others_have_their_share_of_time(clock: Clock) -> None:
    good, others = [f"good{each}" for each in range(90)], [f"other{each}" for each in range(90)]
    assert list(await visited(clock, rounds.Branch(good, others), 1)) == [*good[:40], *others[:20]]
    assert list(await visited(clock, rounds.Branch(good, others[:2]), 1)) == [*good[:40], *others[:2], *good[40:58]]
    assert list(await visited(clock, rounds.Branch(good[:1], others), 1)) == [good[0], *others[:59]]


async def test_a_body_has_its_room(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BODY_BYTES", 2_500)
    got: list[int] = []

    async def one(entity: str, fetch: rounds.Fetching) -> None:
        got.append(await ask(9, entity, fetch))

    await rounds.visit([rounds.Branch(["a", "b"])], one, clock.fetch)
    assert got == [3, 3]


def test_who_waited_longest_comes_first() -> None:
    known = {"slow": (AT, ("late",)), "slower": (AT - 5, ("late",)), "old": (AT - 9, ()), "new": (AT, ())}
    told = [Visit(entity=entity, tried_at=at, fetched_at=None, faults=faults) for entity, (at, faults) in known.items()]
    found = rounds.Branch.of(["slow", "slower", "unknown", "old", "new"], told)
    assert (found.good, found.others) == (("old", "new"), ["unknown", "slower", "slow"])


def test_lists_take_the_room_of_their_own_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BRANCH_BYTES", 10)
    room = rounds.Room([["a", "b"], ["b", "c"]], [("a", "1", 4), ("b", "2", 4), ("gone", "3", 9)])
    assert not room.take("a", "5", 3)
    assert room.take("a", "1", 6)
    assert room.take("b", "6", 5)  # in its second branch
    assert not room.take("c", "7", 2)
    assert room.take("c", "7", 1)


async def test_what_fails_in_one_branch_is_told_once_all_were_visited(clock: Clock) -> None:
    seen = []

    async def one(entity: str, fetch: rounds.Fetching) -> None:
        await fetch(Fetch(url=entity))
        if entity == "bad":
            raise StorageError("a bug")
        seen.append(entity)

    with pytest.raises(StorageError):
        await rounds.visit([rounds.Branch(["bad", "after"]), rounds.Branch(["good"])], one, clock.fetch)
    assert seen == ["good"]


async def test_lists_and_kinds_without_end_are_not_kept(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a body of a federation; and kinds of document that no database takes."""
    town = Town(cwt={LIST: status_cwt()})
    kinds = ["a\0b", "x" * 1_001]

    async def fetch(wanted: Fetch) -> Fetched:
        got = await town(wanted)
        if wanted.url != f"{ISSUER}/.well-known/openid-credential-issuer":
            return got
        said = json.loads(got.body)
        more = {kind: next(iter(said["credential_configurations_supported"].values())) | {"vct": kind} for kind in kinds}
        said["credential_configurations_supported"] |= more
        return replace(got, body=json.dumps(said).encode())

    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        await Store(desk).refresh(fetch)
        assert {each.vct for each in await desk.storage.read(knowledge.descriptions)} == {VCT}
        assert (await visits(desk))[ISSUER].faults == ()
        await desk.storage.write(lambda tx: tx.execute("DELETE FROM status_list"))
        monkeypatch.setattr(rounds, "BRANCH_BYTES", 10)
        await Store(desk).refresh(fetch)
        assert await desk.storage.read(knowledge.lists) == []
        assert "more lists" in (await visits(desk))[ISSUER].faults[0]


async def test_bodies_below_one_superior_are_one_branch(template: Template, tmp_path: Path) -> None:
    town = Town(realm=makers(2))
    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        store = Store(desk)
        await store.refresh(town)
        federation = await store.federation()
        found = {each: federation.branches(each, AT) for each in store.issuers() if each != COURT}
        assert found == {
            ISSUER: [(MINISTRY, ISSUER)],
            "https://a0.rogue.example": [(MINISTRY, ROGUE)],
            "https://a1.rogue.example": [(MINISTRY, ROGUE)],
        }
