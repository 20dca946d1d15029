"""The pages about what this office was told in a real browser: on a laptop in English, in Welsh in the narrowest window by keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from support.browser import LAPTOP, PHONE, Open, Walker
from support.own_verifier import OwnVerifier, of_margaret, tell
from support.registry import Registry, Template, serving

pytestmark = pytest.mark.real
OWN = OwnVerifier.new()


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", local=True, listens_to=(OWN.name,)) as running:
        yield running


async def sign_in(walker: Walker, registry: Registry) -> Page:
    page = walker.page
    await page.goto(f"{registry.base}/console/")
    await page.get_by_label("Your name").fill("Iris Admin")
    await page.get_by_role("textbox", name="Passphrase").fill(registry.passphrase)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Office of the Public Guardian (test)").wait_for()
    return page


async def unsure(registry: Registry) -> None:
    """A death without a postcode is told."""
    event = OWN.event(of_margaret(address={}), aud=f"{registry.url}/api/events", iat=registry.clock())
    assert (await tell(registry, event))["waits"] == 1


async def test_a_death_is_told_by_hand_compared_and_put_right(registry: Registry, open_page: Open) -> None:
    walker = Walker(await open_page(LAPTOP), "issuer-events")
    page = await sign_in(walker, registry)
    await page.goto(f"{registry.base}/console/events")
    await walker.look("nothing")
    await page.get_by_role("button", name="Tell it by hand").click()
    await walker.look("choose")
    await registry.make()
    await page.get_by_role("link", name="Entry in a civil register: shown to us").click()
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("tell-errors")
    for label in ("Registered", "Death"):
        await page.get_by_label(label, exact=True).check()
    for label, text in (("First names", "Margaret"), ("Last name", "Ashdown"), ("Postcode", "ZZ99 1AB")):
        await page.get_by_label(label).fill(text)
    for part, text in {"day": "2", "month": "11", "year": "1938"}.items():
        await page.locator(f'[id="detail.subject.birthdate.{part}"]').fill(text)
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("heading", name="Check the answers").wait_for()
    await walker.look("answers")
    await page.get_by_role("button", name="Do what follows").click()
    await expect(page.get_by_text("Names, date of birth and one more item agree")).to_be_visible()
    await walker.look("done")
    await page.get_by_role("button", name="It was a mistake").click()
    await page.get_by_role("button", name="Make the chosen ones again").click()
    await page.get_by_text("There is a problem").wait_for()
    await walker.look("mistake")
    await page.get_by_role("checkbox", name="Power of attorney").check()
    await page.get_by_role("button", name="Make the chosen ones again").click()
    await expect(page.get_by_role("link", name="The new document")).to_be_visible()
    await walker.look("made-again")


async def test_a_task_in_welsh_by_keyboard_in_the_narrowest_window(registry: Registry, open_page: Open) -> None:
    walker = Walker(await open_page(PHONE), "issuer-events-cy")
    page = await sign_in(walker, registry)
    await registry.make()
    await unsure(registry)
    await page.get_by_role("link", name="Cymraeg").click()
    await page.goto(f"{registry.base}/console/events")
    await walker.look("list")
    await page.get_by_role("table").get_by_role("link").focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("Yr hyn a ddangoswyd").first.wait_for()
    await walker.look("task")
    await walker.watched.check_large_text()
    await page.get_by_role("checkbox", name="Atwrneiaeth").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Canslo’r rhai a ddewiswyd").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Wedi’i benderfynu")).to_be_visible()
    await walker.look("decided")
