"""An inbox killed at each of its writes, on both databases: no letter is lost or counted twice, and no receipt that was promised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desk import Running, Template, serving
from support.desk_killed import run_until_killed
from support.joint_acts import PETER, joint_copy
from support.no_wrong_door import Town, open_town
from support.posting import Sent, ask, check, post, written
from support.signing import AT
from support.trial_verify import IDX, LIST, status_token
from support.trial_web import Watch
from support.trusting import Publisher

from shared.clock import DAY
from shared.storage import Tx
from verifier import inbox, passing, registering
from verifier.app import one_round
from verifier.records import letters, passed
from verifier.settle import verify_decisions

ROOT = Path(__file__).parents[2]
MOMENTS = ("before", "after")


async def die(folder: Path, storage: str, action: str, point: str, *, letter: str = "", identifier: str = "-", at: int = AT) -> None:
    (folder / "letter").write_text(letter)
    await run_until_killed("support.inbox_story", str(folder), storage, action, point, identifier, str(at))


async def lines(desk: Running) -> list[tuple[str, str]]:
    """What the log says, oldest first."""

    async def unit(tx: Tx) -> list[str]:
        return [str(row["entry"]) for row in await tx.fetch("SELECT entry FROM log_entry ORDER BY n")]

    await verify_decisions(desk.desk)
    return [(each["decision"], each["reason_code"]) for each in map(json.loads, await desk.desk.storage.read(unit))]


async def only(desk: Running) -> letters.Letter:
    (found,) = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 10))
    return found


def by_a_person(desk: Running) -> None:
    registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person"})


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_taking_a_letter(template: Template, tmp_path: Path, storage_uri: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        sent = written(desk)
    await die(folder, storage_uri, "take", f"answer:{moment}", letter=sent.token)
    async with serving(template, folder, storage=storage_uri) as desk:
        assert (await ask(desk, sent.ticket))[0] == (404 if moment == "before" else 200)
        status, told = await post(desk, sent)
        assert (status, check(desk, sent, told).decision) == (200, "accepted")
        assert await lines(desk) == [("accepted", "")]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_a_person_decides(template: Template, tmp_path: Path, storage_uri: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        by_a_person(desk)
        sent = written(desk)
        await post(desk, sent)
        exchange = (await only(desk)).exchange
    await die(folder, storage_uri, "decide", f"answer:{moment}", identifier=exchange)
    async with serving(template, folder, storage=storage_uri) as desk:
        status, told = await ask(desk, sent.ticket)
        expected = (202, "undecided") if moment == "before" else (200, "accepted")
        assert (status, check(desk, sent, told).decision) == expected
        assert len(await lines(desk)) == (1 if moment == "before" else 2)
        assert (await only(desk)).waits is (moment == "before")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_saying_that_nobody_decided(template: Template, tmp_path: Path, storage_uri: str, moment: str) -> None:
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        by_a_person(desk)
        sent = written(desk)
        await post(desk, sent)
    await die(folder, storage_uri, "late", f"letter-late:{moment}", at=AT + 5 * DAY)
    async with serving(template, folder, storage=storage_uri) as desk:
        desk.clock.at = AT + 5 * DAY
        assert await inbox.tend(desk.desk) == 1
        assert await lines(desk) == [("undecided", "waits_for_person"), ("undecided", "no_answer_yet")]
        assert check(desk, sent, (await ask(desk, sent.ticket))[1]).reason_code == "no_answer_yet"


@pytest.mark.parametrize("point", ["answer:before", "answer:after", "together:before", "together:after"])
async def test_killed_between_two_letters_that_agree_together(template: Template, tmp_path: Path, storage_uri: str, point: str) -> None:
    """The second letter is taken whole or not at all; the first is told of it once, at the latest in the next round."""
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        first, second = written(desk, joint_copy()), written(desk, joint_copy(number=2, by=PETER))
        await post(desk, first)
    await die(folder, storage_uri, "take", point, letter=second.token)
    async with serving(template, folder, storage=storage_uri) as desk:
        assert (await post(desk, second))[0] == 200
        await one_round(desk.app)
        for sent in (first, second):
            assert check(desk, sent, (await ask(desk, sent.ticket))[1]).decision == "accepted"
        assert await lines(desk) == [("undecided", "needs_more_attorneys"), ("accepted", ""), ("accepted", "")]
        assert await desk.desk.storage.read(lambda tx: letters.count_late(tx, AT + 30 * DAY)) == 0


async def test_killed_after_an_act_and_back_with_lists_that_are_too_old(template: Template, tmp_path: Path) -> None:
    """Nothing can be told of the first letter then: it is told once there are newer lists, and not refused or forgotten before."""
    folder = tmp_path / "desk"
    async with serving(template, folder) as desk:
        first, second = written(desk, joint_copy()), written(desk, joint_copy(number=2, by=PETER))
        await post(desk, first)
    await die(folder, "", "take", "answer:after", letter=second.token)
    async with serving(template, folder, clock=Watch(AT + 3 * DAY), refresh=False) as desk:
        for _ in range(2):
            await one_round(desk.app)
            assert check(desk, first, (await ask(desk, first.ticket))[1]).reason_code == "needs_more_attorneys"
        desk.site.lists[LIST] = status_token(iat=desk.clock() - 3_600)
        desk.site.trust = Publisher(seq=2, at=desk.clock() - 60)
        await desk.store.refresh(desk.site)
        await one_round(desk.app)
        for sent in (first, second):
            assert check(desk, sent, (await ask(desk, sent.ticket))[1]).decision == "accepted"
        assert await lines(desk) == [("undecided", "needs_more_attorneys"), ("accepted", ""), ("accepted", "")]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_while_taking_a_letter_for_others(template: Template, tmp_path: Path, moment: str) -> None:
    async with open_town(template, tmp_path) as town:
        letter, folder = town.letter(), town.library.desk.directory
        await die(folder, "", "pass", f"letter-passed:{moment}", letter=letter.token)
        one = await passing.take(town.library.desk, letter.token)
        assert [each.id for each in await kept(town)] == [one.id]
        assert await lines(town.library) == [("undecided", "passed_on")]
        assert await arrives(town, letter)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("point", ["letter-due", "letter-arrived"])
async def test_killed_while_it_is_passed_on(template: Template, tmp_path: Path, point: str, moment: str) -> None:
    """Nobody knows whether it was taken: it is posted again, and is one letter there."""
    async with open_town(template, tmp_path) as town:
        letter, folder = town.letter(), town.library.desk.directory
        await passing.take(town.library.desk, letter.token)
        await die(folder, "", "deliver", f"{point}:{moment}", letter=letter.token)
        arrived = (point, moment) == ("letter-arrived", "after")
        assert ((await kept(town))[0].letter == "") is arrived
        begun = (point, moment) != ("letter-due", "before")
        assert await passing.deliver(town.library.desk, town.send) == int(not begun), "whoever begins has five minutes"
        town.library.clock.at += 400
        assert await passing.deliver(town.library.desk, town.send) == int(begun and not arrived)
        assert await lines(town.council) == [("accepted", "")] * (not arrived)
        assert await lines(town.library) == [("undecided", "passed_on")]


async def test_killed_while_it_is_said_that_a_lost_letter_is_dealt_with(template: Template, tmp_path: Path) -> None:
    """It stays on the list until somebody's word of it is kept, with one line in the log; said again it changes nothing."""
    async with open_town(template, tmp_path) as town:
        desk, town.status = town.library.desk, 400
        one = await passing.take(desk, town.letter().token)
        await passing.deliver(desk, town.send)
        waiting = []
        for moment in (*MOMENTS, "before"):
            await die(desk.directory, "", "dealt-with", f"letter-dealt-with:{moment}", identifier=one.id)
            waiting.append(await desk.storage.read(lambda tx: passed.count_open(tx, AT)))
        await passing.deal_with(desk, one.id)
        assert waiting == [(1, 1), (0, 0), (0, 0)]
        assert await lines(town.library) == [("undecided", "passed_on"), ("undecided", "not_delivered")]


