"""PostgreSQL through asyncpg, with the promises of ``Storage``: each write is SERIALIZABLE and is run again after a conflict.

As soon as two writes conflict, this process goes on one write at a time, under an advisory lock that its sister processes take as
well, until a run of writes has met no conflict: work on a hot row makes progress instead of rolling back.
Durability is the server's: ``synchronous_commit`` and ``fsync`` are to stay on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Generic, Literal, cast

from ..clock import monotonic
from ..errors import ConfigError, Conflict, Unavailable, VcError
from ._failpoint import Failpoint
from ._migrations import apply
from ._model import Migration, Open, Row, Storage, StorageError, T, Tx, Value, Work
from ._statement import check

try:
    import asyncpg
except ModuleNotFoundError as missing:
    raise ConfigError("PostgreSQL needs the package asyncpg: install muniment[postgresql]") from missing

Isolation = Literal["serializable", "repeatable_read", "read_committed"]
Connection = Any  # asyncpg hands out a proxy of a pooled connection; its stubs type the pool, not the proxy

_ATTEMPTS = 20
_CALM = 64  # writes without a conflict after which they run side by side again
_CONNECT_S = 10.0
_STATEMENT_S = 30.0
_VACUUM_S = 30.0
_ALL_EVERY = 86_400.0
_MIGRATE_LOCK = 0x6D756E696D656E74  # "muniment"
_TURN_LOCK = _MIGRATE_LOCK + 1
_STAINED = (
    "SELECT oid::regclass::text, COALESCE(pg_stat_get_dead_tuples(oid) > 0 OR pg_stat_get_dead_tuples(reltoastrelid) > 0, FALSE) FROM pg_class"
    " WHERE relkind = 'r' AND pg_get_userbyid(relowner) = current_user"
    " AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
)
_COUNTED = re.compile(r"(?:INSERT 0|UPDATE|DELETE|MERGE) ([0-9]+)")
_BLOB = re.compile(r"\bBLOB\b")

_LIBRARY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,  # another process has migrated
    asyncpg.OutdatedSchemaCacheError,
)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, start-up, a cancelled statement
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a standby after a switch
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresIOError,
    OSError,
    TimeoutError,
)
_UNUSABLE = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.ClientConfigurationError,
    asyncpg.UnsupportedClientFeatureError,
)


class _AgainError(StorageError):
    """The unit met a conflict and is to be run again."""


def _gone(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken a broken connection back already
        return True


def _translate(error: Exception, connection: Connection) -> Exception:
    """No library's exception crosses its adapter."""
    if isinstance(error, _AGAIN):
        return _AgainError("a conflict with another unit of work")
    if isinstance(error, _AWAY) or _gone(connection):
        return Unavailable("the database does not answer")
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict("this exists already")
    return StorageError(str(error))


class _PostgresTx:
    __slots__ = ("connection", "failed", "over", "readonly", "waiting")

    def __init__(self, connection: Connection, *, readonly: bool) -> None:
        self.connection = connection
        self.readonly = readonly
        self.failed: Exception | None = None
        self.over = False
        self.waiting = False  # for the database, at this moment

    async def _run(self, method: str, sql: str, args: tuple[Value, ...]) -> Any:
        if self.over or self.failed is not None:
            raise StorageError("a statement after the end of its unit of work, or after one that failed") from self.failed
        self.waiting = True
        try:
            check(sql, args)
            return await getattr(self.connection, method)(sql, *args)
        except _LIBRARY as error:
            ours = self.readonly and isinstance(error, asyncpg.ReadOnlySQLTransactionError)  # and not a standby's
            self.failed = StorageError(str(error)) if ours else _translate(error, self.connection)
            raise self.failed from error
        except (VcError, StorageError) as error:
            self.failed = error
            raise
        finally:
            self.waiting = False

    async def fetch(self, sql: str, *args: Value) -> list[Row]:
        return cast("list[Row]", await self._run("fetch", sql, args))

    async def fetchrow(self, sql: str, *args: Value) -> Row | None:
        return cast("Row | None", await self._run("fetchrow", sql, args))

    async def execute(self, sql: str, *args: Value) -> int:
        counted = _COUNTED.fullmatch(await self._run("execute", sql, args))
        return int(counted[1]) if counted else 0


