"""Whom a desk trusts and what is said of it, in a real browser at two sizes and in both languages: by keyboard alone, and without JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.desk import Template, copy_file, serving
from support.federation import MINISTRY
from support.ministry import Ministry
from support.walk import Typist, Walker

from shared.trust.anchors import parse_trust
from shared.web.federation_pins import fingerprints
from verifier import app as composition

pytestmark = pytest.mark.real


async def sign_in(walker: Walker, base: str) -> None:
    await walker.go(f"{base}/desk/sign-in")
    await walker.write("Your name", "Bea Clerk")
    await walker.fill(walker.page.locator("#passphrase"), "correct-horse-battery")
    await walker.press("Sign in")


async def both(walker: Walker, name: str) -> None:
    """This page in English, then in Welsh, then in English again."""
    url = walker.page.url.partition("?lang")[0]
    await walker.look(name)
    await walker.go(f"{url}{'&' if '?' in url else '?'}lang=cy")
    await expect(walker.page.locator("html")).to_have_attribute("lang", "cy")
    await walker.look(f"{name}-welsh")
    await walker.go(f"{url}{'&' if '?' in url else '?'}lang=en")


async def test_an_admin_without_a_mouse_trusts_a_federation_and_no_longer(template: Template, tmp_path: Path, open_page: Open) -> None:
    site = Ministry()
    mark = fingerprints(site.realm.pin(MINISTRY))[0]
    async with serving(template, tmp_path / "desk", site=site, local=True, authority_hints=(MINISTRY,)) as desk:
        admin = Typist(watched=await open_page(LAPTOP))
        page = admin.page
        await sign_in(admin, desk.base)
        await admin.go(f"{desk.base}/desk/trust/above")
        await both(admin, "desk-federation-nothing")
        await composition.hear_above(desk.app)
        await admin.go(f"{desk.base}/desk/trust/above")
        await both(admin, "desk-federation")
        await admin.go(f"{desk.base}/desk/trust")
        await admin.follow("Trust a federation, and whoever it vouches for")
        await both(admin, "desk-trust-federation")
        await admin.press("See whom you would trust")
        await admin.look("desk-trust-federation-mistake")
        await admin.write("Address of the anchor", MINISTRY)
        await admin.write("Fingerprint that the anchor told you (optional)", mark[::-1])
        await admin.press("See whom you would trust")
        await expect(page.get_by_role("alert")).to_contain_text("Another key is in use there")
        await admin.look("desk-trust-federation-another")
        await admin.write("Fingerprint that the anchor told you (optional)", mark)
        await admin.press("See whom you would trust")
        await expect(page.get_by_text("It is the fingerprint that you entered.")).to_be_visible()
        await admin.look("desk-trust-compare")
        await admin.write("What to call it here", "Ministry of Justice (test)")
        await admin.press("Trust it")
        await expect(page.get_by_text("Ministry of Justice (test) was added.")).to_be_visible()
        await desk.store.refresh(site)
        await admin.go(f"{desk.base}/desk/trust")
        await both(admin, "desk-trust")
        await admin.follow("Who belongs to Ministry of Justice (test)")
        await both(admin, "desk-trust-members")
        await admin.follow("Who we trust")
        await admin.follow("No longer trust Ministry of Justice (test)")
        await both(admin, "desk-trust-remove")
        await admin.press("No longer trust it")
        await expect(page.get_by_text("Ministry of Justice (test) was removed.")).to_be_visible()
        for one in parse_trust((desk.desk.directory / "trust.json").read_bytes()).anchors:
            await admin.follow(f"No longer trust {one.name}")
            await admin.press("No longer trust it")
        await expect(page.get_by_text("Nobody is trusted here yet")).to_be_visible()
        await both(admin, "desk-trust-nobody")
        await admin.go(f"{desk.base}/desk/")
        await both(admin, "desk-start-nobody")
        await admin.go(f"{desk.base}/desk/copies")
        (tmp_path / "copy.json").write_bytes(copy_file())
        await admin.upload(tmp_path / "copy.json")
        await admin.press("Check it")
        await expect(page.get_by_text("certified by an authority that nobody here trusts")).to_be_visible()
        await both(admin, "desk-verdict-missing")
        await admin.follow("Look at whom you would have to trust")
        await both(admin, "desk-trust-certificate")


async def test_the_same_without_javascript(template: Template, tmp_path: Path, open_page: Open) -> None:
    site = Ministry()
    async with serving(template, tmp_path / "desk", site=site, local=True) as desk:
        admin = Walker(watched=await open_page(LAPTOP, javascript=False), careful=False)
        await sign_in(admin, desk.base)
        await admin.go(f"{desk.base}/desk/trust/federation?entity={MINISTRY}")
        await admin.press("See whom you would trust")
        await expect(admin.page.get_by_role("heading", name="Is this whom you want to trust?")).to_be_visible()
        await admin.choose("I have compared the fingerprint with the one that they told me by another way")
        await admin.press("Trust it")
        pinned = parse_trust((desk.desk.directory / "trust.json").read_bytes()).federation
        assert [each.entity for each in pinned] == [MINISTRY]
