"""Domain sheet C01, who is presenting: its acceptance scenarios by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession
from support import desk as desks
from support.browser import PHONE, Open
from support.documents import DOCUMENTS
from support.hands import Holder, Reader, at_desk, invited, opened_wallet
from support.holdings import minted, put_document
from support.long_values import decoded
from support.offices import BANK, COUNCIL, NINE, Street, open_office, set_up_desk, set_up_office
from support.thrift import easy_seal
from support.trial_web import Watch
from support.wallets import serve_wallet
from support.world import World

from shared import addressed
from shared.codec import base64url
from shared.credentials import by_id
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from wallet.upkeep import upkeep

PERSON = by_id("person")
CHECKERS = tuple(f"https://identity-{number}.example" for number in (1, 2, 3))
KB_HEADER = base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode()


@dataclass(kw_only=True)
class Town(Street):
    """Offices that do not answer any more, and whom anybody tried to ask."""

    gone: str = ""
    tried: list[str] = field(default_factory=list)

    async def __call__(self, wanted: Fetch) -> Fetched:
        self.tried.append(wanted.url)
        if self.gone and wanted.url.startswith(self.gone):
            raise Unavailable("nobody answers")
        return await super().__call__(wanted)


@asynccontextmanager
async def open_town(folder: Path) -> AsyncIterator[Town]:
    """Three offices that make documents about people, and BANK, which trusts them all."""
    clock = Watch(NINE)
    async with AsyncExitStack() as stack:
        street = Town(clock=clock, http=await stack.enter_async_context(ClientSession()))
        with easy_seal():
            made = {url: await set_up_office(folder / url[8:18], url, f"Identity {url[17]}", clock) for url in CHECKERS}
            trust = [f"{made[url].anchor}:credential-issuer:{url}" for url in CHECKERS]
            template = await set_up_desk(folder / "bank", BANK, "Northwold Bank", trust, clock)
        for url in CHECKERS:
            office = open_office(folder / url[8:18], url, made[url], clock, types=("person",))
            street.offices[url] = await stack.enter_async_context(office)
        serving = desks.serving(template, template.directory, site=street, clock=clock, refresh=False, public_url=BANK)
        street.desks[BANK] = await stack.enter_async_context(serving)
        await street.cycle()
        yield street


@pytest.mark.real
async def test_at_c01_1_with_any_one_identity_issuer_gone_every_flow_has_a_path(tmp_path: Path, open_page: Open) -> None:
    """Three make documents about people. Whichever is gone, another makes NORA's, and BANK relies on it as before; copies of the one that is
    gone are good to their end, for nobody asks it anything.
    """
    async with open_town(tmp_path) as street, opened_wallet(street, tmp_path / "nora", open_page) as nora:
        clerk = await at_desk(street, BANK, open_page)
        held = {url: await nora.collects(await invited(street, url, "person", DOCUMENTS["person"])) for url in CHECKERS}
        for gone, other in zip(CHECKERS, (*CHECKERS[1:], CHECKERS[0]), strict=True):
            street.gone = gone
            street.clock.at += 3_600
            await street.cycle()
            await nora.enters()
            await clerk.enters()
            await upkeep(nora.site.host.means, nora.vault)  # the lists, which wallets fetch by the clock, whatever is shown
            street.tried.clear()
            fresh = await nora.collects(await invited(street, other, "person", DOCUMENTS["person"]))
            for card in (held[gone], fresh):
                written = await nora.writes(BANK, "Northwold Bank", "person/same-person", card=card)
                assert await clerk.opens(written) == ("You can rely on this", ""), (gone, card)
            assert any(url.startswith(other) for url in street.tried)
            assert [url for url in street.tried if url.startswith(gone)] == [], "who is gone is asked nothing"


@pytest.mark.real
async def test_at_c01_2_two_presentations_of_nora_share_no_value_of_16_bytes(tmp_path: Path, open_page: Open) -> None:
    """To ABC and to BANK: what both decoded presentations have in common, any other holder's has as well."""
    async with serve_wallet(tmp_path, world=World()) as site:
        nora = Holder(site=site, walker=Reader(watched=await open_page(PHONE), careful=False))
        await nora.enters()
        await put_document(site.host.means, nora.vault, vct=PERSON.vct, claims=DOCUMENTS["person"], copies=4)
        shown = []
        for entity, name in ((COUNCIL, "Anytown Borough Council"), (BANK, "Northwold Bank")):
            copy = addressed.parse_file(await nora.writes(entity, name, "person/same-person"))
            shown += [decoded(copy.format, wire) for wires in copy.vp_token.values() for wire in wires]
        peter, _ = minted("dc+sd-jwt", PERSON.vct, {**DOCUMENTS["person"], "given_name": "Peter"}, index=77, at=NINE)
        constants = decoded("dc+sd-jwt", peter) | {KB_HEADER, base64url.encode(b"same-person").encode()}
    one, two = shown
    assert len(one) > 10
    assert one & two - constants == set()
