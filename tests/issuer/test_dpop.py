"""Tokens that are tied to keys: what proofs have to say, that each serves once over two services, and that a token is shown as what it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.attested import Wallet, attested, trust
from support.registry import Registry, Template, collect, serving
from support.second_issuer import another_process
from support.signing import Signer

from issuer.app import one_round
from shared.clock import DAY, system_entropy
from shared.codec import base64url
from shared.errors import InvalidClient, InvalidDpopProof, InvalidGrant
from shared.flow import Fetch, Fetched
from shared.jose import jwk, jws, jwt
from shared.keys import KeyId
from shared.oauth import ATTESTATION_HEADER, POP_HEADER, prepare_attestation_pop, prepare_dpop, prepare_verifier
from shared.openid4vci import AuthorizationCodeRequest, TokenResponse, refresh, render_token_request
from shared.urls import render_form

CREDENTIAL = {"credential_configuration_id": "representation-sd-jwt"}


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


def proof(wallet: Wallet, path: str, token: TokenResponse | None, nonce: str | None, **changes: Any) -> str:
    """A good proof of the wallet's key, with changes."""
    said: dict[str, Any] = {
        "key": KeyId("dpop"),
        "public": wallet.dpop.public,
        "method": "POST",
        "url": wallet.registry.url + path,
        "at": wallet.registry.clock(),
        "jti": system_entropy(16).hex(),
        "nonce": nonce,
        "access_token": None if token is None else token.access_token,
    }
    return wallet.dpop.finish(prepare_dpop(**(said | changes)))


