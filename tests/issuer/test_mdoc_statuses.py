"""The status list of mdocs: one bit, a CWT whose certificates are signed, and no way back from a hold (ISO/IEC 18013-5 section 12.3.6)."""

from __future__ import annotations

from support.registry import NOON, URL, Registry, collect

from shared.cose import parse_sign1
from shared.cose.sign1 import X5CHAIN
from shared.formats import formats
from shared.status.token_status_list import CWT_MEDIA_TYPE, MEDIA_TYPE, StatusList, parse_token, verify_token
from shared.x509 import load_certificate

MDOC = formats()["mso_mdoc"]


async def listed(registry: Registry, number: int = 2) -> StatusList:
    answer = await registry.get(f"/status/{number}", Accept=f"{MEDIA_TYPE}, {CWT_MEDIA_TYPE};q=0.5")
    assert (answer.status, answer.content_type) == (200, CWT_MEDIA_TYPE)
    token = parse_token(await answer.read())
    assert (token.x5c, token.bits) == (registry.office.signer.x5c, 1)
    key = load_certificate(token.x5c[0]).public
    return verify_token(token, uri=f"{URL}/status/{number}", key=key, at=registry.clock()).statuses


def places(wires: tuple[str, ...]) -> list[int]:
    found = [MDOC.parse(wire).status for wire in wires]
    assert {each.uri for each in found if each is not None} == {f"{URL}/status/2"}
    return [each.idx for each in found if each is not None]


async def values(registry: Registry, indices: list[int]) -> set[int]:
    statuses = await listed(registry)
    return {statuses.get(index) for index in indices}


async def act(registry: Registry, made: dict[str, str], what: str, reason: str) -> None:
    status, _ = await registry.call("POST", f"/api/credentials/{made['id']}/{what}", {"reason": reason})
    assert status == 200


async def test_a_hold_ends_and_its_copies_do_not_come_back(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    old = places((await holder.copies(3, "representation-mdoc")).credentials)
    assert await values(registry, old) == {0}
    registry.clock.at = NOON + 60
    await act(registry, made, "hold", "court-order")
    assert await values(registry, old) == {1}
    statuses = await listed(registry)
    assert sum(map(statuses.get, range(statuses.size))) >= 3 + 64  # among decoys (S23)
    registry.clock.at = NOON + 120
    await act(registry, made, "reinstate", "court-order")
    assert await values(registry, old) == {1}
    new = places((await holder.copies(3, "representation-mdoc")).credentials)
    assert not set(old) & set(new)
    assert await values(registry, new) == {0}
    registry.clock.at = NOON + 180
    await act(registry, made, "cancel", "donor-died")
    assert await values(registry, old + new) == {1}


async def test_it_is_a_cwt_with_signed_certificates_and_nothing_else(registry: Registry) -> None:
    answer = await registry.get("/status/2")
    sign1 = parse_sign1(await answer.read())
    assert sign1.protected[X5CHAIN] == registry.office.signer.x5c[0]
    assert sign1.unprotected == {}
    assert (await registry.get("/status/2", Accept=MEDIA_TYPE)).status == 406
    assert (await registry.get("/status/2", Accept=CWT_MEDIA_TYPE)).status == 200
    assert (await registry.get("/status/2/revocation")).status == 404
    assert (await registry.get("/status/2/suspension")).status == 404
