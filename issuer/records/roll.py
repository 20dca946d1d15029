"""A roll: everybody who was invited here to come in, in one table, with the codes of their invitations and a history of who changed what.

The columns of the table have the names of the entry's fields.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, NamedTuple, TypeVar

from issuer.sessions import Actor
from shared.errors import Conflict, Missing
from shared.storage import Row, Tx, Value

CHANGED: Final = "this was changed since you looked: look again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: int
    kind: str
    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(ABC):
    """What is kept of anybody on a roll. ``version`` grows with every change: whoever decides names the one that was looked at."""

    entity: str
    name: str
    version: int
    wanted_by: str  # who wrote what waits
    tried_at: int | None
    made_at: int
    ended_at: int | None

    @property
    @abstractmethod
    def waits(self) -> bool:
        """Whether a second person can decide about it."""


E = TypeVar("E", bound=Entry)


class Packed(NamedTuple):
    """How a field is kept where its column holds another value."""

    pack: Callable[[Any], Value]
    unpack: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Roll(Generic[E]):
    """``table``, ``codes`` and ``events`` are names of tables; ``nobody`` says that somebody is not on it."""

    kind: type[E]
    table: str
    codes: str
    events: str
    nobody: str
    packed: Mapping[str, Packed]

    async def find(self, tx: Tx, entity: str) -> E | None:
        row = await tx.fetchrow(self._sql("SELECT * FROM {table} WHERE entity = $1"), entity)
        return None if row is None else self._entry(row)

    async def get(self, tx: Tx, entity: str) -> E:
        """``Missing`` if nobody of that name is on it."""
        found = await self.find(tx, entity)
        if found is None:
            raise Missing(self.nobody)
        return found

    async def looked_at(self, tx: Tx, entity: str, version: int) -> E:
        """``Conflict`` with ``/version`` if somebody changed it since that version was looked at; ``Missing`` as ``get``."""
        found = await self.get(tx, entity)
        if found.version != version:
            raise Conflict(CHANGED, where="/version")
        return found

    async def everybody(self, tx: Tx) -> list[E]:
        return [self._entry(row) for row in await tx.fetch(self._sql("SELECT * FROM {table} ORDER BY name, entity"))]

    async def add(self, tx: Tx, new: E) -> None:
        columns = self._columns(new)
        places = ", ".join(f"${n}" for n, _ in enumerate(columns, 1))
        await tx.execute(
            self._sql("INSERT INTO {table} ({columns}) VALUES ({places})", columns=", ".join(columns), places=places), *columns.values()
        )

    async def put(self, tx: Tx, changed: E, *, before: E) -> None:
        """``Conflict`` with ``/version`` if somebody changed it since ``before`` was read."""
        columns = self._columns(changed)
        places = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 3))
        update = self._sql("UPDATE {table} SET {places} WHERE entity = $1 AND version = $2", places=places)
        if await tx.execute(update, before.entity, before.version, *columns.values()) != 1:
            raise Conflict(CHANGED, where="/version")

    async def change(self, tx: Tx, changed: E, event: Event, *, before: E) -> E:
        """The next version, with a line in the history; errors as ``put``."""
        after = replace(changed, version=before.version + 1)
        await self.put(tx, after, before=before)
        await self.note(tx, after.entity, event)
        return after

    # --- codes

    async def invite(self, tx: Tx, entity: str, code: bytes, *, expires_at: int) -> None:
        """A code, in the place of any before it."""
        await self.uninvite(tx, entity)
        await tx.execute(self._sql("INSERT INTO {codes} (code, entity, expires_at) VALUES ($1, $2, $3)"), code, entity, expires_at)

    async def invited(self, tx: Tx, code: bytes, at: int) -> E:
        """Whom a code invites; ``Missing`` for one that is unknown, used or over."""
        row = await tx.fetchrow(self._sql("SELECT entity FROM {codes} WHERE code = $1 AND expires_at > $2"), code, at)
        if row is None:
            raise Missing("this invitation is unknown, was used, or its time is over")
        return await self.get(tx, row["entity"])

    async def uninvite(self, tx: Tx, entity: str) -> None:
        await tx.execute(self._sql("DELETE FROM {codes} WHERE entity = $1"), entity)

    # --- history

    async def note(self, tx: Tx, entity: str, event: Event) -> None:
        await tx.execute(
            self._sql("INSERT INTO {events} (n, entity, at, kind, role, actor, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
            await self.newest_event(tx) + 1,
            entity,
            event.at,
            event.kind,
            event.actor.role,
            event.actor.name,
            event.reason,
        )

    async def newest_event(self, tx: Tx) -> int:
        """Number of the last change that anybody, or the clock, has made to any of them."""
        row = await tx.fetchrow(self._sql("SELECT COALESCE(max(n), 0) AS n FROM {events}"))
        return 0 if row is None else int(row["n"])

    async def history(self, tx: Tx, entity: str, *, limit: int = 50) -> list[Event]:
        """Newest first."""
        rows = await tx.fetch(self._sql("SELECT * FROM {events} WHERE entity = $1 ORDER BY n DESC LIMIT $2"), entity, limit)
        return [
            Event(at=int(row["at"]), kind=row["kind"], actor=Actor(role=row["role"], name=row["actor"]), reason=row["reason"])
            for row in rows
        ]

    # --- rows

    def _sql(self, statement: str, **more: str) -> str:
        """The statement with the names of the tables; all of them are in this program's own text."""
        return statement.format(table=self.table, codes=self.codes, events=self.events, **more)

    def _columns(self, entry: E) -> dict[str, Value]:
        values = {each.name: getattr(entry, each.name) for each in fields(entry)}
        return values | {name: how.pack(values[name]) for name, how in self.packed.items()}

    def _entry(self, row: Row) -> E:
        values = {each.name: row[each.name] for each in fields(self.kind)}
        return self.kind(**values | {name: how.unpack(values[name]) for name, how in self.packed.items()})
