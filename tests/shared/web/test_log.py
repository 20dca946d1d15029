"""A service's log on both databases: what is entered, what goes in time, and that nobody changes it unseen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from support.signing import AT
from support.trial_verify import Dice

from shared.clock import DAY
from shared.codec import base64url
from shared.errors import HistoryRewritten
from shared.receipts import LogEntry, LogHead, verify_log
from shared.storage import Storage, Tx, open_storage, read_migrations
from shared.web import log
from shared.web.log_command import export, show

CHANGES = {
    "altered": "UPDATE log_entry SET entry = replace(entry, 'accepted', 'rejected') WHERE n = 2",
    "removed": "DELETE FROM log_entry WHERE n = 2",
    "removed and closed up": "DELETE FROM log_entry WHERE n = 2; UPDATE log_entry SET n = 2 WHERE n = 3; UPDATE log_head SET size = 2",
    "reordered": "UPDATE log_entry SET n = 9 WHERE n = 2; UPDATE log_entry SET n = 2 WHERE n = 3; UPDATE log_entry SET n = 3 WHERE n = 9",
    "the last cut off": "DELETE FROM log_entry WHERE n = 3",
    "added": "INSERT INTO log_entry (n, at, commitment, keep_until) SELECT 4, at, commitment, keep_until FROM log_entry WHERE n = 3",
    "salt taken": "UPDATE log_entry SET salt = NULL WHERE n = 2",
    "head moved": "UPDATE log_head SET digest = (SELECT commitment FROM log_entry WHERE n = 1)",
}


@pytest.fixture
async def storage(storage_uri: str) -> AsyncIterator[Storage]:
    opened = open_storage(storage_uri)
    await opened.migrate([*read_migrations("shared.web", "web"), *log.migrations()])
    yield opened
    await opened.close()


async def enter(storage: Storage, *decisions: str, at: int = AT) -> list[LogHead]:
    async def unit(tx: Tx) -> list[LogHead]:
        return [await log.append(tx, {"decision": one}, at=at, keep_until=at + DAY, entropy=Dice(one)) for one in decisions]

    return await storage.write(unit)


async def change(storage: Storage, sql: str) -> None:
    async def unit(tx: Tx) -> None:
        for statement in sql.split("; "):
            await tx.execute(statement)

    await storage.write(unit)


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES)
async def test_t_au_1_changed_log_is_noticed(storage: Storage, sql: str) -> None:
    heads = await enter(storage, "accepted", "accepted, too", "rejected")
    assert await log.check(storage, heads) == heads[2]
    await change(storage, sql)
    with pytest.raises(HistoryRewritten):
        await log.check(storage)


async def test_rewritten_log_detected_by_receipt_head(storage: Storage) -> None:
    """Written anew from the start it holds in itself: whoever kept a head sees it all the same."""
    (_, kept) = await enter(storage, "accepted", "rejected")
    await change(storage, "DELETE FROM log_entry; UPDATE log_head SET size = 0, digest = NULL")
    await enter(storage, "accepted")
    await log.check(storage)
    with pytest.raises(HistoryRewritten):
        await log.check(storage, [kept])
    await enter(storage, "accepted, instead", "and more")
    await log.check(storage)
    with pytest.raises(HistoryRewritten):
        await log.check(storage, [kept])


async def test_a_log_longer_than_what_is_looked_at_at_once(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_CHUNK", 2)
    assert (await log.check(storage)).size == 0
    heads = await enter(storage, *map(str, range(5)))
    assert await log.check(storage, heads) == heads[4]
    assert await log.check(storage, heads[:4]) == heads[4]
    with pytest.raises(HistoryRewritten):
        await log.check(storage, [LogHead(size=4, digest=bytes(32))])
    assert await storage.read(lambda tx: log.commitments(tx, 2, 3)) == [
        line.entry.commitment for line in reversed(await storage.read(lambda tx: log.page(tx, before=4, limit=2)))
    ]


async def test_what_has_had_its_time_goes_with_its_salt(storage: Storage) -> None:
    heads = await enter(storage, "accepted", "rejected")
    await enter(storage, "later", at=AT + DAY)
    assert await storage.write(lambda tx: log.purge(tx, AT + DAY)) == 2
    newest, *older = await storage.read(lambda tx: log.page(tx, before=10, limit=10))
    assert newest.entry.entry is not None
    assert [(line.entry.entry, line.entry.salt) for line in older] == [(None, None)] * 2
    await log.check(storage, heads)


async def test_a_verifier_that_had_a_log_before_keeps_it(storage_uri: str) -> None:
    opened = open_storage(storage_uri)
    await opened.migrate([step for step in read_migrations("verifier", "verifier") if step.name == "verifier/0002_log"])
    (head,) = await enter(opened, "accepted")
    await opened.migrate(log.migrations())
    assert await log.check(opened, [head]) == head
    await opened.close()


async def test_entries_for_people_and_for_somebody_who_checks(storage: Storage) -> None:
    assert await show(storage, count=5) == ["Nothing was entered yet."]
    heads = await enter(storage, "accepted", "rejected")
    await storage.write(lambda tx: log.purge(tx, AT + DAY))
    heads += await enter(storage, "later", at=AT + DAY)
    assert await show(storage, count=2) == [
        "3  2027-01-16 08:00  decision=later",
        "2  2027-01-15 08:00  (its time is over; the seal stays)",
    ]
    told = json.loads(await export(storage))
    entries = [
        LogEntry(
            commitment=base64url.decode(each["commitment"]),
            salt=None if each["salt"] is None else base64url.decode(each["salt"]),
            entry=each["entry"],
        )
        for each in told["entries"]
    ]
    assert verify_log(entries, heads=heads) == LogHead(size=told["size"], digest=base64url.decode(told["digest"])) == heads[2]
