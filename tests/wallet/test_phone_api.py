"""``/phone/``: what the page and its service worker are made of, and its API against what strangers send."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.airplane import Counter
from support.trial_verify import Dice
from support.wallets import Site, serve_wallet
from support.world import BATCH, CODE, ISSUER

from shared.clock import DAY
from wallet import phone_api, register
from wallet.holding import make_keys

PHONE = "ab" * 16
SHOWING = {
    "id": "11" * 16,
    "at": 1_800_000_000,
    "document": "d",
    "entity": "https://council.example",
    "name": "Anytown Borough Council",
    "use": "council-tax",
    "level": 3,
    "purpose": {"en": "to talk to you", "cy": "i siarad â chi"},
    "asked": ["donor-name"],
    "shown": ["donor-name"],
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serve_wallet(tmp_path / "wallet") as running:
        running.world.office.formats = ("dc+sd-jwt", "dc+sd-cwt")
        await running.open()
        yield running


async def collect(site: Site) -> str:
    status, told = await site.call("POST", "/api/receive", {"link": site.world.office.link(), "code": CODE})
    assert status == 200, told
    return str(told["document"])


async def begin(site: Site, document: str) -> Any:
    status, told = await site.call("POST", "/phone/api/batches", {"document": document, "phone": PHONE})
    assert status == 200, told
    return told


async def prove(told: Any) -> list[str]:
    ring = await make_keys(told["count"], Dice("phone"))
    return list(await ring.prove(audience=told["audience"], nonce=told["nonce"], at=told["at"]))


# --- the page and its worker -------------------------------------------------------------------------------------------------------------


async def test_the_page_is_the_same_for_everybody(site: Site) -> None:
    """A phone keeps it: nothing of a session may be in it."""
    signed_in, told = await site.call("GET", "/phone/?lang=en")
    stranger, other = await site.call("GET", "/phone/?lang=en", token="")
    assert signed_in == stranger == 200
    assert told == other
    assert site.made.holder not in told
    assert "form_token" not in told
    async with site.http.get(f"{site.base}/phone/?lang=cy") as answer:
        assert 'lang="cy"' in await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "https:" not in policy


async def test_the_worker_names_everything_that_the_page_is_made_of(site: Site) -> None:
    async with site.http.get(f"{site.base}/phone/sw.js") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/javascript"
        script = await answer.text()
    plan = json.loads(re.match(r"self\.MUNIMENT = (.*);\n", script)[1])  # type: ignore[index]
    for address in plan["keep"]:
        assert address.startswith("/")
        async with site.http.get(site.base + address) as answer:
            assert answer.status == 200, address
            data = await answer.read()
        if address.startswith("/phone/?"):
            body = data.decode()
            assert plan["build"] in body
            assert set(re.findall(r'(?:href|src)="(/static/[^"#]+)', body)) <= set(plan["keep"])


async def test_everything_the_scripts_import_is_kept(site: Site) -> None:
    _, script = await site.call("GET", "/phone/sw.js", token="")
    kept = set(json.loads(re.match(r"self\.MUNIMENT = (.*);\n", script)[1])["keep"])  # type: ignore[index]
    for address in sorted(kept):
        if not address.endswith(".js") or "/vendor/" in address or address.endswith("/sw.js"):
            continue
        _, text = await site.call("GET", address, token="")
        for name in re.findall(r'^import .*?"(\.[^"]+)"', text, re.MULTILINE | re.DOTALL):
            up = name.count("../")
            folder = address.rsplit("/", up + 1)[0]
            assert f"{folder}/{name.removeprefix('./').replace('../', '')}" in kept, (address, name)


async def test_the_manifest_can_be_installed(site: Site) -> None:
    async with site.http.get(f"{site.base}/phone/manifest.webmanifest") as answer:
        told = json.loads(await answer.text())
        assert answer.content_type == "application/manifest+json"
    assert told["start_url"] == told["scope"] == "/phone/"
    for icon in told["icons"]:
        async with site.http.get(site.base + icon["src"]) as answer:
            assert answer.status == 200
            assert answer.content_type == "image/png"
    assert (await site.call("GET", "/phone", token=""))[0] == 301


# --- the API -----------------------------------------------------------------------------------------------------------------------------


async def test_a_whole_batch_over_http(site: Site) -> None:
    document = await collect(site)
    told = await begin(site, document)
    assert (told["state"], told["count"], told["audience"]) == ("begun", BATCH, ISSUER)
    status, given = await site.call("POST", f"/phone/api/batches/{told['id']}/copies", {"proofs": await prove(told)})
    assert status == 200, given
    assert len(given["copies"]) == BATCH
    assert given["issuer"] == ISSUER
    assert given["issuer_key"].keys() == {"kty", "crv", "x", "y"}
    again = await begin(site, document)
    assert (again["id"], again["state"]) == (told["id"], "received")
    for _ in range(2):
        assert (await site.call("POST", f"/phone/api/batches/{told['id']}/kept", {}))[0] == 204
    status, state = await site.call("GET", f"/phone/api/state?phone={PHONE}")
    (batch,) = state["batches"]
    assert (batch["state"], batch["mine"], batch["count"]) == ("on-phone", True, BATCH)
    assert batch["renew_at"] < batch["expires_at"]
    status, other = await site.call("GET", f"/phone/api/state?phone={'cd' * 16}")
    assert other["batches"][0]["mine"] is False
    assert state["documents"][0]["keepable"] is True
    assert (await site.call("POST", f"/phone/api/batches/{told['id']}/lost", {}))[0] == 204
    assert site.world.office.notified[-1]["event"] == "credential_deleted"


async def test_the_cookie_of_another_site_is_of_no_use(site: Site) -> None:
    cookies = {"Cookie": f"muniment-wallet={site.token}"}
    body = {"document": "x", "phone": PHONE}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        status, _ = await site.call("POST", "/phone/api/batches", body, token="", **cookies, **headers)
        assert status == 403
    assert (await site.call("GET", f"/phone/api/state?phone={PHONE}", token=""))[0] == 401
    assert (await site.call("GET", "/phone/api/register", token=""))[0] == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/phone/api/batches", {"document": "../x", "phone": PHONE}),
        ("/phone/api/batches", {"document": "x", "phone": "short"}),
        ("/phone/api/batches", {"document": "x", "phone": PHONE, "more": 1}),
        ("/phone/api/batches", []),
        ("/phone/api/batches/x/copies", {"proofs": ["a" * 5_000]}),
        ("/phone/api/batches/x/copies", {"proofs": ["a"] * 51}),
        ("/phone/api/batches/x/refused", {"code": "Not a code!"}),
        ("/phone/api/showings", {"showings": [SHOWING | {"level": 0}]}),
        ("/phone/api/showings", {"showings": [SHOWING | {"at": -1}]}),
        ("/phone/api/showings", {"showings": [SHOWING | {"id": "x"}]}),
        ("/phone/api/showings", {"showings": [SHOWING | {"shown": ["x"] * 65}]}),
        ("/phone/api/showings", {"showings": [SHOWING] * 201}),
    ],
)
async def test_what_is_not_of_the_demanded_form(site: Site, path: str, body: object) -> None:
    status, told = await site.call("POST", path, body)
    assert status in {400, 413}, told
    assert told["code"]


@pytest.mark.parametrize("name", ["copies", "kept", "refused", "lost"])
async def test_a_batch_that_is_not_there(site: Site, name: str) -> None:
    body = {"copies": {"proofs": ["a.b.c"]}, "refused": {"code": "not_bound"}}.get(name, {})
    assert (await site.call("POST", f"/phone/api/batches/nothing/{name}", body))[0] == 404


async def test_nobody_reaches_the_batches_of_another_wallet(site: Site) -> None:
    told = await begin(site, await collect(site))
    status, made = await site.call("POST", "/api/wallets", {"holder": "Mallory", "passphrase": "correct horse battery staple"})
    assert status == 201, made
    status, opened = await site.call("POST", "/api/session", {"holder": "Mallory", "passphrase": "correct horse battery staple"}, token="")
    token = opened["token"]
    assert (await site.call("POST", f"/phone/api/batches/{told['id']}/copies", {"proofs": await prove(told)}, token=token))[0] == 404
    assert (await site.call("GET", f"/phone/api/state?phone={PHONE}", token=token))[1]["batches"] == []


async def test_no_phone_floods_the_office_or_the_history(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's disk and the issuer are not for one open wallet alone; other wallets go on."""
    document = await collect(site)
    for name in ("BEGUN", "TOLD"):
        monkeypatch.setattr(phone_api, name, replace(getattr(phone_api, name), most=2))
    asked = (("batches", {"document": document, "phone": PHONE}, 200), ("showings", {"showings": [SHOWING]}, 204))
    for path, body, good in asked:
        assert [(await site.call("POST", f"/phone/api/{path}", body))[0] for _ in range(3)] == [good, good, 429]
    before = len(site.world.log)
    assert (await site.call("POST", "/phone/api/batches", asked[0][1]))[0] == 429
    assert len(site.world.log) == before


