"""Who made which key of a program, and so may write in its name."""

from __future__ import annotations

from shared.storage import Tx


async def note(tx: Tx, key_name: str, operator: str) -> None:
    """For good: a key that has ended has written what it has written."""
    await tx.execute(
        "INSERT INTO key_maker (key_name, operator) VALUES ($1, $2) ON CONFLICT (key_name, operator) DO NOTHING", key_name, operator
    )


async def makers(tx: Tx) -> dict[str, list[str]]:
    """The names of operators by the name of a key."""
    found: dict[str, list[str]] = {}
    for row in await tx.fetch("SELECT key_name, operator FROM key_maker ORDER BY operator"):
        found.setdefault(str(row["key_name"]), []).append(str(row["operator"]))
    return found


async def made_by(tx: Tx, operator: str) -> frozenset[str]:
    """The names of the keys that an operator has made."""
    rows = await tx.fetch("SELECT key_name FROM key_maker WHERE operator = $1", operator)
    return frozenset(str(row["key_name"]) for row in rows)
