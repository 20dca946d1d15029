"""What the wallet-facing side refuses: each with its registered error, and nothing lost by it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from support.registry import NOON, URL, Holder, Registry, collect
from support.signing import Signer

from shared.clock import DAY
from shared.codec import base64url
from shared.jose.jwk import render_jwk
from shared.openid4vci import PRE_AUTHORIZED

CONFIGURATION = "representation-sd-jwt"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


# --- token endpoint --------------------------------------------------------------------------------------------------------------------


async def test_wrong_code(registry: Registry) -> None:
    made = await registry.make()
    for _ in range(4):
        status, refused = await registry.redeem(made, wrong(made["code"]))
        assert (status, refused["error"]) == (400, "invalid_grant")
    status, token = await registry.redeem(made, made["code"])
    assert status == 200
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 300


async def test_code_dies_after_five_tries(registry: Registry) -> None:
    made = await registry.make()
    for _ in range(5):
        await registry.redeem(made, wrong(made["code"]))
    status, refused = await registry.redeem(made, made["code"])
    assert (status, refused["error"]) == (400, "invalid_grant")
    _, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert detail["state"] == "locked"
    assert detail["history"][-1]["what"] == "locked"
    status, again = await registry.call("POST", f"/api/credentials/{made['id']}/invitation", {})
    assert status == 201
    assert (await registry.redeem(again, again["code"]))[0] == 200


async def test_missing_code_is_no_try(registry: Registry) -> None:
    made = await registry.make()
    for _ in range(9):
        status, refused = await registry.redeem(made, None)
        assert (status, refused["error"]) == (400, "invalid_request")
    assert (await registry.redeem(made, made["code"]))[0] == 200


async def test_unexpected_code(registry: Registry) -> None:
    made = await registry.make(tx_code=False)
    assert made["code"] is None
    status, refused = await registry.redeem(made, "12345678")
    assert (status, refused["error"]) == (400, "invalid_request")
    assert (await registry.redeem(made, None))[0] == 200


async def test_reused_unknown_and_expired_code(registry: Registry) -> None:
    made = await registry.make()
    assert (await registry.redeem(made, made["code"]))[0] == 200
    assert (await registry.redeem(made, made["code"]))[1]["error"] == "invalid_grant"
    unknown = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "nobody-made-this"}
    assert (await registry.form("/token", unknown))[1]["error"] == "invalid_grant"
    late = await registry.make()
    registry.clock.at = NOON + 30 * DAY
    assert (await registry.redeem(late, late["code"]))[1]["error"] == "invalid_grant"
    assert (await registry.get(f"/credential-offer/{late['invitation_link'].split('/')[-1]}")).status == 404


async def test_bad_token_requests(registry: Registry) -> None:
    for fields, error in (
        ({}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": PRE_AUTHORIZED}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "tx_code": "1"}, "invalid_request"),
    ):
        status, refused = await registry.form("/token", fields)
        assert (status, refused["error"]) == (400, error)
    async with registry.http.post(registry.base + "/token", json={}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")
    async with registry.http.post(registry.base + "/token", data=b"grant_type=a&grant_type=b", headers=FORM) as answer:
        assert (await answer.json())["error"] == "invalid_request"
    async with registry.http.post(registry.base + "/token", data=b"a=" + b"b" * 20_000, headers=FORM) as answer:
        assert answer.status == 413
    assert (await registry.get("/token")).status == 405


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# --- refresh -----------------------------------------------------------------------------------------------------------------------------


async def test_refresh_rotates_and_reuse_ends_the_family(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    first = holder.token.refresh_token or ""
    status, second = await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": first})
    assert status == 200
    assert second["refresh_token"] != first
    status, refused = await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": first})
    assert (status, refused["error"]) == (400, "invalid_grant")
    for token in (second["refresh_token"], first):
        status, refused = await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": token})
        assert refused["error"] == "invalid_grant"
    status, refused = await registry.credential(second["access_token"], {"credential_configuration_id": CONFIGURATION})
    assert (status, refused["error"]) == (401, "invalid_token")


async def test_new_invitation_ends_earlier_tokens(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    await holder.copies(1)
    status, again = await registry.call("POST", f"/api/credentials/{made['id']}/invitation", {})
    assert status == 201
    status, refused = await registry.credential(holder.token.access_token, {"credential_configuration_id": CONFIGURATION})
    assert (status, refused["error"]) == (401, "invalid_token")
    await (await collect(registry, again)).copies(1)


async def test_copies_are_renewed_month_by_month(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    for month in range(1, 4):
        assert len((await holder.copies(3)).credentials) == 3
        registry.clock.at = NOON + 30 * DAY * month
        status, token = await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": holder.token.refresh_token or ""})
        assert status == 200
        holder.token = type(holder.token)(access_token=token["access_token"], refresh_token=token["refresh_token"])


# --- credential endpoint -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def holder(registry: Registry) -> Holder:
    return await collect(registry, await registry.make())


async def ask(holder: Holder, proofs: list[str] | None, **more: Any) -> tuple[int, Any]:
    body: dict[str, Any] = {"credential_configuration_id": CONFIGURATION, **more}
    if proofs is not None:
        body["proofs"] = {"jwt": proofs}
    return await holder.registry.credential(holder.token.access_token, body)


def proof(
    signer: Signer, *, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, signature: bytes | None = None
) -> str:
    head = {"alg": "ES256", "typ": "openid4vci-proof+jwt", "jwk": render_jwk(signer.public)} | (header or {})
    body = {"aud": URL, "iat": NOON} | (claims or {})
    parts = [base64url.encode(json.dumps({k: v for k, v in one.items() if v is not None}).encode()) for one in (head, body)]
    signed = ".".join(parts).encode()
    return f"{signed.decode()}.{base64url.encode(signer.raw(signed) if signature is None else signature)}"


def hmac_proof(signer: Signer, nonce: str) -> str:
    """Signed with the public key as if it were a shared secret: the classic confusion."""
    public = signer.public.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "openid4vci-proof+jwt", "jwk": render_jwk(signer.public)}
    parts = [base64url.encode(json.dumps(one).encode()) for one in (head, {"aud": URL, "iat": NOON, "nonce": nonce})]
    mac = hmac.HMAC(public, hashes.SHA256())
    mac.update(".".join(parts).encode())
    return ".".join([*parts, base64url.encode(mac.finalize())])


async def test_bad_proofs(holder: Holder) -> None:
    registry, signer = holder.registry, Signer.new()
    nonce = await registry.nonce()
    good = {"nonce": nonce}
    private = {**render_jwk(signer.public), "d": base64url.encode(b"\1" * 32)}
    bad = {
        "other audience": proof(signer, claims=good | {"aud": "https://other.example"}),
        "audience in a list": proof(signer, claims=good | {"aud": [URL]}),
        "from the future": proof(signer, claims=good | {"iat": NOON + 3600}),
        "a year old": proof(signer, claims=good | {"iat": NOON - 365 * DAY}),
        "no time": proof(signer, claims=good | {"iat": None}),
        "no nonce": proof(signer),
        "wrong typ": proof(signer, header={"typ": "JWT"}, claims=good),
        "key binding as proof": proof(signer, header={"typ": "kb+jwt"}, claims=good),
        "none": proof(signer, header={"alg": "none"}, claims=good, signature=b""),
        "hmac": hmac_proof(signer, nonce),
        "private key inside": proof(signer, header={"jwk": private}, claims=good),
        "key only named": proof(signer, header={"jwk": None, "kid": "1"}, claims=good),
        "two keys": proof(signer, header={"kid": "1"}, claims=good),
        "by another key": proof(signer, header={"jwk": render_jwk(Signer.new().public)}, claims=good),
        "signature altered": proof(signer, claims=good, signature=b"\1" * 64),
        "der signature": proof(signer, claims=good, signature=b"\x30" * 70),
        "critical extension": proof(signer, header={"crit": ["b64"], "b64": False}, claims=good),
        "no token": "abc",
        "empty": "",
    }
    for name, token in bad.items():
        status, refused = await ask(holder, [token])
        assert (status, refused["error"]) == (400, "invalid_proof"), name
    status, issued = await ask(holder, [proof(signer, claims=good)])
    assert status == 200, "none of them used the nonce up"
    assert len(issued["credentials"]) == 1


async def test_proofs_of_a_batch(holder: Holder) -> None:
    signer, nonce = Signer.new(), await holder.registry.nonce()
    one, two = proof(signer, claims={"nonce": nonce}), proof(signer, claims={"nonce": nonce, "iat": NOON - 1})
    assert (await ask(holder, [one, two]))[1]["error"] == "invalid_proof"  # one key, two proofs
    assert (await ask(holder, [one, one]))[1]["error"] == "invalid_proof"
    assert (await ask(holder, []))[1]["error"] == "invalid_proof"
    assert (await ask(holder, None))[1]["error"] == "invalid_proof"
    many = holder.proofs(nonce, 21)
    assert (await ask(holder, many))[1]["error"] == "invalid_credential_request"
    status, issued = await ask(holder, many[:20])
    assert (status, len(issued["credentials"])) == (200, 20)


async def test_nonces(holder: Holder) -> None:
    registry = holder.registry
    stale = await registry.nonce()
    registry.clock.at = NOON + 299
    assert (await ask(holder, holder.proofs(stale, 1)))[0] == 200
    assert (await ask(holder, holder.proofs(stale, 1)))[1]["error"] == "invalid_nonce"  # reused
    old = await registry.nonce()
    raw = bytearray(base64url.decode(old))
    raw[0] ^= 1
    for forged in (base64url.encode(bytes(raw)), "x", "", base64.urlsafe_b64encode(b"\0" * 37).decode().rstrip("="), "%" * 8):
        error = (await ask(holder, holder.proofs(forged, 1)))[1]["error"]
        assert error in {"invalid_nonce", "invalid_proof"}
        assert forged == "" or error == "invalid_nonce"
    _, token = await registry.form("/token", {"grant_type": "refresh_token", "refresh_token": holder.token.refresh_token or ""})
    holder.token = type(holder.token)(access_token=token["access_token"])
    registry.clock.at = NOON + 299 + 301
    _, refused = await ask(holder, holder.proofs(old, 1))
    assert refused["error"] in {"invalid_nonce", "invalid_token"}
    seen = {await registry.nonce() for _ in range(20)}
    assert len(seen) == 20


async def test_access_tokens(holder: Holder) -> None:
    registry = holder.registry
    body = {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": holder.proofs(await registry.nonce(), 1)}}
    raw = json.dumps(body).encode()
    json_type = {"Content-Type": "application/json"}
    for headers in (
        {},
        {"Authorization": "Bearer nothing"},
        {"Authorization": f"Basic {holder.token.access_token}"},
        {"Authorization": "Bearer"},
    ):
        async with registry.http.post(registry.base + "/credential", data=raw, headers=json_type | headers) as answer:
            assert (answer.status, (await answer.json())["error"]) == (401, "invalid_token")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Cache-Control"] == "no-store"
    async with registry.http.post(
        f"{registry.base}/credential?access_token={holder.token.access_token}", data=raw, headers=json_type
    ) as answer:
        assert answer.status == 401  # never in the address (RFC 6750 section 2.3)
    registry.clock.at = NOON + 300
    assert (await ask(holder, holder.proofs(await registry.nonce(), 1)))[1]["error"] == "invalid_token"


async def test_credential_requests(holder: Holder) -> None:
    registry, access = holder.registry, holder.token.access_token
    proofs = {"proofs": {"jwt": holder.proofs(await registry.nonce(), 1)}}
    for body, error in (
        ({"credential_configuration_id": "nothing", **proofs}, "unknown_credential_configuration"),
        ({"credential_identifier": "nothing", **proofs}, "unknown_credential_identifier"),
        ({"credential_identifier": "x", "credential_configuration_id": CONFIGURATION, **proofs}, "invalid_credential_request"),
        ({**proofs}, "invalid_credential_request"),
        ([], "invalid_credential_request"),
        ({"credential_configuration_id": CONFIGURATION, "proofs": {"di_vp": [{}]}}, "invalid_proof"),
        ({"credential_configuration_id": CONFIGURATION, "credential_response_encryption": {}, **proofs}, "invalid_encryption_parameters"),
    ):
        status, refused = await registry.credential(access, body)
        assert (status, refused["error"]) == (400, error)
    twice = b'{"credential_configuration_id": "a", "credential_configuration_id": "%s"}' % CONFIGURATION.encode()
    for raw in (twice, b"{", b"\xff", b'{"a": NaN}', b"[" * 100 + b"]" * 100):
        assert (await registry.credential(access, raw))[1]["error"] == "invalid_credential_request"
    status, _ = await registry.credential(access, b'{"a": "' + b"x" * 300_000 + b'"}')
    assert status == 413
    status, issued = await registry.credential(access, {"credential_configuration_id": CONFIGURATION, "unknown": 1, **proofs})
    assert status == 200
    assert set(issued) == {"credentials", "notification_id", "report_pass"}


async def test_too_many_copies_in_force(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    for _ in range(20):
        await holder.copies(20)
    status, refused = await ask(holder, holder.proofs(await registry.nonce(), 1))
    assert (status, refused["error"]) == (400, "credential_request_denied")


async def test_notifications(holder: Holder) -> None:
    registry, access = holder.registry, holder.token.access_token
    delivered = (await holder.copies(2)).notification_id

    async def tell(body: dict[str, Any], token: str = access) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with registry.http.post(registry.base + "/notification", json=body, headers=headers) as answer:
            return answer.status, "" if answer.status == 204 else (await answer.json())["error"]

    accepted = {"notification_id": delivered, "event": "credential_accepted"}
    assert await tell(accepted) == (204, "")
    assert await tell(accepted) == (204, "")
    assert await tell(accepted | {"notification_id": "unknown"}) == (400, "invalid_notification_id")
    assert await tell(accepted | {"event": "credential_eaten"}) == (400, "invalid_notification_request")
    assert await tell({}) == (400, "invalid_notification_request")
    assert await tell(accepted, "nobody") == (401, "invalid_token")
    stranger = await collect(registry, await registry.make())
    assert await tell(accepted, stranger.token.access_token) == (400, "invalid_notification_id")
    number = (await registry.call("GET", "/api/credentials"))[1]["items"][-1]["id"]
    whole = [
        line["what"]
        for item in (await registry.call("GET", "/api/credentials"))[1]["items"]
        for line in await _history(registry, item["id"])
    ]
    assert whole.count("wallet-accepted") == 1
    assert number


async def _history(registry: Registry, number: str) -> list[dict[str, Any]]:
    return list((await registry.call("GET", f"/api/credentials/{number}"))[1]["history"])


async def test_offer_by_reference(registry: Registry) -> None:
    made = await registry.make()
    token = made["offer_qr"].split("/")[-2]
    answer = await registry.get(f"/credential-offer/{token}")
    assert answer.status == 200
    assert await answer.json() == made["offer"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await registry.get("/credential-offer/unknown")).status == 404
    await registry.redeem(made, made["code"])
    assert (await registry.get(f"/credential-offer/{token}")).status == 404


async def test_cors_preflight(registry: Registry) -> None:
    async with registry.http.options(registry.base + "/credential") as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_unsolicited_paths(registry: Registry) -> None:
    async with asyncio.timeout(60):
        for path in ("/status/99999999999", "/status/x", "/types/urn:unknown", "/nothing"):
            assert (await registry.get(path, Accept="application/json")).status == 404
