"""A sign-in at an issuer in a real browser, at two sizes and without scripts: out to another site and back, watched for violations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, SCREENS, Open, Watched, picture
from support.strict_issuer import StrictIssuer
from support.strict_wallet import town
from support.wallets import Site

from wallet.upkeep import upkeep

pytestmark = pytest.mark.real
Place = tuple[Site, StrictIssuer]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with town(tmp_path) as (site, (issuer,)):
        yield site, issuer


async def look(watched: Watched, size: dict[str, int], name: str) -> None:
    await watched.check()
    if SCREENS is not None:
        await picture(watched.page, SCREENS, f"wallet-signing-in-{size['width']}-{name}")


async def enter(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/sign-in")
    await page.get_by_label("Name of your wallet").fill(site.made.holder)
    await page.locator("#passphrase").fill(site.made.passphrase)
    await page.get_by_role("button", name="Open").click()
    await page.get_by_role("heading", name="My documents").wait_for()


async def agree(page: Page) -> None:
    """On the issuer's own site."""
    await page.get_by_role("heading", name="Strict office").wait_for()
    await page.get_by_role("link", name="Agree").click()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_out_and_back(open_page: Open, place: Place, size: dict[str, int]) -> None:
    site, issuer = place
    watched = await open_page(size)
    page = watched.page
    await enter(page, site)
    await page.goto(f"{site.base}/receive")
    await page.get_by_role("link", name="Get a document from an office").click()
    await look(watched, size, "issuers")
    await page.get_by_role("button", name="See what it makes").click()
    await page.get_by_text("There is a problem").wait_for()
    await look(watched, size, "issuers-wrong")
    await page.get_by_label("Address of the office").fill(issuer.base)
    await page.get_by_role("button", name="See what it makes").click()
    await page.get_by_role("heading", name="What Strict office (test) makes").wait_for()
    await look(watched, size, "issuer")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("heading", name="Invitation from Strict office (test)").wait_for()
    await look(watched, size, "invitation")
    await page.get_by_role("button", name="Go and sign in").click()
    await page.get_by_role("heading", name="Strict office").wait_for()
    await page.go_back()
    await page.reload()
    await page.get_by_text("have not come back from there").wait_for()
    await look(watched, size, "broken-off")
    await page.get_by_role("button", name="Sign in again").click()
    await agree(page)
    await page.get_by_text("Document collected").wait_for()
    await look(watched, size, "collected")
    assert "code=" not in page.url
    await page.goto(f"{site.base}/returned?code=a&state=b&iss={issuer.base}")
    await page.get_by_role("heading", name="Nothing was collected").wait_for()
    await look(watched, size, "not-signed-in")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_being_approved(tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    async with town(tmp_path, waits=1, interval=600) as (site, (issuer,)):
        watched = await open_page(size)
        page = watched.page
        await enter(page, site)
        await page.goto(issuer.link().replace("openid-credential-offer://", f"{site.base}/offer"))
        await page.get_by_role("button", name="Look at it").click()
        await page.get_by_role("button", name="Go and sign in").click()
        await agree(page)
        await page.get_by_role("heading", name="Being approved").wait_for()
        await look(watched, size, "promised")
        await page.get_by_role("button", name="Go to my documents").click()
        await page.get_by_text("being approved").wait_for()
        await look(watched, size, "documents-promised")
        site.world.clock.at += 600
        for vault in site.host.unlocked.vaults():
            await upkeep(site.host.means, vault)
        await page.reload()
        await page.get_by_role("link", name="Power of attorney").wait_for()
        await expect(page.get_by_text("being approved")).to_have_count(0)


async def test_by_keyboard_and_without_scripts(open_page: Open, place: Place) -> None:
    site, issuer = place
    watched = await open_page(PHONE, javascript=False)
    page = watched.page
    await enter(page, site)
    await page.goto(issuer.link().replace("openid-credential-offer://", f"{site.base}/offer"))
    await page.get_by_role("button", name="Look at it").press("Enter")
    button = page.get_by_role("button", name="Go and sign in")
    await button.wait_for()
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await button.evaluate("element => element === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Strict office").wait_for()
    await page.get_by_role("link", name="Agree").press("Enter")
    await page.get_by_text("Document collected").wait_for()
