"""Domain sheet C04, permission for one body to tell another: its acceptance scenarios by their names (AT-C04-3 waits for C18)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect
from support.agents import open_agents
from support.browser import LAPTOP, PHONE, Open
from support.desk import Running
from support.offices import NINE, Street
from support.scenes import sign_in
from support.trial_verify import CLAIMS
from support.walk import Typist, Walker
from support.wallets import Site

from shared.web import log

WCC, DWP = "https://westshire-cc.example", "https://dwp.example"
SENTENCE = (
    "I allow Westshire County Council to tell the Pensions department (https://dwp.example) this, once, until 30 June 2027: assessment "
    "of the care contribution. The reason: so that her Pension Credit is right. Nothing else. I can withdraw this."
)


@dataclass
class County:
    """WCC's desk and NORA's wallet, both with browsers at them."""

    street: Street
    wallet: Site
    desk: Running
    clerk: Walker
    nora: Walker

    async def permission(self) -> None:
        """The clerk asks, NORA agrees on her phone; both then look at it."""
        clerk, nora = self.clerk, self.nora
        await clerk.go(f"{self.desk.base}/desk/permissions/new")
        await clerk.write("Who is to be told", "the Pensions department")
        await clerk.write("Its address in the register", DWP)
        await clerk.choose("Assessment of the care contribution")
        await clerk.write("Why", "so that her Pension Credit is right")
        await clerk.write("Last day", "2027-06-30")
        await clerk.choose("Power of attorney: Adult social care")
        await clerk.press("Show the square code")
        link = await clerk.page.locator("#request-link").text_content()
        await nora.go(f"{self.wallet.base}/present")
        await nora.write("Link of the request", link or "")
        await nora.press("Continue")
        await expect(nora.page.get_by_text(SENTENCE)).to_be_visible()
        await nora.look("wallet-permission-asked")
        await nora.press("Agree and share once")
        await expect(nora.page.get_by_text("Their receipt").first).to_be_visible()
        await clerk.go(f"{self.desk.base}/desk/permissions")
        await clerk.look("desk-permissions")
        await clerk.enter(clerk.page.locator("table a.govuk-link").first)
        await expect(clerk.page.get_by_text(SENTENCE)).to_be_visible()
        await clerk.look("desk-permission")

    async def write_down(self, *kinds: str) -> None:
        for kind in kinds:
            await self.clerk.choose(kind)
        await self.clerk.press("Write it down")

    def told(self, text: str) -> Locator:
        return self.clerk.page.get_by_role("table").get_by_text(text)

    async def logged(self) -> list[tuple[str, str]]:
        lines = await self.desk.desk.storage.read(lambda tx: log.page(tx, before=1_000, limit=100))
        entries = [line.entry.entry or {} for line in reversed(lines)]
        return [(entry["kind"], entry["decision"]) for entry in entries if entry["kind"] in {"disclosure", "withdrawal"}]


@pytest.fixture(params=[Walker])
async def county(tmp_path: Path, open_page: Open, request: pytest.FixtureRequest) -> AsyncIterator[County]:
    async with open_agents(tmp_path, bodies=[(WCC, "Westshire County Council")], at=NINE - 600) as town:
        (hers,) = town.people
        await hers.holds(CLAIMS | {"powers": ["care-contract", "benefits"]})
        wallet, desk = hers.site, town.desk
        clerk, nora = request.param(watched=await open_page(LAPTOP)), request.param(watched=await open_page(PHONE))
        await clerk.go(f"{desk.base}/desk/")
        await sign_in(clerk, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
        await nora.go(f"{wallet.base}/sign-in")
        await sign_in(nora, "Name of your wallet", wallet.made.holder, wallet.made.passphrase, "Open")
        yield County(town.street, wallet, desk, clerk, nora)


@pytest.mark.real
async def test_at_c04_1_what_is_not_allowed_is_blocked(county: County) -> None:
    """WCC tries to add `savings` to what it may tell: blocked, and written down; once is told, and NORA gets the receipt; then it is spent."""
    await county.permission()
    await county.write_down("Assessment of the care contribution", "Savings")
    await expect(county.clerk.page.get_by_text("It does not allow all that you ticked.").first).to_be_visible()
    await county.clerk.page.get_by_label("Savings", exact=True).uncheck()
    await county.write_down("Assessment of the care contribution")
    await expect(county.told("not allowed")).to_be_visible()
    await expect(county.told("told").last).to_be_visible()
    await expect(county.clerk.page.get_by_role("button", name="Write it down")).to_have_count(0)
    assert await county.logged() == [("disclosure", "rejected"), ("disclosure", "accepted")]
    nora = county.nora
    await nora.go(f"{county.wallet.base}/permissions")
    await nora.follow("Westshire County Council may tell the Pensions department")
    await nora.press("Ask now")
    await expect(nora.page.get_by_role("listitem").get_by_text("assessment of the care contribution")).to_be_visible()
    await expect(nora.page.get_by_text("used up")).to_be_visible()
    await nora.look("wallet-permission-used")
    await nora.go(f"{county.wallet.base}/history")
    await expect(nora.page.get_by_text("Told by your permission").last).to_be_visible()


@pytest.mark.real
@pytest.mark.parametrize("county", [Typist], indirect=True)
async def test_at_c04_2_withdrawn_is_refused_from_then_on(county: County) -> None:
    """Withdrawn at 09:00 in the wallet; at 09:01 the clerk's page, opened before, is refused, and that is written down. Both go by keyboard alone."""
    await county.permission()
    county.street.clock.at = NINE
    nora = county.nora
    await nora.go(f"{county.wallet.base}/permissions")
    await nora.follow("Westshire County Council may tell the Pensions department")
    await nora.press("Take this permission back")
    await expect(nora.page.get_by_text("taken back")).to_be_visible()
    await nora.look("wallet-permission-withdrawn")
    county.street.clock.at = NINE + 60
    await county.write_down("Assessment of the care contribution")
    await expect(county.clerk.page.get_by_text("It was withdrawn. Do not tell this.").first).to_be_visible()
    assert await county.logged() == [("withdrawal", "accepted"), ("disclosure", "rejected")]
