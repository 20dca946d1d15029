"""The statement for a year, and what is said of a record that was changed, in a real browser at two sizes and in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.books import Book
from support.browser import LAPTOP, PHONE, Open, Walker
from support.wallets import Site, serve_wallet
from support.world import CODE, Party

from wallet import logs

pytestmark = pytest.mark.real


async def enter(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.locator("#holder").fill("Nora Ashdown")
    await page.locator("#passphrase").fill(site.made.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="My documents").wait_for()


async def collect(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/receive")
    await page.get_by_label("Link of the invitation").fill(site.world.office.link())
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("Collection code").fill(CODE)
    await page.get_by_role("button", name="Collect the document").click()
    await page.get_by_text("Document collected").first.wait_for()


async def share(page: Page, site: Site, party: Party) -> None:
    await page.goto(f"{site.base}/present")
    await page.get_by_label("Link of the request").fill(party.ask())
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Share once").click()
    await page.get_by_text("Shared once").first.wait_for()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_a_year_and_a_record_that_was_changed(tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        walker, book = Walker(await open_page(size), f"wallet-statement-{size['width']}"), Book(site.world.council).open()
        page = walker.page
        await enter(page, site)
        await page.goto(f"{site.base}/statement")
        await walker.look("empty")
        await collect(page, site)
        for party in (site.world.council, site.world.bank):
            await share(page, site, party)
        await page.goto(f"{site.base}/history")
        await page.get_by_role("link", name="Statement for a year").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Statement for 2027")
        await walker.look("year")

        (vault,) = site.host.unlocked.vaults()
        await logs.tend(site.host.means, vault)
        book.rewrite()
        book.sign()
        site.world.clock.at += site.host.means.log_every
        await logs.tend(site.host.means, vault)
        await enter(page, site)
        await page.goto(f"{site.base}/history")
        await expect(page.get_by_text("their record was changed")).to_be_visible()
        await walker.look("history")
        await page.get_by_role("row").filter(has_text="their record was changed").get_by_role("link").click()
        await expect(page.get_by_text("They have changed their own record")).to_be_visible()
        await walker.look("line")
        await page.get_by_role("link", name="Cymraeg").first.click()
        await page.goto(f"{site.base}/history")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Hanes")
        await walker.look("history-cymraeg")
        await walker.watched.check_large_text()
        await page.goto(f"{site.base}/statement")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Datganiad ar gyfer 2027")
        await walker.look("cymraeg")
        await walker.watched.check_large_text()
