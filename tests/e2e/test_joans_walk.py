"""Joan's story on the pages, by somebody who has never seen them and types no address but the first: in English with a mouse, then in Welsh at
320 px by keyboard alone.

The registrar has made the entry; Joan holds the letter with its link, and the slip with the code. She has no wallet yet. Fourteen organisations
have registered to be told, one of them without an inbox; another's computer is off when she writes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect
from support.browser import LAPTOP, PHONE, Open
from support.documents import DOCUMENTS as STORIES
from support.fourteen import REGISTERED, Crowd, Made, make_fourteen, open_fourteen
from support.hands import Invitation, invited
from support.inboxes import FOURTEEN
from support.offices import GRO
from support.walk import PATIENCE, Typist, Walker
from support.wallets import Site, serve_wallet

from shared.web.i18n import load_translations
from shared.web.operators import everybody
from verifier import inbox_desk
from wallet import register
from wallet.pages.asking import DECISIONS

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("joans-walk")]
ROOT = Path(__file__).resolve().parents[2]
HANDS = {"mouse-en-1280": (Walker, LAPTOP, "en"), "keyboard-cy-320": (Typist, PHONE, "cy")}
ENTITIES = dict(zip(FOURTEEN, REGISTERED, strict=True))
COUNCIL, DOWN, BY_HAND, BANK = "Anytown Borough Council", "Brightwater Utilities", "Lifeline-at-Home", "Northwold Bank"
LEFT_OUT = "Town Travel Cards"  # Arthur had none, as she sees when she looks
Words = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Around:
    """The wallet service on its street, and the letter and the slip from the registrar."""

    site: Site
    crowd: Crowd
    letter: Invitation


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(make_fourteen(tmp_path_factory.mktemp("fourteen")))


@pytest.fixture
async def around(made: Made, tmp_path: Path) -> AsyncIterator[Around]:
    async with open_fourteen(made, tmp_path, by_hand=(ENTITIES[BY_HAND],)) as street:
        crowd = Crowd(street)
        async with serve_wallet(tmp_path / "wallet", world=crowd) as site:
            await register.refresh(site.host.means, now=True)
            yield Around(site=site, crowd=crowd, letter=await invited(street, GRO, "life-event", STORIES["life-event"]))


@pytest.mark.parametrize("hand", HANDS)
async def test_joan_finds_her_way_without_a_manual(around: Around, open_page: Open, hand: str) -> None:
    kind, size, locale = HANDS[hand]
    _ = load_translations([ROOT / "wallet" / "web" / "locale", ROOT / "shared" / "web" / "locale"], locale).gettext
    joan = kind(watched=await open_page(size))
    await makes_a_wallet(joan, around.site.base, locale, _)
    await collects(joan, around.letter, _)
    await tells(joan, locale, _)
    await follows(joan, around.crowd, _)
    await reads_a_receipt(joan, around.crowd, _)
    await hands_in(joan, around.crowd, _)
    await says_that_it_is_wrong(joan, _)
    await reads_what_was_kept(joan, _)


async def makes_a_wallet(joan: Walker, wallet: str, locale: str, _: Words) -> None:
    """From the front page, in her language; the recovery code is shown once."""
    await joan.go(wallet)
    if locale == "cy":
        await joan.follow("Cymraeg")
    await joan.look("front-page")
    await joan.follow(_("Make a new wallet"))
    await joan.look("new-wallet")
    await joan.write(_("Name of your wallet"), "Joan Penhale")
    for label in ("New passphrase", "The same passphrase again"):
        await joan.write(_(label), "teapot hedgehog violin Tuesday")
    await joan.press(_("Make my wallet"))
    await expect(joan.page.get_by_role("heading", name=_("Recovery sheet"))).to_be_visible()
    await joan.look("recovery-sheet")
    await joan.press(_("I have written it down: go to my documents"))
    await joan.look("nothing-yet")


async def collects(joan: Walker, letter: Invitation, _: Words) -> None:
    """From the letter and the slip."""
    await joan.enter(joan.page.locator('main a[href="/receive"]').first)
    await joan.write(_("Link of the invitation"), letter.link)
    await joan.press(_("Continue"))
    await joan.look("invitation")
    await joan.write(_("Collection code"), letter.code)
    await joan.press(_("Collect the document"))
    await expect(joan.page.get_by_role("heading", name=_("Document collected"))).to_be_visible(timeout=PATIENCE)
    await joan.look("collected")


async def tells(joan: Walker, locale: str, _: Words) -> None:
    """From the card she has just got: all fourteen, a look, back for another language and to leave one out, another look, one yes."""
    page = joan.page
    await expect(page.locator("main .govuk-button-group .govuk-button:not(.govuk-button--secondary)")).to_have_text(
        [_("Tell several organisations")]
    )
    await joan.press(_("Tell several organisations"))
    await chooses_all(joan, _)
    await joan.look("whom")
    await joan.press(_("See what each would learn"))
    await expect(told(page.locator("main"))).to_have_count(14)
    await joan.look("each-learns")
    await joan.press(_("Change whom"))
    for language in ("English", "Cymraeg") if locale == "cy" else ("Cymraeg", "English"):
        await joan.press(language)
        await expect(page.locator("#choose input[name=body]")).to_have_count(14)
    await expect(page.locator("html")).to_have_attribute("lang", locale)
    await chooses_all(joan, _)
    await joan.untick(page.get_by_label(LEFT_OUT, exact=True))
    await joan.press(_("See what each would learn"))
    await expect(told(page.locator("main"))).to_have_count(13)
    await expect(page.get_by_text(LEFT_OUT)).to_have_count(0)


async def chooses_all(joan: Walker, _: Words) -> None:
    await joan.press(_("Choose all in this list"))
    await expect(joan.page.locator("input[name=body]:checked")).to_have_count(14)


def told(where: Locator) -> Locator:
    """Each organisation on the page of what it would learn."""
    return where.locator(".wal-told > li")


async def follows(joan: Walker, crowd: Crowd, _: Words) -> None:
    """One yes; the page goes on by itself while she looks, and the one that was off is told once it is there again."""
    page = joan.page
    crowd.down.add(ENTITIES[DOWN])
    await joan.enter(page.locator('form[action="/tell/agree"] button:not(.govuk-button--secondary)'))
    await stand(joan, accepted=11, waiting=1, by_hand=1)
    await expect(page.locator('[data-state="waiting"]')).to_contain_text(DOWN)
    await joan.look("under-way")
    crowd.down.clear()
    crowd.street.clock.at += 600  # her wallet tries again by itself
    await stand(joan, accepted=12, by_hand=1)
    await joan.look("answered")


async def stand(joan: Walker, **states: int) -> None:
    for state, count in states.items():
        await expect(joan.page.locator(f'[data-state="{state.replace("_", "-")}"]')).to_have_count(count, timeout=PATIENCE)


async def reads_a_receipt(joan: Walker, crowd: Crowd, _: Words) -> None:
    """The bank's, folded up below its name; by its number they find it at the bank."""
    row = joan.page.locator("li[data-state]").filter(has=joan.page.get_by_role("heading", name=BANK))
    await joan.hit(row.locator("summary"))
    await expect(row.get_by_text(_(DECISIONS["accepted"]), exact=True)).to_be_visible()
    desk = crowd.street.desks[ENTITIES[BANK]].desk
    (bea,) = await desk.storage.read(everybody)
    (post,) = await inbox_desk.listed(desk, bea)
    await expect(row.get_by_text(post.number, exact=True)).to_be_visible()
    await joan.look("receipt-unfolded")


