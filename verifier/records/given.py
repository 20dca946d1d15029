"""Documents that the organisation's own issuer made after a decision here. What is in them, and for whom they are, is sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """``state`` is ``ordered`` until the issuer has answered, then ``made``, and ``ending`` while it has to be told to cancel it for good.

    ``standing`` is what it was last told of the document.
    """

    exchange: str
    kind: str
    state: str
    standing: str
    sealed: bytes = field(repr=False)
    made_at: int
    keep_until: int


async def find(tx: Tx, exchange: str, kind: str) -> Given | None:
    row = await tx.fetchrow("SELECT * FROM given_document WHERE exchange = $1 AND kind = $2", exchange, kind)
    return None if row is None else _given(row)


async def order(tx: Tx, given: Given) -> Given:
    """Remember what is to be made; what was ordered before after the same decision stands."""
    await tx.execute(
        "INSERT INTO given_document (exchange, kind, state, standing, sealed, made_at, keep_until) VALUES ($1, $2, $3, $4, $5, $6, $7) "
        "ON CONFLICT (exchange, kind) DO NOTHING",
        given.exchange,
        given.kind,
        given.state,
        given.standing,
        given.sealed,
        given.made_at,
        given.keep_until,
    )
    return await find(tx, given.exchange, given.kind) or given


async def made(tx: Tx, given: Given, sealed: bytes) -> bool:
    """The issuer has answered; false if that was noted before."""
    sql = "UPDATE given_document SET state = 'made', sealed = $3 WHERE exchange = $1 AND kind = $2 AND state = 'ordered'"
    return await tx.execute(sql, given.exchange, given.kind, sealed) == 1


async def drop(tx: Tx, given: Given) -> None:
    """The issuer refused it: something else may be ordered in its place."""
    await tx.execute("DELETE FROM given_document WHERE exchange = $1 AND kind = $2 AND state = 'ordered'", given.exchange, given.kind)


async def followed(tx: Tx, at: int) -> list[Given]:
    """Those that were made and are neither over nor cancelled, oldest first."""
    sql = "SELECT * FROM given_document WHERE state = 'made' AND standing <> 'cancelled' AND keep_until > $1 ORDER BY made_at, exchange"
    return [_given(row) for row in await tx.fetch(sql, at)]


async def stand(tx: Tx, given: Given, standing: str) -> None:
    """Our issuer was told this."""
    await tx.execute(
        "UPDATE given_document SET standing = $3 WHERE exchange = $1 AND kind = $2 AND standing = $4",
        given.exchange,
        given.kind,
        standing,
        given.standing,
    )


async def ending(tx: Tx, exchange: str, kind: str, sealed: bytes) -> None:
    """Whoever got it asked to be forgotten: ``sealed`` is what is needed to end it, and nothing else is kept."""
    await tx.execute("UPDATE given_document SET state = 'ending', sealed = $3 WHERE exchange = $1 AND kind = $2", exchange, kind, sealed)


async def to_end(tx: Tx) -> list[Given]:
    return [_given(row) for row in await tx.fetch("SELECT * FROM given_document WHERE state = 'ending' ORDER BY made_at, exchange")]


async def forget(tx: Tx, exchange: str, kind: str) -> None:
    """It has ended."""
    await tx.execute("DELETE FROM given_document WHERE exchange = $1 AND kind = $2", exchange, kind)


async def purge(tx: Tx, at: int) -> int:
    return await tx.execute("DELETE FROM given_document WHERE keep_until <= $1", at)


def _given(row: Row) -> Given:
    return Given(
        exchange=row["exchange"],
        kind=row["kind"],
        state=row["state"],
        standing=row["standing"],
        sealed=bytes(row["sealed"]),
        made_at=int(row["made_at"]),
        keep_until=int(row["keep_until"]),
    )
