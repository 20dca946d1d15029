"""Locking a copy for the key that the asked body has registered: nothing to read out, and nobody else opens it (S28, ADR 0016)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Request, expect
from support.airplane import registration
from support.browser import LAPTOP, PHONE, Open, Walker
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, TELL, Body, Town
from support.letters import Joan, joan
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from shared import sealed_link
from shared.clock import DAY
from shared.credentials import Text
from shared.errors import Conflict, Malformed
from shared.inbox import Inbox, check_key
from shared.jose import jwe
from shared.sealed_link import open_with_key, open_with_words, peek_addressee
from wallet import register
from wallet.locking import Keyed, Made, key_for, lock
from wallet.share import Wish, make_out
from wallet.views import Views


@pytest.fixture
async def at_home(sqlite_uri: str) -> AsyncIterator[Joan]:
    async with joan(sqlite_uri, "Northwold Bank", "Brightwater Utilities") as one:
        for body in one.town.bodies:  # as a register gives it: the plain members alone
            body.private = {name: body.private[name] for name in ("kty", "crv", "x", "y", "d")}
        await one.hear(3)
        yield one


def wish_for(body: Body, purpose_id: str = TELL.id) -> Wish:
    return Wish(entity=body.entity, name="Dad’s bank", purpose_id=purpose_id, type="life-event", query=TELL.id)


async def locked(at_home: Joan, wish: Wish, **how: Any) -> Made:
    wallet = at_home.wallet
    views = Views(storage=wallet.storage, custodian=wallet.custodian, clock=wallet.world.clock, entropy=wallet.means.entropy)
    made = await make_out(wallet.means, wallet.vault, wish)
    return await lock(wallet.means, wallet.vault, views, made.id, **how)


async def test_a_registered_key_locks_it_without_words(at_home: Joan) -> None:
    bank, water = at_home.town.bodies
    before = len(at_home.town.fetches)
    made = await locked(at_home, wish_for(bank))
    link = made.item.value
    assert (made.words, link.keyed, link.view, link.name) == ("", True, "", "Northwold Bank")
    opened = open_with_key(link.token, bank.private)
    assert (opened.entity, opened.until) == (bank.entity, link.expires_at)
    assert opened.name == Text("Northwold Bank", "Northwold Bank (Cymraeg)")
    assert "Penhale" in {one.value.en for one in opened.details}
    assert "Dad" not in repr((peek_addressee(link.token), opened.name)), "what a holder calls somebody is nobody's to read"
    with pytest.raises(Malformed):
        open_with_key(link.token, water.private)
    assert len(at_home.town.fetches) == before, "nothing is fetched because a copy is locked (S21)"


async def test_the_key_is_that_of_the_use(at_home: Joan) -> None:
    bank, _ = at_home.town.bodies
    own = jwe.generate_ephemeral()
    bank.uses = (replace(TELL, inbox=Inbox(f"{bank.entity}/bereavement", check_key(jwe.public_half(own)))),)
    await at_home.hear(4)
    token = (await locked(at_home, wish_for(bank), words=False)).item.value.token
    assert open_with_key(token, own).entity == bank.entity
    with pytest.raises(Malformed):
        open_with_key(token, bank.private)


async def test_words_where_no_key_is_registered(at_home: Joan) -> None:
    """Not the body, not the use, no inbox, or a registration that is over; whoever asked for the key gets no words instead."""
    bank, water = at_home.town.bodies
    water.has_inbox = False
    await at_home.hear(4)
    wishes = [replace(wish_for(bank), entity="https://nobody.example"), wish_for(bank, "something-else"), wish_for(water)]
    for wish in wishes:
        made = await locked(at_home, wish)
        assert not made.item.value.keyed
        assert open_with_words(made.item.value.token, made.words).name == Text("Dad’s bank", "Dad’s bank")
        with pytest.raises(Conflict):
            await locked(at_home, wish, words=False)
    copy = await make_out(at_home.wallet.means, at_home.wallet.vault, wish_for(bank))
    party = (await register.register(at_home.wallet.means)).certificates[bank.entity]
    assert party.inbox is not None
    assert await key_for(at_home.wallet.means, copy.value) == Keyed(party.name, party.inbox, party.expires_at)
    at_home.town.clock.at = party.expires_at
    assert await key_for(at_home.wallet.means, copy.value) is None


async def test_words_where_the_holder_wants_them(at_home: Joan) -> None:
    """To be opened in a browser by somebody without that desk, or shown by the service."""
    bank, _ = at_home.town.bodies
    made = await locked(at_home, wish_for(bank), words=True)
    assert peek_addressee(made.item.value.token) is None
    assert open_with_words(made.item.value.token, made.words).entity == bank.entity
    named = await locked(at_home, replace(wish_for(bank), name="Northwold Bank"), words=True)
    assert open_with_words(named.item.value.token, named.words).name == Text("Northwold Bank", "Northwold Bank (Cymraeg)")
    shown = await locked(at_home, wish_for(bank), uses=1)
    assert shown.words
    assert not shown.item.value.keyed


async def test_it_ends_with_the_certificate_that_names_the_key(at_home: Joan, monkeypatch: pytest.MonkeyPatch) -> None:
    """So long the key opens it, whichever follows: it never says that it is good when nobody can open it any more."""
    bank, _ = at_home.town.bodies
    monkeypatch.setattr("support.inboxes.registration", partial(registration, days=2))
    await at_home.hear(4)
    ends = (await register.register(at_home.wallet.means)).certificates[bank.entity].expires_at
    assert ends < at_home.town.clock() + 2 * DAY
    link = (await locked(at_home, wish_for(bank))).item.value
    assert link.expires_at == ends
    assert open_with_key(link.token, bank.private).until == ends


# --- the whole service -------------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def home(folder: Path) -> AsyncIterator[tuple[Site, Town, str]]:
    """Joan's wallet with a copy for the bank."""
    town = Town()
    town.settle("Northwold Bank")
    async with serve_wallet(folder, world=town) as site:
        await site.open()
        vault = next(iter(site.host.unlocked.vaults()))
        await put_document(site.host.means, vault, vct=DEATH.vct, claims=STORIES["life-event"])
        town.clock.at += 600
        town.bodies[0].private = {name: town.bodies[0].private[name] for name in ("kty", "crv", "x", "y", "d")}
        town.bodies[0].register(2)
        await register.refresh(site.host.means, now=True)
        body = {"to": town.bodies[0].entity, "to_name": "Dad’s bank", "purpose_id": TELL.id, "type": "life-event", "query": TELL.id}
        status, copy = await site.call("POST", "/api/addressed", body)
        assert status == 201, copy
        yield site, town, str(copy["id"])


