"""Versions of what this organisation has registered: each as it stood, none ever changed."""

from __future__ import annotations

from collections.abc import Sequence

from shared.storage import Tx
from shared.trust.register_json import Version
from shared.trust.registered_use import RegisteredUse, parse_uses, render_uses


async def note(tx: Tx, uses: Sequence[RegisteredUse], *, at: int) -> bool:
    """A new version, if ``uses`` differ from the last; whether they did."""
    data, known = render_uses(uses), await tx.fetchrow("SELECT n, uses FROM registration_version ORDER BY n DESC LIMIT 1")
    if known is not None and bytes(known["uses"]) == data:
        return False
    n = 1 if known is None else int(known["n"]) + 1
    await tx.execute("INSERT INTO registration_version (n, at, uses) VALUES ($1, $2, $3)", n, at, data)
    return True


async def versions(tx: Tx) -> list[Version]:
    """All of them, oldest first."""
    rows = await tx.fetch("SELECT n, at, uses FROM registration_version ORDER BY n")
    return [Version(n=int(row["n"]), at=int(row["at"]), uses=parse_uses(bytes(row["uses"]))) for row in rows]
