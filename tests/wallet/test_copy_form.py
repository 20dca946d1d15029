"""For whom a copy is: chosen from the organisations that the wallet knows, found among many, or written by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, PHONE, Open
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, FOURTEEN, TELL, Town
from support.walk import Typist, Walker
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from wallet import register
from wallet.pages.copies import ON_FORM

QUESTION = f"life-event/{TELL.id}"


@pytest.fixture
async def town() -> Town:
    return Town()


@pytest.fixture
async def site(tmp_path: Path, town: Town) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet", world=town) as site:
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        await put_document(site.host.means, opened.vault, vct=DEATH.vct, claims=STORIES["life-event"], copies=20)
        yield site


async def hear(site: Site, town: Town, *names: str) -> None:
    """These organisations are in the register from now on."""
    town.settle(*names)
    town.clock.at += 600
    for each in town.bodies:
        each.register(2)
    await register.refresh(site.host.means, now=True)


async def at_form(site: Site) -> Visitor:
    visitor = Visitor(site)
    await visitor.enter()
    await visitor.get("/copies/new")
    return visitor


def listed(visitor: Visitor) -> list[str]:
    """The organisations on the form, in order."""
    return [one for one in re.findall(r'type="radio" id="[^"]+" name="party" value="([^"]*)"', visitor.text) if one != "other"]


async def test_without_a_register_it_is_written_by_hand(site: Site) -> None:
    visitor = await at_form(site)
    assert ("Which organisation?" in visitor.text, "Find an organisation" in visitor.text) == (False, False)
    await visitor.post("/copies/new", {"question": QUESTION})
    assert "Enter the address that the organisation uses as its name" in visitor.text
    assert "Enter the organisation’s name" in visitor.text


async def test_who_is_chosen_needs_no_address(site: Site, town: Town) -> None:
    await hear(site, town, "Northwold Bank", "Brightwater Utilities")
    bank, water = (each.entity for each in town.bodies)
    visitor = await at_form(site)
    assert listed(visitor) == [water, bank]
    assert "Find an organisation" not in visitor.text
    await visitor.post("/copies/new", {"question": QUESTION})
    assert ("Choose who the copy is for" in visitor.text, "Enter the address" in visitor.text) == (True, False)
    await visitor.post("/copies/new", {"party": "https://gone.example", "question": QUESTION})
    assert "somebody is no longer registered" in visitor.text
    for other in ({"to_name": "Somebody"}, {"to": "https://x.example"}, {"to_name": "Northwold Bank", "to": water}):
        await visitor.get("/copies/new")
        await visitor.post("/copies/new", {"party": bank, "question": QUESTION, **other})
        assert "Choose one from the list or write another one, not both" in visitor.text
    await visitor.get("/copies/new")
    await visitor.post("/copies/new", {"party": bank, "question": QUESTION})
    assert f"Made out to Northwold Bank ({bank})." in visitor.text
    await visitor.post("/copies/new")
    assert "Copy for Northwold Bank" in visitor.text
    assert await visitor.get(f"{visitor.path}/file")
    assert f'"aud":"a:{bank}"' in visitor.text
    await visitor.get("/copies/new?lang=cy")
    assert listed(visitor) == [bank, water], "whom she has dealt with stands first"
    assert "Northwold Bank (Cymraeg)" in visitor.text


async def test_who_is_not_registered_is_written_by_hand(site: Site, town: Town) -> None:
    """With the last line chosen, or none; and a registered one is still known by its name."""
    await hear(site, town, "Northwold Bank")
    visitor, written = await at_form(site), {"to_name": "The corner shop", "to": "https://shop.example", "question": QUESTION}
    for line in ({"party": "other"}, {}):
        await visitor.get("/copies/new")
        await visitor.post("/copies/new", written | line)
        assert visitor.status == 200
        assert "Made out to The corner shop (https://shop.example)." in visitor.text
    await visitor.get("/copies/new")
    await visitor.post("/copies/new", {"party": "other", "to_name": "northwold bank (cymraeg)", "question": QUESTION})
    assert f"Made out to Northwold Bank ({town.bodies[0].entity})." in visitor.text
    await visitor.get("/copies/new")
    await visitor.post("/copies/new", {"party": "other", "question": QUESTION})
    assert "Enter the organisation’s name" in visitor.text
    assert re.search(r'value="other" checked', visitor.text)


async def test_many_are_searched_and_nothing_that_was_filled_in_is_lost(site: Site, town: Town) -> None:
    await hear(site, town, *FOURTEEN)
    names = {each.entity: each.name for each in town.bodies}
    visitor = await at_form(site)
    assert [names[one] for one in listed(visitor)] == sorted(names.values())[:ON_FORM]
    assert f"{len(FOURTEEN) - ON_FORM} more fit: write more of the name." in visitor.text
    await visitor.post("/copies/new", {"do": "find", "q": "northwold", "question": QUESTION, "days": "3", "purpose_id": "their word"})
    assert [names[one] for one in listed(visitor)] == ["Northwold Bank", "Northwold Pensions"]
    assert "more fit" not in visitor.text
    assert re.search(rf'value="{QUESTION}" checked', visitor.text)
    assert re.search(r'<option value="3" selected', visitor.text)
    assert 'value="their word"' in visitor.text
    bank = next(one for one, name in names.items() if name == "Northwold Bank")
    (welsh,) = re.findall(r'form="again" formaction="(/copies/new\?lang=cy)"', visitor.text)
    fields = {"party": bank, "do": "find", "q": "county cymraeg", "question": QUESTION}
    await visitor.post(welsh, fields)
    assert [names[one] for one in listed(visitor)] == ["Northwold Bank", "Westshire County Council"], "who is chosen stays in the list"
    assert re.search(rf'value="{bank}"[^>]* checked', visitor.text)
    await visitor.post("/copies/new?lang=en", fields | {"q": "nobody at all", "party": ""})
    assert (listed(visitor), "Nobody fits." in visitor.text) == ([], True)
    await visitor.post("/copies/new", fields | {"do": "all"})
    assert (len(listed(visitor)), "more fit" in visitor.text) == (ON_FORM, True)
    await visitor.post("/copies/new", {"do": "", "q": "county", "party": "", "question": QUESTION})
    assert [names[one] for one in listed(visitor)] == ["Westshire County Council"], "the Return key finds where nobody is chosen"
    for button in ("", "look"):
        await visitor.post("/copies/new", {"do": button, "q": "county", "party": "", "question": QUESTION})
        assert "Choose who the copy is for" in visitor.text
    await visitor.post("/copies/new", {"party": bank, "do": "", "q": "county", "question": QUESTION})
    assert f"Made out to Northwold Bank ({bank})." in visitor.text


@pytest.mark.real
@pytest.mark.parametrize("how", ["mouse-en-1280", "keyboard-cy-320"])
async def test_in_a_browser(site: Site, town: Town, open_page: Open, how: str) -> None:
    """Found, chosen and made; the fields for others stand below the list."""
    await hear(site, town, *FOURTEEN)
    hand, size, language = {"mouse-en-1280": (Walker, LAPTOP, "en"), "keyboard-cy-320": (Typist, PHONE, "cy")}[how]
    words = {
        "en": ("Another one, not in this list", "Find an organisation", "Find", "Northwold Bank", "Look at it first", "Make this copy"),
        "cy": ("Un arall, nad yw yn y rhestr hon", "Chwilio am sefydliad", "Chwilio", "Northwold Bank (Cymraeg)", "Edrych arno yn gyntaf", "Gwneud y copi hwn"),
    }[language]  # fmt: skip
    walker = hand(watched=await open_page(size))
    page = walker.page
    await walker.go(f"{site.base}/sign-in")
    await walker.fill(page.locator("#holder"), site.made.holder)
    await walker.fill(page.locator("#passphrase"), site.made.passphrase)
    await walker.enter(page.locator("main form button[type=submit], main form button:not([type])").first)
    await walker.go(f"{site.base}/copies/new?lang={language}")
    await walker.look("copy-choose")
    async with page.expect_navigation():  # the Return key goes on, whatever stands first on the form
        await page.locator("#to_name").press("Enter")
    await expect(page.locator(".govuk-error-summary a").first).to_have_attribute("href", "#party")
    await walker.look("copy-choose-mistakes")
    await walker.choose(words[0])
    await walker.write(words[1], "bank")
    await walker.press(words[2])
    await walker.choose(words[3])
    await walker.tick(page.locator(f'input[value="{QUESTION}"]'))
    await walker.look("copy-choose-found")
    await walker.press(words[4])
    await expect(page.get_by_text(f"{words[3]} (https://body-")).to_be_visible()
    await walker.look("copy-chosen")
    await walker.press(words[5])
    await expect(page.get_by_role("heading", level=1)).to_contain_text(words[3])
    await walker.look("copy-chosen-made")