async def test_by_a_program(tmp_path: Path) -> None:
    async with home(tmp_path / "wallet") as (site, town, copy):
        status, made = await site.call("POST", f"/api/addressed/{copy}/locked-links", {})
        assert (status, made["keyed"], made["words"], made["to_name"]) == (201, True, "", "Northwold Bank")
        for carrier in (made["html"], made["link"]):
            assert open_with_key(str(sealed_link.find(carrier)), town.bodies[0].private).entity == town.bodies[0].entity
        for wish in ({"words": True}, {"uses": 1}):
            status, made = await site.call("POST", f"/api/addressed/{copy}/locked-links", wish)
            assert (status, made["keyed"], len(made["words"].split("-"))) == (201, False, 7)


async def test_the_pages(tmp_path: Path) -> None:
    async with home(tmp_path / "wallet") as (site, town, copy):
        visitor = Visitor(site)
        await visitor.enter()
        await visitor.get(f"/copies/{copy}/lock")
        assert "I send it, and only Northwold Bank can open it" in visitor.text
        assert re.search(r'value="key"[^>]*checked', visitor.text)
        await visitor.post(f"/copies/{copy}/lock", {"way": "key"})
        assert visitor.path.startswith("/locked-copies/")
        assert "There are no words to tell." in visitor.text
        link = html.unescape(re.findall(r'<code id="locked-address">([^<]+)</code>', visitor.text)[0])
        file = await visitor.get(f"{visitor.path}/file")
        assert sealed_link.find(file) == sealed_link.find(link)
        assert open_with_key(str(sealed_link.find(file)), town.bodies[0].private).name == Text("Northwold Bank", "Northwold Bank (Cymraeg)")
        where = visitor.path.removesuffix("/file")
        for page in (where, f"/copies/{copy}/lock"):  # as the register calls it, whatever it is called on the page of the copy
            assert "Northwold Bank (Cymraeg)" in await visitor.get(f"{page}?lang=cy"), page
            assert "(Cymraeg)" not in await visitor.get(f"{page}?lang=en"), page
        town.bodies[0].has_inbox = False
        town.clock.at += 600
        town.bodies[0].register(3)
        await register.refresh(site.host.means, now=True)
        await visitor.get(f"/copies/{copy}/lock")
        assert "can open it" not in visitor.text
        await visitor.post(f"/copies/{copy}/lock", {"way": "key"})
        assert (visitor.status, "Choose how the organisation gets it" in visitor.text) == (400, True)