async def test_showings_go_into_the_history_once(site: Site) -> None:
    document = await collect(site)
    one = SHOWING | {"document": document}
    declined = one | {"id": "22" * 16, "agreed": False, "shown": []}
    for _ in range(2):
        assert (await site.call("POST", "/phone/api/showings", {"showings": [one, declined]}))[0] == 204
    _, told = await site.call("GET", "/api/history")
    assert told["intact"] is True
    latest, before = told["entries"][:2]
    assert (latest["transactionResult"], before["transactionResult"]) == ("declined", "success")
    assert before["level"] == 3
    assert before["listOfClaimsPresented"] == [
        {"credentialIdentifier": before["listOfClaimsPresented"][0]["credentialIdentifier"], "claims": ["group:donor-name"]}
    ]
    assert before["on_behalf_of"] == document
    assert [entry["transactionType"] for entry in told["entries"]].count("presentation") == 2
    _, page = await site.call("GET", "/history", token="", Cookie=f"muniment-wallet={site.token}")
    assert "Anytown Borough Council" in page
    _, entry = await site.call("GET", f"/history/{before['seq']}", token="", Cookie=f"muniment-wallet={site.token}")
    assert "group:" not in entry


async def test_what_was_shown_without_a_network_is_kept_as_long_as_registered(site: Site) -> None:
    """The history has what the register says of the use, so that the statement says until when; of an unknown use nobody has said it."""
    document = await collect(site)
    Counter(site.world, site.world.council).register()
    await register.refresh(site.host.means, now=True)
    one = SHOWING | {"document": document, "at": site.world.clock.at}
    assert (await site.call("POST", "/phone/api/showings", {"showings": [one, one | {"id": "22" * 16, "use": "another"}]}))[0] == 204
    _, told = await site.call("GET", "/api/statement")
    assert [(each["use"], each["by"], each["until"]) for each in told["keeping"]] == [
        ("another", "unknown", None),
        ("council-tax", "register", site.world.clock.at + 30 * DAY),
    ]


async def test_a_lost_phone_is_reported_from_the_documents_page(site: Site) -> None:
    document = await collect(site)
    told = await begin(site, document)
    await site.call("POST", f"/phone/api/batches/{told['id']}/copies", {"proofs": await prove(told)})
    await site.call("POST", f"/phone/api/batches/{told['id']}/kept", {})
    cookie = {"Cookie": f"muniment-wallet={site.token}"}
    _, page = await site.call("GET", f"/cards/{document}", token="", **cookie)
    assert f"{BATCH} copies are on a phone" in page
    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    for batch, status in (("nothing", 404), (told["id"], 303)):
        async with site.http.post(
            f"{site.base}/cards/{document}/phones/{batch}/lost", data={"form_token": token}, headers=cookie, allow_redirects=False
        ) as answer:
            assert answer.status == status
    assert site.world.office.notified[-1]["event"] == "credential_deleted"
    _, page = await site.call("GET", f"/cards/{document}", token="", **cookie)
    assert "on a phone since" not in page
