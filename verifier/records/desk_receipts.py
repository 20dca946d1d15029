"""Which receipts of desks were told, and where the log stood with each: enough to confirm one that its holder brings, and nothing about anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.receipts import LogHead
from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``id`` is SHA-256 of what the desk signed, ``receipt_id`` that of the receipt which confirms it."""

    id: bytes = field(repr=False)
    receipt_id: str
    at: int
    head: LogHead
    forget_at: int


async def begin(tx: Tx, identifier: bytes, *, receipt_id: str, at: int, forget_at: int) -> bool:
    """Take the place of one, so that two who tell it at once enter it once; false if it was told before."""
    made = await tx.execute(
        "INSERT INTO desk_receipt (id, receipt_id, told_at, log_size, log_digest, forget_at) VALUES ($1, $2, $3, 0, $4, $5) "
        "ON CONFLICT (id) DO NOTHING",
        identifier,
        receipt_id,
        at,
        b"",
        forget_at,
    )
    return made == 1


async def entered(tx: Tx, identifier: bytes, head: LogHead) -> None:
    """Note the head of the log with its line, in the same unit of work."""
    await tx.execute("UPDATE desk_receipt SET log_size = $2, log_digest = $3 WHERE id = $1", identifier, head.size, head.digest)


async def find(tx: Tx, identifier: bytes) -> Told | None:
    row = await tx.fetchrow("SELECT * FROM desk_receipt WHERE id = $1", identifier)
    return None if row is None else _told(row)


async def purge(tx: Tx, at: int) -> int:
    """Those whose line in the log has had its time are confirmed no more. How many rows went."""
    return await tx.execute("DELETE FROM desk_receipt WHERE forget_at <= $1", at)


def _told(row: Row) -> Told:
    return Told(
        id=bytes(row["id"]),
        receipt_id=row["receipt_id"],
        at=int(row["told_at"]),
        head=LogHead(size=int(row["log_size"]), digest=bytes(row["log_digest"])),
        forget_at=int(row["forget_at"]),
    )
