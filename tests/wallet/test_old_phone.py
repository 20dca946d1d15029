"""What becomes of the old phone once the wallet was moved: its copies, its sitting, and what its pages say of both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

import pytest
from support.two_phones import PHONE, agree, join, keep_on_phone, number_on, show_first
from support.wallet_visitor import Visitor
from support.wallets import Site

from shared.errors import Unavailable
from wallet import moving, phone
from wallet.deliveries import Delivery, Told
from wallet.keep import Vault
from wallet.means import Means
from wallet.moving import LIFE
from wallet.phone import look_after
from wallet.records import Item
from wallet.unlocked import LONGEST

OFFICE = "https://opg.example"
TABLET = "cd" * 16
ON_HOLD = "Copies that this phone kept are being put on hold"
NONE_GIVEN_UP = "No copies of this phone were given up"


async def _moved(old: Visitor, new: Visitor, phone: str = PHONE) -> None:
    await agree(old, await join(new, await show_first(old, phone)))
    await new.get("/move/new")
    await new.post("/move/new/enter")


async def _finish(old: Visitor) -> str:
    await old.get("/move")
    return await old.post("/move/finish")


def _heard(site: Site) -> int:
    return [told["event"] for told in site.world.office.notified].count("credential_deleted")


# --- its copies are given up, and the office hears of it


async def test_the_office_hears_of_the_old_copies_before_the_new_phone_is_in(site: Site, old: Visitor, new: Visitor) -> None:
    """Nobody has to leave a wallet open for that."""
    await old.collect()
    await keep_on_phone(site, PHONE)
    await _moved(old, new)
    assert new.path == "/move/here"
    assert _heard(site) == 1
    assert "was not told yet" not in new.text
    assert ON_HOLD in await _finish(old)
    assert "nobody can use them" not in old.text


@pytest.mark.parametrize("phone", [PHONE, ""])
async def test_copies_that_a_phone_got_and_never_said_it_kept_are_given_up(site: Site, old: Visitor, new: Visitor, phone: str) -> None:
    """Its network broke between the copies and its word that it has them."""
    await old.collect()
    document = await keep_on_phone(site, PHONE, say_so=False)
    await _to_the_number(old, new, phone)
    await old.post("/move/decide", {"same": "yes", "kept": PHONE})
    assert f"#keep/{document}" in await _entered(new)
    assert _heard(site) == 1


async def test_an_office_that_is_away_hears_later_and_the_pages_say_so(site: Site, old: Visitor, new: Visitor) -> None:
    await old.collect()
    await keep_on_phone(site, PHONE)
    site.world.down.add(OFFICE)
    await _moved(old, new)
    assert "Until then the old copies still count" in new.text
    await _finish(old)
    assert "was not told yet" in old.text
    assert ON_HOLD not in old.text
    site.world.down.clear()
    for vault in site.host.unlocked.vaults():
        await look_after(site.host.means, vault)
    assert _heard(site) == 1


async def test_what_no_office_can_be_told_is_said(site: Site, old: Visitor, new: Visitor) -> None:
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    site.world.office.refresh_tokens.clear()
    await _moved(old, new)
    assert _heard(site) == 0
    assert f"#keep/{document}" in new.text
    assert "Your wallet cannot tell its office" in new.text
    assert "an office that your wallet cannot tell" in await _finish(old)


async def _lost(visitor: Visitor, document: str) -> str:
    await visitor.get(f"/cards/{document}")
    await visitor.post(re.findall(r'action="(/cards/[^"]+/lost)"', visitor.text)[0])
    assert visitor.path == f"/cards/{document}"
    return visitor.text


async def test_t_ex_5_whoever_says_that_a_phone_is_lost_reads_whether_the_office_has_heard(site: Site, old: Visitor) -> None:
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    assert ON_HOLD in await _lost(old, document)
    assert _heard(site) == 1
    await keep_on_phone(site, PHONE)
    site.world.down.add(OFFICE)
    told = await _lost(old, document)
    assert "An office was not told yet" in told
    assert ON_HOLD not in told
    assert "An office was not told yet" in await old.get(f"/cards/{document}")  # as long as it is so
    site.world.down.clear()
    for vault in site.host.unlocked.vaults():
        await look_after(site.host.means, vault)
    assert _heard(site) == 2
    assert "An office was not told yet" not in await old.get(f"/cards/{document}")
    await keep_on_phone(site, PHONE)
    site.world.office.refresh_tokens.clear()
    assert "an office that your wallet cannot tell" in await _lost(old, document)


async def test_t_ex_5_a_document_is_not_taken_out_before_its_holder_knows_what_an_office_has_not_heard(site: Site, old: Visitor) -> None:
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    site.world.down.add(OFFICE)
    await old.get(f"/cards/{document}/remove")
    await old.post(f"/cards/{document}/remove")
    assert "An office was not told yet" in old.text
    assert "your wallet can tell nobody any more" in old.text
    site.world.down.clear()
    await old.post(f"/cards/{document}/remove")
    assert _heard(site) == 1
    assert old.path == "/"
    await old.get(f"/cards/{document}")
    assert old.status == 404


async def test_whoever_takes_a_document_out_all_the_same_may(site: Site, old: Visitor) -> None:
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    site.world.down.add(OFFICE)
    for told in ({}, {"told": "yes"}):
        await old.get(f"/cards/{document}/remove")
        await old.post(f"/cards/{document}/remove", told)
    assert old.path == "/"
    await old.get(f"/cards/{document}")
    assert old.status == 404


async def test_the_old_page_waits_for_what_it_says_of_its_copies(
    site: Site, old: Visitor, new: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shut at once; the offices may take their time."""
    await old.collect()
    await keep_on_phone(site, PHONE)
    asked, go_on, real = asyncio.Event(), asyncio.Event(), phone.report_lost

    async def slowly(means: Means, vault: Vault, item: Item[Delivery]) -> Told:
        asked.set()
        await go_on.wait()
        return await real(means, vault, item)

    monkeypatch.setattr(phone, "report_lost", slowly)
    await agree(old, await join(new, await show_first(old)))
    await new.get("/move/new")
    entering = asyncio.create_task(new.post("/move/new/enter"))
    await asked.wait()
    await old.get("/")
    assert old.path == "/move"
    finishing = asyncio.create_task(old.post("/move/finish"))
    await asyncio.sleep(0.05)
    assert not finishing.done()
    go_on.set()
    await entering
    assert ON_HOLD in await finishing


