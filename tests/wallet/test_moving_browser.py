"""Moving to a new phone in two real browsers: the codes are scanned, the new phone keeps copies of its own, the old one is emptied. On narrow
phones by keyboard alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.pockets import LARGE, Pocket, open_place, open_pocket
from support.walk import Typist, Walker
from support.wallets import PASSPHRASE

from shared.codec import qr

pytestmark = pytest.mark.real

NARROW = {"width": 320, "height": 640}


async def scanned(pocket: Pocket) -> str:
    """The one address on the screen, as a camera reads it."""
    picture = pocket.page.locator(".mu-qr__picture")
    await picture.wait_for()
    (link,) = qr.read(await picture.screenshot())
    return link


async def number(pocket: Pocket) -> str:
    found = pocket.page.locator(".wal-code__value").last
    await found.wait_for()
    return await found.inner_text()


@pytest.mark.parametrize(("hand", "size"), [(Typist, NARROW), (Walker, LARGE)])
async def test_t_ex_5_two_scans_with_two_browsers(tmp_path: Path, hand: type[Walker], size: dict[str, int]) -> None:
    async with (
        open_place(tmp_path / "wallet") as place,
        open_pocket(place.site, tmp_path / "old", size=size) as old,
        open_pocket(place.site, tmp_path / "new", size=size) as new,
    ):
        old.hand, new.hand = hand(watched=old.watched), hand(watched=new.watched)
        await old.sign_in()
        await old.keep(place.document)
        await old.open("/move")
        await old.look("move")
        await old.press("Show the code")
        first = await scanned(old)
        await old.look("move-first-code")
        await new.page.goto(first)
        await expect(new.page.locator("#code")).to_have_value(first.rpartition("#")[2])
        assert "#" not in new.page.url
        await new.look("move-scanned")
        await new.press("Go on")
        second = await scanned(new)
        await new.look("move-second-code")
        await old.page.get_by_text("2 of 3.").wait_for()
        await old.look("move-scan-back")
        await old.page.goto(second)
        await expect(old.page.locator("#seen")).to_have_value(second.rpartition("#")[2])
        await old.press("Go on")
        await old.page.get_by_text("3 of 3.").wait_for()
        await old.look("move-same-number")
        assert await number(old) == await number(new)
        await old.press("Yes, the same number")
        await new.page.get_by_text("This is the wallet of").wait_for()
        await new.look("move-enter")
        await new.press("Open my wallet here")
        await new.page.get_by_role("heading", name="Your wallet is open on this phone").wait_for()
        await new.look("moved-here")
        await old.page.get_by_role("heading", name="This phone has forgotten your wallet").wait_for()
        await expect(old.page.get_by_role("button", name="Sign out")).to_have_count(0)
        await old.look("moved")
        left = await old.page.evaluate("async () => [localStorage.length, (await caches.keys()).length]")
        assert left == [0, 0]
        await old.open()
        await old.wait("empty")
        await new.hand.hit(new.page.locator("main a[href^='/phone/#keep/']"))
        await new.wait("keep")
        await new.hand.fill(new.page.locator("#new_passphrase"), PASSPHRASE)
        await new.hand.fill(new.page.locator("#repeat"), PASSPHRASE)
        await new.press("Keep on this phone")
        await new.wait("kept")
        codes = [link.rpartition("#")[2] for link in (first, second)]
        reached = [re.sub("#.*", "", address) for address in (*old.asked, *new.asked)]
        assert not any(code in address for code in codes for address in reached)


async def test_the_code_of_a_recovery_sheet_is_scanned(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "old", size=NARROW) as pocket:
        await pocket.sign_in()
        await pocket.open("/settings")
        await pocket.page.locator("#passphrase").fill(place.site.made.passphrase)
        await pocket.page.locator("#new_passphrase").fill(PASSPHRASE)
        await pocket.page.locator("#repeat").fill(PASSPHRASE)
        await pocket.press("Change it")
        link = await scanned(pocket)
        await pocket.look("recovery-sheet")
        await pocket.page.emulate_media(media="print")
        await expect(pocket.page.get_by_role("heading", name="Recovery sheet")).to_be_visible()
        await expect(pocket.page.get_by_role("button", name="I have written it down: go to my documents")).to_be_hidden()
        await pocket.keep_picture("recovery-sheet-printed")
        await pocket.page.emulate_media(media="screen")
        await pocket.page.goto(link)
        await expect(pocket.page.locator("#code")).to_have_value(link.rpartition("#")[2])
        assert "#" not in pocket.page.url
        await pocket.look("recover-scanned")
