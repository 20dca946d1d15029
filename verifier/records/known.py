"""Whom the organisation knows already, what it has recorded, and how often it asked for that again. Nobody is listed: each is found by a key alone."""

from __future__ import annotations

from collections.abc import Iterable

from shared.storage import Tx


async def find(tx: Tx, key: bytes, at: int) -> bytes | None:
    """What is kept of one person, sealed."""
    row = await tx.fetchrow("SELECT sealed FROM known_customer WHERE key = $1 AND keep_until > $2", key, at)
    return None if row is None else bytes(row["sealed"])


async def keep(tx: Tx, key: bytes, sealed: bytes, keep_until: int) -> None:
    """In the place of what was kept before."""
    await tx.execute(
        "INSERT INTO known_customer (key, sealed, keep_until) VALUES ($1, $2, $3) "
        "ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed, keep_until = excluded.keep_until",
        key,
        sealed,
        keep_until,
    )


async def forget(tx: Tx, key: bytes) -> bool:
    return await tx.execute("DELETE FROM known_customer WHERE key = $1", key) == 1


async def record(tx: Tx, keys: Iterable[bytes], until: int) -> None:
    """From now on it counts when this is asked for again."""
    for key in keys:
        await tx.execute(
            "INSERT INTO recorded_fact (key, until) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET until = excluded.until", key, until
        )


async def unrecord(tx: Tx, key: bytes) -> None:
    """Whoever it was about asked to be forgotten."""
    await tx.execute("DELETE FROM recorded_fact WHERE key = $1", key)


async def count(tx: Tx, key: bytes, purpose: str, at: int) -> None:
    """It was shown; count it if it was recorded here already, and that still holds."""
    if await tx.fetchrow("SELECT key FROM recorded_fact WHERE key = $1 AND until > $2", key, at) is None:
        return
    await tx.execute(
        "INSERT INTO asked_twice (purpose, count) VALUES ($1, 1) ON CONFLICT (purpose) DO UPDATE SET count = asked_twice.count + 1", purpose
    )


async def asked_twice(tx: Tx) -> dict[str, int]:
    """How often, by use; a use that never asked twice is not there."""
    return {row["purpose"]: int(row["count"]) for row in await tx.fetch("SELECT purpose, count FROM asked_twice ORDER BY purpose")}


async def purge(tx: Tx, at: int) -> int:
    changed = await tx.execute("DELETE FROM known_customer WHERE keep_until <= $1", at)
    return changed + await tx.execute("DELETE FROM recorded_fact WHERE until <= $1", at)
