"""A service's log: a chain of salted commitments over entries that hold names of details, never their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..clock import Entropy
from ..codec import base64url, strict_json
from ..errors import HistoryRewritten
from ..receipts import EMPTY_HEAD, LogEntry, LogHead, commit, extend, verify_log
from ..storage import Migration, Row, Storage, Tx, read_migrations

_CHUNK = 1_000  # entries that are looked at in one unit of work
DECISIONS = "decisions"
"""The one log that a service keeps, by the name in its row of ``log_head``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry with its number; ``entry.entry`` is ``None`` when its time is over."""

    number: int
    at: int
    entry: LogEntry


def migrations() -> Sequence[Migration]:
    """The tables of the log, after the service's own."""
    return read_migrations("shared.web", "log", folder="log_migrations")


async def append(tx: Tx, record: Mapping[str, Any], *, at: int, keep_until: int, entropy: Entropy, name: str = DECISIONS) -> LogHead:
    """Add one entry, tied to all before it; the head with it. Two writers meet at the one row of the head."""
    row = await tx.fetchrow("UPDATE log_head SET size = size + 1 WHERE name = $1 RETURNING size, digest", name)
    if row is None:
        raise HistoryRewritten("the head of the log is gone")
    before = LogHead(size=int(row["size"]) - 1, digest=bytes(row["digest"] or EMPTY_HEAD))
    entry = commit({**record, "prev": base64url.encode(before.digest)}, entropy=entropy)
    head = extend(before, entry)
    await tx.execute(
        "INSERT INTO log_entry (n, at, commitment, salt, entry, keep_until) VALUES ($1, $2, $3, $4, $5, $6)",
        head.size,
        at,
        entry.commitment,
        entry.salt,
        strict_json.dumps(entry.entry).decode(),
        keep_until,
    )
    await tx.execute("UPDATE log_head SET digest = $1 WHERE name = $2", head.digest, name)
    return head


async def head(tx: Tx, *, name: str = DECISIONS) -> LogHead:
    """The present state of the log."""
    row = await tx.fetchrow("SELECT size, digest FROM log_head WHERE name = $1", name)
    return LogHead(size=0, digest=EMPTY_HEAD) if row is None else LogHead(size=int(row["size"]), digest=bytes(row["digest"] or EMPTY_HEAD))


async def page(tx: Tx, *, before: int, limit: int) -> list[Line]:
    """Newest first, those with a number below ``before``."""
    return [_line(row) for row in await tx.fetch("SELECT * FROM log_entry WHERE n < $1 ORDER BY n DESC LIMIT $2", before, limit)]


async def commitments(tx: Tx, first: int, last: int) -> list[bytes]:
    """Of the entries with these numbers and between them, as far as there are any."""
    rows = await tx.fetch("SELECT commitment FROM log_entry WHERE n >= $1 AND n <= $2 ORDER BY n", first, last)
    return [bytes(row["commitment"]) for row in rows]


async def check(storage: Storage, heads: Collection[LogHead] = ()) -> LogHead:
    """The present head, if no entry was changed, taken out or moved, and the log once had all ``heads``; ``HistoryRewritten`` otherwise."""
    told, entered = await storage.read(_end)
    if (beyond := max((each.size for each in heads), default=0)) > told.size:
        raise HistoryRewritten("the log has lost entries that an earlier head speaks of", where=f"/{beyond}")
    now = LogHead(size=0, digest=EMPTY_HEAD)
    while True:
        entries = [line.entry for line in await storage.read(partial(_between, now.size, min(now.size + _CHUNK, told.size)))]
        reached = [each for each in heads if now.size <= each.size <= now.size + len(entries)]
        now = verify_log(entries, heads=reached, start=now)
        if len(entries) < _CHUNK or now.size == told.size:
            break
    if now != told or entered > told.size:
        raise HistoryRewritten("the log is not the one that its head speaks of", where=f"/{now.size}")
    return now


async def _end(tx: Tx) -> tuple[LogHead, int]:
    row = await tx.fetchrow("SELECT max(n) AS n FROM log_entry")
    return await head(tx), int(row["n"] or 0) if row is not None else 0


async def _between(after: int, last: int, tx: Tx) -> list[Line]:
    return [_line(row) for row in await tx.fetch("SELECT * FROM log_entry WHERE n > $1 AND n <= $2 ORDER BY n", after, last)]


async def purge(tx: Tx, at: int) -> int:
    """Entries whose time is over go with their salt; the commitment stays, so that the chain holds (security rule S25)."""
    return await tx.execute("UPDATE log_entry SET entry = NULL, salt = NULL WHERE entry IS NOT NULL AND keep_until <= $1", at)


def _line(row: Row) -> Line:
    text, salt = row["entry"], row["salt"]
    entry = LogEntry(
        commitment=bytes(row["commitment"]),
        salt=None if salt is None else bytes(salt),
        entry=None if text is None else strict_json.load_object(str(text)),
    )
    return Line(number=int(row["n"]), at=int(row["at"]), entry=entry)
