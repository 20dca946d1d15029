from __future__ import annotations

from support.registry import LPA_1, NOON, URL, Registry, collect

from shared.clock import DAY, floor_day
from shared.formats import formats
from shared.x509 import load_certificate


async def test_issuance_end_to_end(registry: Registry) -> None:
    made = await registry.make(reference="case 1")
    assert made["state"] == "invited"
    assert len(made["code"]) == 8
    holder = await collect(registry, made)
    response = await holder.copies(20)
    assert len(response.credentials) == 20
    sd_jwt = formats()["dc+sd-jwt"]
    issuer = load_certificate(registry.office.x5c[0]).public
    seen: set[int] = set()
    for wire, key in zip(response.credentials, holder.keys, strict=True):
        claims = sd_jwt.check_received(sd_jwt.parse(wire), issuer, holder=key.public, at=NOON)
        assert claims.claims == LPA_1
        assert claims.issuer == URL
        assert claims.issued_at == floor_day(NOON)
        assert claims.expires_at == floor_day(NOON) + 30 * DAY
        assert claims.status is not None
        seen.add(claims.status.idx)
    assert len(seen) == 20
    status, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert (status, detail["state"], detail["copies"]) == (200, "collected", 20)
    assert [line["what"] for line in detail["history"]] == ["made", "collected"]
