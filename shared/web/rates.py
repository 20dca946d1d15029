"""Rate limits as rows, so that they hold across processes and restarts: fixed windows, one row a counter.

Keys are hashed: a row names nobody. Whoever has the database and guesses an account or an address can see whether it is counted, and the
numbers of networks are few enough to guess them all. A row goes when its window has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from ..errors import TooMany
from ..storage import Storage, Tx


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in ``seconds``. ``name`` keeps counters of different things apart."""

    name: str
    most: int
    seconds: int


async def take(tx: Tx, limit: Limit, key: str, *, at: int) -> int:
    """Count one use and return how many there were in this window, this one included; more than ``limit.most`` raises ``TooMany``.

    The count is part of ``tx``. What must be counted although the rest fails (a wrong code) needs a unit of work of its own: ``allow``.
    """
    row = await tx.fetchrow(
        "INSERT INTO rate_limit (bucket, window_ends, used) VALUES ($1, $2, 1) ON CONFLICT (bucket) DO UPDATE SET "
        "used = CASE WHEN rate_limit.window_ends > $3 THEN rate_limit.used + 1 ELSE 1 END, "
        "window_ends = CASE WHEN rate_limit.window_ends > $3 THEN rate_limit.window_ends ELSE $2 END "
        "RETURNING used, window_ends",
        _bucket(limit, key),
        at + limit.seconds,
        at,
    )
    used, ends = (int(row["used"]), int(row["window_ends"])) if row is not None else (1, at + limit.seconds)
    if used > limit.most:
        raise TooMany("too many tries: wait before the next", retry_after=max(1, ends - at))
    return used


async def allow(storage: Storage, limit: Limit, *keys: str, at: int) -> None:
    """Count one use for each of ``keys`` in a unit of work of its own; ``TooMany`` if any is over its limit."""

    async def work(tx: Tx) -> None:
        for key in keys:
            await take(tx, limit, key, at=at)

    await storage.write(work)


async def check(storage: Storage, limit: Limit, key: str, *, at: int) -> None:
    """``TooMany`` where nothing more is allowed, without counting anything."""
    row = await storage.read(
        lambda tx: tx.fetchrow("SELECT used, window_ends FROM rate_limit WHERE bucket = $1 AND window_ends > $2", _bucket(limit, key), at),
        brief=True,
    )
    if row is not None and int(row["used"]) >= limit.most:
        raise TooMany("too many tries: wait before the next", retry_after=int(row["window_ends"]) - at)


async def forget(tx: Tx, limit: Limit, key: str) -> None:
    """Begin anew, e.g. after a sign-in that succeeded."""
    await tx.execute("DELETE FROM rate_limit WHERE bucket = $1", _bucket(limit, key))


async def purge(tx: Tx, *, at: int) -> int:
    """Drop counters whose window has ended."""
    return await tx.execute("DELETE FROM rate_limit WHERE window_ends <= $1", at)


def _bucket(limit: Limit, key: str) -> str:
    digest = sha256(f"{limit.name}|{key}".encode()).hexdigest()
    return f"{limit.name}:{digest[:32]}"
