"""“This is wrong”, from the card to the answer, in a real browser at two sizes; the second time in Welsh. Each page is looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.levels import HOST
from support.office_in_town import Town
from support.registry import LPA_1, NOON, Template, make_template, serving
from support.wallets import serve_wallet

from issuer.app import one_round
from issuer.corrections import write_down
from issuer.records import corrections as records
from issuer.replace import replace
from issuer.sessions import SERVICE

pytestmark = pytest.mark.real

SAID = {
    "en": ("This is wrong", "What is wrong, and what should it say?", "Send it to", "is looking at it", "Ask if there is an answer"),
    "cy": ("Mae hyn yn anghywir", "Beth sy’n anghywir, a beth ddylai ei ddweud?", "Ei anfon at", "yn edrych arno", "Gofyn a oes ateb"),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


async def enter(page: Page, base: str, passphrase: str) -> None:
    await page.goto(f"{base}/sign-in")
    await page.locator("#holder").fill("Nora Ashdown")
    await page.locator("#passphrase").fill(passphrase)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{base}/")


async def sign_in(desk: Page, base: str, passphrase: str) -> None:
    await desk.goto(f"{base}/console/sign-in")
    await desk.locator("#name").fill("Iris Admin")
    await desk.locator("#passphrase").fill(passphrase)
    await desk.keyboard.press("Enter")
    await desk.locator(".mu-cards").wait_for()


@pytest.mark.parametrize(("size", "locale"), [(LAPTOP, "en"), (PHONE, "cy")], ids=["1280-en", "320-cy"])
async def test_from_the_card_to_the_answer(template: Template, tmp_path: Path, open_page: Open, size: dict[str, int], locale: str) -> None:
    town, (wrong, field, send, looking, ask) = Town(), SAID[locale]
    async with (
        serving(template, tmp_path / "registry", local=True) as registry,
        serve_wallet(tmp_path / "wallet", world=town, outbound_allow=HOST) as site,
    ):
        town.registry = registry
        town.clock.at = registry.clock.at = NOON
        await one_round(registry.app)
        made = await registry.make()
        walker, clerk = Walker(await open_page(size), f"wrong-{locale}"), Walker(await open_page(size), f"wrong-office-{locale}")
        page, desk = walker.page, clerk.page
        await enter(page, site.base, site.made.passphrase)
        await page.goto(f"{site.base}/receive")
        await page.get_by_label("Link of the invitation").fill(made["invitation_link"])
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_label("Collection code").fill(made["code"])
        await page.get_by_role("button", name="Collect the document").click()
        await page.get_by_text("Document collected").first.wait_for()
        card = page.url.partition("?")[0]
        await page.goto(f"{card}?lang={locale}")
        await walker.look("card")

        await page.get_by_role("link", name=wrong).and_(page.locator('[href$="represented/birthdate"]')).click()
        await page.get_by_label(field).wait_for()
        await walker.look("form")
        await page.get_by_role("button", name=send).click()
        await expect(page.locator("#words-error")).to_be_visible()
        await walker.look("form-error")
        await page.get_by_label(field).fill("She was born on the 12th.")
        await page.get_by_role("button", name=send).click()
        await page.get_by_role("heading", name=looking).wait_for()
        await walker.look("sent")

        await sign_in(desk, registry.base, registry.passphrase)
        await desk.goto(f"{registry.base}/console/corrections?lang={locale}")
        await clerk.look("list")
        (waiting,) = await registry.office.storage.read(lambda tx: records.page(tx, state="open", name="", offset=0, limit=9))
        await desk.goto(f"{registry.base}/console/corrections/{waiting.reference}")
        await desk.locator(".iss-words").wait_for()
        await clerk.look("one")
        await desk.goto(f"{registry.base}/console/corrections/{waiting.reference}/note")
        await clerk.look("note")
        await desk.goto(f"{registry.base}/console/documents/{waiting.document}/wrong")
        await clerk.look("by-hand")

        claims = LPA_1 | {"represented": LPA_1["represented"] | {"birthdate": "1938-11-12"}}
        await replace(registry.office, waiting.document, claims, reason="x", actor=SERVICE, correction=waiting.reference)
        await page.get_by_role("button", name=ask).click()
        await page.locator(".govuk-tag--green").wait_for()
        await walker.look("corrected")

        await write_down(registry.office, waiting.document, detail="powers/*", words="Not this one.", actor=SERVICE)
        registry.clock.at += 8 * 86_400
        await one_round(registry.app)
        await desk.context.clear_cookies()
        await sign_in(desk, registry.base, registry.passphrase)
        await desk.locator(".govuk-warning-text").wait_for()
        await clerk.look("late")
        for each in (walker, clerk):
            assert each.watched.faults == []
