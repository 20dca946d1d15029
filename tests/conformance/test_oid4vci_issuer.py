"""The official modules for an OpenID4VCI 1.0 issuer under HAIP, re-created: each test has a module's name and does what its summary says.

The wallet is emulated with the client core that our wallet uses, and bends what it sends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.attested import WALLET, maker, trust
from support.registry import URL, Registry, Template, make_template, serving
from support.signing import Signer
from support.suite import NAME, Emulated, bending, broken, emulated, look_at, sprinkle

from shared.errors import Refused
from shared.flow import Fetch
from shared.formats import formats
from shared.jose import jwe, jwk, jwt
from shared.keys import KeyId, Role
from shared.oauth import ATTESTATION_TYP
from shared.openid4vci import (
    Event,
    NotificationRequest,
    TokenResponse,
    notify,
    parse_issuer_metadata,
    prepare_key_attestation,
    verify_signed_metadata,
)
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.x509 import load_certificate, x5c_header

ATTESTATION, POP = "oauth-client-attestation", "oauth-client-attestation-pop"
REFUSED = {"invalid_client", "invalid_request", "invalid_client_attestation"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("issuer") / "registry"))


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry") as running:
        yield running


async def token_of(wallet: Emulated, **more: Any) -> TokenResponse:
    return await wallet.token([(await wallet.registry.make())["id"]], **more)


async def test_oid4vci_1_0_issuer_metadata_test(registry: Registry) -> None:
    answer = await registry.get("/.well-known/openid-credential-issuer", Accept="application/json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert "Date" in answer.headers
    about = parse_issuer_metadata(await answer.read(), issuer=URL)
    for each in about.configurations.values():
        assert each.scope
        assert bool(each.binding_methods) == bool(each.proof_algs)
    assert about.nonce_endpoint is not None
    server = await (await registry.get("/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == URL
    assert server["require_pushed_authorization_requests"] is True
    assert server["authorization_response_iss_parameter_supported"] is True
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["response_types_supported"] == ["code"]
    assert "ES256" in server["dpop_signing_alg_values_supported"]
    assert "attest_jwt_client_auth" in server["token_endpoint_auth_methods_supported"]
    assert {each.scope for each in about.configurations.values()} == set(server["scopes_supported"])


async def test_oid4vci_1_0_issuer_metadata_test_signed(registry: Registry) -> None:
    answer = await registry.get("/.well-known/openid-credential-issuer", Accept="application/jwt")
    assert (answer.status, answer.content_type, answer.headers["Vary"]) == (200, "application/jwt", "Accept")
    pin = parse_anchor((registry.directory / "anchor.pem").read_bytes(), role=Role.CREDENTIAL_ISSUER, entity=URL)
    policy = Policy(TrustAnchors(anchors=(pin,)))
    signed = verify_signed_metadata(
        await answer.text(), issuer=URL, check_signer=lambda x5c, at: policy.check_metadata_signer(x5c, URL, at), at=registry.clock()
    )
    plain = await registry.get("/.well-known/openid-credential-issuer", Accept="application/json, application/jwt;q=0.5")
    assert signed == parse_issuer_metadata(await plain.read(), issuer=URL)


async def test_oid4vci_1_0_issuer_happy_flow(registry: Registry) -> None:
    """Unknown fields in every body are ignored."""
    wallet = await emulated(registry, bend=sprinkle)
    token = await token_of(wallet)
    response = await wallet.copies(token)
    look_at(wallet, response)
    assert response.notification_id is not None
    told = NotificationRequest(notification_id=response.notification_id, event=Event.ACCEPTED)
    for _ in range(2):
        await wallet.run(notify(wallet.metadata, token, told))
        assert wallet.got is not None
        assert wallet.got.status == 204


async def test_oid4vci_1_0_issuer_happy_flow_additional_requests(registry: Registry) -> None:
    """Three times more, with the header fields of FAPI; consecutive copies share nothing but their day."""
    wallet = await emulated(registry)
    token = await token_of(wallet)
    indices = look_at(wallet, await wallet.copies(token))
    fields = {
        "x-fapi-interaction-id": "c770aef3-6784-41f7-8e0e-ff5f97bddb3a",
        "x-fapi-auth-date": "Fri, 15 Jan 2027 11:00:00 GMT",
        "x-fapi-customer-ip-address": "198.51.100.119",
        "accept": "application/json",
    }
    for _ in range(3):
        registry.clock.at += 7
        doc = {"credential_configuration_id": NAME, "proofs": {"jwt": wallet.proofs(await wallet.nonce())}}
        got = await wallet.post(token, doc, **fields)
        assert (got.status, got.headers["cache-control"]) == (200, "no-store")
        (copy,) = json.loads(got.body)["credentials"]
        payload = formats()["dc+sd-jwt"].parse(copy["credential"]).payload
        assert payload["iat"] % 86_400 == payload["exp"] % 86_400 == 0
        indices.append(payload["status"]["status_list"]["idx"])
    assert len(set(indices)) == 4
    assert len({after - before for before, after in itertools.pairwise(indices)}) > 1, "a progression; by luck it is one in ten billion"


async def test_oid4vci_1_0_issuer_happy_flow_skip_notification(registry: Registry) -> None:
    wallet = await emulated(registry)
    token = await token_of(wallet)
    look_at(wallet, await wallet.copies(token))
    look_at(wallet, await wallet.copies(token))


async def test_oid4vci_1_0_issuer_happy_flow_multiple_clients(registry: Registry) -> None:
    """Two wallets by two makers, one after the other."""
    first, by = await emulated(registry), maker()
    trust(registry, first.by, by)
    second = Emulated(registry, by, first.metadata, client_id="https://second.example/wallet")
    for wallet in (first, second):
        look_at(wallet, await wallet.copies(await token_of(wallet)))


async def test_oid4vci_1_0_issuer_batch_issuance(registry: Registry) -> None:
    """As many as are advertised: one each, of the same details, each for another key; nothing else ties them together."""
    wallet = await emulated(registry)
    size = wallet.metadata.issuer.batch_size
    assert size > 1
    response = await wallet.copies(await token_of(wallet), min(size, 20))
    assert len(response.credentials) == min(size, 20)
    indices = look_at(wallet, response)
    assert len({after - before for before, after in pairwise(indices)}) > 1
    form = formats()["dc+sd-jwt"]
    claims = [
        form.check_received(
            form.parse(wire), load_certificate(registry.office.signer.x5c[0]).public, holder=key.public, at=registry.clock()
        ).claims
        for wire, key in zip(response.credentials, wallet.keys, strict=True)
    ]
    assert all(each == claims[0] for each in claims)


async def test_oid4vci_1_0_issuer_fail_invalid_nonce(registry: Registry) -> None:
    wallet = await emulated(registry)
    token = await token_of(wallet)
    once = await wallet.nonce()
    assert (await wallet.ask(token, proofs={"jwt": wallet.proofs(once)})).status == 200
    for nonce in ("invalid", once, once[:-2] + "AA"):
        await wallet.ask(token, proofs={"jwt": wallet.proofs(nonce)})
        assert wallet.error == (400, "invalid_nonce")


async def test_oid4vci_1_0_issuer_fail_invalid_jwt_proof_signature(registry: Registry) -> None:
    wallet = await emulated(registry)
    token = await token_of(wallet)
    await wallet.ask(token, proofs={"jwt": [broken(each) for each in wallet.proofs(await wallet.nonce())]})
    assert wallet.error == (400, "invalid_proof")


async def test_oid4vci_1_0_issuer_fail_missing_proof(registry: Registry) -> None:
    wallet = await emulated(registry)
    await wallet.ask(await token_of(wallet), proofs=None)
    assert wallet.error == (400, "invalid_proof")


async def test_oid4vci_1_0_issuer_fail_invalid_key_attestation_signature(template: Template, tmp_path: Path) -> None:
    """At an issuer that demands attestations, in a key proof and instead of one."""
    async with serving(template, tmp_path / "demanding", key_attestations="demand") as registry:
        wallet = await emulated(registry)
        assert wallet.metadata.issuer.configurations[NAME].needs_attestation
        token, key, nonce = await token_of(wallet), Signer.new(), await wallet.nonce()
        attestation = wallet.by.signer.finish(
            prepare_key_attestation(
                key=KeyId("maker"), alg="ES256", x5c=wallet.by.x5c, keys=[key.public], at=registry.clock(), lifetime=600, nonce=nonce
            )
        )
        bad = broken(attestation)
        for proofs in ({"attestation": [bad]}, {"jwt": wallet.proofs(nonce, key_attestation=bad)}):
            await wallet.ask(token, proofs=proofs)
            assert wallet.error == (400, "invalid_proof")
        assert (await wallet.ask(token, proofs={"attestation": [attestation]})).status == 200


async def test_oid4vci_1_0_issuer_fail_unknown_credential_configuration(registry: Registry) -> None:
    wallet = await emulated(registry)
    await wallet.ask(await token_of(wallet), credential_configuration_id="unknown")
    assert wallet.error == (400, "unknown_credential_configuration")


async def test_oid4vci_1_0_issuer_fail_unknown_credential_identifier(registry: Registry) -> None:
    """With identifiers in the token response, and without any."""
    wallet = await emulated(registry)
    await wallet.ask(await token_of(wallet, by_details=True), credential_identifier="unknown")
    assert wallet.error == (400, "unknown_credential_identifier")
    await wallet.ask(await token_of(wallet), credential_configuration_id=None, credential_identifier="unknown")
    assert wallet.error == (400, "unknown_credential_identifier")


async def test_oid4vci_1_0_issuer_fail_on_access_token_in_query(registry: Registry) -> None:
    wallet = await emulated(registry)
    token = await token_of(wallet)

    def into_query(wanted: Fetch) -> Fetch:
        headers = {name: value for name, value in wanted.headers.items() if name != "authorization"}
        return replace(wanted, url=f"{wanted.url}?access_token={token.access_token}", headers=headers)

    doc = {"credential_configuration_id": NAME, "proofs": {"jwt": wallet.proofs(await wallet.nonce())}}
    wallet.bend = into_query
    await wallet.post(token, doc)
    assert wallet.error == (401, "invalid_token")


async def test_oid4vci_1_0_issuer_fail_unsupported_encryption_algorithm(registry: Registry) -> None:
    wallet = await emulated(registry)
    token = await token_of(wallet)
    published = wallet.metadata.issuer.request_encryption
    assert published is not None
    mine = jwe.public_half(jwe.generate_ephemeral())
    for part in ({"jwk": mine | {"alg": "unsupported"}, "enc": "A128GCM"}, {"jwk": mine, "enc": "unsupported"}):
        doc = {
            "credential_configuration_id": NAME,
            "proofs": {"jwt": wallet.proofs(await wallet.nonce())},
            "credential_response_encryption": part,
        }
        sealed = jwe.encrypt(json.dumps(doc).encode(), published.keys[0], enc="A256GCM")
        headers = {"authorization": token.authorization, "content-type": "application/jwt"}
        want = Fetch(url=wallet.metadata.issuer.credential_endpoint, method="POST", headers=headers, body=sealed.encode())
        got = await wallet.protected(want)
        assert got.headers["content-type"].startswith("application/json")
        assert wallet.error == (400, "invalid_encryption_parameters")


# --- client attestation: refused where the request is pushed ---------------------------------------------------------------------------


async def refused(wallet: Emulated) -> str:
    with pytest.raises(Refused):
        await wallet.push()
    status, error = wallet.error
    assert status in {400, 401}
    return error


async def test_oid4vci_1_0_issuer_fail_invalid_client_attestation_signature(registry: Registry) -> None:
    wallet = await emulated(registry, bend=bending(ATTESTATION, broken))
    assert await refused(wallet) == "invalid_client"


async def test_oid4vci_1_0_issuer_fail_invalid_client_attestation_pop_signature(registry: Registry) -> None:
    wallet = await emulated(registry, bend=bending(POP, broken))
    assert await refused(wallet) == "invalid_client"


async def test_oid4vci_1_0_issuer_fail_client_attestation_exp_in_past(registry: Registry) -> None:
    wallet = await emulated(registry)
    wallet.protected = wallet.protect(wallet.attestation(at=registry.clock() - 4_200, lifetime=3_600))
    assert await refused(wallet) in REFUSED


async def test_oid4vci_1_0_issuer_fail_mismatched_client_attestation_pop_key(registry: Registry) -> None:
    """Both signatures are good, but the proof is by another key than the attested one."""
    wallet = await emulated(registry)
    wallet.protected = wallet.protect(wallet.attestation(instance=Signer.new().public))
    assert await refused(wallet) == "invalid_client"


async def test_oid4vci_1_0_issuer_fail_client_attestation_no_sub(registry: Registry) -> None:
    wallet = await emulated(registry)
    at = registry.clock()
    claims = {"iss": "https://wallet-maker.example", "iat": at, "exp": at + 600, "cnf": {"jwk": jwk.render_jwk(wallet.instance.public)}}
    unsigned = jwt.prepare_jwt(claims, typ=ATTESTATION_TYP, key=KeyId("maker"), header={"x5c": x5c_header(wallet.by.x5c)})
    wallet.protected = wallet.protect(wallet.by.signer.finish(unsigned))
    assert await refused(wallet) in REFUSED


async def test_oid4vci_1_0_issuer_fail_client_attestation_pop_wrong_aud(registry: Registry) -> None:
    wallet = await emulated(registry)
    wallet.metadata = replace(wallet.metadata, server=replace(wallet.metadata.server, issuer=f"{URL}/"))
    wallet.protected = wallet.protect()
    assert await refused(wallet) in REFUSED
    assert wallet.client_id == WALLET
