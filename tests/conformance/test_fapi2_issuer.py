"""The FAPI 2.0 Security Profile as the official HAIP plan for issuers tries it on the authorization server, one check a test.

The wallet is emulated. Its person comes through the pages where the authorization endpoint is tried, and agrees through the seam that
these use where only the way to it matters.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from support.attested import CALLBACK, WALLET
from support.registry import Registry, Template, make_template, serving
from support.signing import Signer
from support.suite import NAME, Emulated, emulated
from support.visitor import Visitor, code, letter, visitor

from issuer.offers import Made
from shared.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    InvalidToken,
    Refused,
)
from shared.flow import Fetch, Fetched
from shared.jose import jwk
from shared.oauth import authorization_url, parse_pushed_response
from shared.openid4vci import TokenResponse, finish_sign_in, redeem_code, refresh
from shared.urls import render_form

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("issuer") / "registry"))


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry") as running:
        yield running


@pytest.fixture
async def wallet(registry: Registry) -> Emulated:
    return await emulated(registry)


@pytest.fixture
async def number(registry: Registry) -> str:
    return str((await registry.make())["id"])


@pytest.fixture
async def nora(registry: Registry) -> AsyncIterator[Visitor]:
    async with visitor(registry) as one:
        yield one


@pytest.fixture
async def made(registry: Registry) -> Made:
    """What she has a letter for."""
    return await letter(registry)


async def push(wallet: Emulated, *, more: bytes = b"", **changes: str | None) -> Fetched:
    """A good pushed request with changes; ``None`` leaves a parameter out."""
    good: dict[str, str | None] = {
        "response_type": "code",
        "client_id": wallet.client_id,
        "redirect_uri": CALLBACK,
        "scope": NAME,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    fields = {name: value for name, value in (good | changes).items() if value is not None}
    url = wallet.metadata.server.par_endpoint or ""
    return await wallet.protected(Fetch(url=url, method="POST", headers=FORM, body=render_form(fields) + more))


async def refused(wallet: Emulated, error: str, **changes: Any) -> None:
    got = await push(wallet, **changes)
    assert (got.status, json.loads(got.body)["error"]) == (400, error)


def answer_of(url: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# --- discovery and pushed requests -----------------------------------------------------------------------------------------------------


async def test_discovery_document(wallet: Emulated) -> None:
    server = wallet.metadata.server
    assert server.takes_codes
    assert server.requires_par
    assert server.names_itself
    assert server.attests
    assert "authorization_code" in server.grant_types
    assert server.dpop_algs
    assert server.challenge_endpoint is not None
    assert not {"RS256", "none", "HS256"} & {*server.dpop_algs, *server.attestation_algs, *server.attestation_pop_algs}


async def test_par_refuses_duplicate_parameters(wallet: Emulated) -> None:
    await refused(wallet, "invalid_request", more=b"&scope=representation-vc-jwt")


async def test_par_refuses_other_verbs(registry: Registry, wallet: Emulated) -> None:
    got = await registry.fetch(Fetch(url=wallet.metadata.server.par_endpoint or "", method="GET"))
    assert (got.status, got.headers["allow"]) == (405, "OPTIONS,POST")


async def test_par_refuses_request_uri(wallet: Emulated) -> None:
    await refused(wallet, "invalid_request", request_uri="urn:ietf:params:oauth:request_uri:x")


async def test_par_ignores_unknown_parameters(wallet: Emulated) -> None:
    assert (await push(wallet, acr_values="x", prompt="consent", unknown="y")).status == 201


async def test_par_needs_client_authentication(registry: Registry) -> None:
    got = await registry.form("/par", {"response_type": "code", "client_id": WALLET})
    assert (got[0], got[1]["error"]) == (401, "invalid_client")


async def test_pkce_is_needed(wallet: Emulated) -> None:
    await refused(wallet, "invalid_request", code_challenge=None, code_challenge_method=None)


async def test_pkce_plain_is_refused(wallet: Emulated) -> None:
    await refused(wallet, "invalid_request", code_challenge_method="plain")


async def test_redirect_uri_is_needed(wallet: Emulated) -> None:
    await refused(wallet, "invalid_request", redirect_uri=None)


@pytest.mark.parametrize("response_type", ["token", "id_token", "code id_token", "none"])
async def test_other_response_types_are_refused(wallet: Emulated, response_type: str) -> None:
    await refused(wallet, "unsupported_response_type", response_type=response_type)


async def test_unregistered_redirect_uri(wallet: Emulated, number: str) -> None:
    """Wallets register none: an attested one says where its person comes back to, over PAR, and nowhere else is anybody sent."""
    other = "https://wallet.example/other"
    sign_in, url = await wallet.sign_in([number], redirect_uri=other)
    assert url.startswith(f"{other}?")
    with pytest.raises(InvalidGrant):
        await wallet.redeem(replace(sign_in, redirect_uri=CALLBACK), finish_sign_in(wallet.metadata.server, sign_in, url))


# --- the authorization endpoint --------------------------------------------------------------------------------------------------------


async def refused_at_the_page(nora: Visitor, address: str) -> None:
    """A page with the error, and nobody is sent anywhere."""
    await nora.open(address)
    assert (nora.status, nora.left) == (400, "")
    assert "<h1" in nora.text


async def agreed(nora: Visitor, made: Made) -> Mapping[str, str]:
    """She signs in on the page that she was led to, and agrees; the answer to the wallet."""
    await nora.sign_in(code(made))
    await nora.agree(made.document)
    assert nora.left.startswith(f"{CALLBACK}?")
    return answer_of(nora.left)


async def test_authorization_without_par_is_refused(nora: Visitor) -> None:
    """With everything that a pushed request has, but in the address."""
    plain = {"client_id": WALLET, "response_type": "code", "redirect_uri": CALLBACK, "scope": NAME, "state": "s"}
    query = plain | {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    await refused_at_the_page(nora, f"/authorize?{urlencode(query)}")


async def test_request_uri_of_another_client(nora: Visitor, wallet: Emulated) -> None:
    pushed = parse_pushed_response((await push(wallet)).body)
    await refused_at_the_page(nora, authorization_url("/authorize", "https://other.example", pushed.request_uri))


async def test_request_uri_runs_out(registry: Registry, nora: Visitor, wallet: Emulated) -> None:
    pushed = parse_pushed_response((await push(wallet)).body)
    registry.clock.at += pushed.expires_in
    await refused_at_the_page(nora, authorization_url("/authorize", wallet.client_id, pushed.request_uri))


async def test_request_uri_is_used_once(nora: Visitor, wallet: Emulated, made: Made) -> None:
    pushed = parse_pushed_response((await push(wallet)).body)
    await nora.come(wallet, pushed)
    assert (await agreed(nora, made))["code"]
    nora.left = ""
    await refused_at_the_page(nora, authorization_url("/authorize", wallet.client_id, pushed.request_uri))


async def test_request_uri_again_before_the_person_signed_in(nora: Visitor, wallet: Emulated, made: Made) -> None:
    pushed = parse_pushed_response((await push(wallet)).body)
    for _ in range(2):
        await nora.come(wallet, pushed)
        assert (nora.status, nora.path) == (200, "/authorize/sign-in")
    assert (await agreed(nora, made))["code"]


async def test_request_uri_that_nobody_pushed(nora: Visitor, wallet: Emulated) -> None:
    address = authorization_url("/authorize", wallet.client_id, "urn:ietf:params:oauth:request_uri:made-up")
    await refused_at_the_page(nora, address)


@pytest.mark.parametrize("state", [None, "x", "s" * 128, "s" * 1_000])
async def test_state(nora: Visitor, wallet: Emulated, made: Made, state: str | None) -> None:
    """None, short and long: it comes back as it was, with the issuer's name."""
    await nora.come(wallet, parse_pushed_response((await push(wallet, state=state)).body))
    answer = await agreed(nora, made)
    assert answer.get("state") == state
    assert answer["iss"] == wallet.metadata.server.issuer
    assert set(answer) <= {"code", "state", "iss"}


