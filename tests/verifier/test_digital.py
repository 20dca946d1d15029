"""Answers by the Digital Credentials API, as the page of a request brings them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.browser import PHONE, Open
from support.desk import PATHS, Running, Template, read_anchor, serving
from support.signing import AT
from support.trial_verify import credential_type, issue, show

from shared.errors import AccessDenied
from shared.flow import arun
from shared.jose import jwe
from shared.jose.jwt import parse_jwt
from shared.keys import Role
from shared.openid4vp import (
    SIGNED,
    ResolvedRequest,
    render_dc_api_refusal,
    render_dc_api_response,
    render_response,
    resolve_dc_api_request,
)
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy

BACK = "https://northwold-bank.example/back"
STUB = """
globalThis.DigitalCredential ??= class {};
Object.defineProperty(navigator.credentials, "get", { value: async ({ digital }) => {
  const told = await platform(digital.requests[0].protocol, JSON.stringify(digital.requests[0].data), location.origin);
  if (told === null) throw new DOMException("closed", "NotAllowedError");
  return told;
} });
"""
"""The platform, which no test can have: between page and wallet nothing else is put in place of the real thing."""


@pytest.fixture
async def desk(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", local=True, outbound_allow=("localhost:*",)) as running:
        yield running


async def call(desk: Running, asked: Mapping[str, Any], body: object = None, **headers: str) -> tuple[int, Any]:
    """As the page does."""
    headers = {"Accept": "application/json", "Sec-Fetch-Site": "same-origin"} | {
        name.replace("_", "-"): each for name, each in headers.items()
    }
    url, method = f"{desk.base}/request/{asked['id']}/digital", "GET" if body is None else "POST"
    async with desk.http.request(method, url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def resolve(desk: Running, data: Mapping[str, Any], origin: str) -> ResolvedRequest:
    """What the wallet makes of what the platform brings."""
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))

    async def nothing(_: object) -> Any:
        raise AssertionError

    return await arun(resolve_dc_api_request(SIGNED, data, origin, policy=policy, at=AT), nothing)


def present(resolved: ResolvedRequest, **bent: Any) -> dict[str, list[str]]:
    (query,) = resolved.request.query.credentials
    paths: Any = PATHS
    if query.format == "mso_mdoc":
        space = credential_type().doctype
        paths = [*((space, claim.mdoc_element) for claim in credential_type().claims if claim.path in PATHS), (space, "powers")]
    binding = replace(resolved.request.binding(), **bent)
    return {query.id: [show(issue(query.format, seed="dc"), format_name=query.format, paths=paths, binding=binding, at=AT)]}


async def begun(desk: Running, **order: Any) -> tuple[dict[str, Any], ResolvedRequest]:
    asked = await desk.ask(**order)
    status, told = await call(desk, asked)
    assert (status, told["protocol"]) == (200, SIGNED)
    return asked, await resolve(desk, told["data"], desk.base)


async def answered(desk: Running, asked: Mapping[str, Any], resolved: ResolvedRequest, **bent: Any) -> tuple[int, Any]:
    data = render_dc_api_response(resolved.request, present(resolved, **bent))
    return await call(desk, asked, {"protocol": SIGNED, "data": data})


@pytest.mark.parametrize("form", ["dc+sd-jwt", "mso_mdoc"])
async def test_an_answer_for_our_origin_is_taken_once(desk: Running, form: str) -> None:
    asked, resolved = await begun(desk, format=form)
    assert resolved.asker is not None
    assert resolved.request.audience == f"origin:{desk.base}"
    status, told = await answered(desk, asked, resolved)
    assert (status, told) == (200, {"href": f"{desk.base}/request/{asked['id']}"})
    state = await desk.state(asked)
    assert (state["decision"], state["verdict"]["level"]["number"]) == ("accepted", 3)
    assert (await answered(desk, asked, resolved))[0] == 400
    assert (await call(desk, asked))[0] == 404


async def test_the_request_is_what_the_appendix_demands(desk: Running) -> None:
    asked = await desk.ask()
    _, told = await call(desk, asked)
    token = parse_jwt(told["data"]["request"])
    assert token.header["typ"] == "oauth-authz-req+jwt"
    claims = token.claims
    assert (claims["response_mode"], claims["response_type"]) == ("dc_api.jwt", "vp_token")
    assert claims["expected_origins"] == [desk.base]
    assert claims["client_id"] == desk.desk.client_id
    assert not {"state", "response_uri", "redirect_uri", "client_id_scheme"} & set(claims)
    assert set(claims["client_metadata"]["encrypted_response_enc_values_supported"]) == {"A128GCM", "A256GCM"}
    other = await desk.read(asked)
    assert other.nonce != claims["nonce"]
    assert other.encryption_keys[0]["x"] != claims["client_metadata"]["jwks"]["keys"][0]["x"]


@pytest.mark.parametrize(
    ("form", "bent", "code"),
    [
        ("dc+sd-jwt", {"audience": "origin:https://evil.example"}, "wrong_audience"),
        ("dc+sd-jwt", {"audience": "CLIENT"}, "wrong_audience"),
        ("dc+sd-jwt", {"audience": "origin:{base}/"}, "wrong_audience"),
        ("dc+sd-jwt", {"nonce": "another-nonce-of-128-bits"}, "wrong_nonce"),
        ("mso_mdoc", {"audience": "origin:https://evil.example"}, "not_bound"),
        ("mso_mdoc", {"nonce": "another-nonce-of-128-bits"}, "not_bound"),
    ],
)
async def test_answers_for_others_are_refused(desk: Running, form: str, bent: dict[str, str], code: str) -> None:
    asked, resolved = await begun(desk, format=form)
    bent = {name: desk.desk.client_id if value == "CLIENT" else value.replace("{base}", desk.base) for name, value in bent.items()}
    status, told = await answered(desk, asked, resolved, **bent)
    assert (status, told["code"]) == (400, code)
    assert (await desk.state(asked))["decision"] == "rejected"


async def test_the_two_ways_of_one_request_do_not_mix(desk: Running) -> None:
    """What was made for one of them is of no use on the other, though the request is the same."""
    asked, resolved = await begun(desk)
    posted = await desk.read(asked)
    form = render_response(posted, present(resolved))
    assert (await desk.post(asked, form))[0] == 400
    again, resolved = await begun(desk)
    key, enc = (await desk.read(again)).encryption()
    locked = jwe.encrypt(json.dumps({"vp_token": present(resolved)}).encode(), key, enc=enc)
    assert (await call(desk, again, {"protocol": SIGNED, "data": {"response": locked}}))[0] == 400
    assert (await desk.state(again))["state"] == "retrieved"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"protocol": SIGNED},
        {"protocol": "openid4vp-v1-unsigned", "data": {}},
        {"protocol": SIGNED, "data": "x"},
        {"protocol": SIGNED, "data": {"response": "a.b.c.d.e"}},
        {"protocol": SIGNED, "data": {"vp_token": {"bank": ["in clear"]}}},
        {"protocol": SIGNED, "data": {"error": "access_denied", "vp_token": {}}},
    ],
)
async def test_what_is_no_answer_uses_nothing_up(desk: Running, body: dict[str, Any]) -> None:
    asked, resolved = await begun(desk)
    assert (await call(desk, asked, body))[0] == 400
    assert (await answered(desk, asked, resolved))[0] == 200


async def test_a_wallets_no_is_told(desk: Running) -> None:
    asked, _ = await begun(desk)
    body = {"protocol": SIGNED, "data": render_dc_api_refusal(AccessDenied("no"))}
    assert await call(desk, asked, body) == (200, {"href": ""})
    assert (await desk.state(asked))["state"] == "declined"


async def test_other_sites_neither_ask_nor_answer_through_us(desk: Running) -> None:
    asked, resolved = await begun(desk)
    body = {"protocol": SIGNED, "data": render_dc_api_response(resolved.request, present(resolved))}
    assert (await call(desk, asked, Sec_Fetch_Site="cross-site"))[0] == 403
    assert (await call(desk, asked, body, Sec_Fetch_Site="same-site"))[0] == 403
    assert (await desk.state(asked))["state"] == "retrieved"


async def test_a_request_of_another_browser_is_not_given_out(desk: Running) -> None:
    asked = await desk.ask(same_device=True, redirect_uri=BACK)
    assert (await call(desk, asked))[0] == 403
    async with desk.http.get(asked["link"]) as page:
        assert page.status == 200
    status, told = await call(desk, asked)
    resolved = await resolve(desk, told["data"], desk.base)
    status, told = await answered(desk, asked, resolved)
    assert status == 200
    async with desk.http.get(told["href"], allow_redirects=False) as page:
        assert page.headers["Location"].startswith(f"{BACK}?response_code=")


async def test_a_request_in_clear_is_not_for_browsers(desk: Running) -> None:
    assert (await call(desk, await desk.ask(encrypted=False)))[0] == 404


@pytest.mark.real
async def test_a_browser_that_can_asks_the_wallets_of_the_device(desk: Running, open_page: Open) -> None:
    """Page, script, service and the wallet's core are real; only the platform between page and wallet is put in their place."""
    watched = await open_page(PHONE)
    page, asked, no = watched.page, await desk.ask(same_device=True, redirect_uri=f"{desk.base}/desk/"), [True]

    async def platform(protocol: str, data: str, origin: str) -> dict[str, Any] | None:
        assert protocol == SIGNED
        if no.pop() if no else False:
            return None
        resolved = await resolve(desk, json.loads(data), origin)
        return {"protocol": protocol, "data": render_dc_api_response(resolved.request, present(resolved))}

    await page.expose_function("platform", platform)
    await page.add_init_script(STUB)
    await page.goto(asked["link"])
    button = page.get_by_role("button", name="Let this browser ask my wallets")
    await button.wait_for()
    await watched.check()
    await button.click()
    await page.get_by_text("Nothing was shown.").wait_for()
    await watched.check()
    await button.click()
    await page.wait_for_url(f"{desk.base}/desk/**")


@pytest.mark.real
async def test_a_browser_that_cannot_shows_the_other_ways_alone(desk: Running, open_page: Open) -> None:
    watched = await open_page(PHONE)
    page, asked = watched.page, await desk.ask()
    await page.add_init_script("delete globalThis.DigitalCredential;")
    await page.goto(asked["link"])
    await page.get_by_role("img", name="Square code of this request").wait_for()
    await page.locator("[data-digital]").wait_for(state="hidden")
    await watched.check()
