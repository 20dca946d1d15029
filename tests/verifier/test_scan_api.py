"""What a desk's page asks of the service: set up by somebody who is signed in, certified for a week, given one checking pack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from support.desk import BANK, Running, Site, Template, serving
from support.desk_scan import Enrolled, enrol, sign_in
from support.signing import AT

from shared.clock import DAY
from shared.codec import base64url
from shared.cose import DESK_CERTIFICATE, kid_of, verify_sign1
from shared.jose.jwk import thumbprint
from shared.trust.bundle import parse_bundle
from shared.trust.relying_party import parse_desk_certificate
from verifier.app import one_round
from verifier.desk import BUNDLE, RELYING_PARTY

API = "/desk/scan/api"


@pytest.fixture
async def scan_desk(desk: Running) -> Enrolled:
    return await enrol(desk)


async def call(desk: Running, method: str, path: str, token: str = "", **how: Any) -> tuple[int, bytes, dict[str, str]]:
    headers = {"Authorization": f"Bearer {token}"} | how.pop("headers", {}) if token else how.pop("headers", {})
    async with desk.http.request(method, f"{desk.base}{API}{path}", headers=headers, **how) as answer:
        return answer.status, await answer.read(), {name.lower(): value for name, value in answer.headers.items()}


async def test_certificate_is_for_seven_days_and_by_the_organisation(desk: Running, scan_desk: Enrolled) -> None:
    public = await desk.desk.custodian.public(RELYING_PARTY)
    one = parse_desk_certificate(base64url.decode(scan_desk.told["certificate"]))
    verify_sign1(one.sign1, public, typ=DESK_CERTIFICATE)
    assert (one.entity, one.name, one.kid) == (BANK, "Counter 3", kid_of(public))
    assert one.public == scan_desk.public
    assert (one.issued_at, one.expires_at) == (AT, AT + 7 * DAY)
    assert scan_desk.told["signer"] == thumbprint(await desk.desk.custodian.public(BUNDLE))
    desk.clock.at += 3 * DAY
    status, body, _ = await call(desk, "POST", "/certificate", scan_desk.token)
    assert status == 200
    renewed = parse_desk_certificate(base64url.decode(json.loads(body)["certificate"]))
    assert (renewed.public, renewed.expires_at) == (scan_desk.public, AT + 10 * DAY)


async def test_setting_up_needs_somebody_signed_in_on_our_own_page(desk: Running) -> None:
    body = {"name": "Counter 3", "key": Enrolled.new_key()[1]}
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as stranger:
        async with stranger.post(f"{desk.base}{API}/desks", json=body) as answer:
            assert answer.status == 401
        async with stranger.post(f"{desk.base}{API}/desks", json=body, headers={"Authorization": f"Bearer {desk.api_key}"}) as answer:
            assert answer.status == 401
    await sign_in(desk)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        status, _, _ = await call(desk, "POST", "/desks", json=body, headers=headers)
        assert status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 41},
        {"name": "Counter 3\nNorthwold Bank"},
        {"name": "\u202eretnuoC"},
        {"name": "\u200b"},
        {"more": 1},
        {"key": {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}},
        {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"key": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}},
        {"key": None},
    ],
)
async def test_hostile_desks(desk: Running, change: dict[str, Any]) -> None:
    await sign_in(desk)
    status, body, _ = await call(desk, "POST", "/desks", json={"name": "Counter 3", "key": Enrolled.new_key()[1]} | change)
    assert status == 400, body


async def test_private_half_of_a_key_is_refused(desk: Running) -> None:
    await sign_in(desk)
    key = Enrolled.new_key()[1] | {"d": "AA"}
    status, _, _ = await call(desk, "POST", "/desks", json={"name": "Counter 3", "key": key})
    assert status == 400


@pytest.mark.parametrize("token", ["", "x", ".", "x.y", "x" * 5_000, "\N{SNOWMAN}"])
async def test_strangers_get_nothing(desk: Running, scan_desk: Enrolled, token: str) -> None:
    del scan_desk
    for method, path in (("POST", "/certificate"), ("GET", "/pack"), ("POST", "/judge"), ("POST", "/receipts")):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, _, _ = await call(desk, method, path, headers=headers)
        assert status == 401


async def test_token_of_another_desk_or_a_bent_one(desk: Running, scan_desk: Enrolled) -> None:
    other = await enrol(desk, name="Counter 4")
    bent = scan_desk.token.partition(".")[0] + "." + other.token.partition(".")[2]
    assert (await call(desk, "POST", "/certificate", bent))[0] == 401
    assert (await call(desk, "POST", "/certificate", scan_desk.token))[0] == 200


async def test_ended_desk_gets_no_certificate_and_no_pack(desk: Running, scan_desk: Enrolled) -> None:
    async with desk.http.get(f"{desk.base}/desk/scan/desks") as answer:
        page = await answer.text()
    assert "Counter 3" in page
    form_token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert form_token is not None
    address = f"{desk.base}/desk/scan/desks/{scan_desk.told['id']}/end"
    async with desk.http.post(address, data={"form_token": "wrong"}, allow_redirects=False) as answer:
        assert answer.status == 403
    async with desk.http.post(address, data={"form_token": form_token[1]}, allow_redirects=False) as answer:
        assert answer.status == 303
    async with desk.http.post(address, data={"form_token": form_token[1]}, allow_redirects=False) as answer:
        assert answer.status == 404
    for method, path in (("POST", "/certificate"), ("GET", "/pack"), ("POST", "/judge"), ("POST", "/receipts")):
        assert (await call(desk, method, path, scan_desk.token))[0] == 401


# --- the checking pack ------------------------------------------------------------------------------------------------------------------


async def test_pack_comes_whole_unchanged_or_from_where_it_broke_off(desk: Running, scan_desk: Enrolled) -> None:
    token = scan_desk.token
    status, whole, headers = await call(desk, "GET", "/pack", token)
    etag = headers["etag"]
    assert (status, headers["accept-ranges"]) == (200, "bytes")
    parse_bundle(whole)
    assert (await call(desk, "GET", "/pack", token, headers={"If-None-Match": etag}))[:2] == (304, b"")
    assert (await call(desk, "GET", "/pack", token, headers={"If-None-Match": f'"x", {etag}'}))[0] == 304
    wanted = {"Range": "bytes=100-", "If-Range": etag}
    status, rest, headers = await call(desk, "GET", "/pack", token, headers=wanted)
    assert (status, whole[:100] + rest) == (206, whole)
    assert headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert (await call(desk, "GET", "/pack", token, headers=wanted | {"Range": f"bytes={len(whole)}-"}))[0] == 416


@pytest.mark.parametrize("wanted", ["bytes=-5", "bytes=1-,5-", "items=1-", "bytes=x-", "bytes=9999999999999-", "bytes=٣-"])
async def test_other_ranges_get_the_whole(desk: Running, scan_desk: Enrolled, wanted: str) -> None:
    _, whole, headers = await call(desk, "GET", "/pack", scan_desk.token)
    status, body, _ = await call(desk, "GET", "/pack", scan_desk.token, headers={"Range": wanted, "If-Range": headers["etag"]})
    assert (status, body) == (200, whole)


async def test_rest_of_another_pack_is_the_whole_new_one(desk: Running, scan_desk: Enrolled) -> None:
    _, before, headers = await call(desk, "GET", "/pack", scan_desk.token)
    desk.clock.at += 31 * 60
    wanted = {"Range": "bytes=100-", "If-Range": headers["etag"]}
    status, after, now = await call(desk, "GET", "/pack", scan_desk.token, headers=wanted)
    assert (status, now["etag"] != headers["etag"]) == (200, True)
    assert parse_bundle(after).seq == parse_bundle(before).seq + 1


async def test_pack_is_the_same_for_all_and_follows_the_clock_alone(desk: Running, scan_desk: Enrolled) -> None:
    """Nothing that a desk asks for makes the service fetch anything (S21)."""
    other, before = await enrol(desk, name="Counter 4"), list(desk.site.asked)
    tags = {(await call(desk, "GET", "/pack", each.token))[2]["etag"] for each in (scan_desk, other, scan_desk)}
    assert len(tags) == 1
    assert desk.site.asked == before
    desk.clock.at += 60
    await desk.store.refresh(desk.site)
    assert (await call(desk, "GET", "/pack", other.token))[2]["etag"] not in tags


async def test_no_pack_while_a_list_is_missing(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk", site=Site(lists={}), refresh=False) as desk:
        made = await enrol(desk)
        status, body, _ = await call(desk, "GET", "/pack", made.token)
        assert (status, json.loads(body)["code"]) == (409, "status_unknown")


async def test_desks_and_pack_outlive_a_restart(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk") as desk:
        made = await enrol(desk)
        etag = (await call(desk, "GET", "/pack", made.token))[2]["etag"]
    async with serving(template, tmp_path / "desk") as desk:
        assert (await call(desk, "GET", "/pack", made.token, headers={"If-None-Match": etag}))[0] == 304
        await one_round(desk.app)
        assert (await call(desk, "POST", "/certificate", made.token))[0] == 200


# --- the shell --------------------------------------------------------------------------------------------------------------------------


async def test_shell_is_the_same_for_everybody(desk: Running) -> None:
    async with desk.http.get(f"{desk.base}/desk/scan/?lang=en") as answer:
        before, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    await sign_in(desk)
    async with desk.http.get(f"{desk.base}/desk/scan/?lang=en") as answer:
        assert await answer.text() == before
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "connect-src 'self'" in policy
    assert "require-trusted-types-for 'script'; trusted-types muniment-worker" in policy
    assert "unsafe-inline" not in policy


async def test_service_worker_keeps_what_exists_and_nothing_else(desk: Running) -> None:
    async with desk.http.get(f"{desk.base}/desk/scan/sw.js") as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")
        script = await answer.text()
    plan = json.loads(script.partition("const PLAN = ")[2].partition(";\n")[0])
    assert plan["pages"] == ["/desk/scan/?lang=en", "/desk/scan/?lang=cy"]
    assert any(each.endswith("/scan/main.js") for each in plan["files"])
    assert any(each.endswith(".wasm") for each in plan["files"])
    for address in plan["files"] + plan["pages"]:
        assert address.startswith("/")
        async with desk.http.get(desk.base + address) as answer:
            assert answer.status == 200, address


async def test_page_can_be_installed(desk: Running) -> None:
    async with desk.http.get(f"{desk.base}/desk/scan/app.webmanifest?lang=cy") as answer:
        assert answer.headers["Content-Type"].startswith("application/manifest+json")
        manifest = await answer.json(content_type=None)
    assert (manifest["scope"], manifest["start_url"], manifest["display"], manifest["lang"]) == (
        "/desk/scan/",
        "/desk/scan/",
        "standalone",
        "cy",
    )
    for icon in manifest["icons"]:
        async with desk.http.get(desk.base + icon["src"]) as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
