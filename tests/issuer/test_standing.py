from __future__ import annotations

from typing import Any

import pytest
from support.registry import NOON, URL, Holder, Registry, collect

from issuer.app import one_round
from shared.clock import DAY
from shared.errors import VcError
from shared.formats import formats
from shared.openid4vci import refresh
from shared.status.token_status_list import StatusList, parse_token, verify_token
from shared.x509 import load_certificate


async def listed(registry: Registry, number: int = 1) -> StatusList:
    """The published list, verified."""
    answer = await registry.get(f"/status/{number}", Accept="application/statuslist+jwt")
    assert answer.status == 200
    token = parse_token(await answer.text())
    issuer = load_certificate(registry.office.signer.x5c[0]).public
    return verify_token(token, uri=f"{URL}/status/{number}", key=issuer, at=registry.clock()).statuses


def indices(credentials: tuple[str, ...]) -> list[int]:
    found = [formats()["dc+sd-jwt"].parse(wire).status for wire in credentials]
    return [reference.idx for reference in found if reference is not None]


def status_uri(wire: str) -> str:
    reference = formats()["dc+sd-jwt"].parse(wire).status
    assert reference is not None
    return reference.uri


def values(statuses: StatusList) -> dict[int, int]:
    return {index: value for index in range(statuses.size) if (value := statuses.get(index))}


async def collected(registry: Registry, count: int = 20) -> tuple[dict[str, Any], Holder, list[int]]:
    made = await registry.make(reference="case 1")
    holder = await collect(registry, made)
    return made, holder, indices((await holder.copies(count)).credentials)


async def test_cancelled_at_once_and_for_good(registry: Registry) -> None:
    made, holder, mine = await collected(registry)
    assert values(await listed(registry)) == {}
    status, detail = await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
    assert (status, detail["state"]) == (200, "cancelled")
    assert detail["history"][-1]["what"] == "cancelled"
    assert detail["history"][-1]["reason"] == "donor-died"
    after = await listed(registry)
    assert [after.get(index) for index in mine] == [1] * 20
    for action in ("hold", "reinstate", "cancel"):
        reason = {"hold": "investigation", "reinstate": "investigation-closed", "cancel": "donor-died"}[action]
        status, problem = await registry.call("POST", f"/api/credentials/{made['id']}/{action}", {"reason": reason})
        assert (status, problem["code"]) == (409, "conflict")
    with pytest.raises(VcError) as refused:
        await holder.copies(1)
    assert refused.value.error == "invalid_token"  # a cancelled document ends every token


async def test_hold_and_reinstate(registry: Registry) -> None:
    made, holder, mine = await collected(registry)
    await registry.call("POST", f"/api/credentials/{made['id']}/hold", {"reason": "investigation"})
    held = await listed(registry)
    assert [held.get(index) for index in mine] == [2] * 20
    with pytest.raises(VcError) as refused:
        await holder.copies(1)
    assert refused.value.error == "credential_request_denied"
    status, detail = await registry.call("POST", f"/api/credentials/{made['id']}/reinstate", {"reason": "investigation-closed"})
    assert (status, detail["state"]) == (200, "collected")
    again = await listed(registry)
    assert [again.get(index) for index in mine] == [0] * 20
    await holder.copies(1)


async def test_batch_revocation_padded(registry: Registry) -> None:
    """Security rule S23: what changes together is not one holder's copies for certain."""
    made, _, mine = await collected(registry)
    await registry.call("POST", f"/api/credentials/{made['id']}/hold", {"reason": "investigation"})
    held = values(await listed(registry))
    decoys = set(held) - set(mine)
    assert len(decoys) >= 64
    assert {held[index] for index in decoys} == {2}
    await registry.call("POST", f"/api/credentials/{made['id']}/reinstate", {"reason": "investigation-closed"})
    back = values(await listed(registry))
    assert len(decoys - set(back)) >= 64
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
    cancelled = values(await listed(registry))
    fresh = {index for index, value in cancelled.items() if value == 1} - set(mine)
    assert len(fresh) >= 64
    taken = await registry.office.storage.read(lambda tx: tx.fetch("SELECT idx FROM status_entry WHERE document IS NULL"))
    assert fresh <= {row["idx"] for row in taken}  # a decoy's index is never given to anybody


async def test_cancelling_from_hold_is_padded_by_what_was_held(registry: Registry) -> None:
    made, _, mine = await collected(registry)
    await registry.call("POST", f"/api/credentials/{made['id']}/hold", {"reason": "investigation"})
    held = {index for index, value in values(await listed(registry)).items() if value == 2}
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "court-order"})
    cancelled = {index for index, value in values(await listed(registry)).items() if value == 1}
    assert len((held & cancelled) - set(mine)) >= 64


