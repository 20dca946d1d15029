"""The console in a real browser: with a keyboard, at two sizes, watched for violations."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.photos import photo
from support.registry import LPA_1, Registry, Template, serving

pytestmark = pytest.mark.real

TEXTS = {
    "represented.given_name": "Margaret",
    "represented.family_name": "Ashdown",
    "represented.address.postal_code": "ZZ99 1AB",
    "proxy.given_name": "Nora",
    "proxy.family_name": "Ashdown",
    "register_entry": LPA_1["register_entry"],
}
CHOICES = {
    "representation_kind": "Power of attorney",
    "instrument_type": "Lasting power of attorney: property and financial affairs",
    "attestation_basis": "Entry in the register",
    "authority_current": "Not stated",
    "decision_rule": "Jointly and severally: any one may act",
    "usable_when": "While the donor can decide, and after",
    "has_restrictions": "No",
    "issuing_jurisdiction": "England and Wales",
}


async def fill_in(page: Page) -> None:
    for name, label in CHOICES.items():
        group = page.locator(f'input[name="detail.{name}"]')
        await page.locator(f'label:has-text("{label}")').locator(f'xpath=../input[@name="detail.{name}"]').first.check()
        assert await group.count() >= 2
    for label in ("Council tax", "Bank and building society accounts"):
        await page.get_by_role("checkbox", name=label).check()
    for name, value in TEXTS.items():
        await page.locator(f'[id="detail.{name}"]').fill(value)
    for name, (day, month, year) in {"represented.birthdate": ("2", "11", "1938"), "proxy.birthdate": ("14", "3", "1968")}.items():
        for part, value in {"day": day, "month": month, "year": year}.items():
            await page.locator(f'[id="detail.{name}.{part}"]').fill(value)
    await page.locator('[id="reference"]').fill("M-7890-0400-4000")


@pytest.mark.parametrize(("size", "name"), [(LAPTOP, "1280"), (PHONE, "320")])
async def test_make_to_cancel(template: Template, tmp_path: Path, open_page: Open, size: dict[str, int], name: str) -> None:
    async with serving(template, tmp_path / "registry", local=True) as registry:
        walker = Walker(await open_page(size), f"issuer-{name}")
        await _walk(walker, registry)


async def _see_portrait(page: Page) -> None:
    """The picture itself, not its text, and Chromium can read it."""
    portrait = page.locator("img.mu-portrait")
    await expect(portrait).to_have_attribute("alt", "Attorney’s photo")
    await expect(portrait).to_have_js_property("naturalWidth", 48)
    await expect(portrait).to_have_js_property("naturalHeight", 60)
    await expect(page.locator("body")).not_to_contain_text("data:image")


async def _walk(walker: Walker, registry: Registry) -> None:
    page, base = walker.page, registry.base
    await page.goto(f"{base}/console/")
    await walker.look("sign-in")
    await page.get_by_label("Your name").fill("Iris Admin")
    await page.get_by_role("textbox", name="Passphrase").fill("wrong")
    await page.keyboard.press("Enter")
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("sign-in-wrong")
    await page.get_by_role("textbox", name="Passphrase").fill(registry.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Office of the Public Guardian (test)").wait_for()
    await walker.look("start")
    await page.goto(f"{base}/console/documents")
    await walker.look("no-documents")
    await page.goto(f"{base}/console/make")
    await walker.look("choose")
    await page.get_by_role("link", name="Power of attorney").click()
    await walker.look("form")
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("form-errors")
    await fill_in(page)
    await page.locator("input[type=file]").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"})
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("link", name="The photo must be a JPEG, PNG or WebP picture").wait_for()
    await walker.look("form-no-photo")
    await page.locator("input[type=file]").set_input_files({"name": "nora.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("heading", name="Check the answers").wait_for()
    await _see_portrait(page)
    await walker.look("answers")
    await page.get_by_role("button", name="Change the answers").click()
    await expect(page.locator('[id="detail.represented.given_name"]')).to_have_value("Margaret")
    await _see_portrait(page)
    await walker.look("form-photo")
    await page.get_by_label("Leave the photo out").check()
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("heading", name="Check the answers").wait_for()
    await expect(page.locator("img.mu-portrait")).to_have_count(0)
    await page.get_by_role("button", name="Change the answers").click()
    await page.locator("input[type=file]").set_input_files({"name": "nora.png", "mimeType": "image/png", "buffer": photo("PNG")})
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("button", name="Make the document").click()
    await page.get_by_role("heading", name="Document made").wait_for()
    await walker.look("made")
    await page.get_by_role("link", name="Show the invitation on screen").click()
    await walker.look("invitation")
    link = await page.locator("#invitation-link").text_content()
    await page.get_by_role("button", name="Show the collection code").click()
    await walker.look("code")
    await page.go_back()
    await page.get_by_role("button", name="Print as a letter").click()
    await walker.look("letter")
    await page.goto(link or "")
    await walker.look("offer")
    await page.get_by_label("Open in my wallet").fill("my wallet")
    await page.get_by_role("button", name="Use this wallet").click()
    await page.get_by_text("There is a problem").wait_for()
    await page.get_by_label("Open in my wallet").fill("localhost:8102")
    await page.get_by_role("button", name="Use this wallet").click()
    await page.get_by_role("button", name="Open in localhost:8102").wait_for()
    await walker.look("offer-wallet-known")
    await page.goto(f"{base}/console/documents?reference=m-7890-0400-4000")
    await walker.look("found")
    await page.locator("table a").first.click()
    await walker.look("document")
    await page.get_by_role("button", name="Put on hold").click()
    await walker.look("hold")
    await page.get_by_label("Under investigation").check()
    await page.get_by_role("button", name="Put on hold").click()
    await page.get_by_text("Put on hold").first.wait_for()
    await page.get_by_role("button", name="Cancel this document").click()
    await page.get_by_role("button", name="Cancel this document").click()
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("cancel-without-reason")
    await page.get_by_label("The donor has died").check()
    await page.get_by_role("button", name="Cancel this document").click()
    await page.get_by_text("Cancelled").first.wait_for()
    await walker.look("cancelled")
    await page.goto(f"{base}/console/many")
    await walker.look("many")
    await page.goto(f"{base}/console/settings")
    await walker.look("settings")
    await page.goto(f"{base}/console/settings?lang=cy")
    await walker.look("settings-cy")
    await page.goto(f"{base}/console/make/representation")
    await walker.look("form-cy")
