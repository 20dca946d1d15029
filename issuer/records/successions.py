"""Who takes over from whom among the bodies below this office (``0015_successions.sql``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.errors import Conflict, Missing
from shared.storage import Row, Tx
from shared.trust.succession import Succession, parse_succession


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """``held`` and ``wanted`` are statement and acceptance as they are kept; see the table for what each means."""

    outgoing: str
    successor: str
    version: int
    held: str | None = field(repr=False)
    wanted: str | None = field(repr=False)
    wanted_by: str
    made_at: int

    @property
    def published(self) -> Succession | None:
        """What is published."""
        return None if self.held is None else parse_succession(self.held.encode())

    @property
    def waiting(self) -> Succession | None:
        """What waits."""
        return None if self.wanted is None else parse_succession(self.wanted.encode())


async def everything(tx: Tx) -> list[Handed]:
    """By the outgoing body."""
    return [_handed(row) for row in await tx.fetch("SELECT * FROM succession ORDER BY outgoing, successor")]


async def find(tx: Tx, outgoing: str, successor: str) -> Handed | None:
    row = await tx.fetchrow("SELECT * FROM succession WHERE outgoing = $1 AND successor = $2", outgoing, successor)
    return None if row is None else _handed(row)


async def get(tx: Tx, outgoing: str, successor: str) -> Handed:
    """``Missing`` if nothing of the kind is known here."""
    found = await find(tx, outgoing, successor)
    if found is None:
        raise Missing("nobody here has said that one of these takes over from the other")
    return found


async def put(tx: Tx, changed: Handed, *, before: Handed | None) -> None:
    """``Conflict`` with ``/version`` if somebody changed it since ``before`` was read."""
    if before is None:
        done = await tx.execute(
            "INSERT INTO succession (outgoing, successor, version, held, wanted, wanted_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
            "ON CONFLICT (outgoing, successor) DO NOTHING",
            *_values(changed),
        )
    else:
        done = await tx.execute(
            "UPDATE succession SET version = $3, held = $4, wanted = $5, wanted_by = $6, made_at = $7 "
            "WHERE outgoing = $1 AND successor = $2 AND version = $8",
            *_values(changed),
            before.version,
        )
    if done != 1:
        raise Conflict("this was changed since you looked: look again", where="/version")


def _values(each: Handed) -> tuple[str | int | None, ...]:
    return each.outgoing, each.successor, each.version, each.held, each.wanted, each.wanted_by, each.made_at


def _handed(row: Row) -> Handed:
    return Handed(
        outgoing=row["outgoing"],
        successor=row["successor"],
        version=int(row["version"]),
        held=row["held"],
        wanted=row["wanted"],
        wanted_by=row["wanted_by"],
        made_at=int(row["made_at"]),
    )
