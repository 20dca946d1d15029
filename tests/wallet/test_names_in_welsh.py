"""What organisations have registered in Welsh stands on Welsh pages: their names, and what a power was used for. What nobody registered stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import DOCUMENTS as STORIES
from support.holdings import put_document
from support.inboxes import DEATH, TELL, Town
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from shared.credentials import by_id
from shared.donor import Told
from wallet import register
from wallet.reported import REPORTED, Reported

BANK, WELSH_BANK = "Northwold Bank", "Northwold Bank (Cymraeg)"
GRANTED = by_id("representation-granted")


@pytest.fixture
async def town() -> Town:
    town = Town()
    town.settle(BANK)
    return town


@pytest.fixture
async def site(tmp_path: Path, town: Town) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet", world=town) as site:
        yield site


async def at_home(site: Site, town: Town) -> Visitor:
    """Signed in, with the register heard."""
    visitor = Visitor(site)
    await visitor.enter()
    town.clock.at += 600
    town.bodies[0].register(2)
    await register.refresh(site.host.means, now=True)
    return visitor


async def test_statement_and_copies(site: Site, town: Town) -> None:
    visitor = await at_home(site, town)
    vault = next(iter(site.host.unlocked.vaults()))
    await put_document(site.host.means, vault, vct=DEATH.vct, claims=STORIES["life-event"])
    wish = {"to": town.bodies[0].entity, "to_name": BANK, "purpose_id": TELL.id, "type": "life-event", "query": TELL.id}
    _, copy = await site.call("POST", "/api/addressed", wish)
    _, own = await site.call("POST", "/api/addressed", wish | {"to_name": "Dad’s bank"})
    for page in ("/statement", "/copies", f"/copies/{copy['id']}", f"/copies/{copy['id']}/lock", "/history"):
        assert WELSH_BANK in await visitor.get(f"{page}?lang=cy"), page
        assert BANK in await visitor.get(f"{page}?lang=en"), page
        assert WELSH_BANK not in visitor.text, page
    assert WELSH_BANK in await visitor.get("/copies?q=cymraeg&lang=cy")
    assert "Dad’s bank" in await visitor.get(f"/copies/{own['id']}?lang=cy"), "what a holder calls somebody stays"
    assert WELSH_BANK not in visitor.text
    year = (await site.call("GET", "/api/statement"))[1]["year"]
    assert "(Cymraeg)" not in await visitor.get(f"/statement/{year}.json"), "the file for programs has what was written down"


async def test_what_a_donor_was_told(site: Site, town: Town) -> None:
    """By the name that the attorney's wallet wrote down, whichever words it gave for the reason."""
    visitor, bank = await at_home(site, town), town.bodies[0].entity
    means, vault = site.host.means, next(iter(site.host.unlocked.vaults()))
    name = await put_document(means, vault, vct=GRANTED.vct, claims=STORIES["representation-granted"])
    first = Told(number=1, at=town.clock(), name=BANK, entity=bank, purpose=TELL.purpose.en, result="success", live=True)
    told = [
        first,
        replace(first, number=2, purpose=TELL.id, live=False),
        replace(first, number=3, name="Somebody", entity="https://x.example"),
        replace(first, number=4, purpose="Something else"),
    ]
    state = Reported(key={}, next_at=2**40, uses=tuple(told))
    await means.storage.write(lambda tx: REPORTED.put(tx, vault, name, state, entropy=means.entropy))
    text = await visitor.get(f"/cards/{name}?lang=cy")
    assert (text.count(f">{WELSH_BANK}</th>"), text.count(">Somebody</th>")) == (3, 1)
    assert (text.count(TELL.purpose.cy), text.count(TELL.purpose.en), text.count("Something else")) == (2, 1, 1)
    text = await visitor.get(f"/cards/{name}?lang=en")
    assert (text.count(f">{BANK}</th>"), text.count(TELL.purpose.en), TELL.purpose.cy in text) == (3, 3, False)
