"""Signed records of what was deleted because another organisation took over, each as it was published."""

from __future__ import annotations

from shared.storage import Tx


async def add(tx: Tx, n: int, record: str) -> None:
    """``n`` is the line of the log that says so."""
    await tx.execute("INSERT INTO deletion (n, record) VALUES ($1, $2)", n, record)


async def everything(tx: Tx) -> list[str]:
    """All of them, oldest first."""
    return [str(row["record"]) for row in await tx.fetch("SELECT record FROM deletion ORDER BY n")]
