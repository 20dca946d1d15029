"""Copies that a wallet has lost: those of its delivery are on hold for good, on each database, and nobody can tell whose they were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.registry import NOON, Holder, Registry, Template, collect, serving

from issuer.app import one_round
from shared.clock import DAY
from shared.errors import VcError
from shared.formats import formats
from shared.openid4vci import CredentialResponse, Event, NotificationRequest, notify
from shared.status.token_status_list import StatusList, parse_token, verify_token
from shared.x509 import load_certificate


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


async def listed(registry: Registry) -> StatusList:
    token = parse_token(await (await registry.get("/status/1")).text())
    issuer = load_certificate(registry.office.signer.x5c[0]).public
    return verify_token(token, uri=token.uri, key=issuer, at=registry.clock()).statuses


async def standing(registry: Registry, response: CredentialResponse) -> list[int]:
    """The statuses of the copies of one delivery, each once."""
    now = await listed(registry)
    return sorted({now.get(index) for index in places(response)})


async def tell(holder: Holder, response: CredentialResponse, event: Event = Event.DELETED) -> None:
    assert response.notification_id is not None
    request = NotificationRequest(notification_id=response.notification_id, event=event)
    await holder.registry.run(notify(holder.metadata, holder.token, request))


async def change(registry: Registry, number: str, action: str, reason: str) -> None:
    status, _ = await registry.call("POST", f"/api/credentials/{number}/{action}", {"reason": reason})
    assert status == 200


async def test_lost_copies_are_suspended_and_no_others(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    kept, lost = await holder.copies(5), await holder.copies(7)
    other = await (await collect(registry, await registry.make())).copies(5)
    await tell(holder, lost)
    assert [await standing(registry, each) for each in (kept, lost, other)] == [[0], [2], [0]]
    now = await listed(registry)
    decoys = sum(now.get(index) == 2 for index in range(now.size)) - 7
    assert decoys >= 64  # S23
    _, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert (detail["state"], detail["copies"]) == ("collected", 5)
    assert [(line["what"], line["role"], line["copies"]) for line in detail["history"]][-1] == ("wallet-deleted", "wallet", 7)
    assert len((await holder.copies(20)).credentials) == 20  # and new ones are given


async def test_telling_twice_or_of_nothing_changes_nothing(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    lost = await holder.copies(2)
    for event in (Event.ACCEPTED, Event.DELETED, Event.DELETED):
        await tell(holder, lost, event)
    _, detail = await registry.call("GET", f"/api/credentials/{made['id']}")
    assert [line["what"] for line in detail["history"]] == ["made", "collected", "wallet-accepted", "wallet-deleted"]
    stranger = await collect(registry, await registry.make())
    with pytest.raises(VcError) as refused:
        await tell(stranger, lost)  # by the token of another document
    assert refused.value.error == "invalid_notification_id"


async def test_ending_a_hold_does_not_bring_lost_copies_back(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    kept, before, meanwhile = [await holder.copies(3) for _ in range(3)]
    await tell(holder, before)
    await change(registry, made["id"], "hold", "investigation")
    await tell(holder, meanwhile)
    assert await standing(registry, meanwhile) == [2]
    await change(registry, made["id"], "reinstate", "investigation-closed")
    assert [await standing(registry, each) for each in (kept, before, meanwhile)] == [[0], [2], [2]]
    await change(registry, made["id"], "cancel", "donor-died")
    assert [await standing(registry, each) for each in (kept, before, meanwhile)] == [[1], [1], [1]]


async def test_lost_copies_stay_on_hold_among_decoys_and_are_cancelled_among_them(registry: Registry) -> None:
    """S23: those that alone stay on hold when a hold ends, or alone go from hold to cancelled, would be one person's for certain."""
    made = await registry.make()
    holder = await collect(registry, made)
    kept, before, meanwhile = [await holder.copies(3) for _ in range(3)]
    mine = {index for each in (kept, before, meanwhile) for index in places(each)}
    await tell(holder, before)
    lost = await on_hold(registry) - mine
    await change(registry, made["id"], "hold", "investigation")
    held = await on_hold(registry) - mine - lost
    await tell(holder, meanwhile)
    also = await on_hold(registry) - mine - lost - held
    assert min(map(len, (lost, held, also))) >= 64
    await change(registry, made["id"], "reinstate", "investigation-closed")
    still = await on_hold(registry)
    assert still & mine == {*places(before), *places(meanwhile)}
    assert lost | also <= still
    assert len(held - still) >= 64
    await change(registry, made["id"], "cancel", "donor-died")
    now = await listed(registry)
    assert {now.get(index) for index in mine} == {1}
    assert sum(now.get(index) == 1 for index in lost | also) >= 64


def places(response: CredentialResponse) -> list[int]:
    found = [formats()["dc+sd-jwt"].parse(wire).status for wire in response.credentials]
    return [reference.idx for reference in found if reference is not None]


async def on_hold(registry: Registry) -> set[int]:
    now = await listed(registry)
    return {index for index in range(now.size) if now.get(index) == 2}


async def test_copies_of_a_cancelled_document_stay_cancelled(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    lost = await holder.copies(2)
    await change(registry, made["id"], "cancel", "donor-died")
    with pytest.raises(VcError) as refused:
        await tell(holder, lost)
    assert refused.value.error == "invalid_token"
    assert await standing(registry, lost) == [1]


async def test_a_copy_that_has_run_out_belongs_to_no_delivery(registry: Registry) -> None:
    holder = await collect(registry, await registry.make())
    await holder.copies(3)
    registry.clock.at = NOON + 31 * DAY
    await one_round(registry.app)
    rows = await registry.office.storage.read(lambda tx: tx.fetch("SELECT document, delivery FROM status_entry"))
    assert [(row["document"], row["delivery"]) for row in rows] == [(None, None)] * 3