async def test_the_person_refuses(nora: Visitor, wallet: Emulated) -> None:
    await nora.come(wallet, parse_pushed_response((await push(wallet)).body))
    await nora.send("/authorize/refuse")
    answer = answer_of(nora.left)
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s", wallet.metadata.server.issuer)
    assert "code" not in answer


# --- the token endpoint ----------------------------------------------------------------------------------------------------------------


async def test_wrong_verifier(wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    with pytest.raises(InvalidGrant):
        await wallet.change(replace(sign_in, verifier="v" * 43), url)


async def test_code_is_tied_to_its_client(registry: Registry, wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    other = Emulated(registry, wallet.by, wallet.metadata, client_id="https://other.example", dpop=wallet.dpop)
    with pytest.raises(InvalidGrant):
        await other.change(replace(sign_in, client_id=other.client_id), url)


async def test_code_runs_out(registry: Registry, wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    registry.clock.at += 60
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, url)


async def test_code_again_after_a_second_ends_the_token(registry: Registry, wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    token = await wallet.change(sign_in, url)
    assert (await wallet.ask(token)).status == 200
    registry.clock.at += 1
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, url)
    await wallet.ask(token)
    assert wallet.error == (401, "invalid_token")
    with pytest.raises(InvalidToken):
        await wallet.copies(token)


async def test_client_id_at_the_token_endpoint(wallet: Emulated, number: str) -> None:
    """Left out it is that of the attestation; another one is refused."""
    sign_in, url = await wallet.sign_in([number])
    code = finish_sign_in(wallet.metadata.server, sign_in, url)
    with pytest.raises(InvalidClient):
        await wallet.redeem(replace(sign_in, client_id="https://other.example"), code)
    wallet.bend = lambda wanted: replace(wanted, body=(wanted.body or b"").replace(b"&client_id=", b"&x_client_id="))
    assert (await wallet.redeem(sign_in, code)).token_type == "DPoP"


async def test_token_endpoint_needs_dpop(wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    wallet.bend = lambda wanted: replace(wanted, headers={name: value for name, value in wanted.headers.items() if name != "dpop"})
    with pytest.raises(InvalidDpopProof):
        await wallet.run(redeem_code(wallet.metadata.server, sign_in, finish_sign_in(wallet.metadata.server, sign_in, url)))


@pytest.mark.parametrize("skew", [-10, 10])
async def test_dpop_iat_ten_seconds_off(registry: Registry, wallet: Emulated, number: str, skew: int) -> None:
    sign_in, url = await wallet.sign_in([number])
    clock = registry.clock
    wallet.protected._clock = lambda: clock() + skew
    assert (await wallet.change(sign_in, url)).token_type == "DPoP"


async def test_dpop_server_nonces(wallet: Emulated, number: str) -> None:
    """Refused with ``use_dpop_nonce`` and the nonce, then taken; the next answer brings the next."""
    sign_in, url = await wallet.sign_in([number])
    wallet.protected._nonces.clear()
    seen: list[Fetched] = []

    async def fetch(wanted: Fetch) -> Fetched:
        seen.append(await wallet.registry.fetch(wanted))
        return seen[-1]

    wallet.protected._fetch = fetch
    await wallet.change(sign_in, url)
    tokens = [each for each in seen if b"access_token" in each.body or b"use_dpop_nonce" in each.body]
    assert [each.status for each in tokens] == [400, 200]
    assert len({each.headers["dpop-nonce"] for each in tokens}) == 2


async def test_dpop_jkt_that_differs_from_the_proof(wallet: Emulated) -> None:
    await refused(wallet, "invalid_dpop_proof", dpop_jkt=jwk.thumbprint(Signer.new().public))


async def test_dpop_jkt_that_fits(wallet: Emulated, number: str) -> None:
    token = await wallet.token([number], dpop_jkt=jwk.thumbprint(wallet.dpop.public))
    assert (await wallet.ask(token)).status == 200


async def test_dpop_key_of_the_code_at_the_token_endpoint(registry: Registry, wallet: Emulated, number: str) -> None:
    sign_in, url = await wallet.sign_in([number])
    other = Emulated(registry, wallet.by, wallet.metadata, instance=wallet.instance)
    with pytest.raises(InvalidGrant):
        await other.change(sign_in, url)


async def test_refresh_token(wallet: Emulated, number: str) -> None:
    token = await wallet.token([number])
    renewed = await wallet.run(refresh(wallet.metadata, token.refresh_token or ""))
    assert renewed.access_token != token.access_token
    assert (await wallet.ask(renewed)).status == 200


async def test_refresh_token_of_another_client(registry: Registry, wallet: Emulated, number: str) -> None:
    token = await wallet.token([number])
    other = Emulated(registry, wallet.by, wallet.metadata, client_id="https://other.example", dpop=wallet.dpop, instance=wallet.instance)
    with pytest.raises(InvalidGrant):
        await other.run(refresh(other.metadata, token.refresh_token or ""))


# --- the resource ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_token_type_in_any_case(wallet: Emulated, number: str, scheme: str) -> None:
    token = await wallet.token([number])
    doc = {"credential_configuration_id": NAME, "proofs": {"jwt": wallet.proofs(await wallet.nonce())}}
    wallet.bend = lambda wanted: replace(
        wanted,
        headers={**wanted.headers, "authorization": f"{scheme} {token.access_token}"}
        if "authorization" in wanted.headers
        else wanted.headers,
    )
    assert (await wallet.post(token, doc)).status == 200


async def test_tied_token_as_bearer(wallet: Emulated, number: str) -> None:
    token: TokenResponse = replace(await wallet.token([number]), token_type="Bearer")
    with pytest.raises(Refused):
        await wallet.copies(token)
    assert wallet.error == (401, "invalid_token")


async def test_proof_by_another_key(registry: Registry, wallet: Emulated, number: str) -> None:
    token = await wallet.token([number])
    other = Emulated(registry, wallet.by, wallet.metadata, instance=wallet.instance)
    await other.ask(token)
    assert other.error == (401, "invalid_token")