class _Unit(Generic[T]):
    """A unit of work as an awaitable that passes on waits for the database and refuses all others."""

    def __init__(self, work: Work[T], tx: _PostgresTx) -> None:
        self._work = work
        self._tx = tx

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._work(self._tx).__await__()
        step = partial(steps.send, None)
        while True:
            try:
                waited = step()
            except StopIteration as done:
                value: T = done.value
                return value
            if not self._tx.waiting:
                self._tx.over = True
                with suppress(Exception):
                    steps.close()
                raise StorageError("a unit of work waited for something other than the database")
            try:
                received = yield waited
            except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the unit
                step = partial(steps.throw, error)
            else:
                step = partial(steps.send, received)


class Postgresql:
    """``Storage`` in one schema of a PostgreSQL 15 or later. Connects at its first use, directly: a pooler that hands out a connection
    for each transaction would break prepared statements and the lock of the contended.

    ``checkpoint`` vacuums those of our tables where the server has counted dead rows, in them or in the long values that lie beside them; the first
    one, and then one a day, vacuums all, as the server forgets its count when it crashes, or may keep none. A table that is locked is left
    for the next time. One that takes longer than half a minute ends the ``checkpoint`` with ``Unavailable`` and comes last from then on, so that
    nothing else waits for it; it is left to the server's own autovacuum. Dead rows are taken out of reach and their space is used again.
    It does not overwrite: a deleted value may stay readable on the server's disk in free space of pages, in the write-ahead log, in archives,
    standbys and backups, until each is overwritten or dropped. Who needs more deletes a key instead (values are kept sealed) or encrypts the disk.
    """

    def __init__(self, uri: str, *, failpoint: str = "", connections: int = 8) -> None:
        self._uri = uri
        self._connections = connections
        self._failpoint = Failpoint.parse(failpoint)
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._contended = 0
        self._closed = False
        self._all_at = 0.0
        self._due: set[str] = set()  # tables that are to be cleared, whatever the server has counted
        self._late: dict[str, int] = {}  # how often each was begun in vain

    async def write(self, fn: Work[T], *, point: str = "") -> T:
        for attempt in range(_ATTEMPTS):
            try:
                if self._contended:
                    self._contended -= 1
                    return await self._in_turn(fn, point)
                return await self._attempt(fn, "serializable", point)
            except _AgainError:
                self._contended = _CALM
                await asyncio.sleep(min(0.001 * 2**attempt, 0.1))
        raise Unavailable("too many changes to the same data at once")

    async def read(self, fn: Work[T], *, brief: bool = False) -> T:  # noqa: ARG002 - every read waits for the network alike
        return await self._rarely_again(fn, "repeatable_read")

    async def migrate(self, steps: Sequence[Migration]) -> list[str]:
        async def work(tx: Tx) -> list[str]:
            await tx.fetch("SELECT pg_advisory_xact_lock($1)", _MIGRATE_LOCK)
            return await apply(tx, steps, partial(_BLOB.sub, "BYTEA"))

        # not serializable: its snapshot would be older than the lock
        return await self._rarely_again(work, "read_committed", "migrate")

    async def checkpoint(self) -> None:
        async with self._connection() as connection:
            try:
                stained = dict(await connection.fetch(_STAINED))
                if monotonic() >= self._all_at:
                    self._all_at, self._due = monotonic() + _ALL_EVERY, set(stained)
                wanted = [table for table, dead in stained.items() if dead or table in self._due]
                for table in sorted(wanted, key=lambda name: self._late.get(name, 0)):  # one that takes too long keeps no other waiting
                    self._due.discard(table)
                    self._late[table] = self._late.get(table, 0) + 1
                    await connection.execute(f"VACUUM (SKIP_LOCKED) {table}", timeout=_VACUUM_S)
                    self._late.pop(table, None)  # another checkpoint may have done the same
            except _LIBRARY as error:
                raise _translate(error, connection) from error

    async def close(self) -> None:
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), _CONNECT_S)
        except _LIBRARY:
            pool.terminate()

    async def _rarely_again(self, fn: Work[T], isolation: Isolation, point: str = "") -> T:
        for _ in range(3):
            with suppress(_AgainError):
                return await self._attempt(fn, isolation, point)
        raise Unavailable("the database is being changed")

    async def _in_turn(self, fn: Work[T], point: str) -> T:
        async with self._turn:  # one waiter a process, so that the others do not keep all connections
            return await self._attempt(fn, "serializable", point, lock=True)

    async def _attempt(self, fn: Work[T], isolation: Isolation, point: str = "", *, lock: bool = False) -> T:
        async with self._connection() as connection:
            try:
                if lock:  # before BEGIN: the snapshot must be younger than the lock
                    await connection.fetch("SELECT pg_advisory_lock($1)", _TURN_LOCK)
                try:
                    return await self._transaction(connection, fn, isolation, point)
                finally:
                    if lock and not _gone(connection):
                        await connection.fetch("SELECT pg_advisory_unlock($1)", _TURN_LOCK)
            except _LIBRARY as error:
                raise _translate(error, connection) from error

    async def _transaction(self, connection: Connection, fn: Work[T], isolation: Isolation, point: str) -> T:
        tx = _PostgresTx(connection, readonly=isolation == "repeatable_read")
        transaction = connection.transaction(isolation=isolation, readonly=tx.readonly)
        await transaction.start()
        try:
            result = await self._unit(fn, tx)
        except BaseException:
            if not _gone(connection):
                await transaction.rollback()
            raise
        self._failpoint.pass_by("before", (point,))
        await transaction.commit()
        self._failpoint.pass_by("after", (point,))
        return result

    async def _unit(self, fn: Work[T], tx: _PostgresTx) -> T:
        try:
            result = await _Unit(fn, tx)
        except Exception as error:
            if isinstance(tx.failed, _AgainError):  # whatever the unit made of it
                raise tx.failed from error
            raise
        finally:
            tx.over = True
        if tx.failed is not None:
            again = isinstance(tx.failed, _AgainError)
            raise tx.failed if again else StorageError("a unit of work went on after a failed statement") from tx.failed
        return result

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        pool = await self._connected()
        try:
            connection = await pool.acquire(timeout=_CONNECT_S)
        except _LIBRARY as error:
            raise _translate_connect(error) from error
        try:
            yield connection
        finally:
            with suppress(*_LIBRARY):
                await pool.release(connection)

    async def _connected(self) -> asyncpg.Pool[Any]:
        async with self._opening:
            if self._closed:
                raise Unavailable("the database is closed")
            if self._pool is None:
                try:
                    self._pool = await asyncpg.create_pool(
                        self._uri,
                        min_size=1,
                        max_size=self._connections,
                        timeout=_CONNECT_S,
                        command_timeout=_STATEMENT_S,
                        reset=_no_reset,
                        server_settings={"application_name": "muniment"},
                    )
                except (*_LIBRARY, ValueError) as error:
                    raise _translate_connect(error) from error
            return self._pool


async def _no_reset(connection: Connection) -> None:
    """We leave no session state behind; the default costs a round trip a unit."""


def _translate_connect(error: Exception) -> Exception:
    if isinstance(error, _UNUSABLE) or (isinstance(error, ValueError) and not isinstance(error, OSError)):
        return ConfigError(f"PostgreSQL refuses the connection: {type(error).__name__}")  # its text may repeat the address with a password
    return Unavailable("the database does not answer")


def _open(uri: str, *, failpoint: str = "") -> Storage:
    """``postgresql://user@host:port/database?sslmode=verify-full&search_path=schema``; the password from PGPASSFILE rather than from here."""
    return Postgresql(uri, failpoint=failpoint)


OPEN: Open = _open
