"""How many rows a table has."""

from __future__ import annotations

from shared.storage import Storage


async def rows(storage: Storage, table: str) -> int:
    row = await storage.read(lambda tx: tx.fetchrow(f"SELECT count(*) AS n FROM {table}"))  # noqa: S608 - names of the tests' own
    assert row is not None
    return int(row["n"])
