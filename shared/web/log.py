"""A service's log: a chain of salted commitments over entries that hold names of details, never their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..clock import Entropy
from ..codec import base64url, strict_json
from ..errors import HistoryRewritten
from ..receipts import EMPTY_HEAD, LogEntry, LogHead, commit, extend
from ..storage import Row, Tx

DECISIONS = "decisions"
"""The one log that a service keeps, by the name in its row of ``log_head``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry with its number; ``entry.entry`` is ``None`` when its time is over."""

    number: int
    at: int
    entry: LogEntry


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


async def everything(tx: Tx) -> list[Line]:
    """The whole log, oldest first."""
    return [_line(row) for row in await tx.fetch("SELECT * FROM log_entry ORDER BY n")]


async def page(tx: Tx, *, before: int, limit: int) -> list[Line]:
    """Newest first, those with a number below ``before``."""
    return [_line(row) for row in await tx.fetch("SELECT * FROM log_entry WHERE n < $1 ORDER BY n DESC LIMIT $2", before, limit)]


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
