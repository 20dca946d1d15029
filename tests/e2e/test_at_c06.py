"""Domain sheet C06, dealing with an estate: its acceptance scenarios by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import ClientSession
from playwright.async_api import expect
from support import desk as desks
from support.browser import LAPTOP, Open
from support.documents import document
from support.offices import BANK, NINE, Carried, Street, bring, copy_for, given, open_office, set_up_desk, set_up_office
from support.thrift import easy_seal
from support.trial_web import Watch

from shared.web.app import free_port

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
        async with desks.serving(bank, bank.directory, site=street, clock=clock, refresh=False, public_url=BANK) as desk:
            street.desks[BANK] = desk
            tom = await given(street, url, "estate-authority", document("estate-authority"))
            await street.cycle()
            watched = await open_page(LAPTOP)
            page = watched.page
            await page.goto(f"{url}/console/sign-in")
            await page.get_by_label("Name").fill("Iris Admin")
            await page.get_by_role("textbox", name="Passphrase").fill(probate.passphrase)
            await page.get_by_role("button", name="Sign in").click()
            codes = [await _freeze(street, tom, "first")]
            for button, confirm, reason in (
                ("Put on hold", "Put on hold", "Somebody has entered a caveat"),
                ("End the hold", "End the hold", "The caveat was lifted"),
            ):
                await page.goto(f"{url}/console/documents/{tom.made['id']}")
                await page.get_by_role("button", name=button).click()
                await page.get_by_label(reason).check()
                await page.get_by_role("button", name=confirm).click()
                await expect(page.get_by_text(f"Reason: {reason}")).to_be_visible()
                await watched.check()
                clock.at += 300
                await street.cycle()
                codes.append(await _freeze(street, tom, reason))
    assert codes == ["", "suspended", ""]


async def _freeze(street: Street, tom: Carried, seed: str) -> str:
    file = copy_for(BANK, tom, purpose="freeze", paths=ESTATE, at=street.clock(), seed=seed)
    return (await bring(street, BANK, file)).decision.code
