"""Domain sheet C06, dealing with an estate: its acceptance scenarios by their names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from playwright.async_api import expect
from support import desk as desks
from support.agents import Anytown, asks_by_page, clerk_enters, holder_enters, holder_opens, open_agents
from support.browser import LAPTOP, Open
from support.documents import document
from support.hands import at_desk, at_office, invited, opened_wallet
from support.offices import BANK, NINE, OPG, Street, copy_for, given, open_office, set_up_desk, set_up_office
from support.ports import free_port
from support.thrift import easy_seal
from support.trial_web import Watch
from support.walk import Walker

from shared.credentials import by_id

ESTATE = (
    ("deceased", "given_name"), ("deceased", "family_name"), ("deceased", "death_date"), ("representative", "given_name"),
    ("representative", "family_name"), ("acts", 0),
)  # fmt: skip


@pytest.mark.real
async def test_at_c06_3_a_caveat_holds_the_authority_until_it_is_lifted(tmp_path: Path, open_page: Open) -> None:
    """At the probate registry's console somebody enters a caveat against TOM, and lifts it; BANK goes by its next list each time."""
    clock, port = Watch(NINE), free_port()
    url = f"http://localhost:{port}"
    with easy_seal():
        made = await set_up_office(tmp_path / "probate", url, "Probate Registry (test)", clock)
        bank = await set_up_desk(tmp_path / "bank", BANK, "Northwold Bank", (f"{made.anchor}:credential-issuer:{url}",), clock)
    async with ClientSession() as http, open_office(tmp_path / "probate", url, made, clock, port=port) as probate:
        street = Street(clock=clock, http=http, offices={url: probate})
        async with (
            desks.serving(bank, bank.directory, site=street, clock=clock, refresh=False, public_url=BANK) as desk,
            opened_wallet(street, tmp_path / "tom", open_page) as tom,
        ):
            street.desks[BANK] = desk
            authority = await invited(street, url, "estate-authority", document("estate-authority"))
            await tom.collects(authority)
            await street.cycle()
            registry, clerk = await at_office(street, url, open_page, careful=True), await at_desk(street, BANK, open_page)

            async def freezes() -> tuple[str, str]:
                await tom.enters()
                file = await tom.writes(BANK, "Northwold Bank", "estate-authority/freeze")
                return await clerk.opens(file)

            said = [await freezes()]
            for button, reason in (("Put on hold", "Somebody has entered a caveat"), ("End the hold", "The caveat was lifted")):
                await registry.changes(authority.document, button, reason)
                await expect(registry.walker.page.get_by_text(f"Reason: {reason}")).to_be_visible()
                await registry.walker.look(f"office-{len(said)}")
                clock.at += 300
                await street.cycle()
                said.append(await freezes())
    assert said == [("You can rely on this", ""), ("Do not rely on this", "suspended"), ("You can rely on this", "")]


# --- how far an authority goes -------------------------------------------------------------------------------------------------------------

KIND = by_id("estate-authority")
TOM = {"given_name": "Tom", "family_name": "Penhale"}
HALE = {"given_name": "Hilda", "family_name": "Hale"}
EXECUTOR = document("estate-authority")
SOLICITOR = EXECUTOR | {"acts_for_another": True, "acting_for": TOM, "acts": ["pensions"], "representative": HALE}
PENSIONS, SUM = "https://dwp.example", "Pay out £40,000 to me."


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Anytown]:
    """The desks of a bank and of the pensions department, and somebody with a wallet."""
    async with open_agents(tmp_path, bodies=[(BANK, "Northwold Bank"), (PENSIONS, "Pensions department (test)")]) as opened:
        yield opened


