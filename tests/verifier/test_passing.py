"""No wrong door: a counter takes a sealed letter for another body, cannot read it, gives a receipt and passes it on (C22, T-EX-6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import Template
from support.no_wrong_door import Town, check_passed, open_town
from support.posting import ask, check, inbox_of, post, written

from shared.errors import Unavailable, Untrusted
from shared.flow import Fetch, Fetched
from shared.storage import Tx
from shared.trust.relying_party import RpCertificate
from verifier import passing
from verifier.desk import Desk
from verifier.records import passed


@pytest.fixture
async def town(template: Template, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(template, tmp_path) as found:
        yield found


async def hand_in(clerk: Clerk, token: str, *, status: int = 200) -> str:
    return await clerk.upload("/desk/pass-on", token.encode(), "letter.jose", status=status, text="")


async def test_a_counter_passes_on_what_it_cannot_read(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    page = await hand_in(clerk, letter.token)
    assert "Anytown Borough Council" in page
    assert "on its way" in page
    path = clerk.at
    async with town.library.http.get(f"{town.library.base}{path}/receipt") as answer:
        token = await answer.text()
    receipt = check_passed(town.library, letter, token)
    assert (receipt.decision, receipt.reason_code) == ("undecided", "passed_on")
    assert (await ask(town.council, letter.ticket))[0] == 404
    assert await passing.deliver(town.library.desk, town.send) == 1
    assert "arrived" in await clerk.get(path)
    assert check(town.council, letter, (await ask(town.council, letter.ticket))[1]).decision == "accepted"
    assert "a letter for somebody else" in await clerk.get("/desk/decisions")


async def test_nobody_gets_a_letter_by_saying_that_its_key_is_theirs(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of inboxes are registered without proof: where two organisations name one, the letter is given back."""
    desk, token = town.library.desk, town.letter().token
    known = await passing.bodies(desk)
    council, found = await passing.whose(desk, token)
    other = replace(council, entity="https://a-first.example", uses=(), inbox=replace(found, url="https://a-first.example/inbox"))

    async def both(_desk: Desk) -> dict[str, RpCertificate]:
        return {other.entity: other, **known}

    monkeypatch.setattr(passing, "bodies", both)
    with pytest.raises(Untrusted):
        await passing.take(desk, token)
    assert "give it back unopened" in await hand_in(await Clerk(town.library).sign_in(), token, status=400)


async def test_the_letter_goes_once_it_has_arrived_and_nothing_in_it_stays(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    before = await rows(town)
    assert before[0].letter == letter.token
    await passing.deliver(town.library.desk, town.send)
    after = await rows(town)
    assert (after[0].letter, after[0].fault) == ("", "")
    await town.library.desk.storage.checkpoint()
    for file in town.library.desk.directory.rglob("*"):
        assert not file.is_file() or b"Ashdown" not in file.read_bytes()


async def rows(town: Town) -> list[passed.Passed]:
    async def unit(tx: Tx) -> list[passed.Passed]:
        return await passed.recent(tx, 10)

    return await town.library.desk.storage.read(unit)


async def test_it_is_tried_until_it_arrives(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    town.up = False
    for wait in (0, 60, 300, 1_800):
        town.library.clock.at += wait
        assert await passing.deliver(town.library.desk, town.send) == 0
        assert await passing.deliver(town.library.desk, town.send) == 0
    town.up = True
    town.library.clock.at += 7_200
    assert await passing.deliver(town.library.desk, town.send) == 1
    assert (await rows(town))[0].tries == 5


async def test_an_inbox_that_hangs_holds_up_nobody_elses_letters(town: Town) -> None:
    clerk = await Clerk(town.library).sign_in()
    slow, quick = town.letter("slow"), town.letter("quick")
    for each in (slow, quick):
        await hand_in(clerk, each.token)
    arrived = asyncio.Event()

    async def send(fetch: Fetch) -> Fetched:
        if fetch.body == slow.token.encode():
            await arrived.wait()
            raise Unavailable("it hung")
        got = await town.send(fetch)
        arrived.set()
        return got

    assert await asyncio.wait_for(passing.deliver(town.library.desk, send), 30) == 1
    assert {each.fault for each in await rows(town)} == {"", "unavailable"}


@pytest.mark.parametrize("status", [400, 413])
async def test_what_the_other_will_never_take_is_given_up(town: Town, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is first on the list until somebody has dealt with it; handed in again it is sent again, with a receipt of that day."""
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    town.status = status
    await passing.deliver(town.library.desk, town.send)
    assert "It could not be delivered" in await clerk.get(clerk.at)
    (lost,), page = await rows(town), clerk.at
    assert lost.letter == ""
    town.library.clock.at += 60
    await hand_in(clerk, town.letter("newer").token)
    monkeypatch.setattr("verifier.pages.passing._LISTED", 1)
    for number, said in ((1, "could not be delivered"), (2, "on its way"), (99, "on its way")):
        listed = await clerk.get(f"/desk/pass-on?page={number}")
        assert (said in listed, f"Page {min(number, 2)} of 2" in listed) == (True, True)
    await clerk.post(f"{page}/dealt-with", {"form_token": await clerk.token("/desk/pass-on")})
    assert "on its way" in await clerk.get("/desk/pass-on")
    town.status = 0
    assert "on its way" in await hand_in(clerk, letter.token)
    assert clerk.at == page
    (again,) = [each for each in await rows(town) if each.id == lost.id]
    assert (again.taken_at, again.tries) == (town.library.clock.at, 0)
    assert again.basis["receipt_id"] != lost.basis["receipt_id"]
    assert await passing.deliver(town.library.desk, town.send) == 2
    assert "arrived" in await clerk.get(page)


async def test_handed_in_twice_it_is_one(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), town.letter()
    await hand_in(clerk, letter.token)
    first = clerk.at
    await hand_in(clerk, letter.token)
    assert clerk.at == first


async def test_a_letter_for_ourselves_is_taken_as_post(town: Town) -> None:
    clerk, letter = await Clerk(town.library).sign_in(), written(town.library)
    page = await hand_in(clerk, letter.token)
    assert "Bank account" in page or "/desk/inbox/" in clerk.at
    assert (await post(town.library, letter))[0] == 200


async def test_what_nobody_can_open_is_given_back(town: Town) -> None:
    clerk = await Clerk(town.library).sign_in()
    assert "This is no sealed letter" in await hand_in(clerk, "a.b.c.d.e", status=400)
    assert "Choose the file" in await clerk.post("/desk/pass-on", {"form_token": await clerk.token("/desk/pass-on")}, status=400)
    stranger = written(town.library).token
    assert inbox_of(town.library).kid != inbox_of(town.council).kid
    await town.library.desk.storage.write(lambda tx: tx.execute("DELETE FROM inbox_key"))
    assert "Nobody whom we know can open this" in await hand_in(clerk, stranger, status=400)
