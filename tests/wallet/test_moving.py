"""Moving to a new phone by two scans: what each code alone is worth, and what becomes of the old phone's copies."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientSession, CookieJar
from hypothesis import given
from hypothesis import strategies as st
from support.trial_verify import Dice
from support.two_phones import PHONE, agree, join, keep_on_phone, number_on, show_first
from support.wallet_visitor import Visitor
from support.wallets import Site

from shared.codec import qr
from shared.errors import Missing, TooMany
from shared.storage import Tx
from wallet.keep import as_spelt, spell
from wallet.moving import LIFE, OFTEN, TRIES, WHILE, Moves
from wallet.unlocked import Unlocked

CODE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture
async def thief(site: Site) -> AsyncIterator[Visitor]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield Visitor(replace(site, http=http))


async def test_t_ex_5_two_scans_move_the_wallet_and_give_up_the_old_copies(site: Site, old: Visitor, new: Visitor) -> None:
    """Both phones without JavaScript: typed codes. The copies on the old phone, and no others, are reported to the office."""
    await old.collect()
    document = await keep_on_phone(site, PHONE)
    await keep_on_phone(site, "cd" * 16)  # the tablet at home keeps its own
    second = await join(new, await show_first(old))
    assert "Nora" not in new.text
    await old.get("/move")
    await old.post("/move/seen", {"seen": second.lower().replace(" ", "-")}, files={})
    number = number_on(old)
    await new.get("/move/new")
    assert number_on(new) == number
    await new.post("/move/new/enter")
    assert "This is my new phone" in new.text  # not before the holder has said yes
    await old.get("/move")
    await old.post("/move/decide", {"same": "yes"})
    await new.get("/move/new")
    assert "This is the wallet of Nora Ashdown" in new.text
    await new.post("/move/new/enter")
    assert new.path == "/move/here"
    assert f'href="/phone/#keep/{document}"' in new.text
    assert "My documents" in await new.get("/")
    await old.get("/move")
    assert "open on the new phone" in old.text
    await old.post("/move/finish")
    assert "has forgotten your wallet" in old.text
    await old.get("/settings")
    assert old.path == "/sign-in"
    assert f"#keep/{document}" in await new.get("/move/here")  # as long as the wallet is open here
    await new.get("/history")
    assert "Given up for a new phone" in new.text
    assert "Opened on a new phone" in new.text
    status, state = await site.call("GET", f"/phone/api/state?phone={PHONE}")
    assert status == 200
    assert [batch["mine"] for batch in state["batches"] if batch["state"] == "on-phone"] == [False]
    assert [told["event"] for told in site.world.office.notified].count("credential_deleted") == 1


async def test_the_old_browser_is_told_to_forget_its_storage(site: Site, old: Visitor, new: Visitor) -> None:
    second = await join(new, await show_first(old))
    await agree(old, second)
    await new.post("/move/new/enter")
    await old.get("/move")
    async with site.http.post(f"{site.base}/move/finish", data=old.hidden()) as answer:
        assert answer.headers["Clear-Site-Data"] == '"storage"'


async def test_whoever_saw_only_the_first_code_gets_nothing(old: Visitor, thief: Visitor) -> None:
    """He may wait; without the old phone bringing his code nothing opens, and he learns no name."""
    await join(thief, await show_first(old))
    await thief.post("/move/new/enter")
    assert "Nora" not in thief.text
    await thief.get("/settings")
    assert thief.path == "/sign-in"
    await old.get("/move")
    assert "Number" not in old.text


async def test_a_first_code_that_two_browsers_bring_is_over_for_both(old: Visitor, new: Visitor, thief: Visitor) -> None:
    first = await show_first(old)
    second = await join(thief, first)
    await new.get("/move/new")
    await new.post("/move/new", {"code": first})
    assert "This code is not good" in new.text
    await old.get("/move")
    assert "somebody else may have seen it" in old.text
    await old.post("/move/seen", {"seen": second}, files={})
    assert old.status == 409
    await thief.get("/move/new")
    assert "Nothing was moved" in thief.text


async def test_whoever_saw_only_the_second_code_gets_nothing(old: Visitor, new: Visitor, thief: Visitor) -> None:
    second = await join(new, await show_first(old))
    await thief.get("/move/new")
    await thief.post("/move/new", {"code": second})
    assert "This code is not good" in thief.text
    await thief.get("/move")
    assert thief.path == "/sign-in"
    await agree(old, second)
    await thief.post("/move/new/enter")
    assert "Nora" not in thief.text
    await new.post("/move/new/enter")
    assert new.path == "/move/here"


async def test_both_codes_are_taken_once(old: Visitor, new: Visitor, thief: Visitor) -> None:
    first = await show_first(old)
    second = await join(new, first)
    await agree(old, second)
    await new.post("/move/new/enter")
    await thief.get("/move/new")
    await thief.post("/move/new", {"code": first})
    assert "This code is not good" in thief.text
    await old.post("/move/seen", {"seen": second}, files={})
    assert old.path == "/move"
    assert "data-wipe" in old.text
    await new.post("/move/new/enter")  # nothing is opened twice
    assert new.path == "/move/here"


async def test_codes_live_five_minutes(site: Site, old: Visitor, new: Visitor) -> None:
    first = await show_first(old)
    site.world.clock.at += LIFE
    await new.get("/move/new")
    await new.post("/move/new", {"code": first})
    assert "This code is not good" in new.text
    await old.get("/move")
    assert "The time is over" in old.text


async def test_wrong_second_codes_end_the_move(old: Visitor, new: Visitor) -> None:
    second = await join(new, await show_first(old))
    for _ in range(TRIES):
        await old.get("/move")
        await old.post("/move/seen", {"seen": "0" * 16}, files={})
    assert "a wrong code too often" in old.text
    await old.post("/move/seen", {"seen": second}, files={})
    assert old.status == 409


async def test_first_codes_are_tried_a_bounded_number_of_times(thief: Visitor) -> None:
    await thief.get("/move/new")
    for _ in range(20):
        await thief.post("/move/new", {"code": "0" * 26})
    await thief.post("/move/new", {"code": "0" * 26})
    assert thief.status == 429


async def test_moves_are_begun_a_bounded_number_of_times(old: Visitor) -> None:
    for _ in range(OFTEN):
        await show_first(old)
    await old.get("/settings")
    await old.post("/move", {"phone": PHONE})
    assert old.status == 429


async def test_no_disk_tells_that_anybody_moves(site: Site, old: Visitor, new: Visitor) -> None:
    """Whose wallet, from which address, and when: in memory alone."""

    async def counters(tx: Tx) -> list[str]:
        return [str(row["bucket"]) for row in await tx.fetch("SELECT bucket FROM rate_limit")]

    before = await site.host.storage.read(counters)
    await join(new, await show_first(old))
    assert await site.host.storage.read(counters) == before


def test_tries_are_counted_for_a_while() -> None:
    at = [0]
    moves = Moves(Unlocked(lambda: at[0], Dice("moves"), idle=600), clock=lambda: at[0], entropy=Dice("moves"))
    for at[0] in range(OFTEN):
        moves.count("one")
    with pytest.raises(TooMany) as refused:
        moves.count("one")
    assert refused.value.retry_after == WHILE - OFTEN + 1
    moves.count("another")
    at[0] = WHILE
    moves.count("one")
    with pytest.raises(TooMany):
        moves.count("one")


async def test_no_and_the_old_phone_signing_out_end_it(old: Visitor, new: Visitor) -> None:
    second = await join(new, await show_first(old))
    await old.get("/move")
    await old.post("/move/seen", {"seen": second}, files={})
    await old.post("/move/decide", {"same": "no"})
    assert "You stopped" in old.text
    await agree(old, await join(new, await show_first(old)))
    await old.get("/settings")
    await old.post("/sign-out")
    await new.post("/move/new/enter")
    await new.get("/settings")
    assert new.path == "/sign-in"


async def test_the_codes_to_scan_hold_them_in_the_fragment(site: Site, old: Visitor, new: Visitor) -> None:
    """What a camera reads is an address of ours whose code no server sees; a photo of it is as good as scanning it."""
    first = await show_first(old)
    drawn = await old.get("/move/code.svg")
    assert drawn == qr.svg(f"{site.base}/move/new#{first.replace(' ', '')}")
    second = await join(new, first)
    assert await new.get("/move/new/code.svg") == qr.svg(f"{site.base}/move#{second.replace(' ', '')}")
    await old.get("/move")
    await old.post("/move/seen", files={"picture": qr.png(f"{site.base}/move#{second.replace(' ', '')}")})
    assert number_on(old)
    assert await new.get("/move/new/state") == "{}"  # it waits


async def test_the_new_phone_is_open_no_longer_than_the_old_one_would_have_been(site: Site, old: Visitor, new: Visitor) -> None:
    """Nobody keeps a wallet open for ever by moving it again and again."""
    (before,) = site.host.unlocked._sittings.values()
    for _ in range(5):
        site.world.clock.at += 600
        await old.get("/")
    second = await join(new, await show_first(old))
    await agree(old, second)
    await new.post("/move/new/enter")
    ends = [one.session.expires_at for one in site.host.unlocked._sittings.values()]
    assert ends == [before.session.expires_at]


async def test_t_ex_5_the_recovery_sheet_opens_the_wallet_once(site: Site, old: Visitor, new: Visitor) -> None:
    """It has all that is needed, the code in no address that a server sees; what it opens is closed everywhere else, and it is then dead."""
    await old.get("/settings")
    fresh = {"passphrase": site.made.passphrase, "new_passphrase": "four words on paper", "repeat": "four words on paper"}
    await old.post("/settings/passphrase", fresh)
    code = re.findall(r"<code>((?:[0-9A-Z]{5}-){4}[0-9A-Z]{5})</code>", old.text)[0]
    drawn = b64encode(qr.svg(f"{site.base}/recover#{code}").encode()).decode()
    assert f'src="data:image/svg+xml;base64,{drawn}"' in old.text
    for words in ("Recovery sheet", "Nora Ashdown", "whoever has this sheet can open your wallet", "no longer works", "At its counter"):
        assert words in old.text
    await new.get("/recover")
    again = {"holder": "Nora Ashdown", "code": code, "new_passphrase": "another four long words", "repeat": "another four long words"}
    await new.post("/recover", again)
    assert "Recovery sheet" in new.text
    assert code not in new.text
    await old.get("/settings")
    assert old.path == "/sign-in"
    await old.get("/recover")
    await old.post("/recover", again)
    assert "do not open a wallet here" in old.text


async def test_the_sheet_is_there_in_welsh(site: Site, old: Visitor) -> None:
    async with site.http.get(f"{site.base}/settings?lang=cy"):
        pass
    await old.get("/settings")
    fresh = {"passphrase": site.made.passphrase, "new_passphrase": "four words on paper", "repeat": "four words on paper"}
    await old.post("/settings/passphrase", fresh)
    assert "Taflen adfer" in old.text
    assert "Recovery sheet" not in old.text


@given(st.binary(min_size=16, max_size=16), st.sampled_from(["", " ", "-", "·"]), st.booleans())
def test_a_code_is_read_however_it_is_typed(value: bytes, between: str, small: bool) -> None:
    code = spell(value, 26)
    typed = between.join(code[start : start + 4] for start in range(0, 26, 4)).replace("0", "O").replace("1", "l")
    assert as_spelt(typed.lower() if small else typed) == code
    assert sum(CODE.index(symbol) << (5 * place) for place, symbol in enumerate(code)) == int.from_bytes(value, "big")  # all 128 bits


@given(st.text())
def test_anything_typed_is_no_code_of_anybody(typed: str) -> None:
    moves = Moves(Unlocked(lambda: 0, Dice("moves"), idle=600), clock=lambda: 0, entropy=Dice("moves"))
    with pytest.raises(Missing):
        moves.join(typed, "secret")
