"""Somebody whom the office trusts says where a wallet's keys are held: in a key proof, or instead of key proofs (OpenID4VCI appendix D, F)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.attested import Wallet, attested, maker
from support.registry import NOON, Registry, Template, collect, serving
from support.signing import Signer
from support.trial_verify import Authority

from shared.codec import base64url
from shared.errors import InvalidCredentialRequest, InvalidNonce, InvalidProof
from shared.formats import formats
from shared.jose.jwk import render_jwk
from shared.keys import KeyId
from shared.openid4vci import (
    CredentialRequest,
    CredentialResponse,
    TokenResponse,
    prepare_key_attestation,
    prepare_key_proof,
    request_credentials,
)

NAME = "representation-sd-jwt"


def attest(wallet: Wallet, keys: Sequence[Signer], nonce: str | None, *, by: Authority | None = None, **changes: Any) -> str:
    said: dict[str, Any] = {
        "keys": [each.public for each in keys],
        "at": wallet.registry.clock(),
        "lifetime": 600,
        "nonce": nonce,
        "key_storage": ["iso_18045_moderate"],
        "user_authentication": ["iso_18045_basic"],
    }
    by = by or wallet.by
    return by.signer.finish(prepare_key_attestation(key=KeyId("maker"), alg="ES256", x5c=by.x5c, **(said | changes)))


async def ask(wallet: Wallet, token: TokenResponse, **proofs: Any) -> CredentialResponse:
    request = CredentialRequest(configuration_id=NAME, **proofs)
    response: CredentialResponse = await wallet.run(request_credentials(wallet.metadata, token, request))
    return response


def prove(wallet: Wallet, key: Signer, nonce: str, attestation: str) -> str:
    return key.finish(
        prepare_key_proof(
            key=KeyId("k"),
            public=key.public,
            audience=wallet.registry.url,
            nonce=nonce,
            at=wallet.registry.clock(),
            key_attestation=attestation,
        )
    )


def bound_to(response: CredentialResponse) -> set[Any]:
    parse = formats()["dc+sd-jwt"].parse
    return {parse(wire).payload["cnf"]["jwk"]["x"] for wire in response.credentials}


def xs(keys: Sequence[Signer]) -> set[str]:
    return {str(render_jwk(each.public)["x"]) for each in keys}


async def test_every_attested_key_gets_a_copy(registry: Registry) -> None:
    number, wallet = (await registry.make())["id"], await attested(registry)
    token = await wallet.token([number])
    offered = wallet.metadata.issuer.configurations[NAME]
    assert offered.attestation_algs == ("ES256", "ES384", "EdDSA")
    assert offered.key_demand is None
    keys = [Signer.new() for _ in range(4)]
    nonce = await wallet.nonce()
    response = await ask(wallet, token, attestation=attest(wallet, keys, nonce))
    assert bound_to(response) == xs(keys)
    more = [Signer.new() for _ in range(3)]
    nonce = await wallet.nonce()
    response = await ask(wallet, token, proofs=(prove(wallet, more[0], nonce, attest(wallet, more, nonce)),))
    assert bound_to(response) == xs(more)
    for wire in response.credentials:
        assert formats()["dc+sd-jwt"].parse(wire).payload["iat"] == NOON - NOON % 86_400


async def test_key_attestations_that_are_refused(registry: Registry) -> None:
    number, wallet = (await registry.make())["id"], await attested(registry)
    token, at = await wallet.token([number]), registry.clock()
    key, other = Signer.new(), Signer.new()

    async def bad(attestation: str, error: type[Exception], *, in_proof: bool = True, nonce: str) -> None:
        with pytest.raises(error):
            await ask(wallet, token, attestation=attestation)
        if in_proof:
            with pytest.raises(error):
                await ask(wallet, token, proofs=(prove(wallet, key, nonce, attestation),))

    nonce = await wallet.nonce()
    head, body, _ = attest(wallet, [key], nonce).split(".")
    for attestation, error in (
        (f"{head}.{body}.{base64url.encode(bytes(64))}", InvalidProof),
        (attest(wallet, [key], nonce, by=maker()), InvalidProof),
        (attest(wallet, [key], nonce, at=at - 700), InvalidProof),
        (attest(wallet, [key], None), InvalidProof),
        (attest(wallet, [key], "not one of ours"), InvalidNonce),
        (wallet.attestation(), InvalidProof),
    ):
        await bad(attestation, error, nonce=nonce)
    with pytest.raises(InvalidProof):  # an attestation of another key
        await ask(wallet, token, proofs=(prove(wallet, key, nonce, attest(wallet, [other], nonce)),))
    many = [Signer.new() for _ in range(21)]
    with pytest.raises(InvalidCredentialRequest):
        await ask(wallet, token, attestation=attest(wallet, many, nonce))
    assert len((await ask(wallet, token, attestation=attest(wallet, [key], nonce))).credentials) == 1
    with pytest.raises(InvalidNonce):  # and each nonce serves once, also there
        await ask(wallet, token, attestation=attest(wallet, [other], nonce))


async def test_levels_may_be_demanded(template: Template, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"key_attestations": "demand", "key_storage": ("iso_18045_high", "iso_18045_moderate")}
    async with serving(template, tmp_path / "registry", **settings) as registry:
        number, wallet = (await registry.make())["id"], await attested(registry)
        demand = wallet.metadata.issuer.configurations[NAME].key_demand
        assert demand is not None
        assert demand.key_storage == ("iso_18045_high", "iso_18045_moderate")
        token, keys = await wallet.token([number]), [Signer.new()]
        with pytest.raises(InvalidProof):
            await wallet.copies(token)
        nonce = await wallet.nonce()
        with pytest.raises(InvalidProof):
            await ask(wallet, token, attestation=attest(wallet, keys, nonce, key_storage=["iso_18045_basic"]))
        assert len((await ask(wallet, token, attestation=attest(wallet, keys, nonce))).credentials) == 1


async def test_nobody_is_trusted_to_attest(registry: Registry) -> None:
    """Then the proof type is not offered, and refused."""
    holder = await collect(registry, await registry.make())
    assert holder.configuration().attestation_algs == ()
    wallet = Wallet(registry, maker(), holder.metadata)
    request = CredentialRequest(configuration_id=NAME, attestation=attest(wallet, [Signer.new()], await registry.nonce()))
    with pytest.raises(InvalidProof):
        await registry.run(request_credentials(holder.metadata, holder.token, request))
