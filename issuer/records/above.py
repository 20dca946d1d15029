"""What those above this office say of it, as it was last heard (``0009_federation.sql``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from shared.storage import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Superior:
    """``statement`` is empty before anything was heard; ``fault`` says what was wrong with the last visit."""

    entity: str
    name: str
    statement: str = field(repr=False)
    tried_at: int
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMark:
    """A trust mark of this office."""

    issuer: str
    type: str
    expires_at: int
    token: str = field(repr=False)


async def marks(tx: Tx, at: int) -> list[OwnMark]:
    """Those that count at ``at``."""
    rows = await tx.fetch("SELECT * FROM own_mark WHERE expires_at > $1 ORDER BY type, issuer", at)
    return [OwnMark(issuer=row["issuer"], type=row["type"], expires_at=int(row["expires_at"]), token=row["token"]) for row in rows]


async def keep_marks(tx: Tx, issuer: str, found: Collection[OwnMark]) -> None:
    """All that this issuer gives us now, in the place of what it gave before."""
    await tx.execute("DELETE FROM own_mark WHERE issuer = $1", issuer)
    for each in found:
        await tx.execute(
            "INSERT INTO own_mark (issuer, type, expires_at, token) VALUES ($1, $2, $3, $4)",
            each.issuer,
            each.type,
            each.expires_at,
            each.token,
        )


async def everybody(tx: Tx) -> list[Superior]:
    rows = await tx.fetch("SELECT * FROM own_superior ORDER BY entity")
    return [
        Superior(entity=row["entity"], name=row["name"], statement=row["statement"], tried_at=int(row["tried_at"]), fault=row["fault"])
        for row in rows
    ]


async def note(tx: Tx, entity: str, *, name: str, statement: str, fault: str, at: int) -> None:
    """What a visit brought; one that brought nothing leaves what was heard before."""
    await tx.execute(
        "INSERT INTO own_superior (entity, statement, name, tried_at, fault) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (entity) DO UPDATE SET tried_at = $4, fault = $5",
        entity,
        statement,
        name,
        at,
        fault,
    )
    if statement:
        await tx.execute("UPDATE own_superior SET statement = $2, name = $3 WHERE entity = $1", entity, statement, name)
