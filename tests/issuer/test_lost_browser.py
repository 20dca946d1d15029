"""A lost phone or wallet at the counter, in a real browser at two sizes, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.registry import Template, collect, serving
from support.walk import Typist

from issuer.offers import secrets_of

pytestmark = pytest.mark.real


async def test_a_clerk_holds_all_copies_and_invites_again(template: Template, tmp_path: Path, open_page: Open) -> None:
    async with serving(template, tmp_path / "registry", local=True) as registry:
        made = await registry.make()
        await (await collect(registry, made)).copies(3)
        clerk = Typist(watched=await open_page(LAPTOP))
        await clerk.go(f"{registry.base}/console/sign-in")
        await clerk.write("Your name", "Iris Admin")
        await clerk.write("Passphrase", registry.passphrase)
        await clerk.press("Sign in")
        await clerk.go(f"{registry.base}/console/documents/{made['id']}")
        await clerk.press("Lost phone or wallet")
        await expect(clerk.page.get_by_role("heading", name="Lost phone or wallet")).to_be_visible()
        await clerk.look("lost")
        await clerk.press("Put all copies on hold and make a new invitation")
        await expect(clerk.page.get_by_role("link", name="First make sure that it is the holder").first).to_be_visible()
        await clerk.look("lost-not-made-sure")
        await clerk.tick(clerk.page.get_by_label("I have seen who it is: it is the holder"))
        await clerk.press("Put all copies on hold and make a new invitation")
        await expect(clerk.page.get_by_role("heading", name="Invitation to collect")).to_be_visible()
        await expect(clerk.page.get_by_role("status")).to_have_text("Waiting to be collected")
        await expect(clerk.page.get_by_text("The copies on the lost phone or wallet are on hold for good.")).to_be_visible()
        await clerk.look("lost-invited-again")
        again = await secrets_of(registry.office, made["id"])
        assert again is not None
        await clerk.go(f"{registry.base}/console/documents/{made['id']}")
        assert await clerk.row("Collected") == "Not yet\nThe copies on the lost phone or wallet are on hold for good."
        await expect(clerk.page.get_by_text("Phone or wallet lost, said at the counter")).to_be_visible()
        await clerk.look("document-lost")

        await clerk.go(f"{registry.base}/console/documents/{made['id']}/invitation")
        link = await clerk.page.locator("#invitation-link").inner_text()
        await (await collect(registry, {"invitation_link": link, "code": again.secrets.code})).copies(2)
        await expect(clerk.page.get_by_role("status")).to_have_text("Collected")
