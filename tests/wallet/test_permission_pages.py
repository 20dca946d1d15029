"""The wallet's pages of permissions that were given: read, asked about, taken back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from support.desk import Site as Registry
from support.desk import Template, make_template, serving
from support.permitting import LISTS, Street, ask, tell
from support.wallet_visitor import Visitor
from support.wallets import Site, serve_wallet
from support.world import CODE


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("verifier") / "desk"))


@pytest.fixture
async def street() -> Street:
    return Street()


@pytest.fixture
async def site(street: Street, template: Template, tmp_path: Path) -> AsyncIterator[Site]:
    async with (
        serving(template, tmp_path / "desk", site=Registry(lists=LISTS), clock=street.clock) as desk,
        serve_wallet(tmp_path / "wallet", world=street) as site,
    ):
        street.desk = desk
        yield site


async def test_by_a_program_of_its_holder(site: Site, street: Street) -> None:
    await site.open()
    _, told = await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    assert told["state"] == "kept", told
    _, view = await site.call("POST", "/api/requests", {"link": await ask(street)})
    await site.call("POST", f"/api/requests/{view['id']}/agree", {"documents": view["documents"], "seen": view["seen"]})
    _, listed = await site.call("GET", "/api/permissions")
    (one,) = listed["items"]
    assert (one["state"], one["statement"].startswith("I allow Northwold Bank"), one["receipts"]) == ("in-force", True, [])
    assert (await site.call("POST", f"/api/permissions/{one['id']}/look"))[1]["problem"] == ""
    status, ended = await site.call("POST", f"/api/permissions/{one['id']}/withdraw")
    assert (status, ended["state"], ended["withdrawn_at"]) == (200, "withdrawn", site.world.clock())
    assert (await site.call("POST", "/api/permissions/none/look"))[0] == 404


async def test_from_the_question_to_the_end_of_it(site: Site, street: Street) -> None:
    nora = Visitor(site)
    await nora.enter()
    assert "You have given none." in await nora.get("/permissions")
    await nora.collect()
    await nora.get("/present")
    await nora.post("/present", {"link": await ask(street, max_uses=2)}, files={})
    page = unescape(nora.text)
    assert "I allow Northwold Bank to tell the Pensions department (https://dwp.example) this, at most 2 times" in page
    assert "Your wallet made these words" in page
    assert "These are their words." not in page
    agreed = unescape(await nora.post(nora.path, {"decision": "share"}))
    listed = unescape(await nora.get("/permissions"))
    assert ("may tell the Pensions department" in listed, "in force" in listed, "Told 0 times so far." in listed) == (True, True, True)
    found = re.search(r'href="(/permissions/[^"]+)"', listed)
    assert found is not None
    one = found[1]
    assert street.desk is not None
    _, kept = await street.desk.call("GET", "/api/permissions")
    number = kept["items"][0]["id"]
    assert ("Your permission has the reference" in agreed, f">{number[:8]}<" in agreed, f'href="{one}"' in agreed) == (True, True, True)
    await tell(street, number)
    shown = unescape(await nora.get(one))
    assert (f">{number[:8]}<" in shown, "You gave it on" in shown, "You took it back on" in shown) == (True, True, False)
    shown = unescape(await nora.post(f"{one}/look"))
    assert "assessment of the care contribution" in shown.partition("What was told")[2]
    street.down.add(street.desk.url)
    shown = unescape(await nora.post(f"{one}/look"))
    assert ("They could not be reached, or did not answer as they should." in shown, "unavailable" in shown) == (True, False)
    street.down.clear()
    shown = unescape(await nora.post(f"{one}/withdraw"))
    assert ("taken back" in shown, "Take this permission back" in shown) == (True, False)
    assert (f">{number[:8]}<" in shown, "You took it back on" in shown) == (True, True)
    history = unescape(await nora.get("/history"))
    assert ("Told by your permission" in history, "Permission taken back" in history) == (True, True)
    lines = [unescape(await nora.get(f"/history/{number}")) for number in range(1, 5)]
    told = next(text for text in lines if "Told by your permission" in text)
    assert ("assessment of the care contribution" in told, "Their receipt, signed by them" in told) == (True, True)
    assert ("a note of what they told" in told, re.search(r"Until</dt>", told) is not None) == (True, True)
