"""Status lists once more, as the W3C has them, and what documents say of them; judged by openvc-core too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openvc.status.status_list import check_credential_status
from support.registry import NOON, URL, Registry, collect

from issuer.app import LISTS
from shared.formats import formats
from shared.jose.jws import parse_jws
from shared.status.bitstring import VerifiedBitstring, parse_bitstring, verify_bitstring
from shared.status.token_status_list import INVALID, SUSPENDED, VALID, parse_token
from shared.vcdm import check_credential
from shared.x509 import load_certificate

MEANS = {"revocation": INVALID, "suspension": SUSPENDED}


async def told(registry: Registry, purpose: str) -> VerifiedBitstring:
    answer = await registry.get(f"/status/1/{purpose}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/vc+jwt"), await answer.text()
    assert answer.headers["Cache-Control"].startswith("public, max-age=")
    key = load_certificate(registry.office.signer.x5c[0]).public
    parsed = parse_bitstring(await answer.read())
    assert parsed.x5c == registry.office.signer.x5c
    return verify_bitstring(parsed, uri=f"{URL}/status/1/{purpose}", issuer=URL, key=key, at=registry.clock())


async def change(registry: Registry, number: str, action: str, reason: str) -> None:
    status, _ = await registry.call("POST", f"/api/credentials/{number}/{action}", {"reason": reason})
    assert status == 200


async def copies(registry: Registry, name: str) -> tuple[str, list[dict[str, Any]]]:
    made = await registry.make()
    wires = (await (await collect(registry, made)).copies(2, f"representation-{name.replace('+', '-')}")).credentials
    return made["id"], [dict(formats()[name].parse(wire).payload) for wire in wires]


@pytest.mark.parametrize("name", ["vc+jwt", "vc+sd-jwt"])
async def test_documents_say_where_their_status_stands(registry: Registry, name: str) -> None:
    number, documents = await copies(registry, name)
    for document in documents:
        check_credential(document)
        assert document["credentialStatus"] == [
            {
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose,
                "statusListIndex": str(document["status"]["status_list"]["idx"]),
                "statusListCredential": f"{URL}/status/1/{purpose}",
            }
            for purpose in MEANS
        ]
    places = [int(document["credentialStatus"][0]["statusListIndex"]) for document in documents]

    async def says() -> list[list[int]]:
        lists = {purpose: await told(registry, purpose) for purpose in MEANS}
        return [[listed.value_at(place, purpose) for place in places] for purpose, listed in lists.items()]

    assert await says() == [[VALID] * 2] * 2
    registry.clock.at += 60
    await change(registry, number, "hold", "investigation")
    assert await says() == [[VALID] * 2, [SUSPENDED] * 2]
    registry.clock.at += 60
    await change(registry, number, "cancel", "donor-died")
    assert await says() == [[INVALID] * 2, [VALID] * 2]


async def test_both_kinds_say_the_same_under_one_date(registry: Registry) -> None:
    number, _ = await copies(registry, "vc+jwt")
    await change(registry, number, "cancel", "donor-died")
    token = parse_token((await registry.app[LISTS].get(1)).body)
    listed = await told(registry, "revocation")
    assert (listed.iat, listed.exp, listed.ttl) == (token.iat, token.exp, token.ttl)
    document = json.loads(parse_jws(listed.wire).payload)
    check_credential(document)
    assert document["credentialSubject"]["ttl"] == token.ttl * 1_000
    first = await registry.get("/status/1/revocation")
    assert (await registry.get("/status/1/revocation", **{"If-None-Match": first.headers["ETag"]})).status == 304
    assert listed.iat >= NOON


async def test_there_is_no_list_of_another_number_or_purpose(registry: Registry) -> None:
    for path in ("/status/2/revocation", "/status/1/message", "/status/1/refresh", "/status/x/revocation"):
        assert (await registry.get(path)).status == 404


@pytest.mark.real
async def test_openvc_reads_them(registry: Registry) -> None:
    number, (document, _) = await copies(registry, "vc+jwt")

    async def judged() -> tuple[bool, bool]:
        lists = {f"{URL}/status/1/{purpose}": json.loads(parse_jws((await told(registry, purpose)).wire).payload) for purpose in MEANS}
        found = check_credential_status(document, resolve_status_list=lists.__getitem__)
        return found.revoked, found.suspended

    assert await judged() == (False, False)
    registry.clock.at += 60
    await change(registry, number, "hold", "investigation")
    assert await judged() == (False, True)
    registry.clock.at += 60
    await change(registry, number, "cancel", "donor-died")
    assert await judged() == (True, False)
