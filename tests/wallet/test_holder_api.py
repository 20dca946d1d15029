from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.trial_verify import stranger
from support.wallets import Site, serve_wallet
from support.world import BANK, BATCH, CODE, COUNCIL

from shared.codec import qr
from shared.errors import Unavailable
from wallet.app import one_round


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        yield running


async def test_the_story_by_api(site: Site) -> None:
    await site.open()
    picture = base64.b64encode(qr.png(site.world.office.link())).decode()
    status, kept = await site.call("POST", "/api/receive", {"picture_base64": picture, "code": CODE})
    assert (status, kept["state"]) == (200, "kept")
    _, cards = await site.call("GET", "/api/cards")
    (card,) = cards["cards"]
    assert (card["title"], card["state"], card["copies_left"]) == ("Power of attorney", "in force", BATCH)
    assert {"label", "value"} <= card["details"][0].keys()
    assert (await site.call("GET", f"/api/cards/{card['id']}"))[1] == card
    status, view = await site.call("POST", "/api/requests", {"link": site.world.council.ask()})
    assert (status, view["state"], view["acting_for"]) == (200, "asked", "Margaret Ashdown")
    assert view["not_shown"]
    echoed: dict[str, Any] = {name: view[name] for name in ("documents", "seen", "ways")}
    blind: dict[str, Any] = {"documents": {}, "seen": {}}
    for body, refusal in (({}, 400), ({"documents": view["documents"]}, 400), (blind, 409), (echoed | {"seen": {}}, 409)):
        assert (await site.call("POST", f"/api/requests/{view['id']}/agree", body))[0] == refusal
    assert [echoed["seen"]] == [{part["query"]: part["choices"][0]["seen"]} for part in view["parts"]]
    assert (await site.call("GET", f"/api/requests/{view['id']}?ways=0=none"))[0] == 400
    status, answer = await site.call("POST", f"/api/requests/{view['id']}/agree", echoed)
    assert (status, answer["state"], answer["receipt_problem"]) == (200, "answered", "")
    assert answer["receipt"]
    body = {"to": BANK, "to_name": "Northwold Bank", "purpose_id": "bank", "type": "representation", "query": "bank"}
    status, copy = await site.call("POST", "/api/addressed", body)
    assert status == 201
    assert copy["file"]["aud"] == f"a:{BANK}"
    assert qr.read(base64.b64decode(copy["qr_png_base64"]))[0].startswith("OVJ1:")
    assert (await site.call("GET", f"/api/addressed/{copy['id']}"))[1] == copy
    _, history = await site.call("GET", "/api/history")
    assert [one["transactionType"] for one in history["entries"]] == ["addressed-copy", "presentation", "issuance"]
    assert history["intact"]


@pytest.mark.real
async def test_the_story_on_postgresql(tmp_path: Path, postgresql_uri: str) -> None:
    async with serve_wallet(tmp_path / "wallet", storage=postgresql_uri) as site:
        await test_the_story_by_api(site)
        assert not (tmp_path / "wallet" / "wallet.db").exists()


async def test_a_code_may_come_later(site: Site) -> None:
    await site.open()
    status, offered = await site.call("POST", "/api/receive", {"link": site.world.office.link()})
    assert (status, offered["state"], offered["code"]["length"]) == (200, "offered", 8)
    status, refused = await site.call("POST", f"/api/receive/{offered['id']}/collect", {"code": "00000000"})
    assert (status, refused["code"]) == (400, "invalid_grant")
    status, kept = await site.call("POST", f"/api/receive/{offered['id']}/collect", {"code": CODE})
    assert (status, kept["state"]) == (200, "kept")
    assert (await site.call("GET", f"/api/receive/{offered['id']}"))[1]["document"] == kept["document"]
    assert (await site.call("POST", "/api/receive", {"link": site.world.office.link()}))[1]["state"] == "kept"


async def test_refuse(site: Site) -> None:
    await site.open()
    await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    _, view = await site.call("POST", "/api/requests", {"link": site.world.council.ask()})
    status, after = await site.call("POST", f"/api/requests/{view['id']}/refuse")
    assert (status, after["state"]) == (200, "withheld")
    assert (await site.call("GET", f"/api/requests/{view['id']}"))[1]["state"] == "withheld"


async def test_an_unknown_sender_is_a_problem_with_a_code(site: Site) -> None:
    await site.open()
    site.world.office.by = stranger()
    status, problem = await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    assert (status, problem["code"]) == (400, "untrusted")
    assert (await site.call("GET", "/api/cards"))[1] == {"cards": []}


async def test_nobody_gets_in_without_a_token(site: Site) -> None:
    for path in ("/api/cards", "/api/history", "/api/requests/x"):
        assert (await site.call("GET", path))[0] == 401
        assert (await site.call("GET", path, token="nonsense"))[0] == 401
    status, problem = await site.call("POST", "/api/session", {"holder": "Nora Ashdown", "passphrase": "wrong wrong wrong"})
    assert (status, problem["code"]) == (401, "sign_in_required")
    assert (await site.call("POST", "/api/session", {"holder": "Nobody", "passphrase": "wrong wrong wrong"}))[1]["detail"] == problem[
        "detail"
    ]


async def test_guessing_is_throttled(site: Site) -> None:
    said = [(await site.call("POST", "/api/session", {"holder": "NORA ashdown", "passphrase": f"guess number {n}"}))[0] for n in range(12)]
    assert said[:10] == [401] * 10
    assert said[10:] == [429, 429]
    rows = await site.host.storage.read(lambda tx: tx.fetch("SELECT bucket FROM rate_limit"))
    assert not [row for row in rows if "nora" in str(row["bucket"]).lower()]


