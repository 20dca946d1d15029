"""The office's own log: what was made, handed out and changed, how many and why, on each database; of nobody whose it is or who asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.dying import dies, quiet
from support.registry import LPA_1, Holder, Registry, Template, collect, serving

from issuer.app import log_site_of, one_round
from issuer.entered import enter_keys
from issuer.init import keyring_of
from shared.clock import DAY
from shared.errors import HistoryRewritten
from shared.flow import arun
from shared.keys import Role
from shared.log_heads import Followed, SignedHead, follow_log, verify_log_head
from shared.openid4vci import CredentialResponse, Event, NotificationRequest, notify
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.web import log
from shared.web.log_command import verify
from shared.web.log_site import signed_heads


@pytest.fixture
async def registry(template: Template, tmp_path: Path, storage_uri: str) -> AsyncIterator[Registry]:
    async with serving(template, tmp_path / "registry", storage=storage_uri) as running:
        yield running


NAMES = {"True", "False", "register"}
"""Values that are also words of names, or of JSON."""


async def entries(registry: Registry) -> list[dict[str, Any]]:
    """All that was entered, oldest first, without those of keys."""
    lines = await registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
    found = [dict(line.entry.entry or {}) for line in reversed(lines)]
    return [each for each in found if not str(each.get("kind", "")).startswith("key-")]


async def of_keys(registry: Registry) -> list[dict[str, Any]]:
    """What was entered of keys, oldest first."""
    lines = await registry.office.storage.read(lambda tx: log.page(tx, before=1_000, limit=1_000))
    found = [dict(line.entry.entry or {}) for line in reversed(lines)]
    return [each for each in found if str(each.get("kind", "")).startswith("key-")]


ROTATED = ["key-certified", "key-created", "key-active"]


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [text for each in value for text in strings(each)] if isinstance(value, list) else [str(value)]


async def notify_lost(holder: Holder, copies: CredentialResponse) -> None:
    assert copies.notification_id is not None
    told = NotificationRequest(notification_id=copies.notification_id, event=Event.DELETED)
    await holder.registry.run(notify(holder.metadata, holder.token, told))


def without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in {"time", "prev", *names}}


async def test_what_the_office_did_is_entered_with_it(registry: Registry) -> None:
    made = await registry.make()
    holder = await collect(registry, made)
    copies = await holder.copies(3)
    await notify_lost(holder, copies)
    for action, reason in (("hold", "investigation"), ("reinstate", "investigation-closed"), ("cancel", "donor-died")):
        status, told = await registry.call("POST", f"/api/credentials/{made['id']}/{action}", {"reason": reason})
        assert status == 200, told
    found = await entries(registry)
    assert [each["kind"] for each in found] == ["made", "delivered", "lost", "held", "reinstated", "cancelled"]
    assert {"represented/family_name", "powers"} <= set(found[0]["claim_paths"])
    assert without(found[0], "claim_paths") == {"kind": "made", "staff_role": "program", "type": "representation"}
    assert without(found[1]) == {"kind": "delivered", "staff_role": "wallet", "type": "representation", "copies": 3}
    assert without(found[2]) == {"kind": "lost", "staff_role": "wallet", "copies": 3}
    assert without(found[3], "copies") == {
        "kind": "held", "staff_role": "program", "type": ["representation"], "reason_code": "investigation", "documents": 1,
    }  # fmt: skip
    assert (await log.check(registry.office.storage)).size >= 6


async def test_t_au_3_no_value_and_nobody_in_the_offices_log(registry: Registry) -> None:
    """Neither what a document says, nor its number, reference, invitation, or the name of a clerk."""
    made = await registry.make(reference="CASE-4711")
    await (await collect(registry, made)).copies(2)
    told = {"claims": LPA_1 | {"powers": ["banking"]}, "reason": "Margaret's name was wrong"}
    status, _ = await registry.call("POST", f"/api/credentials/{made['id']}/correction", told)
    assert status == 200
    await one_round(registry.app)
    text = json.dumps(await entries(registry))
    assert "corrected" in text
    values = [value for value in strings(LPA_1) if len(value) > 3 and value not in NAMES]
    assert "Ashdown" in values
    secret = made["id"], "CASE-4711", "4711", "Margaret", "command line", registry.api_key, *values
    assert [each for each in secret if each in text] == []


async def test_keys_are_entered_once_whoever_changed_them(registry: Registry) -> None:
    await one_round(registry.app)
    assert [each["kind"] for each in await of_keys(registry)] == ["key-certified"]
    await keyring_of(registry.office).rotate(now=True, actor="Iris")
    for _ in range(2):
        await one_round(registry.app)
    found = await of_keys(registry)
    assert [each["kind"] for each in found[1:]] == ROTATED
    assert "Iris" not in json.dumps(found)


async def test_a_head_signed_each_day_by_the_key_of_documents(registry: Registry) -> None:
    await registry.make()
    await one_round(registry.app)
    policy = Policy(
        TrustAnchors(anchors=(parse_anchor((registry.office.directory / "anchor.pem").read_bytes(), role=Role.CREDENTIAL_ISSUER),))
    )
    entity = registry.office.settings.public_url

    def check(token: str) -> SignedHead:
        return verify_log_head(token, policy=policy, role=Role.CREDENTIAL_ISSUER, entity=entity, at=registry.clock())

    async def follow() -> Followed:
        followed = await arun(follow_log(entity, oldest=0, check=check), registry.fetch)
        assert followed is not None
        return followed

    followed = await follow()
    followed.check([])
    kept = followed.newest
    assert kept.head.size >= 1

    async def start_over(tx: Tx) -> None:
        await tx.execute("DELETE FROM log_entry")
        await tx.execute("UPDATE log_head SET size = 0, digest = NULL")

    await registry.office.storage.write(start_over)
    await registry.make()
    registry.clock.at += DAY
    await log_site_of(registry.office).tend()
    with pytest.raises(HistoryRewritten):
        await verify(registry.office.storage, at=registry.office.clock())
    with pytest.raises(HistoryRewritten):
        (await follow()).check([kept])


async def test_many_at_once_are_entered_each_once(registry: Registry) -> None:
    """Documents, changes of keys and the head of the day, by as many as like at the same moment: one chain, nothing twice."""
    before, known = len(await entries(registry)), len(await of_keys(registry))
    await keyring_of(registry.office).rotate(now=True, actor="Iris")
    registry.clock.at += DAY  # which has no head yet
    await asyncio.gather(*(registry.make() for _ in range(5)), *(enter_keys(registry.office) for _ in range(3)))
    signed = await registry.office.storage.read(signed_heads)
    await asyncio.gather(*(log_site_of(registry.office).tend() for _ in range(3)))
    assert [each["kind"] for each in (await entries(registry))[before:]] == ["made"] * 5
    assert [each["kind"] for each in (await of_keys(registry))[known:]] == ROTATED
    heads = await registry.office.storage.read(signed_heads)
    assert heads == [*signed, await log.check(registry.office.storage, heads)]


async def test_a_repeated_order_is_entered_once(registry: Registry) -> None:
    made = [await registry.make(key="the same") for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    assert [each["kind"] for each in await entries(registry)] == ["made"]


@pytest.mark.parametrize("point", ["log-keys", "log-head"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_while_the_log_is_looked_after(template: Template, tmp_path: Path, point: str, moment: str) -> None:
    """The next process goes on: keys are entered once, the day has one head, and the chain holds."""
    async with quiet(template, tmp_path / "registry") as office:
        await dies("dying_log", f"{point}:{moment}", office.directory, office.clock())
        for _ in range(2):
            await enter_keys(office)
            await log_site_of(office).tend()
        heads = await office.storage.read(signed_heads)
        lines = await office.storage.read(lambda tx: log.page(tx, before=9, limit=9))
        assert [dict(line.entry.entry or {})["kind"] for line in lines] == ["key-certified"]
        assert heads == [await log.check(office.storage, heads)]
