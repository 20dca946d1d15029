"""What came from a body that was taken over, in a real browser at two sizes: an answer that may be used, one that may not, and the register."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.desk import Template
from support.merged import ABC, HEIR, Town, answered, councils, in_the_name_of, merge

from verifier.app import one_round

pytestmark = pytest.mark.real


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_what_was_given_to_a_body_before_us(template: Template, tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    town = Town(realm=councils())
    async with in_the_name_of(template, tmp_path / "desk", ABC, town) as running:
        council_tax, bank = await answered(running, query="council-tax"), await answered(running, query="bank")
    merge(town.realm, ABC, purposes_carried=["council-tax"], note="Your record is now kept by Greater Anytown.")
    async with in_the_name_of(template, tmp_path / "desk", HEIR, town, local=True) as desk:
        walker = Walker(await open_page(size), f"verifier-inherited-{size['width']}")
        page = walker.page
        await page.goto(f"{desk.base}/desk/")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.locator("#passphrase").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Northwold Bank").wait_for()
        await page.goto(f"{desk.base}/desk/requests/{council_tax['id']}")
        await page.get_by_text("Use it only for this: Council tax.").wait_for()
        await walker.look("may-be-used")
        await page.goto(f"{desk.base}/desk/requests/{bank['id']}")
        await page.get_by_text("Nobody may use it").wait_for()
        await walker.look("may-not-be-used")
        await one_round(desk.app)
        await page.goto(f"{desk.base}/desk/decisions")
        await page.get_by_text("Answers deleted: 1").wait_for()
        await walker.look("decisions")
        await page.goto(f"{desk.base}/register")
        await page.get_by_role("heading", name="Who keeps what was shown before").wait_for()
        await walker.look("register")
        await page.goto(f"{desk.base}/register?lang=cy")
        await expect(page.locator("html")).to_have_attribute("lang", "cy")
        await walker.look("register-welsh")
