"""Moving a wallet from an old phone to a new one, both without JavaScript."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar
from support.trial_verify import Dice
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet

from wallet.holding import make_keys

PHONE = "ab" * 16


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        running.world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
        yield running


@pytest.fixture
async def old(site: Site) -> Visitor:
    visitor = Visitor(site)
    await visitor.enter()
    return visitor


@pytest.fixture
async def new(site: Site) -> AsyncIterator[Visitor]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        yield Visitor(replace(site, http=http))


def code_on(visitor: Visitor) -> str:
    return str(re.findall(r"<code>((?:[0-9A-Z]{2,4} )+[0-9A-Z]{2,4})</code>", visitor.text)[0])


def number_on(visitor: Visitor) -> str:
    return str(re.findall(r"<code>(\d{3} \d{3})</code>", visitor.text)[0])


async def show_first(old: Visitor, phone: str = PHONE) -> str:
    await old.get("/move")
    await old.post("/move", {"phone": phone})
    return code_on(old)


async def join(new: Visitor, code: str) -> str:
    await new.get("/move/new")
    await new.post("/move/new", {"code": code})
    return code_on(new)


async def agree(old: Visitor, second: str) -> None:
    await old.get("/move")
    await old.post("/move/seen", {"seen": second}, files={})
    await old.post("/move/decide", {"same": "yes"})


async def keep_on_phone(site: Site, phone: str, *, say_so: bool = True) -> str:
    """A batch of the first document on a phone, which says so unless its network broke right then."""
    await site.open()
    status, state = await site.call("GET", f"/phone/api/state?phone={phone}")
    document = state["documents"][0]["id"]
    status, told = await site.call("POST", "/phone/api/batches", {"document": document, "phone": phone})
    assert status == 200, told
    ring = await make_keys(told["count"], Dice(phone))
    proofs = list(await ring.prove(audience=told["audience"], nonce=told["nonce"], at=told["at"]))
    status, given = await site.call("POST", f"/phone/api/batches/{told['id']}/copies", {"proofs": proofs})
    assert status == 200, given
    if say_so:
        assert (await site.call("POST", f"/phone/api/batches/{told['id']}/kept"))[0] == 204
    return str(document)
