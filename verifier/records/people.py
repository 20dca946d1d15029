"""Operators of the desk."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Conflict
from shared.storage import Row, Tx

SCOPES = ("requests:create", "requests:read", "copies:check", "material:refresh", "log:read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    id: str
    name: str
    role: str
    passphrase: str  # PHC
    made_at: int
    ended_at: int | None


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


async def set_passphrase(tx: Tx, identifier: str, passphrase: str) -> None:
    await tx.execute("UPDATE operator SET passphrase = $1 WHERE id = $2", passphrase, identifier)


def _operator(row: Row) -> Operator:
    return Operator(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        passphrase=row["passphrase"],
        made_at=int(row["made_at"]),
        ended_at=row["ended_at"],
    )
