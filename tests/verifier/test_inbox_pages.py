"""Post at the desk: a list with what has to be done first, one letter, a decision that only a person can make (R6, R9, T-AU-5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import PATHS, Site, Template, serving
from support.own_office import KEY, OWN, OwnOffice, record
from support.posting import Sent, ask, check, post, written
from support.trial_verify import CLAIMS, IDX, LIST, status_token

from shared.clock import DAY
from shared.web.operators import everybody
from verifier import inbox_desk, registering
from verifier.app import one_round
from verifier.records import letters


@pytest.fixture
async def clerk(template: Template, tmp_path: Path) -> AsyncIterator[Clerk]:
    async with serving(template, tmp_path / "desk", local=True, retention_days=30) as desk:
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"decides": "person"})
        yield await Clerk(desk).sign_in()


async def sent(clerk: Clerk, seed: str = "copy", about: str = "", **how: Any) -> tuple[Sent, str]:
    """A letter that was posted, and where its page is."""
    letter = written(clerk.desk, about=about, seed=seed, **how)
    told = (await post(clerk.desk, letter))[1]
    reference = check(clerk.desk, letter, told).receipt_id[:10]
    found = await clerk.desk.desk.storage.read(lambda tx: letters.listed(tx, clerk.desk.clock(), 50))
    newest = {each.exchange for each in found}
    pages = [f"/desk/inbox/{each}" for each in newest if f"Reference {reference}." in await clerk.get(f"/desk/inbox/{each}")]
    return letter, pages[0]


async def test_nothing_has_come_yet(clerk: Clerk) -> None:
    assert "Nothing has come yet" in await clerk.get("/desk/inbox")
    await clerk.get("/desk/inbox/none", status=404)


async def test_a_person_accepts(clerk: Clerk) -> None:
    letter, path = await sent(clerk)
    assert "Ashdown" in await clerk.get(path)
    page = await clerk.post(path, {"form_token": await clerk.token(path)}, status=400)
    assert "Say whether you accept it" in page
    page = await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept", "account": "ACC 12"})
    assert "Whose record it is: ACC 12." in page
    status, told = await ask(clerk.desk, letter.ticket)
    assert (status, check(clerk.desk, letter, told).decision) == (200, "accepted")
    page = await clerk.post(path, {"form_token": await clerk.token(path), "decision": "refuse", "reason": "no_account"}, status=400)
    assert ("It was decided in the meantime." in page, "Whose record it is" in page) == (True, True)
    assert check(clerk.desk, letter, (await ask(clerk.desk, letter.ticket))[1]).decision == "accepted"
    decisions = await clerk.get("/desk/decisions")
    assert "a letter, the inbox" in decisions
    assert "A person will decide." in decisions


async def test_t_fm_4_a_person_refuses_with_a_reason(clerk: Clerk) -> None:
    letter, path = await sent(clerk)
    page = await clerk.post(path, {"form_token": await clerk.token(path), "decision": "refuse"}, status=400)
    assert "Choose why you refuse it" in page
    await clerk.post(path, {"form_token": await clerk.token(path), "decision": "refuse", "reason": "no_account"})
    receipt = check(clerk.desk, letter, (await ask(clerk.desk, letter.ticket))[1])
    assert (receipt.decision, receipt.reason_code) == ("rejected", "no_account")
    assert "Nobody like this was found in our records." in await clerk.get(path)


async def test_restrictions_are_read_by_a_person(clerk: Clerk) -> None:
    claims = CLAIMS | {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live."}
    paths = [*PATHS, ("restrictions_text",)]
    letter, path = await sent(clerk, claims=claims, paths=paths)
    assert "Not to sell Poplar Court" in await clerk.get(path)
    page = await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept"}, status=400)
    assert "Say yes or no" in page
    await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept", "allow": "yes"})
    assert check(clerk.desk, letter, (await ask(clerk.desk, letter.ticket))[1]).decision == "accepted"


async def test_search_and_order(clerk: Clerk) -> None:
    letter, path = await sent(clerk, seed="one")
    page = await clerk.get("/desk/inbox?q=ASHDOWN")
    assert page.count("Decide") == 1
    await clerk.post(path, {"form_token": await clerk.token(path), "decision": "refuse", "reason": "no_account"})
    number = check(clerk.desk, letter, (await ask(clerk.desk, letter.ticket))[1]).receipt_id
    assert path in await clerk.get(f"/desk/inbox?q={number}"), "the whole number, as it stands on the holder's receipt"
    assert f"Number of the receipt: {number}" in await clerk.get(path)
    assert (await clerk.get(f"/desk/decisions?q={number}")).count(f"Receipt {number}") == 2, "that it came, and what was decided"
    assert "Nothing fits." in await clerk.get("/desk/inbox?q=nobody")


async def test_t_au_5_a_banner_says_that_a_letter_is_late(clerk: Clerk) -> None:
    _, path = await sent(clerk)
    clerk.desk.clock.at += 5 * DAY
    await one_round(clerk.desk.app)
    await clerk.sign_in()
    for where in ("/desk/", "/desk/inbox"):
        assert "1 letter is late." in await clerk.get(where)
    assert "This is late" in await clerk.get(path)


async def test_a_group_sees_its_own_post(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = clerk.desk.desk
    registering.state(desk.directory, desk.settings, "bank", {"team": "Estates"})
    _, path = await sent(clerk)
    assert "Estates" in await clerk.get("/desk/inbox")
    await desk.storage.write(lambda tx: tx.execute("UPDATE operator SET role = 'clerk'"))
    assert "Estates" not in await clerk.get("/desk/inbox")
    await clerk.get(path, status=404)
    monkeypatch.setattr(inbox_desk, "SEARCHED", 1)
    registering.state(desk.directory, desk.settings, "bank", {"team": "", "decides": "itself"})
    await post(clerk.desk, written(clerk.desk, seed="everybody's"))
    page = await clerk.get("/desk/inbox?q=ashdown")
    assert ("Nothing fits." in page, "Only the first 1" in page) == (False, False), "what others may not see takes nothing from the search"
    await post(clerk.desk, written(clerk.desk, seed="one more"))
    assert "Only the first 1 were looked through." in await clerk.get("/desk/inbox?q=ashdown")
    registering.state(desk.directory, desk.settings, "bank", {"team": "Estates"})
    (bea,) = await desk.storage.read(everybody)
    await desk.storage.write(lambda tx: tx.execute("UPDATE operator SET role = 'admin'"))
    await clerk.post("/desk/inbox/teams", {"form_token": await clerk.token("/desk/inbox/teams"), "team": "Estates", "member": bea.id})
    await desk.storage.write(lambda tx: tx.execute("UPDATE operator SET role = 'clerk'"))
    assert "Estates" in await clerk.get("/desk/inbox")
    assert "Estates" in await clerk.get(path)


async def test_nobody_outside_a_group_sees_its_post_by_another_page(template: Template, tmp_path: Path) -> None:
    office = OwnOffice()
    async with serving(template, tmp_path / "desk", local=True, retention_days=30, site=office, own_issuer=OWN) as desk:
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"team": "Estates"})
        clerk = await Clerk(desk).sign_in()
        letter = written(desk)
        assert check(desk, letter, (await post(desk, letter))[1]).decision == "accepted"
        (found,) = await desk.desk.storage.read(lambda tx: letters.listed(tx, desk.clock(), 50))
        of_it = f"/desk/requests/{found.exchange}"
        key = desk.desk.directory / "own-issuer.key"
        key.write_text(KEY)
        key.chmod(0o600)
        await record(desk.desk, office, found.exchange)
        for path in ("match", "record", "receipt", "state"):
            await clerk.get(f"{of_it}/{path}")
        token = await clerk.token()
        await desk.desk.storage.write(lambda tx: tx.execute("UPDATE operator SET role = 'clerk'"))
        for path in ("", "/match", "/record", "/record/qr.svg", "/receipt", "/state", "/known"):
            await clerk.get(of_it + path, status=404)
        for path in ("match", "again", "next", "known", "known/forget"):
            await clerk.post(f"{of_it}/{path}", {"form_token": token, "records": "1; Margaret; Ashdown"}, status=404)


async def test_a_letter_corrects_an_earlier_one(clerk: Clerk) -> None:
    first, path = await sent(clerk, seed="one")
    _, later = await sent(clerk, seed="two", about=first.claims["jti"])
    assert "This corrects what you got on" in await clerk.get(later)
    assert "Something came about this on" in await clerk.get(path)


async def test_a_letter_about_nothing_that_came_here_is_a_letter(clerk: Clerk) -> None:
    _, later = await sent(clerk, about="unknown")
    page = await clerk.get(later)
    assert "This corrects" not in page


async def test_what_was_called_back_is_undone(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", local=True, site=Site()) as desk:
        clerk = await Clerk(desk).sign_in()
        registering.state(desk.desk.directory, desk.desk.settings, "bank", {"undo": "Lift the freeze.\nPay what was missed."})
        first, _ = await sent(clerk, seed="one")
        desk.site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock() + 60)
        desk.clock.at += 60
        await desk.store.refresh(desk.site)
        letter, path = await sent(clerk, seed="two", about=first.claims["jti"])
        receipt = check(desk, letter, (await ask(desk, letter.ticket))[1])
        assert (receipt.decision, receipt.reason_code) == ("rejected", "revoked")
        page = await clerk.get(path)
        assert "This calls back what you got on" in page
        assert "What to undo" in page
        assert "Lift the freeze.</p>" in page
        assert "Lift the freeze." not in await clerk.get("/register.json")
        assert "Undo what rested on it" in await clerk.get("/desk/inbox")
        await clerk.post(f"{path}/undone", {"form_token": await clerk.token(path)})
        assert "Undone" in await clerk.get(path)


async def test_nobody_accepts_what_was_cancelled_meanwhile(clerk: Clerk) -> None:
    letter, path = await sent(clerk)
    desk = clerk.desk
    desk.site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock() + 60)
    desk.clock.at += 60
    await desk.store.refresh(desk.site)
    assert "Accept it" in await clerk.get(path)
    await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept"})
    receipt = check(desk, letter, (await ask(desk, letter.ticket))[1])
    assert (receipt.decision, receipt.reason_code) == ("rejected", "revoked")


async def test_what_cannot_be_told_waits_until_the_lists_are_here(template: Template, tmp_path: Path) -> None:
    other = "https://opg.example/status/2"
    async with serving(template, tmp_path / "desk", local=True, site=Site(lists={other: status_token(uri=other)})) as desk:
        clerk = await Clerk(desk).sign_in()
        letter, path = await sent(clerk)
        page = await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept"}, status=400)
        assert "We have no usable list" in page
        desk.site.lists[LIST] = status_token()
        await clerk.post(f"{path}/fetch", {"form_token": await clerk.token(path)})
        await clerk.post(path, {"form_token": await clerk.token(path), "decision": "accept"})
        assert check(desk, letter, (await ask(desk, letter.ticket))[1]).decision == "accepted"


async def test_no_program_decides_in_a_persons_place(clerk: Clerk) -> None:
    letter, path = await sent(clerk)
    desk, exchange = clerk.desk, path.rpartition("/")[2]
    assert (await desk.call("POST", f"/api/presentation-requests/{exchange}/recheck", {}))[0] == 409
    assert (await desk.call("GET", f"/api/presentation-requests/{exchange}"))[1]["kind"] == "letter"
    assert (await ask(desk, letter.ticket))[0] == 202
    _, recent = await desk.call("GET", "/api/presentation-requests")
    assert recent["items"] == []
    assert "Answer by" in await clerk.get(f"/desk/requests/{exchange}")
