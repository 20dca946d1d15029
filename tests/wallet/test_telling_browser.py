"""Telling many in a real browser: in Welsh at 320 px by the keyboard alone, and without JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import PHONE, Open, Walker
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, Town
from support.wallets import Site, serve_wallet

from wallet import register

pytestmark = pytest.mark.real


@asynccontextmanager
async def at_home(folder: Path) -> AsyncIterator[tuple[Site, Town]]:
    """Joan with two documents, one of which somebody has registered to be told; one body without an inbox."""
    town = Town()
    town.settle("Northwold Bank", "Saxon Mutual", "Town Travel Cards")
    town.bodies[2].has_inbox = False
    async with serve_wallet(folder, world=town) as site:
        await site.open()
        vault = next(iter(site.host.unlocked.vaults()))
        await put_document(site.host.means, vault, vct=DEATH.vct, claims=STORIES["life-event"], copies=2)
        await put_document(site.host.means, vault, vct=DEATH.vct, claims={**STORIES["life-event"], "event_type": "marriage"}, later=5)
        town.clock.at += 600
        for body in town.bodies:
            body.register(2)
        await register.refresh(site.host.means, now=True)
        yield site, town


async def enters(page: Page, site: Site, lang: str) -> None:
    await page.goto(f"{site.base}/sign-in?lang={lang}")
    await page.locator("input[name=holder]").fill(site.made.holder)
    await page.locator("input[name=passphrase]").fill(site.made.passphrase)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.base}/")


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).focus()
    await page.keyboard.press("Enter")


async def test_in_welsh_at_320_by_the_keyboard(tmp_path: Path, open_page: Open) -> None:
    async with at_home(tmp_path / "wallet") as (site, town):
        walker = Walker(await open_page(PHONE), "tell-cy")
        page = walker.page
        await enters(page, site, "cy")
        await page.goto(f"{site.base}/tell")
        await press(page, "Dweud rhywbeth wrth sefydliadau")
        await page.get_by_role("heading", name="Pwy sydd i gael gwybod?").wait_for()
        await page.locator("#q").fill("saxon")
        await page.keyboard.press("Enter")
        await expect(page.locator("#choose input[name=body]")).to_have_count(1)
        await page.locator("#body").focus()
        await page.keyboard.press("Space")
        await page.locator("#q").fill("")
        await page.keyboard.press("Enter")
        await expect(page.locator("#choose input[name=body]")).to_have_count(3)
        await expect(page.get_by_label("Saxon Mutual")).to_be_checked()
        await walker.look("choose")
        await press(page, "Dewis neb")
        await page.get_by_text("0 wedi'u dewis").wait_for()
        await press(page, "Gweld beth fyddai pob un yn ei ddysgu")
        await page.get_by_text("Dewiswch o leiaf un sefydliad").first.wait_for()
        await walker.look("nobody-chosen")
        await press(page, "Dewis pawb yn y rhestr hon")
        await page.get_by_text("3 wedi'u dewis").wait_for()
        await press(page, "Gweld beth fyddai pob un yn ei ddysgu")
        await page.get_by_role("heading", name="Dyma beth fyddai pob un yn ei ddysgu").wait_for()
        await page.get_by_text("rhaid i 1 sefydliad aros").wait_for()
        await walker.look("each-learns")
        for name, heading in (("English", "This is what each would learn"), ("Cymraeg", "Dyma beth fyddai pob un yn ei ddysgu")):
            await page.get_by_role("navigation").get_by_text(name, exact=True).focus()
            await page.keyboard.press("Enter")
            await page.get_by_role("heading", name=heading).wait_for()
        await press(page, "Newid pwy")
        await page.get_by_text("3 wedi'u dewis").wait_for()
        await page.get_by_role("navigation").get_by_text("English", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("3 chosen").wait_for()
        await page.get_by_role("navigation").get_by_text("Cymraeg", exact=True).focus()
        await page.keyboard.press("Enter")
        await press(page, "Gweld beth fyddai pob un yn ei ddysgu")
        await page.get_by_role("heading", name="Dyma beth fyddai pob un yn ei ddysgu").wait_for()
        await press(page, "Cytuno a dweud wrth 3 sefydliad")
        await expect(page.locator('[data-state="accepted"]')).to_have_count(2)
        await expect(page.locator('[data-state="no-copy"]')).to_have_count(1)
        await walker.look("under-way")
        await page.locator("summary").first.focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Write to the complaints desk").first.wait_for()
        await walker.look("receipt")
        await page.goto(f"{site.base}/tell")
        await walker.look("list")
        assert [len(body.letters) for body in town.bodies] == [1, 1, 0]


async def test_without_javascript(tmp_path: Path, open_page: Open) -> None:
    async with at_home(tmp_path / "wallet") as (site, town):
        walker = Walker(await open_page(PHONE, javascript=False), "tell-plain")
        page = walker.page
        await enters(page, site, "en")
        town.bodies[0].uses = ()
        town.bodies[0].register(3)
        await page.goto(f"{site.base}/tell/new")
        await page.get_by_label("Town Travel Cards").check()
        await page.get_by_role("button", name="See what each would learn").click()
        await page.get_by_text("They have no inbox: you send their copy by e-mail, or print it.").wait_for()
        await page.get_by_role("button", name="Agree and tell 1 organisation").click()
        await page.get_by_role("link", name="Send it to Town Travel Cards by e-mail, or print it").click()
        await page.get_by_role("heading", name="Copy for Town Travel Cards").wait_for()
        await page.goto(f"{site.base}/tell/new")
        await page.get_by_label("Saxon Mutual").check()
        await page.get_by_role("button", name="See what each would learn").click()
        await page.get_by_role("button", name="Agree and tell 1 organisation").click()
        for _ in range(120):
            if await page.locator('[data-state="accepted"]').count():
                break
            await page.wait_for_timeout(500)
            await page.get_by_role("link", name="Look again").click()
        await expect(page.locator('[data-state="accepted"]')).to_have_count(1)
