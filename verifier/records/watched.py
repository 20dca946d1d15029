"""Documents that were accepted, and what has become of them as far as the organisation's own program knows (``0018_watched.sql``).

Which copy it is lies sealed (``0020_watched_sealed.sql``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.storage import Row, Tx

_AT_ONCE = 1_000
_SEALED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """See the table for what each means. ``name`` tells the rows of one exchange apart; ``sealed`` says which question and index it is."""

    exchange: str
    name: str
    vct: str
    issuer: str
    uri: str
    sealed: bytes = field(repr=False)
    became: str
    ends_at: int
    idx: int = _SEALED  # of rows from before they were sealed, whose question is their name


async def add(tx: Tx, found: Iterable[Watched]) -> None:
    for each in found:
        await tx.execute(
            "INSERT INTO watched (exchange, query, vct, issuer, uri, idx, became, looked, ends_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9) "
            "ON CONFLICT (exchange, query) DO NOTHING",
            each.exchange,
            each.name,
            each.vct,
            each.issuer,
            each.uri,
            each.idx,
            each.became,
            each.ends_at,
            each.sealed,
        )


async def behind(tx: Tx, at: int) -> list[tuple[Watched, int]]:
    """Some of those that were not looked up yet in the list that is kept now, with the date of that list."""
    rows = await tx.fetch(
        "SELECT w.*, s.iat AS iat FROM watched w JOIN status_list s ON s.uri = w.uri AND s.entity = w.issuer "
        "WHERE w.looked < s.iat AND w.ends_at > $1 ORDER BY w.looked, w.exchange, w.query LIMIT $2",
        at,
        _AT_ONCE,
    )
    return [(_watched(row), int(row["iat"])) for row in rows]


async def look(tx: Tx, each: Watched, became: str, iat: int) -> bool:
    """What the list of ``iat`` says of it; false if another process was faster. What is cancelled stays so, and is watched no more."""
    if became == "cancelled":
        return await tx.execute("DELETE FROM watched WHERE exchange = $1 AND query = $2", each.exchange, each.name) == 1
    sql = "UPDATE watched SET became = $3, looked = $4 WHERE exchange = $1 AND query = $2 AND looked < $4"
    return await tx.execute(sql, each.exchange, each.name, became, iat) == 1


async def purge(tx: Tx, at: int) -> int:
    """Those whose copy has ended."""
    return await tx.execute("DELETE FROM watched WHERE ends_at <= $1", at)


def _watched(row: Row) -> Watched:
    return Watched(
        exchange=row["exchange"],
        name=row["query"],
        vct=row["vct"],
        issuer=row["issuer"],
        uri=row["uri"],
        sealed=bytes(row["sealed"] or b""),
        idx=int(row["idx"]),
        became=row["became"],
        ends_at=int(row["ends_at"]),
    )