def bent(wallet: Wallet, token: TokenResponse, nonce: str, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A proof of other members than ``prepare_dpop`` makes; ``None`` leaves a claim out."""
    at = wallet.registry.clock()
    plain = json.loads(base64url.decode(proof(wallet, "/credential", token, nonce).split(".")[1])) | {"iat": at} | claims
    members = {name: value for name, value in plain.items() if value is not None}
    head = {"jwk": jwk.render_jwk(wallet.dpop.public)} | dict(header or {})
    return wallet.dpop.finish(jwt.prepare_jwt(members, typ=str(head.pop("typ", "dpop+jwt")), key=KeyId("dpop"), header=head))


async def send(registry: Registry, path: str, headers: Mapping[str, str], body: bytes) -> Fetched:
    return await registry.fetch(Fetch(url=registry.url + path, method="POST", headers=headers, body=body))


async def show(wallet: Wallet, token: TokenResponse, *proofs: str, scheme: str = "DPoP", at: Registry | None = None) -> Fetched:
    """The token at the credential endpoint, with a good request."""
    headers = {"authorization": f"{scheme} {token.access_token}", "content-type": "application/json"}
    if proofs:
        headers["dpop"] = proofs[0]
    body = CREDENTIAL | {"proofs": {"jwt": wallet.proofs(await wallet.nonce())}}
    return await send(at or wallet.registry, "/credential", headers, json.dumps(body).encode())


def error(got: Fetched) -> str:
    return str(json.loads(got.body)["error"])


async def fresh(registry: Registry) -> str:
    """A DPoP nonce, as the nonce endpoint gives it along (OpenID4VCI section 7.2)."""
    return (await send(registry, "/nonce", {}, b"")).headers["dpop-nonce"]


async def test_proofs_that_are_refused_at_the_credential_endpoint(registry: Registry) -> None:
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    nonce, at = await fresh(registry), registry.clock()
    other = Signer.new()
    bad = {
        "no proof": None,
        "another method": proof(wallet, "/credential", token, nonce, method="GET"),
        "another address": proof(wallet, "/token", token, nonce),
        "another token": proof(wallet, "/credential", replace(token, access_token="x"), nonce),
        "no hash of the token": proof(wallet, "/credential", None, nonce),
        "too old": proof(wallet, "/credential", token, nonce, at=at - 61),
        "from the future": proof(wallet, "/credential", token, nonce, at=at + 61),
        "run out": bent(wallet, token, nonce, exp=at - 61),
        "not yet": bent(wallet, token, nonce, nbf=at + 61),
        "no jti": bent(wallet, token, nonce, jti=None),
        "no htm": bent(wallet, token, nonce, htm=None),
        "no htu": bent(wallet, token, nonce, htu=None),
        "no iat": bent(wallet, token, nonce, iat=None),
        "another typ": bent(wallet, token, nonce, {"typ": "jwt"}),
        "another key in the header": bent(wallet, token, nonce, {"jwk": jwk.render_jwk(other.public)}),
        "nonsense": "a.b.c",
    }
    for what, each in bad.items():
        got = await show(wallet, token, *([] if each is None else [each]))
        assert (got.status, error(got)) == (401, "invalid_dpop_proof"), what
        assert got.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"'), what
        assert 'algs="ES256 ES384 EdDSA"' in got.headers["www-authenticate"]
        assert got.headers["dpop-nonce"]
    for nonce_of in (None, "made-up", await wallet.nonce()):  # none, a stranger's, one for key proofs
        got = await show(wallet, token, proof(wallet, "/credential", token, nonce_of))
        assert (got.status, error(got)) == (401, "use_dpop_nonce")
        assert 'error="use_dpop_nonce"' in got.headers["www-authenticate"]
    for skew in (-10, 10):
        assert (await show(wallet, token, proof(wallet, "/credential", token, nonce, at=at + skew))).status == 200
    registry.clock.at += 300
    assert error(await show(wallet, token, proof(wallet, "/credential", token, nonce))) == "use_dpop_nonce"


async def test_a_token_is_shown_as_what_it_is(registry: Registry) -> None:
    """A tied one never as bearer, a bearer one never as tied, another key's never; nothing in the address or the body."""
    made, wallet = await registry.make(), await attested(registry)
    holder = await collect(registry, await registry.make())
    token = await wallet.token([made["id"]])
    nonce = await fresh(registry)
    got = await show(wallet, token, scheme="Bearer")
    assert (got.status, error(got), got.headers["www-authenticate"][:6]) == (401, "invalid_token", "Bearer")
    assert error(await show(wallet, token, proof(wallet, "/credential", token, nonce), scheme="Bearer")) == "invalid_token"
    got = await show(wallet, holder.token, proof(wallet, "/credential", holder.token, nonce))
    assert (got.status, error(got)) == (401, "invalid_token")
    thief = Wallet(registry, wallet.by, wallet.metadata)
    got = await show(thief, token, proof(thief, "/credential", token, nonce))
    assert (got.status, error(got)) == (401, "invalid_token")
    assert (await show(wallet, token, proof(wallet, "/credential", token, nonce), scheme="dpOP")).status == 200
    query = f"?access_token={token.access_token}"
    headers = {"content-type": "application/json", "dpop": proof(wallet, "/credential", token, nonce)}
    got = await send(registry, f"/credential{query}", headers, json.dumps(CREDENTIAL).encode())
    assert (got.status, error(got)) == (401, "invalid_token")
    form = render_form({"access_token": token.access_token, **CREDENTIAL})
    got = await send(registry, "/credential", {"content-type": "application/x-www-form-urlencoded"}, form)
    assert (got.status, error(got)) == (401, "invalid_token")
    async with registry.http.post(
        registry.base + "/credential", data=b"{}", headers=[("Authorization", "DPoP x"), ("DPoP", "a.b.c"), ("DPoP", "a.b.c")]
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "invalid_dpop_proof")
    async with registry.http.post(
        registry.base + "/credential", data=b"{}", headers=[("Authorization", "DPoP x"), ("Authorization", "DPoP y")]
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_each_proof_serves_once_over_two_services(template: Template, tmp_path: Path, registry: Registry) -> None:
    """The credential endpoint and the token endpoint of two processes with one database, for DPoP and for client attestation.

    The other process is one: nothing is shared with it but the database, of each kind in turn, and the keys.
    """
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    shutil.copytree(template.directory, tmp_path / "two")
    trust(replace(registry, directory=tmp_path / "two"), wallet.by)
    async with another_process(registry, tmp_path / "two") as other:
        once = proof(wallet, "/credential", token, await fresh(registry))
        assert (await show(wallet, token, once)).status == 200
        got = await show(wallet, token, once, at=other)
        assert (got.status, error(got)) == (401, "invalid_dpop_proof")
        body = render_token_request(AuthorizationCodeRequest(code="x", redirect_uri="y", code_verifier="z"))
        headers = {"content-type": "application/x-www-form-urlencoded"} | await _proved(wallet)
        assert error(await send(registry, "/token", headers, body)) == "invalid_grant"
        for again, refusal in (
            (headers, "invalid_client"),
            (headers | {"dpop": proof(wallet, "/token", None, await fresh(other))}, "invalid_client"),
            ((await _proved(wallet)) | {"dpop": headers["dpop"], "content-type": headers["content-type"]}, "invalid_dpop_proof"),
        ):
            assert error(await send(other, "/token", again, body)) == refusal


async def _proved(wallet: Wallet, **changes: Any) -> dict[str, str]:
    """The header fields of an attested wallet at the token endpoint."""
    registry = wallet.registry
    said: dict[str, Any] = {
        "key": KeyId("instance"),
        "public": wallet.instance.public,
        "client_id": wallet.client_id,
        "audience": registry.url,
        "at": registry.clock(),
        "jti": system_entropy(16).hex(),
        "challenge": json.loads((await send(registry, "/challenge", {}, b"")).body)["attestation_challenge"],
    }
    return {
        ATTESTATION_HEADER: wallet.attestation(),
        POP_HEADER: wallet.instance.finish(prepare_attestation_pop(**(said | changes))),
        "dpop": proof(wallet, "/token", None, await fresh(registry)),
    }


async def test_a_used_proof_is_known_as_long_as_its_time(template: Template, tmp_path: Path) -> None:
    """To the last second, and by the clock that is furthest ahead; then it is too old."""
    async with serving(template, tmp_path / "registry", attestation_challenges=False) as registry:
        wallet = await attested(registry)
        body = render_token_request(AuthorizationCodeRequest(code="x", redirect_uri="y", code_verifier="z"))
        headers = await _proved(wallet, at=registry.clock() + 60, challenge=None)
        headers["content-type"] = "application/x-www-form-urlencoded"
        assert error(await send(registry, "/token", headers, body)) == "invalid_grant"
        for seconds, refusal in ((420, "this proof was used before"), (1, "the proof is too old")):
            registry.clock.at += seconds
            await one_round(registry.app)
            headers["dpop"] = proof(wallet, "/token", None, await fresh(registry))
            got = await send(registry, "/token", headers, body)
            assert error(got) == "invalid_client"
            assert refusal in got.body.decode()


async def test_proofs_of_attested_wallets_that_are_refused(registry: Registry) -> None:
    """Draft -07 section 8; one without ``iss`` is taken, as later drafts have it."""
    wallet = await attested(registry)
    body = render_token_request(AuthorizationCodeRequest(code="x", redirect_uri="y", code_verifier="z"))
    form = {"content-type": "application/x-www-form-urlencoded"}
    at = registry.clock()
    for changes, refusal in (
        ({}, "invalid_grant"),
        ({"audience": f"{registry.url}/"}, "invalid_client"),
        ({"audience": f"{registry.url}/token"}, "invalid_client"),
        ({"client_id": "https://other.example"}, "invalid_client"),
        ({"at": at - 400}, "invalid_client"),
        ({"at": at + 400}, "invalid_client"),
        ({"challenge": None}, "invalid_grant"),
        ({"challenge": await wallet.nonce()}, "use_attestation_challenge"),
    ):
        got = await send(registry, "/token", form | await _proved(wallet, **changes), body)
        assert error(got) == refusal, changes
        assert got.headers["oauth-client-attestation-challenge"]
    proved = await _proved(wallet)
    for name in (ATTESTATION_HEADER, POP_HEADER):
        alone = {other: value for other, value in proved.items() if other != name}
        assert error(await send(registry, "/token", form | alone, body)) == "invalid_client"
    stranger = Signer.new()
    pop = proved[POP_HEADER]
    forged = jws.prepare_jws(typ="oauth-client-attestation-pop+jwt", payload=base64url.decode(pop.split(".")[1]), key=KeyId("x"))
    assert error(await send(registry, "/token", form | proved | {POP_HEADER: stranger.finish(forged)}, body)) == "invalid_client"


async def test_tied_refresh_tokens(registry: Registry) -> None:
    """They serve the wallet and the key that they were given to, and nobody else, as often as it asks (FAPI 2.0 section 5.3.2.1)."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    first = token.refresh_token or ""
    for thief in (
        Wallet(registry, wallet.by, wallet.metadata, instance=wallet.instance),
        Wallet(registry, wallet.by, wallet.metadata, dpop=wallet.dpop),
        Wallet(registry, wallet.by, wallet.metadata, client_id="https://thief.example", instance=wallet.instance, dpop=wallet.dpop),
    ):
        with pytest.raises(InvalidGrant):
            await thief.run(refresh(thief.metadata, first))
    assert (await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": first}))[1]["error"] == "invalid_client"
    plain = Wallet(registry, wallet.by, replace(wallet.metadata, server=replace(wallet.metadata.server, dpop_algs=())))
    plain.instance = wallet.instance
    plain.protected = plain.protect()
    with pytest.raises(InvalidDpopProof):
        await plain.run(refresh(plain.metadata, first))
    renewed = await wallet.run(refresh(wallet.metadata, first))
    assert (renewed.token_type, renewed.refresh_token) == ("DPoP", None)
    again = await wallet.run(refresh(wallet.metadata, first))
    for access in (renewed, again):
        assert (await wallet.copies(access)).credentials
    registry.clock.at += 100 * DAY  # of 120; each use lets it live on
    wallet.protected = wallet.protect()
    await wallet.run(refresh(wallet.metadata, first))
    registry.clock.at += 100 * DAY
    wallet.protected = wallet.protect()
    assert (await wallet.copies(await wallet.run(refresh(wallet.metadata, first)))).credentials
    registry.clock.at += registry.office.settings.refresh_days * DAY
    wallet.protected = wallet.protect()
    with pytest.raises(InvalidGrant):
        await wallet.run(refresh(wallet.metadata, first))


async def test_invitations_with_and_without_proofs(registry: Registry) -> None:
    """A pre-authorized code gives a bearer token, or a tied one to a wallet that proves a key; strangers only where they may."""
    made, wallet = await registry.make(), await attested(registry)
    grant = made["offer"]["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
    body = render_form(
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
            "pre-authorized_code": grant["pre-authorized_code"],
            "tx_code": made["code"],
            "authorization_details": json.dumps([{"type": "openid_credential", "credential_configuration_id": "representation-sd-jwt"}]),
        }
    )
    form = {"content-type": "application/x-www-form-urlencoded"}
    got = json.loads((await send(registry, "/token", form | await _proved(wallet), body)).body)
    assert got["token_type"] == "DPoP"
    assert got["authorization_details"][0]["credential_identifiers"] == ["representation-sd-jwt.0"]
    holder = await collect(registry, await registry.make())
    assert holder.token.token_type == "Bearer"
    upgraded = await wallet.run(refresh(wallet.metadata, holder.token.refresh_token or ""))
    assert upgraded.token_type == "DPoP"
    with pytest.raises((InvalidGrant, InvalidClient)):
        await registry.run(refresh(holder.metadata, upgraded.refresh_token or ""))


async def test_strangers_may_be_shut_out(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", anonymous_wallets=False) as registry:
        made = await registry.make()
        status, refused = await registry.redeem(made, made["code"])
        assert (status, refused["error"]) == (401, "invalid_client")
        server = await (await registry.get("/.well-known/oauth-authorization-server")).json()
        assert server["pre-authorized_grant_anonymous_access_supported"] is False
        assert server["token_endpoint_auth_methods_supported"] == ["attest_jwt_client_auth"]


async def test_challenges_may_be_demanded(template: Template, tmp_path: Path) -> None:
    """Of wallets that know of them."""
    async with serving(template, tmp_path / "registry", attestation_challenges=True) as registry:
        wallet = await attested(registry)
        body = render_token_request(AuthorizationCodeRequest(code="x", redirect_uri="y", code_verifier=prepare_verifier(system_entropy)[0]))
        form = {"content-type": "application/x-www-form-urlencoded"}
        for changes, refusal in (({"challenge": None}, "use_attestation_challenge"), ({}, "invalid_grant")):
            assert error(await send(registry, "/token", form | await _proved(wallet, **changes), body)) == refusal