async def test_a_move_that_could_not_be_written_gives_up_nothing_and_may_be_tried_again(
    old: Visitor, new: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agree(old, await join(new, await show_first(old)))
    await new.get("/move/new")

    async def broken(*_: object) -> list[object]:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("wallet.pages.moving.give_up", broken)
        await new.post("/move/new/enter")
    assert new.status == 503
    await old.get("/")
    assert "My documents" in old.text
    await new.get("/move/new")
    await new.post("/move/new/enter")
    assert new.path == "/move/here"


async def test_nobody_stops_a_move_while_the_copies_are_given_up(
    site: Site, old: Visitor, new: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either both happen or neither."""
    await old.collect()
    await keep_on_phone(site, PHONE)
    await agree(old, await join(new, await show_first(old)))
    await new.get("/move/new")
    real = moving.give_up

    async def meanwhile(means: Means, vault: Vault, names: Collection[str]) -> list[Item[Delivery]]:
        await old.get("/move")
        await old.post("/move/decide", {"same": "no"})
        site.world.clock.at += LIFE
        return await real(means, vault, names)

    monkeypatch.setattr("wallet.pages.moving.give_up", meanwhile)
    await new.post("/move/new/enter")
    assert new.path == "/move/here"
    assert _heard(site) == 1


# --- whose copies: where the phone does not say


async def _to_the_number(old: Visitor, new: Visitor, phone: str) -> None:
    second = await join(new, await show_first(old, phone))
    await old.get("/move")
    await old.post("/move/seen", {"seen": second}, files={})
    assert number_on(old)


async def _entered(new: Visitor) -> str:
    await new.get("/move/new")
    return await new.post("/move/new/enter")


@pytest.mark.parametrize("phone", ["", "ef" * 16])
async def test_a_phone_that_does_not_say_what_it_keeps_is_asked(site: Site, old: Visitor, new: Visitor, phone: str) -> None:
    """Without JavaScript, with its storage blocked or emptied: the list, and no answer for the holder."""
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    await _to_the_number(old, new, phone)
    assert re.search(r"Kept on [^<]+: [^<]+", old.text)
    assert "All of these" not in old.text
    await old.post("/move/decide", {"same": "yes"})
    assert "Say which copies are on this phone" in old.text
    await old.post("/move/decide", {"same": "yes", "kept": "00" * 16})
    assert "Say which copies are on this phone" in old.text
    await old.post("/move/decide", {"same": "yes", "kept": PHONE})
    assert f"#keep/{document}" in await _entered(new)
    assert _heard(site) == 1
    assert ON_HOLD in await _finish(old)


@pytest.mark.parametrize(("kept", "given_up"), [("all", 2), (TABLET, 1), ("none", 0)])
async def test_one_all_or_none_of_several_are_given_up(site: Site, old: Visitor, new: Visitor, kept: str, given_up: int) -> None:
    await old.collect()
    for name in (PHONE, TABLET):
        await keep_on_phone(site, name)
    await _to_the_number(old, new, "")
    assert "All of these" in old.text
    await old.post("/move/decide", {"same": "yes", "kept": kept})
    await _entered(new)
    assert _heard(site) == given_up
    assert (NONE_GIVEN_UP in await _finish(old)) == (given_up == 0)


async def test_a_phone_that_says_it_is_not_asked(site: Site, old: Visitor, new: Visitor) -> None:
    await old.collect()
    await keep_on_phone(site, PHONE)
    await _to_the_number(old, new, PHONE)
    assert "Which of these copies" not in old.text


async def test_where_nothing_is_kept_nothing_is_said_to_be_on_hold(old: Visitor, new: Visitor) -> None:
    await _moved(old, new, "")
    await _finish(old)
    assert NONE_GIVEN_UP in old.text
    assert ON_HOLD not in old.text


# --- its sitting


async def test_every_page_of_the_old_phone_is_the_one_that_forgets(site: Site, old: Visitor, new: Visitor) -> None:
    """Hours later too, whatever it is asked for; nothing opens the wallet there."""
    await old.collect()
    await _moved(old, new)
    site.world.clock.at += LONGEST - 60
    for path in ("/", "/settings", "/move", "/move/new", "/sign-in", "/phone/", "/nowhere"):
        await old.get(path)
        assert old.path == "/move"
        assert "data-wipe" in old.text
        assert "Show the code" not in old.text
    assert (await site.call("GET", "/api/cards"))[0] == 401
    assert (await site.call("GET", f"/phone/api/state?phone={PHONE}"))[0] == 401
    assert await old.get("/move/state?at=agreed") == '{"href": "/move"}'
    await old.post("/move", {"phone": PHONE})
    assert "Show the code" not in old.text
    async with site.http.post(f"{site.base}/move/finish", data=old.hidden()) as answer:
        assert answer.headers["Clear-Site-Data"] == '"storage"'
    await old.get("/settings")
    assert old.path == "/sign-in"
    await old.enter()


async def test_it_is_forgotten_when_its_session_would_have_ended(site: Site, old: Visitor, new: Visitor) -> None:
    await _moved(old, new)
    site.world.clock.at += LONGEST
    await old.get("/settings")
    assert old.path == "/sign-in"


async def test_the_new_phone_can_be_moved_on_and_back(old: Visitor, new: Visitor) -> None:
    await _moved(old, new)
    await _finish(old)
    await _moved(new, old)
    assert old.path == "/move/here"
    await new.get("/settings")
    assert new.path == "/move"


async def test_a_new_phone_that_signed_out_can_be_moved_to_again(old: Visitor, new: Visitor) -> None:
    await _moved(old, new)
    await new.get("/settings")
    await new.post("/sign-out")
    await new.get("/move/new")
    assert new.path == "/move/new"
    await _finish(old)
    await old.enter()
    await _moved(old, new)
    assert new.path == "/move/here"
