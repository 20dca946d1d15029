"""What people and programs that nobody knows can make the office write down at the addresses of wallets: next to nothing."""

from __future__ import annotations

import json

import pytest
from support.attested import attested, maker, trust
from support.registry import Registry
from support.signing import Signer

from issuer.metadata import CREDENTIAL, DEFERRED, NOTIFICATION, PAR, TOKEN
from issuer.nonces import Purpose, fresh_nonce
from shared.clock import system_entropy
from shared.errors import InvalidGrant, Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import KeyId
from shared.oauth import prepare_dpop
from shared.storage import Tx

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


async def ask(registry: Registry, path: str, *, token: str | None = None, nonce: bool = True) -> Fetched:
    """With a key that was made for this one request, and a proof by it that is right in every way."""
    key = Signer.new()
    proof = key.finish(
        prepare_dpop(
            key=KeyId("dpop"),
            public=key.public,
            method="POST",
            url=registry.url + path,
            at=registry.clock(),
            jti=system_entropy(8).hex(),
            nonce=await fresh_nonce(registry.office, Purpose.DPOP) if nonce else None,
            access_token=token,
        )
    )
    headers = {"dpop": proof, "content-type": FORM if token is None else JSON}
    headers |= {} if token is None else {"authorization": f"DPoP {token}"}
    return await registry.fetch(Fetch(url=registry.url + path, method="POST", headers=headers, body=b"a=b" if token is None else b"{}"))


async def rows(registry: Registry) -> dict[str, int]:
    async def unit(tx: Tx) -> dict[str, int]:
        return {
            "spent_nonce": len(await tx.fetch("SELECT digest FROM spent_nonce")),
            "authorization_request": len(await tx.fetch("SELECT id FROM authorization_request")),
            "token": len(await tx.fetch("SELECT digest FROM token")),
            "rate_limit": len(await tx.fetch("SELECT bucket FROM rate_limit")),
        }

    return await registry.office.storage.read(unit)


async def test_strangers_write_nothing_down(registry: Registry) -> None:
    """Neither a pushed request without an attested wallet nor a token that nobody gave leaves a proof behind, whatever key signed it."""
    trust(registry, maker())
    for _ in range(3):
        for path, token in ((PAR, None), (CREDENTIAL, "made-up"), (DEFERRED, "made-up"), (NOTIFICATION, "made-up")):
            got = await ask(registry, path, token=token)
            assert (got.status, json.loads(got.body)["error"]) == (401, "invalid_client" if token is None else "invalid_token")
    assert await rows(registry) == {"spent_nonce": 0, "authorization_request": 0, "token": 0, "rate_limit": 1}


async def test_an_address_that_is_refused_too_often_has_to_wait(registry: Registry) -> None:
    """Over both addresses; it is told when to come back, and what it sends meanwhile is not looked at."""
    for _ in range(3):
        assert (await ask(registry, TOKEN)).status == 400
    assert await registry.office.storage.write(lambda tx: tx.execute("UPDATE rate_limit SET used = 299 WHERE used = 3")) == 1
    before = await rows(registry)
    assert (await ask(registry, PAR)).status == 401
    for path in (PAR, TOKEN):
        got = await ask(registry, path)
        assert (got.status, got.headers["retry-after"], json.loads(got.body)["error"]) == (429, "600", "slow_down")
    assert await rows(registry) == before
    registry.clock.at += 600
    assert (await ask(registry, PAR)).status == 401


async def test_refusals_of_an_address_stop_no_attested_wallet(registry: Registry) -> None:
    """Many share one: a wallet is counted by its own key, and what only pretends to be one by the address."""
    wallet, other = await attested(registry), await attested(registry, maker())
    await ask(registry, TOKEN)
    await registry.office.storage.write(lambda tx: tx.execute("UPDATE rate_limit SET used = 300"))
    with pytest.raises(Unavailable):
        await other.push()
    token = await wallet.token([(await registry.make())["id"]])
    assert (await wallet.copies(token)).credentials
    assert (await rows(registry))["rate_limit"] == 1
    sign_in, _ = await wallet.push()
    with pytest.raises(InvalidGrant):
        await wallet.redeem(sign_in, "made-up")
    await registry.office.storage.write(lambda tx: tx.execute("UPDATE rate_limit SET used = 300 WHERE used = 1"))
    with pytest.raises(Unavailable):
        await wallet.push()
    another = await attested(registry)
    await another.push()


async def test_to_be_told_of_a_nonce_is_no_refusal(registry: Registry) -> None:
    got = await ask(registry, TOKEN, nonce=False)
    assert json.loads(got.body)["error"] == "use_dpop_nonce"
    assert await rows(registry) == {"spent_nonce": 0, "authorization_request": 0, "token": 0, "rate_limit": 0}