async def test_only_unexpired_copies_flip(registry: Registry) -> None:
    made, holder, old = await collected(registry)
    registry.clock.at = NOON + 31 * DAY
    assert holder.token.refresh_token is not None
    holder.token = await registry.run(refresh(holder.metadata, holder.token.refresh_token))
    new = indices((await holder.copies(5)).credentials)
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
    after = await listed(registry)
    assert [after.get(index) for index in new] == [1] * 5
    assert sum(after.get(index) for index in old) == 0


async def test_reason_is_one_of_the_types(registry: Registry) -> None:
    made, _, _ = await collected(registry, 1)
    status, problem = await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "investigation"})
    assert (status, problem["code"], problem["pointer"]) == (400, "malformed", "/reason")


async def test_many_with_preview_and_brake(registry: Registry) -> None:
    for number in range(6):
        await registry.make(reference=f"case {number}")
    await registry.make(reference="case 0")
    asked = {"references": [f"CASE {number}" for number in range(7)], "action": "cancel", "reason": "made-in-error"}
    status, seen = await registry.call("POST", "/api/status-changes", asked)
    assert (status, seen["documents"], seen["unknown"], seen["done"]) == (200, 7, [6], False)
    assert seen["summary"] == "this would cancel 7 documents"
    for wrong in ({"preview": False}, {"preview": False, "confirm_count": 6}):
        status, problem = await registry.call("POST", "/api/status-changes", asked | wrong)
        assert (status, problem["pointer"]) == (409, "/confirm_count")
    _, page = await registry.call("GET", "/api/credentials")
    assert {item["state"] for item in page["items"]} == {"invited"}
    status, done = await registry.call("POST", "/api/status-changes", asked | {"preview": False, "confirm_count": 7})
    assert (status, done["documents"], done["summary"]) == (200, 7, "this has cancelled 7 documents")
    _, page = await registry.call("GET", "/api/credentials")
    assert {item["state"] for item in page["items"]} == {"cancelled"}
    _, seen = await registry.call("POST", "/api/status-changes", asked)
    assert (seen["documents"], seen["unchanged"]) == (0, 7)


async def test_iat_always_rises_and_the_same_bytes_are_served(registry: Registry) -> None:
    """Security rule S19: two tokens of one list never share an ``iat``."""
    seen: dict[int, str] = {}
    text = ""
    for _ in range(4):
        made = await registry.make()
        await (await collect(registry, made)).copies(1)
        await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
        text = await (await registry.get("/status/1")).text()
        iat = parse_token(text).iat
        assert seen.setdefault(iat, text) == text
        assert iat <= registry.clock() + 30
    assert len(seen) > 1
    assert await (await registry.get("/status/1")).text() == text


async def test_status_list_over_http(registry: Registry) -> None:
    first = await registry.get("/status/1")
    assert first.headers["Content-Type"] == "application/statuslist+jwt"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["Content-Encoding"] == "gzip"
    assert "max-age" in first.headers["Cache-Control"]
    again = await registry.get("/status/1", **{"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
    plain = await registry.get("/status/1", **{"Accept-Encoding": "identity"})
    assert plain.headers["ETag"] != first.headers["ETag"]
    assert (await registry.get("/status/1", Accept="text/html")).status == 406
    assert (await registry.get("/status/9")).status == 404
    assert await (await registry.get("/status")).json() == {"status_lists": [f"{URL}/status/1", f"{URL}/status/2"]}
    token = parse_token(await first.text())
    assert (token.iat, token.ttl, token.exp) == (NOON, 3600, NOON + 7 * DAY)
    assert token.bits == 2
    registry.clock.at = NOON + 3600
    assert parse_token(await (await registry.get("/status/1")).text()).iat == NOON + 3600


async def test_a_new_list_is_begun_when_half_of_the_last_is_given_away(registry: Registry) -> None:
    half = 2**16 + 1

    async def fill(tx: Any) -> None:
        for start in range(0, half, 500):
            rows = ", ".join(f"(1, {index}, 0, 1)" for index in range(start, min(half, start + 500)))
            sql = f"INSERT INTO status_entry (list, idx, value, expires_at) VALUES {rows} ON CONFLICT (list, idx) DO NOTHING"  # noqa: S608 - numbers from this file
            await tx.execute(sql)

    made = await registry.make()
    holder = await collect(registry, made)
    assert status_uri((await holder.copies(20)).credentials[0]) == f"{URL}/status/1"
    await registry.office.storage.write(fill)
    await one_round(registry.app)
    assert status_uri((await holder.copies(1)).credentials[0]) == f"{URL}/status/3"


async def test_a_clock_set_back_is_waited_for(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    """``iat`` never falls and never runs far ahead: the change is told as soon as the clock is right again."""
    made, _, mine = await collected(registry, 2)
    await listed(registry)
    registry.clock.at = NOON - 3600
    await registry.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "donor-died"})
    old = parse_token(await (await registry.get("/status/1")).text())
    assert old.iat == NOON
    assert "waits for the clock" in caplog.text
    registry.clock.at = NOON + 1
    assert [(await listed(registry)).get(index) for index in mine] == [1, 1]
