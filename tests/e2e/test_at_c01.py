"""Domain sheet C01, who is presenting: its acceptance scenarios by their names."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession
from support import desk as desks
from support.browser import PHONE, Open
from support.documents import DOCUMENTS
from support.hands import Holder, Reader
from support.holdings import minted, put_document
from support.long_values import decoded
from support.offices import BANK, COUNCIL, NINE, Street, bring, copy_for, given, open_office, set_up_desk, set_up_office
from support.thrift import easy_seal
from support.trial_web import Watch
from support.wallets import serve_wallet
from support.world import World

from shared import addressed
from shared.codec import base64url
from shared.credentials import by_id

PERSON = by_id("person")
CHECKERS = tuple(f"https://identity-{number}.example" for number in (1, 2, 3))
NAMES = (("given_name",), ("family_name",))
KB_HEADER = base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}').encode()


async def test_at_c01_1_with_any_one_identity_issuer_gone_every_flow_has_a_path(tmp_path: Path) -> None:
    """Three make documents about people. Whichever is gone, another makes NORA's, and BANK relies on it as before; copies of the one that is
    gone are good to their end, for nobody asks it anything.
    """
    clock = Watch(NINE)
    async with AsyncExitStack() as stack:
        street = Street(clock=clock, http=await stack.enter_async_context(ClientSession()))
        with easy_seal():
            made = {url: await set_up_office(tmp_path / url[8:18], url, f"Identity {url[17]}", clock) for url in CHECKERS}
            trust = [f"{made[url].anchor}:credential-issuer:{url}" for url in CHECKERS]
            template = await set_up_desk(tmp_path / "bank", BANK, "Northwold Bank", trust, clock)
        for url in CHECKERS:
            office = open_office(tmp_path / url[8:18], url, made[url], clock, types=("person",))
            street.offices[url] = await stack.enter_async_context(office)
        serving = desks.serving(template, template.directory, site=street, clock=clock, refresh=False, public_url=BANK)
        street.desks[BANK] = await stack.enter_async_context(serving)
        await street.cycle()
        held = {url: await given(street, url, "person", DOCUMENTS["person"]) for url in CHECKERS}
        for gone in CHECKERS:
            away = street.offices.pop(gone)
            clock.at += 3_600
            await street.cycle()
            for url in CHECKERS:
                carried = held[url] if url == gone else await given(street, url, "person", DOCUMENTS["person"])
                file = copy_for(BANK, carried, purpose="same-person", paths=NAMES, at=clock(), seed=f"{gone} {url}")
                decision = (await bring(street, BANK, file)).decision
                assert (decision.decision, decision.code) == ("accepted", ""), (gone, url)
            street.offices[gone] = away


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
