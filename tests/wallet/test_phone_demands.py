"""A phone marks new demands of an organisation, without a network, from the register that it keeps (domain check T-FC-3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.airplane import ATTORNEY, COUNCIL_TAX, DONOR, KIND, POSTCODE, POWERS
from support.pockets import SMALL, open_place, open_pocket

from shared.credentials import Text
from shared.trust.registered_use import Want
from wallet import register

pytestmark = pytest.mark.real

WIDE = replace(
    COUNCIL_TAX,
    wants=(Want(vct=KIND.vct_int, required=(DONOR, ATTORNEY, POSTCODE), optional=(POWERS, 2)),),
    retention_days=90,
    could_stop=Text("Not while the tax is charged to a person.", "Nid tra codir y dreth ar berson."),
)


async def test_t_fc_3_a_phone_marks_what_an_organisation_may_ask_for_since(tmp_path: Path) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=SMALL) as pocket:
        page, more = pocket.page, pocket.page.get_by_role("heading", name="This organisation now asks for more")
        await pocket.sign_in()
        await pocket.keep(place.document)
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await expect(more).to_have_count(0)
        await pocket.agree()

        place.counter.uses, place.counter.seq = (WIDE,), 2
        place.world.clock.at += 60
        place.counter.register()
        await register.refresh(place.site.host.means, now=True)
        await pocket.go(1)
        await pocket.sign_in_again()
        await pocket.open()
        await pocket.unlock()
        await pocket.renewed()
        for marked in (1, 0):
            await pocket.paste(place.counter.ask())
            await pocket.wait("consent")
            await expect(more).to_have_count(marked)
            if marked:
                await expect(page.locator('[data-list="more"] li')).to_have_text(
                    ["Donor’s postcode", "Donor’s date of birth", "to keep it for longer"]
                )
                await page.get_by_text("What they registered about this").click()
                await page.get_by_text("Not while the tax is charged to a person.").wait_for()
                await pocket.look("now-asks-for-more")
            await pocket.agree()
            await pocket.press("Done")
            await pocket.wait("shown")
            await pocket.press("My documents")
            await pocket.wait("home")
