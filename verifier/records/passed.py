"""Letters for somebody else's inbox that were handed in here: nobody here can read them, and they go as soon as they have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codec import strict_json
from shared.receipts import LogHead
from shared.storage import Row, Tx

_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """``done_at`` is when it arrived, or was given up and ``fault`` says why; ``dealt_with_at`` is when somebody then saw to it."""

    id: str
    digest: bytes = field(repr=False)
    letter: str = field(repr=False)
    basis: Mapping[str, Any] = field(repr=False)
    head: LogHead
    entity: str
    url: str
    taken_at: int
    tries: int = 0
    next_at: int
    done_at: int | None = None
    fault: str = ""
    forget_at: int
    dealt_with_at: int | None = None

    @property
    def lost(self) -> bool:
        """Whether it never will arrive."""
        return self.done_at is not None and self.fault != ""


async def add(tx: Tx, one: Passed) -> bool:
    """False if the same letter was handed in before."""
    made = await tx.execute(
        "INSERT INTO passed_letter (id, digest, letter, basis, log_size, log_digest, entity, url, taken_at, tries, next_at, done_at, fault, forget_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, NULL, '', $11) ON CONFLICT (digest) DO NOTHING",
        one.id,
        one.digest,
        one.letter,
        strict_json.dumps(one.basis).decode(),
        one.head.size,
        one.head.digest,
        one.entity,
        one.url,
        one.taken_at,
        one.next_at,
        one.forget_at,
    )
    return made == 1


async def find(tx: Tx, identifier: str) -> Passed | None:
    row = await tx.fetchrow("SELECT * FROM passed_letter WHERE id = $1", identifier)
    return None if row is None else _passed(row)


async def same(tx: Tx, digest: bytes) -> Passed | None:
    """The same letter, handed in before."""
    row = await tx.fetchrow("SELECT * FROM passed_letter WHERE digest = $1", digest)
    return None if row is None else _passed(row)


async def drop(tx: Tx, identifier: str) -> None:
    await tx.execute("DELETE FROM passed_letter WHERE id = $1", identifier)


async def recent(tx: Tx, limit: int, offset: int = 0) -> list[Passed]:
    """First those that never will arrive and that nobody has dealt with; each newest first."""
    sql = (
        "SELECT * FROM passed_letter ORDER BY CASE WHEN done_at IS NOT NULL AND fault <> '' AND dealt_with_at IS NULL THEN 0 ELSE 1 END, "
        "taken_at DESC, id LIMIT $1 OFFSET $2"
    )
    return [_passed(row) for row in await tx.fetch(sql, limit, offset)]


async def count(tx: Tx) -> int:
    """How many ``recent`` has in all."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM passed_letter")
    return 0 if row is None else int(row["n"])


async def count_open(tx: Tx, at: int) -> tuple[int, int]:
    """How many have not arrived, and how many of these never will and nobody has dealt with: whoever brought one is to be told."""
    row = await tx.fetchrow(
        "SELECT count(*) AS n, count(done_at) AS lost FROM passed_letter "
        "WHERE (done_at IS NULL OR fault <> '') AND dealt_with_at IS NULL AND forget_at > $1",
        at,
    )
    return (0, 0) if row is None else (int(row["n"]), int(row["lost"]))


async def is_due(tx: Tx, at: int) -> bool:
    return await tx.fetchrow("SELECT id FROM passed_letter WHERE done_at IS NULL AND next_at <= $1 LIMIT 1", at) is not None


async def take_due(tx: Tx, at: int, lease: int) -> list[Passed]:
    """Some of those whose time has come, for this process alone during ``lease`` seconds; the try is counted."""
    rows = await tx.fetch(
        "UPDATE passed_letter SET tries = tries + 1, next_at = $2 WHERE id IN (SELECT id FROM passed_letter WHERE done_at IS NULL "
        "AND next_at <= $1 ORDER BY next_at LIMIT $3) AND done_at IS NULL AND next_at <= $1 RETURNING *",
        at,
        at + lease,
        _BATCH,
    )
    return [_passed(row) for row in rows]


async def done(tx: Tx, identifier: str, at: int, fault: str = "") -> None:
    """It has arrived, or with ``fault`` it never will; either way the letter goes."""
    await tx.execute("UPDATE passed_letter SET done_at = $2, fault = $3, letter = '' WHERE id = $1", identifier, at, fault)


async def deal_with(tx: Tx, identifier: str, at: int) -> bool:
    """False unless it never will arrive, and nobody has dealt with it yet."""
    sql = "UPDATE passed_letter SET dealt_with_at = $2 WHERE id = $1 AND done_at IS NOT NULL AND fault <> '' AND dealt_with_at IS NULL"
    return await tx.execute(sql, identifier, at) == 1


async def failed(tx: Tx, identifier: str, fault: str, next_at: int) -> None:
    await tx.execute("UPDATE passed_letter SET fault = $2, next_at = $3 WHERE id = $1", identifier, fault, next_at)


async def purge(tx: Tx, at: int) -> int:
    return await tx.execute("DELETE FROM passed_letter WHERE forget_at <= $1", at)


def _passed(row: Row) -> Passed:
    return Passed(
        id=row["id"],
        digest=bytes(row["digest"]),
        letter=row["letter"],
        basis=strict_json.load_object(str(row["basis"])),
        head=LogHead(size=int(row["log_size"]), digest=bytes(row["log_digest"])),
        entity=row["entity"],
        url=row["url"],
        taken_at=int(row["taken_at"]),
        tries=int(row["tries"]),
        next_at=int(row["next_at"]),
        done_at=None if row["done_at"] is None else int(row["done_at"]),
        fault=row["fault"],
        forget_at=int(row["forget_at"]),
        dealt_with_at=None if row["dealt_with_at"] is None else int(row["dealt_with_at"]),
    )