@pytest.mark.real
async def test_at_c06_1_an_executor_freezes_and_needs_a_grant_for_money(town: Anytown, open_page: Open) -> None:
    """TOM, named in the will, has BANK freeze the account. To agree to being paid the £40,000 in it is not enough: he ``needs_grant``,
    also by the question about small estates, which BANK pays out without one up to £20,000.
    """
    (tom,) = town.people
    await tom.holds(EXECUTOR | {"estate_net_value_band": "up-to-50000"}, kind=KIND.id)
    walker, clerk = [Walker(watched=await open_page(LAPTOP)) for _ in range(2)]
    await clerk_enters(clerk, town)
    asked = await asks_by_page(clerk, town, "estate-authority/freeze")
    await holder_enters(walker, tom)
    await holder_opens(walker, tom, asked["link"])
    words = "You are dealing with the estate of Arthur Penhale as executor named in the will."
    await expect(walker.page.get_by_text(words)).to_be_visible()
    await walker.look("wallet-as-executor")
    assert "attorney" not in await walker.text()
    await walker.enter(walker.page.get_by_role("button", name=re.compile("^Share once")))
    await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
    for question in ("small-estate", "release"):
        asked = await asks_by_page(clerk, town, f"{KIND.id}/{question}", agree=SUM)
        assert SUM in await clerk.text()
        await holder_opens(walker, tom, asked["link"])
        said = await walker.text()
        assert SUM in said
        assert ("Up to £50,000" in said) == (question == "small-estate"), "the band, and only where it matters"
        await walker.enter(walker.page.get_by_role("button", name="Agree and share once"))
        await expect(walker.page.get_by_role("heading", name="They did not take it")).to_be_visible()
        state = await town.desk.state(asked)
        assert (state["decision"], state["code"]) == ("rejected", "needs_grant")
        await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
        assert SUM in await clerk.text()
        await clerk.look(f"desk-needs-the-grant-{question}")


@pytest.mark.real
async def test_at_c06_2_a_solicitor_acts_within_what_is_listed(town: Anytown, open_page: Open) -> None:
    """H&F for TOM, for pensions only: good for the pension, ``outside_scope`` at BANK; and never called an attorney."""
    (solicitor,) = town.people
    KIND.check(SOLICITOR)
    await solicitor.holds(SOLICITOR, kind=KIND.id)
    walker, clerk = [Walker(watched=await open_page(LAPTOP)) for _ in range(2)]
    pensions = await at_desk(town.street, PENSIONS, open_page, careful=True)
    await holder_enters(walker, solicitor)
    await expect(walker.page.get_by_text("Tom Penhale").first).to_be_visible()
    await holder_opens(walker, solicitor, await pensions.asks("estate-authority/estate-pensions"))
    await expect(walker.page.get_by_text("You are acting for Tom Penhale as solicitor.")).to_be_visible()
    await walker.look("wallet-as-solicitor")
    assert "attorney" not in await walker.text()
    await walker.enter(walker.page.get_by_role("button", name=re.compile("^Share once")))
    await expect(pensions.walker.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
    await pensions.walker.look("desk-pension-by-a-solicitor")

    await clerk_enters(clerk, town)
    asked = await asks_by_page(clerk, town, "estate-authority/freeze")
    await holder_opens(walker, solicitor, asked["link"])  # the question names the act, and the wallet shows nothing for another
    await expect(walker.page.get_by_text("Nothing in your wallet answers what they ask for.")).to_be_visible()
    await expect(walker.page.get_by_role("button", name=re.compile("hare once"))).to_have_count(0)
    carried = await given(town.street, OPG, KIND.id, SOLICITOR)  # a wallet that shows it all the same
    forced = copy_for(BANK, carried, purpose="freeze", paths=ESTATE, at=town.street.clock(), seed="forced")
    await clerk.go(f"{town.desk.base}/desk/copies")
    await clerk.page.locator("input[type=file]").set_input_files({"name": "copy.json", "mimeType": "application/json", "buffer": forced})
    await clerk.press("Check it")
    await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
    state = await town.desk.state({"id": clerk.page.url.partition("?")[0].rpartition("/")[2]})
    assert (state["decision"], state["code"]) == ("rejected", "outside_scope")
    await clerk.look("desk-outside-what-is-listed")
