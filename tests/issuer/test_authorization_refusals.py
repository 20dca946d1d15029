"""What the authorization server refuses, and how: the names of RFC 6749, 7636, 9126, 9207, 9396 and 9449, and of HAIP 1.0 section 4."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.attested import CALLBACK, WALLET, Wallet, attested, maker, trust
from support.registry import Registry

from shared.clock import system_entropy
from shared.codec import base64url
from shared.errors import (
    InvalidClient,
)
from shared.flow import Fetch, Fetched
from shared.jose import jwk, jwt
from shared.keys import KeyId
from shared.oauth import ATTESTATION_TYP, parse_pushed_response, prepare_verifier
from shared.urls import render_form
from shared.x509 import x5c_header

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


def request(**changes: str | None) -> dict[str, str]:
    """A good pushed request, with changes; ``None`` leaves a parameter out."""
    _, challenge = prepare_verifier(system_entropy)
    fields: dict[str, str | None] = {
        "response_type": "code",
        "client_id": WALLET,
        "redirect_uri": CALLBACK,
        "scope": "representation-sd-jwt",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


async def post(wallet: Wallet, path: str, body: Mapping[str, str] | bytes) -> Fetched:
    """As the attested wallet."""
    data = body if isinstance(body, bytes) else render_form(dict(body))
    return await wallet.protected(Fetch(url=wallet.registry.url + path, method="POST", headers=FORM, body=data))


async def refused(wallet: Wallet, path: str, body: Mapping[str, str] | bytes) -> tuple[int, str]:
    got = await post(wallet, path, body)
    assert got.headers["cache-control"] == "no-store"
    return got.status, str(json.loads(got.body)["error"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://wallet.example/callback"}, "invalid_request"),
        ({"redirect_uri": "https://wallet.example/#there"}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "a.b.c"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"scope": 'bad"scope'}, "invalid_scope"),
        ({"client_id": "https://other.example"}, "invalid_client"),
        ({"resource": "https://other.example"}, "invalid_request"),
        ({"dpop_jkt": "x" * 43}, "invalid_dpop_proof"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"scope": None, "authorization_details": "no JSON"}, "invalid_authorization_details"),
        ({"scope": None, "authorization_details": '[{"type": "payment"}]'}, "invalid_authorization_details"),
        (
            {"scope": None, "authorization_details": '[{"type": "openid_credential", "credential_configuration_id": "nothing"}]'},
            "invalid_authorization_details",
        ),
    ],
)
async def test_bad_pushed_requests(registry: Registry, changes: dict[str, str | None], error: str) -> None:
    status, found = await refused(await attested(registry), "/par", request(**changes))
    assert (status, found) == (401 if error == "invalid_client" else 400, error)


async def test_pushed_requests_that_are_taken(registry: Registry) -> None:
    """No state, a long one, unknown parameters, an own scheme, this machine, unknown scopes beside a known one."""
    wallet = await attested(registry)
    for changes in (
        {"state": None},
        {"state": "x" * 1_000},
        {"nonce": "n", "acr_values": "loa3", "made_up": "yes"},
        {"redirect_uri": "com.wallet.example:/callback"},
        {"redirect_uri": "http://127.0.0.1:4711/callback"},
        {"redirect_uri": f"{CALLBACK}?keep=this"},
        {"scope": "openid representation-sd-jwt"},
        {"client_id": None},
        {"resource": registry.url},
        {"issuer_state": "of-no-offer"},
    ):
        got = await post(wallet, "/par", request(**changes))
        assert got.status == 201, got.body
        assert parse_pushed_response(got.body).expires_in == 90
        assert got.headers["cache-control"] == "no-store"
    detail = {"type": "openid_credential", "credential_configuration_id": "representation-sd-jwt", "locations": [registry.url], "more": 1}
    got = await post(wallet, "/par", request(scope=None, authorization_details=json.dumps([detail])))
    assert got.status == 201
    elsewhere = json.dumps([detail | {"locations": ["https://other.example"]}])
    assert (await refused(wallet, "/par", request(scope=None, authorization_details=elsewhere)))[1] == "invalid_authorization_details"


async def test_duplicate_parameters_and_other_forms(registry: Registry) -> None:
    wallet = await attested(registry)
    whole = render_form(request())
    assert await refused(wallet, "/par", whole + b"&state=again") == (400, "invalid_request")
    assert await refused(wallet, "/par", b"{}") == (400, "invalid_request")
    assert await refused(wallet, "/par", whole + b"&" + b"a" * 70_000) == (413, "invalid_request")
    async with registry.http.post(registry.base + "/par?state=x", data=request()) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")
    async with registry.http.post(registry.base + "/par", json=request()) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_wrong_verbs(registry: Registry) -> None:
    for path in ("/par", "/token", "/nonce", "/challenge", "/credential", "/deferred", "/notification"):
        for method in ("GET", "PUT", "DELETE"):
            async with registry.http.request(method, registry.base + path) as answer:
                assert answer.status == 405, (method, path)
                assert (await answer.json())["error"] == "invalid_request"


async def test_nobody_pushes_without_an_attestation(registry: Registry) -> None:
    """Also where nobody is trusted to make any: it fails closed."""
    trust(registry, maker())
    assert (await registry.form("/par", request()))[1]["error"] == "invalid_client"
    wallet = await attested(registry, by=maker())
    with pytest.raises(InvalidClient):
        await wallet.push()
    (registry.directory / "trust.json").unlink()
    with pytest.raises(InvalidClient):
        await wallet.push()


async def test_attestations_that_are_refused(registry: Registry) -> None:
    """Each with ``invalid_client``, and without a word of which check failed first."""
    wallet = await attested(registry)
    at = registry.clock()
    good = wallet.attestation()
    head, body, _ = good.split(".")
    other = Wallet(registry, maker(), wallet.metadata)
    bad = {
        "signature": f"{head}.{body}.{base64url.encode(bytes(64))}",
        "expired": wallet.attestation(at=at - 4_200, lifetime=3_600),
        "made by somebody else": other.attestation(instance=wallet.instance.public),
        "key of another": wallet.attestation(instance=other.instance.public),
        "no sub": wallet.by.signer.finish(_resigned(wallet, {"sub": None})),
        "nonsense": "a.b.c",
    }
    for what, attestation in bad.items():
        wallet.protected = wallet.protect(attestation)
        with pytest.raises(InvalidClient) as caught:
            await wallet.push()
        assert caught.value.error == "invalid_client", what
    wallet.protected = wallet.protect(good)
    await wallet.push()


def _resigned(wallet: Wallet, changes: dict[str, Any]) -> Any:
    at = wallet.registry.clock()
    claims = {"sub": WALLET, "iat": at, "exp": at + 60, "cnf": {"jwk": jwk.render_jwk(wallet.instance.public)}} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.prepare_jwt(claims, typ=ATTESTATION_TYP, key=KeyId("maker"), alg="ES256", header={"x5c": x5c_header(wallet.by.x5c)})
