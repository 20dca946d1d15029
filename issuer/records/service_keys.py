"""The sealed keys that requests are encrypted for."""

from __future__ import annotations

from shared.storage import Tx


async def newest(tx: Tx) -> int | None:
    """When the newest was made."""
    row = await tx.fetchrow("SELECT max(made_at) AS made_at FROM service_key")
    return None if row is None or row["made_at"] is None else int(row["made_at"])


async def renew(tx: Tx, kid: str, sealed: bytes, *, at: int, newest: int | None, keep: int) -> None:
    """Add one, unless another process was faster, and forget those made before ``keep``."""
    row = await tx.fetchrow("SELECT max(made_at) AS made_at FROM service_key")
    if row is None or row["made_at"] == newest:
        await tx.execute("INSERT INTO service_key (kid, sealed, made_at) VALUES ($1, $2, $3)", kid, sealed, at)
    await tx.execute("DELETE FROM service_key WHERE made_at < $1", keep)


async def everything(tx: Tx) -> list[tuple[str, bytes]]:
    """Newest first."""
    rows = await tx.fetch("SELECT kid, sealed FROM service_key ORDER BY made_at DESC, kid")
    return [(row["kid"], bytes(row["sealed"])) for row in rows]