@pytest.mark.real
async def test_in_a_browser_from_a_file(tmp_path: Path, open_page: Open) -> None:
    """By keyboard: nothing to note down; whoever opens the saved page is told for whom it is, in both languages, without a connection."""
    async with home(tmp_path / "wallet") as (site, _town, copy):
        walker = Walker(await open_page(PHONE), "locked-key")
        page = walker.page
        await page.goto(f"{site.base}/sign-in")
        await page.locator("input[name=holder]").fill(site.made.holder)
        await page.locator("input[name=passphrase]").fill(site.made.passphrase)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{site.base}/")
        await page.goto(f"{site.base}/copies/{copy}")
        await page.get_by_role("link", name="Lock it, to send it safely").click()
        await expect(page.get_by_label("I send it, and only Northwold Bank can open it")).to_be_checked()
        await walker.look("lock")
        await page.get_by_role("button", name="Lock it", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_text("Only Northwold Bank can open it").wait_for()
        await walker.look("locked")
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Save the locked copy, to send by e-mail").click()
        saved = tmp_path / "locked-copy.html"
        await (await coming.value).save_as(saved)
        link = await page.locator("#locked-address").inner_text()
    fragment, empty = link[link.index("#") :], tmp_path / "empty.html"
    empty.write_text(saved.read_text().replace(fragment[1:], ""))
    for screen, file, behind in ((LAPTOP, saved, ""), (LAPTOP, saved, fragment), (PHONE, empty, fragment)):
        watched = await open_page(screen)
        reader, asked = Walker(watched, "locked-key-reader"), list[str]()
        watched.page.on("request", partial(_note, asked))
        await reader.page.goto(file.as_uri() + behind)
        await expect(reader.page.get_by_role("heading", name="For Northwold Bank")).to_be_visible()
        await expect(reader.page.get_by_text("Only Northwold Bank can open it.")).to_be_visible()
        await expect(reader.page.get_by_label("The seven words")).to_be_hidden()
        await expect(reader.page.get_by_role("button", name="Open it")).to_be_hidden()
        assert "Penhale" not in await reader.page.content()
        assert reader.page.url == file.as_uri(), "the link leaves the address at once"
        await reader.look("outside")
        await reader.page.get_by_role("button", name="Cymraeg").click()
        await expect(reader.page.get_by_text("Dim ond Northwold Bank (Cymraeg) all ei agor.")).to_be_visible()
        await reader.look("outside-cy")
        assert [each for each in asked if not each.startswith(("file:", "data:"))] == []
        headers = json.loads(
            await reader.page.evaluate("JSON.stringify([document.referrer, document.querySelector('meta[name=referrer]').content])")
        )
        assert headers == ["", "no-referrer"]
        policy = await reader.page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
        assert policy is not None
        assert "connect-src 'none'" in policy


def _note(asked: list[str], request: Request) -> None:
    asked.append(request.url)