async def test_killed_while_it_is_said_that_something_was_undone(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """It waits to be undone until somebody's word of it is kept; whoever says so again changes nothing."""
    folder = tmp_path / "desk"
    async with serving(template, folder, storage=storage_uri) as desk:
        by_a_person(desk)
        first = written(desk, seed="one")
        await post(desk, first)
        desk.site.lists[LIST] = status_token({IDX: 1}, iat=AT + 60)
        desk.clock.at += 60
        await desk.store.refresh(desk.site)
        later = written(desk, seed="two", about=first.claims["jti"])
        _, told = await post(desk, later)
        found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 10))
        (called,) = [each.exchange for each in found if each.undo]
    undo = []
    for moment in (*MOMENTS, "before"):
        await die(folder, storage_uri, "undone", f"letter-undone:{moment}", identifier=called, at=AT + 60)
        async with serving(template, folder, storage=storage_uri, clock=Watch(AT + 60), refresh=False) as desk:
            found = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 10))
            undo.append([each.undo for each in found if each.exchange == called])
            assert check(desk, later, (await ask(desk, later.ticket))[1]) == check(desk, later, told)
    assert undo == [["open"], ["done"], ["done"]]


async def kept(town: Town) -> list[passed.Passed]:
    return await town.library.desk.storage.read(lambda tx: passed.recent(tx, 10))


async def arrives(town: Town, letter: Sent) -> bool:
    await passing.deliver(town.library.desk, town.send)
    return check(town.council, letter, (await ask(town.council, letter.ticket))[1]).decision == "accepted"
