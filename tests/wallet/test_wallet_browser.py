"""The wallet in a real browser, at two sizes, watched for violations; and the whole of showing by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page
from support.browser import LAPTOP, PHONE, SCREENS, Open, Watched, picture
from support.trial_verify import stranger
from support.wallets import PASSPHRASE, Site, serve_wallet
from support.world import BANK, BATCH, CODE, COUNCIL

from shared.codec import qr
from wallet.app import one_round
from wallet.cut_off import AGAIN

pytestmark = pytest.mark.real


class Walker:
    """Keeps pictures of the pages when MUNIMENT_SCREENS names a folder."""

    def __init__(self, watched: Watched, size: str) -> None:
        self.watched, self.page, self.size = watched, watched.page, size
        self.count = 0

    async def look(self, name: str) -> None:
        await self.watched.check()
        if SCREENS is not None:
            self.count += 1
            await picture(self.page, SCREENS, f"wallet-{self.size}-{self.count:02d}-{name}")


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_from_a_new_wallet_to_the_history(tmp_path: Path, open_page: Open, size: dict[str, int], name: str) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        walker = Walker(await open_page(size), name)
        await _enter(walker, site)
        await _collect(walker, site)
        await _show(walker, site)
        await _copies(walker, site)
        await _rest(walker, site)


async def _press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()


async def _enter(walker: Walker, site: Site) -> None:
    page = walker.page
    await page.goto(site.base)
    await walker.look("welcome")
    await page.goto(f"{site.base}/sign-in")
    await walker.look("sign-in")
    await _press(page, "Open")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("sign-in-wrong")
    await page.goto(f"{site.base}/forgotten")
    await walker.look("forgotten")
    await page.goto(f"{site.base}/recover")
    await walker.look("recover")
    await page.goto(f"{site.base}/wallets/new")
    await walker.look("new")
    await page.get_by_label("Name of your wallet").fill("Peter Ashdown")
    await page.get_by_role("textbox", name="New passphrase").fill(PASSPHRASE)
    await page.get_by_role("textbox", name="The same passphrase again").fill(PASSPHRASE)
    await _press(page, "Make my wallet")
    await page.get_by_role("heading", name="Your recovery code").wait_for()
    await walker.look("recovery-code")
    await _press(page, "I have written it down")
    await page.get_by_text("Your wallet is empty").wait_for()
    await walker.look("empty")


async def _collect(walker: Walker, site: Site) -> None:
    page, office = walker.page, site.world.office
    await page.goto(f"{site.base}/receive")
    await walker.look("receive")
    await page.locator("input[type=file]").set_input_files({"name": "code.png", "mimeType": "image/png", "buffer": b"nothing"})
    await _press(page, "Continue")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("receive-no-picture")
    await page.locator("input[type=file]").set_input_files({"name": "code.png", "mimeType": "image/png", "buffer": qr.png(office.link())})
    await _press(page, "Continue")
    await page.get_by_role("heading", name="Invitation from").wait_for()
    await walker.look("invitation")
    await page.get_by_label("Collection code").fill("11111111")
    await _press(page, "Collect the document")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("invitation-wrong-code")
    await page.get_by_label("Collection code").fill(CODE)
    await _press(page, "Collect the document")
    await page.get_by_text("Document collected").wait_for()
    await walker.look("collected")
    await page.goto(office.link("pre-2").replace("https://opg.example", site.base))
    await walker.look("opened")
    office.by = stranger()
    await _press(page, "Look at it")
    await page.get_by_label("Collection code").fill(CODE)
    await _press(page, "Collect the document")
    await page.get_by_text("We do not know this sender").wait_for()
    await walker.look("unknown-sender")
    office.by = type(office)(office.clock).by
    office.bend = lambda wire: wire.removesuffix("~").rpartition("~")[0] + "~"
    await page.get_by_role("link", name="Try again").click()
    await page.get_by_label("Collection code").fill(CODE)
    await _press(page, "Collect the document")
    await page.get_by_text("We did not keep this document").wait_for()
    await walker.look("not-kept")
    office.bend = type(office)(office.clock).bend
    await page.goto(f"{site.base}/receive")
    await page.get_by_label("Link of the invitation").fill(office.link("pre-3"))
    await _press(page, "Continue")
    await page.get_by_label("Collection code").fill(CODE)
    await _press(page, "Collect the document")
    await page.get_by_text("Document collected").wait_for()
    await page.goto(site.base)
    await walker.look("documents")


async def _ask(page: Page, site: Site, link: str) -> None:
    await page.goto(f"{site.base}/present")
    await page.get_by_label("Link of the request").fill(link)
    await _press(page, "Continue")
    await page.get_by_text("They will see", exact=True).first.wait_for()


async def _show(walker: Walker, site: Site) -> None:
    page, council = walker.page, site.world.council
    await page.goto(f"{site.base}/present")
    await walker.look("present")
    await _ask(page, site, council.ask())
    await walker.look("consent")
    await page.locator(".wal-choices a:not([aria-current])").first.click()
    await page.wait_for_url("**/present/*?use.*")
    await walker.look("consent-other-document")
    await page.get_by_role("checkbox").first.check()
    await _press(page, "Share once")
    await page.get_by_text("Shared once").wait_for()
    await walker.look("shared")
    assert len(council.got) == 1
    council.receipt_for = {"other": ("x",)}
    await _ask(page, site, council.ask())
    await _press(page, "Share once")
    await page.get_by_text("a receipt that does not fit").wait_for()
    await walker.look("shared-wrong-receipt")
    council.receipt_for = None
    await _ask(page, site, council.ask())
    await _press(page, "Don’t share")
    await page.get_by_text("Nothing was shared").wait_for()
    await walker.look("withheld")
    site.world.strangers.add(COUNCIL)
    await _ask(page, site, council.ask(use=False))
    await walker.look("consent-unknown")
    site.world.strangers.clear()
    site.world.down.add(f"{COUNCIL}/response")
    await _ask(page, site, council.ask())
    await _press(page, "Share once")
    await page.get_by_text("again, for an hour at most").wait_for()
    await page.goto(f"{site.base}/history?kind=presentation")
    await page.get_by_role("row").filter(has_text="It is being sent").get_by_role("link").click()
    await page.get_by_text("again, for an hour at most").wait_for()
    for _ in range(AGAIN // 600):  # somebody who waits before it
        site.world.clock.at += 600
        await one_round(site.app)
        await page.reload()
    await page.get_by_text("We do not know whether it arrived").wait_for()
    await walker.look("unanswered")
    site.world.down.clear()
    await page.goto(f"{site.base}/present?lang=cy")
    await page.locator("#link").fill(council.ask())
    await _press(page, "Parhau")
    await page.get_by_text("Byddant yn gweld", exact=True).first.wait_for()
    await walker.look("consent-cy")
    await page.goto(f"{site.base}/?lang=en")


async def _copies(walker: Walker, site: Site) -> None:
    page = walker.page
    await page.goto(f"{site.base}/copies/new")
    await walker.look("copy-form")
    await _press(page, "Look at it first")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("copy-form-wrong")
    await page.get_by_label("Organisation", exact=True).fill("Northwold Bank")
    await page.get_by_label("The organisation’s own address").fill(BANK)
    await page.get_by_label("Bank account").check()
    await _press(page, "Look at it first")
    await page.get_by_role("heading", name="This is what the copy would show").wait_for()
    await walker.look("copy-look")
    await _press(page, "Make this copy")
    await page.get_by_role("heading", name="Copy for Northwold Bank").wait_for()
    await walker.look("copy")
    await page.emulate_media(media="print")
    if SCREENS is not None:
        await picture(page, SCREENS, f"wallet-{walker.size}-print-copy")
    await page.emulate_media(media="screen")
    await page.goto(f"{site.base}/copies")
    await walker.look("copies")


async def _rest(walker: Walker, site: Site) -> None:
    page = walker.page
    await page.goto(f"{site.base}/history")
    await walker.look("history")
    await page.locator("table a").filter(has_text="Test leaf").first.click()
    await walker.look("entry")
    await page.goto(site.base)
    await page.locator(".mu-card a").first.click()
    await walker.look("card")
    await page.get_by_role("link", name="Ask for new copies now").click()
    await walker.look("renew")
    await _press(page, "Ask now")
    await page.get_by_role("link", name="Take this document out").click()
    await walker.look("remove")
    await page.goto(f"{site.base}/settings")
    await walker.look("settings")
    await page.get_by_role("link", name="Delete this wallet").click()
    await walker.look("remove-wallet")
    await page.goto(f"{site.base}/nowhere")
    await walker.look("not-found")


async def test_showing_by_keyboard_alone(tmp_path: Path, open_page: Open) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        walker = Walker(await open_page(LAPTOP), "keyboard")
        page, keys = walker.page, walker.page.keyboard
        await page.goto(f"{site.base}/sign-in")
        await _tab_to(page, "#holder")
        await keys.type(site.made.holder)
        await _tab_to(page, "#passphrase")
        await keys.type(site.made.passphrase)
        await keys.press("Enter")
        await page.get_by_text("Your wallet is empty").wait_for()
        await page.goto(f"{site.base}/receive")
        await _tab_to(page, "#link")
        await keys.type(site.world.office.link())
        await keys.press("Enter")
        await page.get_by_role("heading", name="Invitation from").wait_for()
        await _tab_to(page, "#code")
        await keys.type(CODE)
        await keys.press("Enter")
        await page.get_by_text("Document collected").wait_for()
        await page.goto(f"{site.base}/present")
        await _tab_to(page, "#link")
        await keys.type(site.world.council.ask())
        await keys.press("Enter")
        await page.get_by_text("They will see", exact=True).first.wait_for()
        await _tab_to(page, "input[type=checkbox]")
        await keys.press("Space")
        await _tab_to(page, "button[value=share]")
        await keys.press("Enter")
        await page.get_by_text("Shared once").wait_for()
        await walker.look("shared")
        document = site.world.council.got
        assert len(document) == 1
        assert BATCH


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until the place has the focus, as somebody without a mouse does."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")
