"""The donor's pages at the counter, in a narrow window and by keyboard alone: her document, her sheet, her reports, and a hold to keep her safe."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import PHONE, Open
from support.registry import Template, serving
from support.walk import Typist

pytestmark = pytest.mark.real


async def test_a_clerk_serves_a_donor_without_a_telephone(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with serving(template, tmp_path / "registry", local=True) as registry:
        number = (await registry.make())["id"]
        clerk = Typist(watched=await open_page(PHONE))
        await clerk.go(f"{registry.base}/console/sign-in")
        await clerk.write("Your name", "Iris Admin")
        await clerk.write("Passphrase", registry.passphrase)
        await clerk.press("Sign in")
        await clerk.go(f"{registry.base}/console/documents/{number}/donor")
        await clerk.look("donor-without-a-document")
        await clerk.press("Make the donor’s document")
        await clerk.look("donor-document-made")
        await clerk.go(f"{registry.base}/console/documents/{number}/donor")
        await clerk.press("Make a sheet with seven words")
        await expect(clerk.page.get_by_role("link", name="First make sure that it is the donor who asks").first).to_be_visible()
        await clerk.look("donor-not-made-sure")
        await clerk.tick(clerk.page.locator("#known_sheet"))
        await clerk.press("Make a sheet with seven words")
        await expect(clerk.page.get_by_role("heading", name="See what is done in your name")).to_be_visible()
        await clerk.look("donor-sheet", paper=True)
        words = await clerk.page.locator("code").inner_text()
        await clerk.go(f"{registry.base}/console/documents/{number}/donor")
        await clerk.write("The seven words of the donor’s sheet", words)
        await clerk.press("Read the reports")
        await expect(clerk.page.get_by_text("Nothing was reported so far.")).to_be_visible()
        await clerk.look("donor-reports")
        await clerk.follow("Hold it to keep the donor safe")
        await clerk.look("hold-to-keep-safe")
        await clerk.press("Put it on hold")
        await expect(clerk.page.get_by_text("On hold", exact=True)).to_be_visible()
        await clerk.look("document-on-hold")
