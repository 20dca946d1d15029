"""Requests that only the office can read, and answers that only their wallet can (OpenID4VCI sections 8.2, 10 and 12.2.4)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.attested import Wallet, attested, trust
from support.registry import Registry, Template, serving
from support.trial_web import Watch

from issuer.app import ENVELOPES, one_round
from shared.clock import DAY
from shared.errors import InvalidEncryptionParameters
from shared.flow import Fetch, Fetched
from shared.jose import jwe
from shared.openid4vci import TokenResponse, credential_request, request_credentials

NAME = "representation-sd-jwt"
JSON, JWT = "application/json", "application/jwt"


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


async def ask(wallet: Wallet, token: TokenResponse) -> int:
    request = credential_request(wallet.metadata.issuer.configurations[NAME], token, wallet.proofs(await wallet.nonce()))
    return len((await wallet.run(request_credentials(wallet.metadata, token, request, encrypted=True))).credentials)


async def post(wallet: Wallet, token: TokenResponse, body: bytes, kind: str) -> Fetched:
    headers = {"authorization": token.authorization, "content-type": kind}
    url = wallet.registry.url + "/credential"
    return await wallet.protected(Fetch(url=url, method="POST", headers=headers, body=body))


async def test_both_ways(registry: Registry) -> None:
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    about = await (await registry.get("/.well-known/openid-credential-issuer")).json()
    (key,) = about["credential_request_encryption"]["jwks"]["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert about["credential_response_encryption"]["alg_values_supported"] == ["ECDH-ES"]
    assert not about["credential_response_encryption"]["encryption_required"]
    assert await ask(wallet, token) == 1
    sent = [each for each in wallet.sent if each.url.endswith("/credential")][-1]
    assert sent.headers["content-type"] == JWT
    row = await registry.office.storage.read(lambda tx: tx.fetchrow("SELECT sealed FROM service_key"))
    assert row is not None
    assert key["x"].encode() not in bytes(row["sealed"])


async def test_parameters_that_are_refused(registry: Registry) -> None:
    """Always in clear and always by that name, whatever the wallet wanted (section 8.3.1.2)."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    requests = wallet.metadata.issuer.request_encryption
    assert requests is not None
    own = dict(requests.keys[0])
    mine = jwe.public_half(jwe.generate_ephemeral())
    good: dict[str, Any] = {"credential_configuration_id": NAME, "proofs": {"jwt": wallet.proofs(await wallet.nonce())}}

    def sealed(part: object, **key: Any) -> bytes:
        return jwe.encrypt(json.dumps(good | {"credential_response_encryption": part}).encode(), own | key, enc="A256GCM").encode()

    right = {"jwk": mine, "enc": "A256GCM"}
    for body, kind in (
        (sealed({"jwk": mine | {"alg": "RSA-OAEP-256"}, "enc": "A256GCM"}), JWT),
        (sealed({"jwk": {name: value for name, value in mine.items() if name != "alg"}, "enc": "A256GCM"}), JWT),
        (sealed({"jwk": mine, "enc": "A128CBC-HS256"}), JWT),
        (sealed({"jwk": mine, "enc": "none"}), JWT),
        (sealed(right | {"zip": "DEF"}), JWT),
        (sealed("no object"), JWT),
        (sealed(right, kid="another"), JWT),
        (sealed(right)[:-2], JWT),
        (b"a.b.c.d.e", JWT),
        (json.dumps(good | {"credential_response_encryption": right}).encode(), JSON),
    ):
        got = await post(wallet, token, body, kind)
        assert (got.status, json.loads(got.body)["error"]) == (400, "invalid_encryption_parameters"), (got.body, body[:40])
    bad = jwe.encrypt(
        json.dumps(good | {"credential_configuration_id": "x", "credential_response_encryption": right}).encode(), own, enc="A128GCM"
    )
    got = await post(wallet, token, bad.encode(), JWT)
    assert (got.headers["content-type"].partition(";")[0], json.loads(got.body)["error"]) == (JSON, "unknown_credential_configuration")
    got = await post(wallet, token, sealed(right), "text/plain")
    assert (got.status, json.loads(got.body)["error"]) == (400, "invalid_credential_request")
    assert (await post(wallet, token, b"a" * 300_000, JWT)).status == 413


async def test_encryption_may_be_demanded(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "registry", encryption="demand") as registry:
        number, wallet = (await registry.make())["id"], await attested(registry)
        token = await wallet.token([number])
        assert await ask(wallet, token) == 1
        body = json.dumps({"credential_configuration_id": NAME, "proofs": {"jwt": wallet.proofs(await wallet.nonce())}}).encode()
        got = await post(wallet, token, body, JSON)
        assert json.loads(got.body)["error"] == "invalid_encryption_parameters"
        requests = wallet.metadata.issuer.request_encryption
        assert requests is not None
        got = await post(wallet, token, jwe.encrypt(body, requests.keys[0], enc="A256GCM").encode(), JWT)
        assert json.loads(got.body)["error"] == "invalid_encryption_parameters"


async def test_keys_are_renewed_and_shared(template: Template, tmp_path: Path, registry: Registry) -> None:
    """What was encrypted for last month's key is read for a week more; a key that another service just made is found."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    old = wallet.metadata.issuer.request_encryption
    async with serving(template, tmp_path / "two", storage=registry.office.settings.storage, join=True) as other:
        assert old is not None
        await other.app[ENVELOPES].refresh()
        assert await other.app[ENVELOPES].requests() == await registry.app[ENVELOPES].requests()
        assert isinstance(other.clock, Watch)
        other.clock.at = registry.clock.at = registry.clock() + 30 * DAY
        await other.app[ENVELOPES].refresh()
        new = await other.app[ENVELOPES].requests()
        assert new.keys != old.keys
        trust(registry, wallet.by)
        wallet.protected = wallet.protect()
        token = await wallet.token([number])
        for keys in (old, new):
            wallet.metadata = replace(wallet.metadata, issuer=replace(wallet.metadata.issuer, request_encryption=keys))
            assert await ask(wallet, token) == 1
        other.clock.at = registry.clock.at = registry.clock() + 31 * DAY
        await one_round(other.app)
        await one_round(registry.app)
        wallet.metadata = replace(wallet.metadata, issuer=replace(wallet.metadata.issuer, request_encryption=old))
        wallet.protected = wallet.protect()
        with pytest.raises(InvalidEncryptionParameters):
            await ask(wallet, await wallet.token([number]))
