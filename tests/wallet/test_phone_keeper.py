"""Who keeps a record now, as a phone tells it: heard of when it was last connected, and told without a network too (domain sheet C24)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.pockets import LARGE, SMALL, open_place, open_pocket
from support.privatised import REGISTER, knowing, privatised
from support.wallets import PASSPHRASE
from support.world import World

pytestmark = pytest.mark.real
PHONE = "ab" * 16


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["360", "1280"])
async def test_the_card_says_who_keeps_the_record(tmp_path: Path, size: dict[str, int]) -> None:
    async with open_place(tmp_path / "wallet") as place, open_pocket(place.site, tmp_path / "profile", size=size) as pocket:
        known = [World.policy(place.world)]
        object.__setattr__(place.site.host.means, "trust", lambda: known[0])
        page, keeper = pocket.page, pocket.page.locator(".ph-card__keeper")
        await pocket.sign_in()
        await pocket.keep(place.document)
        assert await keeper.count() == 0
        known[0] = knowing(place.world, privatised())
        await pocket.open()
        await pocket.unlock()
        await expect(keeper).to_have_text("Register Ltd keeps this record now, since 14 January 2027. It is not a public body.")
        await pocket.look("keeper")
        await expect(page.locator("[data-do=renew]")).to_have_count(0)  # before the holder has said that this is known
        await pocket.paste(place.counter.ask())
        await pocket.wait("consent")
        await page.locator(".govuk-warning-text").get_by_text("Register Ltd keeps this record now").wait_for()
        await pocket.look("keeper-consent")
        place.counter.judge_live(await pocket.agree())
        await pocket.context.set_offline(True)
        await pocket.open("/phone/?lang=cy")
        await page.get_by_role("heading", name="Datgloi").wait_for()
        await page.locator("#passphrase").fill(PASSPHRASE)
        await page.locator("#view button[type=submit]").click()
        await expect(keeper).to_have_text("Mae Cofrestr Cyf yn cadw’r cofnod hwn nawr, ers 14 Ionawr 2027. Nid corff cyhoeddus mohono.")
        pocket.cut_off()
        await pocket.look("keeper-cy")
        await pocket.context.set_offline(False)
        known[0] = World.policy(place.world)  # the superiors say it no more
        await pocket.open("/phone/?lang=en")
        await pocket.unlock()
        await expect(keeper).to_have_count(0)


async def test_what_a_phone_is_told(tmp_path: Path) -> None:
    """A private successor is told of at once, and new copies come once the holder knows of it; a public one keeps nobody waiting."""
    async with open_place(tmp_path / "wallet") as place:
        site, means = place.site, place.site.host.means
        known = [World.policy(place.world)]
        object.__setattr__(means, "trust", lambda: known[0])

        async def told() -> tuple[object, bool]:
            _, state = await site.call("GET", f"/phone/api/state?phone={PHONE}")
            (document,) = state["documents"]
            return document["keeper"], document["keepable"]

        assert await told() == (None, True)
        keeper = {
            "entity": REGISTER,
            "name": {"en": "Register Ltd", "cy": "Cofrestr Cyf"},
            "since": place.world.clock() - 86_400,
            "private": True,
        }
        known[0] = knowing(place.world, privatised())
        assert await told() == (keeper, False)
        _, card = await site.call("GET", f"/api/cards/{place.document}")
        await site.call("POST", f"/api/cards/{place.document}/keeper", {"statement": card["keeper"]["statement"]})
        assert await told() == (keeper, True)
        known[0] = knowing(place.world, privatised(private=False))
        assert await told() == (keeper | {"private": False}, True)
