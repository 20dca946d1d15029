"""Joan's story on the pages, by somebody who has never seen them and types no address but the first: in English with a mouse, then in Welsh at
320 px by keyboard alone.

The registrar has made the entry; Joan holds the letter with its link, and the slip with the code.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open
from support.documents import document
from support.house import House, close_house, open_house
from support.walk import PATIENCE, Typist, Walker

from demo.poa import COUNCIL
from shared.web.i18n import load_translations

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("joans-walk")]
ROOT = Path(__file__).resolve().parents[2]
HANDS = {"mouse-en-1280": (Walker, LAPTOP, "en"), "keyboard-cy-320": (Typist, PHONE, "cy")}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Its wallet knows from the register who wants to be told of a death."""
    made = await open_house(tmp_path, known=True)
    yield made
    await asyncio.to_thread(close_house, made)


@pytest.mark.parametrize("hand", HANDS)
async def test_joan_finds_her_way_without_a_manual(house: House, open_page: Open, hand: str) -> None:
    kind, size, locale = HANDS[hand]
    _ = load_translations([ROOT / "wallet" / "web" / "locale", ROOT / "shared" / "web" / "locale"], locale).gettext
    made = await house.call(
        "POST", f"{house.issuer}/api/credentials", key=house.registry["api_key"], headers={"Idempotency-Key": "arthur"},
        body={"type": "life-event", "claims": document("life-event")},
    )  # fmt: skip
    joan = kind(watched=await open_page(size))
    await enters(joan, house, locale, _)
    await collects(joan, made, _)
    await tells(joan, _)
    await says_that_it_is_wrong(joan, _)
    await reads_what_was_kept(joan, _)


async def enters(joan: Walker, house: House, locale: str, _: Callable[[str], str]) -> None:
    """The wallet's front page, her language, her name."""
    await joan.go(house.wallet)
    if locale == "cy":
        await joan.follow("Cymraeg")
    await joan.look("front-page")
    await joan.enter(joan.page.locator('main a[href^="/sign-in"]').first)
    await joan.write(_("Name of your wallet"), house.nora["holder"])
    await joan.write(_("Passphrase"), house.nora["passphrase"])
    await joan.press(_("Open"))
    await joan.look("nothing-yet")


async def collects(joan: Walker, made: dict[str, str], _: Callable[[str], str]) -> None:
    """From the letter and the slip."""
    await joan.enter(joan.page.locator('main a[href="/receive"]').first)
    await joan.write(_("Link of the invitation"), made["invitation_link"])
    await joan.press(_("Continue"))
    await joan.look("invitation")
    await joan.write(_("Collection code"), made["code"])
    await joan.press(_("Collect the document"))
    await expect(joan.page.get_by_role("heading", name=_("Document collected"))).to_be_visible(timeout=PATIENCE)
    await joan.look("collected")


async def tells(joan: Walker, _: Callable[[str], str]) -> None:
    """From the card she has just got to an answer."""
    await expect(joan.page.locator("main .govuk-button-group .govuk-button:not(.govuk-button--secondary)")).to_have_text(
        [_("Tell several organisations")]
    )
    await joan.press(_("Tell several organisations"))
    await joan.look("whom")
    await joan.tick(joan.page.get_by_label(COUNCIL).first)
    await joan.press(_("See what each would learn"))
    await joan.look("each-learns")
    await joan.enter(joan.page.locator('form[action="/tell"] button, form[action="/tell/agree"] button').first)
    await expect(joan.page.locator('[data-state="accepted"]')).to_have_count(1, timeout=PATIENCE)
    await joan.look("accepted")


async def says_that_it_is_wrong(joan: Walker, _: Callable[[str], str]) -> None:
    """A slip in the date, said from the card."""
    await joan.enter(joan.page.get_by_role("link", name=_("Documents"), exact=True))
    await joan.enter(joan.page.get_by_role("link", name=re.compile(".*")).and_(joan.page.locator('main a[href^="/cards/"]')).first)
    await joan.look("card")
    await joan.enter(joan.page.locator('a[href$="death_date/value"]').first)
    await joan.fill(joan.page.locator("textarea"), "Bu farw ar yr ail.")
    await joan.look("wrong")
    await joan.enter(joan.page.locator("main form button").last)
    await joan.look("wrong-said")


async def reads_what_was_kept(joan: Walker, _: Callable[[str], str]) -> None:
    """Her history, and the year on one page."""
    await joan.enter(joan.page.get_by_role("link", name=_("History"), exact=True))
    await expect(joan.page.get_by_text(COUNCIL).first).to_be_visible()
    await joan.look("history")
    await joan.enter(joan.page.locator('main a[href^="/statement"]').first)
    await expect(joan.page.get_by_text(COUNCIL).first).to_be_visible()
    await joan.look("statement")
