"""What every storage backend promises: units of work over rows, the same SQL text on each database.

SQL is written once: ``$1``, ``$2`` … as placeholders, ``RETURNING``, ``ON CONFLICT (…) DO NOTHING | DO UPDATE``; column types TEXT, BIGINT
(numbers and seconds), BLOB (bytes) and INTEGER for 0/1 only. JSON is kept as TEXT. No DEFAULT that calls a function, no RANDOM(), no NOW():
time and entropy come in as arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Value = str | int | float | bytes | None


class StorageError(Exception):
    """A bug of ours in a unit of work: bad SQL, a broken constraint, a forbidden wait. No ``VcError``: it is logged whole."""


class Row(Protocol):
    """One row, read by column name or by position."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __len__(self) -> int: ...


class Tx(Protocol):
    """One open transaction, valid only inside its unit of work. After a statement failed nothing but an end of the unit is allowed."""

    async def fetch(self, sql: str, *args: Value) -> list[Row]:
        """All rows."""

    async def fetchrow(self, sql: str, *args: Value) -> Row | None:
        """The first row, or None."""

    async def execute(self, sql: str, *args: Value) -> int:
        """The number of rows inserted, updated or deleted; 0 for every other statement."""


Work = Callable[[Tx], Awaitable[T]]


class Migration(NamedTuple):
    """One numbered step. ``name`` is ``namespace/NNNN_words``, e.g. ``web/0001_sessions``; ``sql`` holds statements ended by ``;``."""

    name: str
    sql: str


class Storage(Protocol):
    """A database. A unit of work sees all its predecessors and no half of any other: it is serialised, all or nothing, and durable
    before its result is told.

    A unit awaits the database and nothing else (a network call inside a transaction is refused with ``StorageError``), and it may be
    run again after a conflict: it changes nothing but the database. To cancel the wait does not promise to undo the unit.
    Raises ``Unavailable`` when the database is locked, full, away or closed (nothing was kept, unless the connection broke while
    committing), ``Conflict`` when a unique key exists already, ``Malformed`` for a text with a NUL or a number beyond 64 bits.
    """

    async def write(self, fn: Work[T], *, point: str = "") -> T:
        """Run ``fn`` in a transaction and commit it. ``point`` names the place for a failpoint (``shared.storage._failpoint``)."""

    async def read(self, fn: Work[T], *, brief: bool = False) -> T:
        """Run ``fn`` on one consistent snapshot; a write in it is a ``StorageError``.

        ``brief`` promises that it only looks up a handful of rows by key: it may then run where it is asked, without changing threads.
        """

    async def migrate(self, steps: Sequence[Migration]) -> list[str]:
        """Apply what is missing, in one transaction, safely against other processes; return the names of the steps applied.

        ``ConfigError`` when an applied step was changed, is unknown to this program (made by a newer one), or is newer than a
        missing step. Only the namespaces named in ``steps`` are looked at.
        """

    async def checkpoint(self) -> None:
        """After deletions: take the deleted values off the disk, as far as the database can (see each backend)."""

    async def close(self) -> None:
        """Finish what was begun and release handles; may be called twice."""


Open = Callable[..., Storage]
