"""The public register and the pages on which staff argue each use, in a real browser at two sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.desk import Template, serving

from verifier.app import one_round
from verifier.records import registrations
from verifier.registering import read, registered

pytestmark = pytest.mark.real


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_the_register_as_its_readers_and_writers_see_it(
    template: Template, tmp_path: Path, open_page: Open, size: dict[str, int]
) -> None:
    async with serving(template, tmp_path / "desk", local=True, supervisory_authority="Data Regulator (test)", retention_days=30) as desk:
        walker = Walker(await open_page(size), f"verifier-register-{size['width']}")
        page, folder = walker.page, desk.desk.directory
        less = [
            replace(use, wants=tuple(replace(want, optional=()) for want in use.wants)) for use in registered(folder, desk.desk.settings)
        ]
        await desk.desk.storage.write(lambda tx: tx.execute("DELETE FROM registration_version"))
        await desk.desk.storage.write(lambda tx: registrations.note(tx, less, at=desk.clock()))
        await page.goto(f"{desk.base}/desk/")
        await page.get_by_label("Your name").fill("Bea Clerk")
        await page.locator("#passphrase").fill("correct-horse-battery")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Northwold Bank").wait_for()
        await page.goto(f"{desk.base}/desk/uses")
        await walker.look("uses")
        await page.get_by_role("link", name="Bank account", exact=True).click()
        await page.get_by_label("What good it does").fill("You need not bring papers to a branch.")
        await page.get_by_label("Whether it helps").fill("nowhere")
        await page.get_by_role("button", name="Register this").click()
        await page.get_by_text("There is a problem").wait_for()
        await walker.look("use-wrong")
        await page.get_by_label("Whether it helps").fill("https://bank.example/evidence")
        await page.get_by_label("Could we stop asking?").fill("Not while\naccounts are operated by somebody else.")
        await page.get_by_role("button", name="Register this").click()
        await page.get_by_role("heading", name="Why we ask").wait_for()
        assert read(folder)["bank"].could_stop == "Not while accounts are operated by somebody else."
        await one_round(desk.app)
        await page.goto(f"{desk.base}/register")
        await page.get_by_text("You need not bring papers to a branch.").first.wait_for()
        await page.get_by_role("heading", name="Version 2").wait_for()
        await walker.look("public")
        await page.goto(f"{desk.base}/register?lang=cy")
        await expect(page.locator("html")).to_have_attribute("lang", "cy")
        await walker.look("public-welsh")
