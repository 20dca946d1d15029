"""Whom a wallet service trusts and what is said of it, by keyboard alone, at two sizes and in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.federation import MINISTRY, critical
from support.federations import Member, justice
from support.trial_verify import DAY, stranger
from support.walk import Typist
from support.wallets import serve_wallet
from support.world import CODE

from shared.storage import Tx
from shared.web import above

pytestmark = pytest.mark.real

REALM = justice()


async def both(walker: Typist, name: str) -> None:
    """This page in English, then in Welsh, then in English again."""
    url = walker.page.url.partition("?lang")[0]
    await walker.look(name)
    await walker.go(f"{url}?lang=cy")
    await expect(walker.page.locator("html")).to_have_attribute("lang", "cy")
    await walker.look(f"{name}-welsh")
    await walker.go(f"{url}?lang=en")


async def test_the_holder_who_looks_after_it(tmp_path: Path, open_page: Open) -> None:
    anchor = tmp_path / "ministry.jwt"
    anchor.write_bytes(REALM[MINISTRY].itself().encode())
    async with serve_wallet(tmp_path / "wallet", looked_after_by=("Nora Ashdown",), authority_hints=(MINISTRY,)) as site:
        nora = Typist(watched=await open_page(LAPTOP))
        page, at = nora.page, site.world.clock()
        await nora.go(f"{site.base}/sign-in")
        await nora.fill(page.locator("#holder"), "Nora Ashdown")
        await nora.fill(page.locator("#passphrase"), site.made.passphrase)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="My documents").wait_for()
        await nora.go(f"{site.base}/settings")
        await both(nora, "wallet-trust-settings")
        await nora.follow("Change whom this service trusts")
        await both(nora, "wallet-trust-nobody")
        await nora.follow("Trust a federation, and whoever it vouches for")
        await nora.upload(anchor)
        await nora.press("See whom you would trust")
        await nora.look("wallet-trust-compare")
        await nora.choose("I have compared the fingerprint with the one that they told me by another way")
        await nora.press("Trust it")
        await both(nora, "wallet-trust")
        said = Member(MINISTRY).of(Member(site.base), **critical(may_register=["GB"]), iat=at - 60, exp=at + DAY)

        async def note(tx: Tx) -> None:
            await above.note(tx, MINISTRY, name="Ministry of Justice (test)", statement=said, fault="", at=at)

        await site.host.storage.write(note)
        await nora.go(f"{site.base}/settings/federation")
        await both(nora, "wallet-federation")
        site.world.office.by = stranger()
        await nora.go(f"{site.base}/receive")
        await nora.write("Link of the invitation", site.world.office.link())
        await nora.press("Continue")
        await nora.fill(page.get_by_label("Collection code"), CODE)
        await nora.press("Collect the document")
        await expect(page.get_by_text("certified by an authority that nobody here trusts")).to_be_visible()
        await nora.look("wallet-unknown-sender")
        await nora.follow("Look at whom you would have to trust")
        await nora.look("wallet-trust-certificate")
