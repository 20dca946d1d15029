"""A phone without a network shows no kind of document that could never serve what is asked (AT-C02-9)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.agents import NORA, WELFARE, of
from support.pockets import SMALL, open_place, open_pocket
from support.world import CODE

pytestmark = pytest.mark.real


async def test_at_c02_9_the_wrong_kind_is_not_shown_by_a_phone_either(tmp_path: Path) -> None:
    """Of a power for welfare, the only document that is kept here, council tax learns nothing, not even whose it is."""
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=SMALL) as pocket:
        place.world.office.claims = of(WELFARE, NORA)
        _, told = await place.site.call("POST", "/api/receive", {"link": place.world.office.link("pre-2"), "code": CODE})
        assert told["document"] != place.document
        await pocket.sign_in()
        await pocket.keep(str(told["document"]))
        await pocket.paste(place.counter.ask())
        await pocket.wait("refused")
        await expect(pocket.page.get_by_role("heading", name="No document here can answer this")).to_be_visible()
        await expect(pocket.page.get_by_text("Margaret")).to_have_count(0)
        await pocket.look("wrong-kind")
