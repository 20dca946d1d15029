"""Locking a copy and showing it locked, in a real browser at two sizes: watched for violations, in both languages, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.locked import WRONG
from support.wallets import Site, serve_wallet
from support.world import BANK, CODE

pytestmark = pytest.mark.real


async def copy_in(site: Site) -> str:
    await site.open()
    await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    body = {"to": BANK, "to_name": "Northwold Bank", "purpose_id": "bank", "type": "representation", "query": "bank"}
    return str((await site.call("POST", "/api/addressed", body))[1]["id"])


async def enter(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.locator("input[name=holder]").fill(site.made.holder)
    await page.locator("input[name=passphrase]").fill(site.made.passphrase)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site.base}/")


async def press(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    await button.focus()
    await page.keyboard.press("Enter")


async def words_of(page: Page) -> str:
    return await page.locator(".wal-code code").inner_text()


async def test_a_page_that_is_sent(tmp_path: Path, open_page: Open) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        copy = await copy_in(site)
        walker = Walker(await open_page(LAPTOP), "locked")
        page = walker.page
        await enter(page, site)
        await page.goto(f"{site.base}/copies/{copy}")
        await page.get_by_role("link", name="Lock it, to send it safely").click()
        await walker.look("lock")
        await press(page, "Lock it")
        await page.get_by_text("There is a problem").wait_for()
        await walker.look("lock-wrong")
        await page.get_by_label("I send it").check()
        await press(page, "Lock it")
        await page.get_by_role("heading", name="The seven words").wait_for()
        await walker.look("words")
        words = await words_of(page)
        assert re.fullmatch(r"([a-z]{5} ){6}[a-z]{5}", words)
        assert words.split(" ")[0] not in page.url + await page.title()
        await page.get_by_role("button", name="I have noted them: go on").click()
        await page.get_by_role("heading", name="Locked copy for Northwold Bank").wait_for()
        await walker.look("sent")
        assert words not in await page.content()
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Save the locked copy, to send by e-mail").click()
        saved = tmp_path / "locked-copy.html"
        await (await coming.value).save_as(saved)
        link = await page.locator("#locked-address").inner_text()
        await press(page, "Forget it here")
        await page.get_by_text("This wallet forgot it on").wait_for()
        await walker.look("withdrawn")
        await page.goto(f"{site.base}/copies")
        await page.get_by_text("forgotten here", exact=True).wait_for()
        await walker.look("list")
        reader = Walker(await open_page(PHONE), "locked-reader")
        for address in (saved.as_uri(), link):
            await reader.page.goto(address)
            await reader.page.get_by_label("The seven words").fill(words)
            await reader.page.keyboard.press("Enter")
            await expect(reader.page.get_by_role("heading", name="For Northwold Bank")).to_be_focused()
            await expect(reader.page.get_by_text("Ashdown").first).to_be_visible()
            await reader.look("opened")


async def test_a_copy_that_the_service_shows_in_welsh_at_320(tmp_path: Path, open_page: Open) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        copy = await copy_in(site)
        walker = Walker(await open_page(PHONE), "shown")
        page = walker.page
        await enter(page, site)
        await page.goto(f"{site.base}/copies/{copy}/lock?lang=cy")
        await walker.look("lock")
        await page.get_by_label("Mae'r gwasanaeth hwn yn ei ddangos").focus()
        await page.keyboard.press("Space")
        await press(page, "Ei gloi")
        await page.get_by_role("heading", name="Y saith gair").wait_for()
        await walker.look("words")
        words = await words_of(page)
        await page.get_by_role("button", name="Rwyf wedi'u nodi: ymlaen").click()
        await page.locator("#locked-address").wait_for()
        await walker.look("open")
        mine, address = page.url, await page.locator("#locked-address").inner_text()
        clerk = Walker(await open_page(PHONE), "view")
        reader = clerk.page
        await reader.goto(f"{address}?lang=cy")
        await clerk.look("asked")
        await reader.locator("#organisation").fill("Northwold Bank")
        await reader.locator("#words").fill(WRONG)
        await reader.keyboard.press("Enter")
        await reader.get_by_text("Nid yw'r geiriau hyn yn ei agor.").first.wait_for()
        await clerk.look("wrong")
        assert WRONG not in await reader.content()
        await reader.locator("#words").fill(words)
        await reader.keyboard.press("Enter")
        await reader.get_by_role("heading", name="I Northwold Bank").wait_for()
        await clerk.look("opened")
        assert words not in reader.url + await reader.content()
        await reader.goto(address)
        await reader.get_by_role("heading", level=1).wait_for()
        await page.goto(mine)
        await page.get_by_text("Northwold Bank").nth(1).wait_for()
        await walker.look("looked")
