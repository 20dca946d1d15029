"""Who keeps a record now, in a real browser at two sizes: the card, the question that waits, and both once it is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.privatised import knowing, privatised
from support.wallets import Site, serve_wallet
from support.world import CODE, World

pytestmark = pytest.mark.real


async def _enter(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.locator("#holder").fill("Nora Ashdown")
    await page.locator("#passphrase").fill(site.made.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="My documents").wait_for()
    await page.goto(f"{site.base}/receive")
    await page.get_by_label("Link of the invitation").fill(site.world.office.link())
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Collection code").fill(CODE)
    await page.get_by_role("button", name="Collect the document").click()
    await page.get_by_text("Document collected").first.wait_for()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_who_keeps_it_is_asked_and_known(tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        known = [World.policy(site.world)]
        object.__setattr__(site.host.means, "trust", lambda: known[0])
        walker = Walker(await open_page(size), f"wallet-keeper-{size['width']}")
        page = walker.page
        await _enter(page, site)
        known[0] = knowing(site.world, privatised())
        await page.goto(f"{site.base}/present")
        await page.get_by_label("Link of the request").fill(site.world.council.ask())
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_text("Register Ltd keeps this record now, since").wait_for()
        await expect(page.get_by_role("button").filter(has_text="hare")).to_have_text("Don’t share")
        await walker.look("waits")
        await page.get_by_role("link", name="What this means").click()
        await page.get_by_role("heading", name="Register Ltd keeps this record now").wait_for()
        await walker.look("card")
        await page.goto(f"{page.url.partition('#')[0]}?lang=cy")
        await expect(page.locator("html")).to_have_attribute("lang", "cy")
        await walker.look("card-welsh")
        await page.goto(f"{page.url.partition('?')[0]}?lang=en")
        await page.get_by_role("button", name="I know who keeps it").click()
        await page.get_by_text("You said that you know this.").wait_for()
        await walker.look("known")
        known[0] = knowing(site.world, privatised(private=False))
        await page.reload()
        await page.get_by_role("button", name="Agree to new copies from there").wait_for()
        await walker.look("public")
