"""What several people have to agree to, as far as they have: sealed, and gone after a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.storage import Row, Tx

AT_ONCE: Final = 50
"""So many acts are looked at in one go: each of their answers is checked whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``done``: enough have agreed. ``told``: the earlier answers know it too. ``unsure``: enough have answered, and of some it could not be told
    then whether they still hold.
    """

    key: str
    version: int
    sealed: bytes = field(repr=False)
    done: bool
    told: bool
    until: int
    unsure: bool = False


async def find(tx: Tx, key: str, at: int) -> Kept | None:
    """As it stands; ``None`` where nobody has agreed yet, or too long ago."""
    row = await tx.fetchrow("SELECT * FROM together WHERE key = $1 AND until > $2", key, at)
    return None if row is None else _kept(row)


async def finished(tx: Tx) -> list[Kept]:
    """Those of which the earlier answers are still to be told, the next ``AT_ONCE``."""
    sql = "SELECT * FROM together WHERE done = 1 AND told = 0 ORDER BY looked_at, until, key LIMIT $1"
    return [_kept(row) for row in await tx.fetch(sql, AT_ONCE)]


async def unsure(tx: Tx, at: int) -> list[Kept]:
    """Those to look at again, the next ``AT_ONCE``."""
    sql = "SELECT * FROM together WHERE unsure = 1 AND done = 0 AND until > $1 ORDER BY looked_at, until, key LIMIT $2"
    return [_kept(row) for row in await tx.fetch(sql, at, AT_ONCE)]


async def look(tx: Tx, found: Sequence[Kept], at: int) -> None:
    """Each of them waits until all others had their turn, unless it changes."""
    for kept in found:
        await tx.execute("UPDATE together SET looked_at = $2 WHERE key = $1", kept.key, at)


async def keep(tx: Tx, kept: Kept, at: int) -> bool:
    """Put it in the place of the version before, version 1 where there is none; false if somebody else was first."""
    if kept.version > 1:
        sql = (
            "UPDATE together SET version = $2, sealed = $3, done = $4, told = $5, unsure = $6, looked_at = 0 "
            "WHERE key = $1 AND version = $2 - 1"
        )
        return await tx.execute(sql, kept.key, kept.version, kept.sealed, int(kept.done), int(kept.told), int(kept.unsure)) == 1
    await tx.execute("DELETE FROM together WHERE key = $1 AND until <= $2", kept.key, at)
    sql = "INSERT INTO together (key, version, sealed, done, told, until, unsure) VALUES ($1, 1, $2, $3, 0, $4, $5) ON CONFLICT (key) DO NOTHING"
    return await tx.execute(sql, kept.key, kept.sealed, int(kept.done), kept.until, int(kept.unsure)) == 1


async def ask(tx: Tx, key: str, until: int) -> None:
    """Remember until then that it was asked for here."""
    await tx.execute(
        "INSERT INTO together_asked (key, until) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET until = excluded.until", key, until
    )


async def is_asked(tx: Tx, key: str, at: int) -> bool:
    """Whether it was, whoever has answered since."""
    return await tx.fetchrow("SELECT key FROM together_asked WHERE key = $1 AND until > $2", key, at) is not None


async def purge(tx: Tx, at: int) -> int:
    """What has had its time goes. How many rows went."""
    acts = await tx.execute("DELETE FROM together WHERE until <= $1", at)
    return acts + await tx.execute("DELETE FROM together_asked WHERE until <= $1", at)


def _kept(row: Row) -> Kept:
    return Kept(
        key=row["key"],
        version=int(row["version"]),
        sealed=bytes(row["sealed"]),
        done=bool(row["done"]),
        told=bool(row["told"]),
        until=int(row["until"]),
        unsure=bool(row["unsure"]),
    )
