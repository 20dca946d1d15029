"""Who may ask for what, in a real browser at two sizes: the register, and the consent page in each state that a register gives it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.airplane import ATTORNEY, COUNCIL_TAX, DONOR, KIND, POSTCODE, POWERS, Counter
from support.browser import LAPTOP, PHONE, Open, Walker
from support.wallets import Site, serve_wallet
from support.world import CODE, COUNCIL

from shared.credentials import Text
from shared.openid4vp import IntendedUse, render_use
from shared.trust.registered_use import Want
from wallet import register

pytestmark = pytest.mark.real

NARROW = replace(
    COUNCIL_TAX,
    wants=(Want(vct=KIND.vct_int, required=(DONOR, POSTCODE, POWERS), optional=(8,)),),
    benefit=Text("You write to us once, and not to each department.", "Rydych yn ysgrifennu atom unwaith."),
    could_stop=Text("Not while the tax is charged to a person.", "Nid tra codir y dreth ar berson."),
    authority=Text("Data Regulator (test)", "Rheoleiddiwr Data (prawf)"),
    authority_contact="complaints@regulator.example",
    evidence="https://council.example/evidence/council-tax-2027-annual-report",
)
WIDE = replace(NARROW, wants=(Want(vct=KIND.vct_int, required=(DONOR, POSTCODE, POWERS, ATTORNEY), optional=(8,)),), retention_days=90)


async def _hear(site: Site, seq: int, *parties: Counter) -> None:
    site.world.clock.at += 600
    for each in parties:
        each.seq = seq
        each.register()
    await register.refresh(site.host.means, now=True)


async def _ask(page: Page, site: Site, link: str) -> None:
    await page.goto(f"{site.base}/present")
    await page.get_by_label("Link of the request").fill(link)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("heading", name="asks to see details").wait_for()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["1280", "320"])
async def test_the_register_and_what_it_makes_of_questions(tmp_path: Path, open_page: Open, size: dict[str, int]) -> None:
    async with serve_wallet(tmp_path / "wallet") as site:
        world = site.world
        walker = Walker(await open_page(size), f"wallet-who-{size['width']}")
        page = walker.page
        await page.goto(f"{site.base}/sign-in")
        await page.locator("#holder").fill("Nora Ashdown")
        await page.locator("#passphrase").fill(site.made.passphrase)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="My documents").wait_for()
        await page.goto(f"{site.base}/who")
        await walker.look("nobody")
        await page.goto(f"{site.base}/receive")
        await page.get_by_label("Link of the invitation").fill(world.office.link())
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_label("Collection code").fill(CODE)
        await page.get_by_role("button", name="Collect the document").click()
        await page.get_by_text("Document collected").first.wait_for()

        await _ask(page, site, world.council.ask())
        await expect(page.get_by_role("button").filter(has_text="share").first).to_have_text("Don’t share")
        await walker.look("unregistered")

        council = Counter(world, world.council, uses=(NARROW,))
        await _hear(
            site, 2, council, Counter(world, world.bank, uses=(replace(COUNCIL_TAX, id="bank", title=Text("Bank account", "Cyfrif banc")),))
        )
        await _ask(page, site, world.council.ask())
        await page.get_by_role("heading", name="Asks for more than it registered for").wait_for()
        await page.get_by_text("What they registered about this").click()
        await walker.look("left-out")
        await page.get_by_role("button", name="Share once").click()
        await page.get_by_text("Shared once").first.wait_for()

        other = (render_use(IntendedUse(identifier="parking", purpose=Text("Send a permit", "Anfon trwydded"))),)
        await _ask(page, site, world.council.ask(verifier_info=other))
        await expect(page.get_by_role("button", name="Share once")).to_have_count(0)
        await walker.look("other-use")

        council.uses = (WIDE,)
        await _hear(site, 3, council)
        await _ask(page, site, world.council.ask())
        await page.get_by_role("heading", name="This organisation now asks for more").wait_for()
        await walker.look("more")
        await page.goto(page.url + "?lang=cy")
        await expect(page.locator("html")).to_have_attribute("lang", "cy")
        await walker.look("more-welsh")
        await page.goto(f"{site.base}/who?lang=en")
        await page.get_by_role("link", name="Anytown Borough Council").wait_for()
        await walker.look("register")
        await page.goto(f"{site.base}/who?entity={COUNCIL}")
        await page.get_by_text("asks for more than before").wait_for()
        await walker.look("one")
        await page.goto(f"{site.base}/history/2")
        await page.get_by_text("registered to ask for this").wait_for()
        await walker.look("history")