async def hands_in(joan: Walker, crowd: Crowd, _: Words) -> None:
    """What has no inbox gets its copy as a file, and hands back a receipt that she takes in."""
    page, desk = joan.page, crowd.street.desks[ENTITIES[BY_HAND]]
    await joan.enter(page.locator('[data-state="by-hand"] a[href^="/copies/"]'))
    await joan.look("copy-to-send")
    async with page.expect_download() as saving:
        await joan.hit(page.get_by_role("link", name=_("Save the copy as a file, to send by e-mail")))
    file = (await (await saving.value).path()).read_bytes()
    headers = {"Authorization": f"Bearer {desk.api_key}", "Content-Type": "application/json"}
    async with desk.http.post(f"{desk.base}/api/copies", data=BytesIO(file), headers=headers) as answer:
        checked = await answer.json()
    assert checked["decision"] == "accepted", checked
    await joan.enter(page.get_by_role("link", name=_("History"), exact=True))
    await joan.enter(page.locator("main tbody").get_by_role("link", name=BY_HAND))
    await joan.follow(_("I was given a receipt"))
    await joan.look("given")
    await joan.write(_("Or its text"), checked["receipt"])
    await joan.press(_("Take it in"))
    assert await joan.row(_("What they decided")) == _(DECISIONS["accepted"])
    await expect(page.get_by_role("heading", name=_("Their receipt, signed by them"))).to_be_visible()
    assert "tell-of-death" not in await joan.text(), "why is said in words"
    await joan.look("receipt-taken-in")


async def says_that_it_is_wrong(joan: Walker, _: Words) -> None:
    """A slip in the date, said from the card."""
    await joan.enter(joan.page.get_by_role("link", name=_("Documents"), exact=True))
    await joan.enter(joan.page.get_by_role("link", name=re.compile(".*")).and_(joan.page.locator('main a[href^="/cards/"]')).first)
    await joan.look("card")
    await joan.enter(joan.page.locator('a[href$="death_date/value"]').first)
    await joan.fill(joan.page.locator("textarea"), "Bu farw ar yr ail.")
    await joan.look("wrong")
    await joan.enter(joan.page.locator("main form button").last)
    await joan.look("wrong-said")


async def reads_what_was_kept(joan: Walker, _: Words) -> None:
    """Her history, and the year on one page: thirteen were told, and the one that she left out is on neither."""
    for name, link in (
        ("history", joan.page.get_by_role("link", name=_("History"), exact=True)),
        ("statement", joan.page.locator('main a[href^="/statement"]')),
    ):
        await joan.enter(link.first)
        for told in (COUNCIL, DOWN, BY_HAND, BANK):
            await expect(joan.page.get_by_text(told).first).to_be_visible()
        await expect(joan.page.get_by_text(LEFT_OUT)).to_have_count(0)
        await joan.look(name)