async def test_an_idle_wallet_closes(site: Site) -> None:
    await site.open()
    site.world.clock.at += 14 * 60
    assert (await site.call("GET", "/api/cards"))[0] == 200
    site.world.clock.at += 16 * 60
    assert (await site.call("GET", "/api/cards"))[0] == 401
    assert list(site.host.unlocked.vaults()) == []


async def test_however_busy_a_sitting_ends(site: Site) -> None:
    await site.open()
    said = []
    for _ in range(73):
        site.world.clock.at += 600
        said.append((await site.call("GET", "/api/cards"))[0])
    assert (said[0], said[-1]) == (200, 401)


async def test_closing_forgets_the_key(site: Site) -> None:
    await site.open()
    assert (await site.call("DELETE", "/api/session"))[0] == 204
    assert (await site.call("GET", "/api/cards"))[0] == 401
    assert list(site.host.unlocked.vaults()) == []


async def test_wallets_of_one_host_do_not_see_each_other(site: Site) -> None:
    await site.open()
    await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    card = (await site.call("GET", "/api/cards"))[1]["cards"][0]["id"]
    request = (await site.call("POST", "/api/requests", {"link": site.world.council.ask()}))[1]["id"]
    status, made = await site.call("POST", "/api/wallets", {"holder": "Peter Ashdown", "passphrase": "quite another passphrase"})
    assert (status, made["holder"]) == (201, "Peter Ashdown")
    _, told = await site.call("POST", "/api/session", {"holder": "peter ashdown", "passphrase": "quite another passphrase"})
    peter = told["token"]
    assert (await site.call("GET", "/api/cards", token=peter))[1] == {"cards": []}
    for path in (f"/api/cards/{card}", f"/api/requests/{request}"):
        assert (await site.call("GET", path, token=peter))[0] == 404
    assert (await site.call("POST", f"/api/requests/{request}/agree", {"documents": {}, "seen": {}}, token=peter))[0] == 404
    assert (await site.call("POST", "/api/wallets", {"holder": "Nora Ashdown", "passphrase": "quite another passphrase"}))[0] == 409
    assert site.world.council.got == []


async def test_a_host_may_keep_its_door_shut(tmp_path: Path) -> None:
    async with serve_wallet(tmp_path / "shut", open_to_all=False) as site:
        assert (await site.call("POST", "/api/wallets", {"holder": "P", "passphrase": "quite another passphrase"}))[0] == 403


async def test_faults_are_pointed_at(site: Site) -> None:
    await site.open()
    status, problem = await site.call("POST", "/api/receive", {"link": "x", "picture_base64": "y"})
    assert (status, problem["pointer"]) == (400, "/link")
    assert (await site.call("POST", "/api/receive", {"picture_base64": "***"}))[1]["pointer"] == "/picture_base64"
    assert (await site.call("POST", "/api/addressed", {"to": BANK, "purpose_id": "x", "query": "bank", "days": 15}))[1][
        "pointer"
    ] == "/days"
    assert (await site.call("POST", "/api/addressed", {"to": BANK, "purpose_id": "x", "query": "bank", "unknown": 1}))[0] == 400
    async with site.http.post(
        site.base + "/api/receive",
        data=BytesIO(b'{"picture_base64":"' + b"A" * 13_000_000 + b'"}'),
        headers={"Authorization": f"Bearer {site.token}", "Content-Type": "application/json"},
    ) as answer:
        assert answer.status == 413


async def test_a_photograph_of_a_telephone_is_read(site: Site) -> None:
    await site.open()
    code = Image.open(BytesIO(qr.png(site.world.office.link(), scale=14))).convert("RGB")
    photograph = Image.effect_noise((2_400, 1_800), 12).point(lambda value: min(255, value + 90)).convert("RGB")
    photograph.paste(code, (700, 400))
    out = BytesIO()
    photograph.save(out, "PNG")
    assert len(out.getvalue()) > 2_000_000
    status, offered = await site.call("POST", "/api/receive", {"picture_base64": base64.b64encode(out.getvalue()).decode()})
    assert (status, offered["state"]) == (200, "offered")


async def test_a_browser_of_another_site_cannot_use_the_cookie(site: Site) -> None:
    token = await site.open()
    cookie = {"Cookie": f"muniment-wallet={token}"}
    assert (await site.call("GET", "/api/cards", token="", **cookie))[0] == 200
    status, problem = await site.call("POST", "/api/requests", {"link": COUNCIL}, token="", **cookie, Origin="https://evil.example")
    assert (status, problem["code"]) == (403, "cross_site_refused")


async def test_openapi_names_every_route(site: Site) -> None:
    _, doc = await site.call("GET", "/api/openapi.json")
    assert "/api/requests/{id}/agree" in doc["paths"]
    assert json.dumps(doc)


async def test_the_round_of_upkeep_reaches_open_wallets_only(site: Site) -> None:
    await site.open()
    await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    before = len(site.world.log)
    for _ in range(8):
        site.world.clock.at += 600
        await site.call("GET", "/api/cards")
    await one_round(site.app)
    assert len(site.world.log) == before + 2
    site.world.clock.at += 2 * 3_600
    await one_round(site.app)
    assert len(site.world.log) == before + 2


async def test_a_round_that_fails_takes_off_the_disk_all_the_same(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in it may go wrong for weeks."""

    async def fail(*_: object) -> None:
        raise Unavailable("out of order")

    monkeypatch.setattr("wallet.app.register.refresh", fail)
    await site.open()
    wal = tmp_path / "wallet" / "wallet.db-wal"
    assert wal.stat().st_size > 0
    with pytest.raises(Unavailable, match="out of order"):
        await one_round(site.app)
    assert wal.stat().st_size == 0
