"""Operators and API keys of the office."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Conflict, Missing
from shared.storage import Row, Tx

ROLES = ("clerk", "approver", "admin")
SCOPES = ("credentials:create", "credentials:read", "status:change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    id: str
    name: str
    role: str
    passphrase: str  # PHC
    made_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One API key on the list of keys; its secret is kept nowhere."""

    id: str
    name: str
    scopes: str
    made_at: int
    last_used_at: int | None
    revoked_at: int | None


def fold(name: str) -> str:
    """Names that differ in case or spaces only are the same."""
    return " ".join(name.split()).casefold()


async def add(tx: Tx, operator: Operator) -> None:
    """``Conflict`` if somebody has that name."""
    made = await tx.execute(
        "INSERT INTO operator (id, name, folded, passphrase, role, made_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, NULL) "
        "ON CONFLICT (folded) DO NOTHING",
        operator.id,
        operator.name,
        fold(operator.name),
        operator.passphrase,
        operator.role,
        operator.made_at,
    )
    if made != 1:
        raise Conflict("somebody has that name already", where="/name")


async def find(tx: Tx, name: str) -> Operator | None:
    """The operator of that name who may still sign in."""
    row = await tx.fetchrow("SELECT * FROM operator WHERE folded = $1 AND ended_at IS NULL", fold(name))
    return None if row is None else _operator(row)


async def by_id(tx: Tx, identifier: str) -> Operator | None:
    row = await tx.fetchrow("SELECT * FROM operator WHERE id = $1 AND ended_at IS NULL", identifier)
    return None if row is None else _operator(row)


async def everybody(tx: Tx) -> list[Operator]:
    return [_operator(row) for row in await tx.fetch("SELECT * FROM operator ORDER BY folded")]


async def set_passphrase(tx: Tx, identifier: str, passphrase: str) -> None:
    await tx.execute("UPDATE operator SET passphrase = $1 WHERE id = $2", passphrase, identifier)


async def end(tx: Tx, identifier: str, at: int) -> None:
    """Somebody leaves. The last admin cannot: nobody could let anybody in again."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM operator WHERE role = 'admin' AND ended_at IS NULL AND id <> $1", identifier)
    if row is None or int(row["n"]) == 0:
        raise Conflict("the last admin cannot be removed")
    if await tx.execute("UPDATE operator SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", at, identifier) != 1:
        raise Missing("there is no such operator")


async def keys(tx: Tx) -> list[KeyLine]:
    rows = await tx.fetch("SELECT id, name, scopes, created_at, last_used_at, revoked_at FROM api_key ORDER BY created_at, id")
    return [
        KeyLine(
            id=row["id"],
            name=row["name"],
            scopes=row["scopes"],
            made_at=int(row["created_at"]),
            last_used_at=row["last_used_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


def _operator(row: Row) -> Operator:
    return Operator(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        passphrase=row["passphrase"],
        made_at=int(row["made_at"]),
        ended_at=row["ended_at"],
    )
