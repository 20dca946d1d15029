"""SQLite behind one writer thread with group commit, and a few reader threads.

Units of work that wait at the same time share one BEGIN IMMEDIATE … COMMIT, each inside its own SAVEPOINT: one fsync for all of them,
and a unit that fails takes nobody with it. A result is told only after the COMMIT (synchronous=FULL: on the disk). A unit never
suspends, so a thread drives its coroutine with ``send(None)``: one hop a unit, not one a statement. Several processes may open one file.

Two busy threads of Python take the interpreter's lock from each other at every statement, which costs more than the statements. So
writes are handed over together, once their event loop has nothing else to do, and brief reads change no thread at all.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

from ..clock import monotonic
from ..errors import ConfigError, Unavailable
from ._failpoint import Failpoint
from ._jobs import Job, tell
from ._migrations import apply
from ._model import Migration, Open, Row, Storage, StorageError, T, Tx, Value, Work
from ._sqlite_errors import translate
from ._statement import check

log = logging.getLogger("muniment.storage")

_BATCH = 256  # units a COMMIT: bounds how long the first of them waits for the last
_TOGETHER = 64  # units handed over at once: bounds how long the first of them waits in a loop that never rests
_ANEW_EVERY, _ANEW_MOST = 86_400.0, 64 * 2**20  # seconds until a file is written anew, and its most bytes: writers wait for it meanwhile
_ANEW_AFTER = 3_600.0  # seconds until it is tried again where it failed: on a full disk it takes all that room each time
_PURGE_MS = 100  # how long other programs are waited for in a checkpoint: our own reads are over by then, and writers wait meanwhile
_PRAGMAS = (
    "synchronous=FULL",
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "secure_delete=ON",  # deleted bytes are overwritten with zeros, also in free pages
    "temp_store=MEMORY",  # sorting spills no personal data into a temporary file
)


class _SqliteTx:
    __slots__ = ("connection", "failed", "over")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.failed: Exception | None = None
        self.over = False

    def _run(self, sql: str, args: tuple[Value, ...]) -> tuple[sqlite3.Cursor, list[Any]]:
        if self.over or self.failed is not None:
            raise StorageError("a statement after the end of its unit of work, or after one that failed") from self.failed
        try:
            cursor = self.connection.execute(sql, dict(zip(check(sql, args), args, strict=True)))
            return cursor, cursor.fetchall()
        except sqlite3.Error as error:
            self.failed = translate(error)
            raise self.failed from error
        except Exception as error:
            self.failed = error
            raise

    async def fetch(self, sql: str, *args: Value) -> list[Row]:
        return self._run(sql, args)[1]

    async def fetchrow(self, sql: str, *args: Value) -> Row | None:
        rows = self._run(sql, args)[1]
        return rows[0] if rows else None

    async def execute(self, sql: str, *args: Value) -> int:
        before = self.connection.total_changes
        counted = self._run(sql, args)[0].rowcount
        if counted < 0 and self.connection.total_changes != before:  # WITH … UPDATE: Python's sqlite3 does not count it
            counted = int(self.connection.execute("SELECT changes()").fetchone()[0])
        return max(counted, 0)


def _drive(work: Work[T], connection: sqlite3.Connection) -> T:
    """Run a unit to its end on this thread; it has nothing to wait for but the database, which answers at once."""
    tx = _SqliteTx(connection)
    try:
        steps = work(tx).__await__()
        try:
            steps.send(None)
        except StopIteration as done:
            if tx.failed is not None:
                raise StorageError("a unit of work went on after a failed statement") from tx.failed
            value: T = done.value
            return value
        tx.over = True
        with suppress(Exception):
            steps.close()
        raise StorageError("a unit of work waited for something other than the database")
    finally:
        tx.over = True


def _make_private(path: Path) -> None:
    """Make the file before SQLite would make it readable by all. Never open one that exists: to close any handle of a file drops all
    locks that this process holds on it (POSIX), and SQLite's would be among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _kind(job: Job[Any] | None) -> str:
    if job is None:
        return "end"
    return "checkpoint" if job.work is None else "units"


class _LostError(Exception):
    """The whole transaction is gone, not only one unit of it."""


class Sqlite:
    """``Storage`` in one file, its ``-wal`` and its ``-shm``; all three readable by their owner only.

    ``checkpoint`` moves the write-ahead log into the file and empties it: with secure_delete a deleted value is then in none of the
    files, but for one place. Where SQLite divides a full page it leaves bytes of the rows that moved between those that stayed, and they
    outlive those rows. So the first ``checkpoint``, and then one a day, writes the file anew (VACUUM) where it has at most 64 MiB; where
    that fails a warning is logged, and an hour later it is tried again.
    What the file system or a solid-state disk keeps of overwritten blocks, and backups, are beyond it.
    """

    def __init__(self, path: Path, *, failpoint: str = "", readers: int = 2, busy_ms: int = 5000) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._failpoint = Failpoint.parse(failpoint)
        self._closed = False
        self._anew_at = 0.0
        self._writes: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._reads: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._gathered: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Job[Any]]] = WeakKeyDictionary()
        writer = self._first_connection()
        self._brief, self._briefly = self._reader(busy_ms=0), threading.Lock()
        self._threads = [threading.Thread(target=self._write_loop, args=(writer,), name="sqlite-writer", daemon=True)]
        self._threads += [threading.Thread(target=self._read_loop, name=f"sqlite-reader-{n}", daemon=True) for n in range(readers)]
        for thread in self._threads:
            thread.start()

    # --- the waiting side

    async def write(self, fn: Work[T], *, point: str = "") -> T:
        self._check_open()
        job = Job(fn, point)
        gathered = self._gathered.setdefault(job.loop, [])
        if not gathered:
            job.loop.call_soon(self._hand_over, job.loop, 0)
        gathered.append(job)
        return await job.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop, before: int) -> None:
        """Give the writer what was gathered, once a whole turn of the loop has brought no further unit."""
        gathered = self._gathered.get(loop, [])
        if before < len(gathered) < _TOGETHER:
            loop.call_soon(self._hand_over, loop, len(gathered))
            return
        for job in gathered:
            self._writes.put(job)
        gathered.clear()

    async def read(self, fn: Work[T], *, brief: bool = False) -> T:
        self._check_open()
        if brief and self._briefly.acquire(blocking=False):
            try:
                return self._snapshot(self._brief, fn)
            except (sqlite3.Error, Unavailable):  # locked for a moment, say: the threads have the patience to wait
                pass
            finally:
                self._briefly.release()
        return await self._ask(self._reads, Job(fn))

    async def checkpoint(self) -> None:
        checkpoint: Job[None] = Job(None)
        await self._ask(self._writes, checkpoint)

    async def migrate(self, steps: Sequence[Migration]) -> list[str]:
        async def work(tx: Tx) -> list[str]:
            return await apply(tx, steps, lambda statement: statement)

        return await self.write(work, point="migrate")

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for loop in list(self._gathered):
            self._hand_over(loop, _TOGETHER)
        self._writes.put(None)
        for _ in self._threads[1:]:
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        with self._briefly:
            self._brief.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the database is closed")

    async def _ask(self, queue: SimpleQueue[Job[Any] | None], job: Job[T]) -> T:
        self._check_open()
        queue.put(job)
        return await job.future

    # --- connections

    def _first_connection(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < (3, 35):
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or later is needed")
        try:
            _make_private(self._path)
            return self._connect()
        except OSError as error:
            raise ConfigError(f"cannot open the database {self._path}: {error.strerror}") from error
        except sqlite3.Error as error:
            raise ConfigError(f"cannot open the database {self._path}: {error}") from error

    def _reader(self, busy_ms: int | None = None) -> sqlite3.Connection:
        connection = self._connect(busy_ms)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _connect(self, busy_ms: int | None = None) -> sqlite3.Connection:
        patience = (self._busy_ms if busy_ms is None else busy_ms) / 1000
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=patience)
        connection.row_factory = sqlite3.Row
        try:
            self._to_wal(connection)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        """Several processes may make the same file at once; the busy handler does not cover the change to WAL."""
        end = monotonic() + self._busy_ms / 1000
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > end:
                    raise
                time.sleep(0.005)
            else:
                return

    # --- the writer thread

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        while True:
            for kind, group in groupby(self._waiting(), _kind):
                jobs = [job for job in group if job is not None]
                if kind == "end":
                    connection.close()
                    return
                try:
                    self._serve(connection, kind, jobs)
                except Exception as error:  # noqa: BLE001 - nobody may wait for ever, whatever it was
                    for job in jobs:
                        job.error = StorageError(f"the writer of the database failed: {error}")
                tell(jobs)

    def _serve(self, connection: sqlite3.Connection, kind: str, jobs: Sequence[Job[Any]]) -> None:
        if connection.in_transaction:  # a rollback failed
            connection.execute("ROLLBACK")
        if kind == "units":
            self._commit(connection, jobs)
        else:
            self._truncate_log(connection, jobs)

    def _waiting(self) -> list[Job[Any] | None]:
        """What waits already, at least one: the next batch. None asks for the end and is always the last."""
        jobs = [self._writes.get()]
        with suppress(Empty):
            while len(jobs) < _BATCH:
                jobs.append(self._writes.get_nowait())
        return jobs

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[Job[Any]]) -> None:
        """All units of the batch in one transaction. If the transaction as a whole fails, each unit gets one of its own."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for job in batch:
                job.error = translate(error)
            return
        try:
            for job in batch:
                self._savepoint(connection, job)
            self._end(connection, batch)
        except (_LostError, sqlite3.Error) as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                for job in batch:
                    job.error = None
                    self._commit(connection, [job])
            elif batch[0].error is None:
                batch[0].error = translate(error) if isinstance(error, sqlite3.Error) else error

    def _end(self, connection: sqlite3.Connection, batch: Sequence[Job[Any]]) -> None:
        points = {job.point for job in batch if job.error is None}
        self._failpoint.pass_by("before", points)
        connection.execute("COMMIT")
        self._failpoint.pass_by("after", points)

    def _savepoint(self, connection: sqlite3.Connection, job: Job[Any]) -> None:
        assert job.work is not None  # noqa: S101 - a checkpoint never enters a batch
        connection.execute("SAVEPOINT unit")
        try:
            job.result = _drive(job.work, connection)
        except BaseException as error:
            job.error = error
            if not connection.in_transaction:  # a full disk, an input/output error: SQLite has rolled back everything
                raise _LostError from error
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def _truncate_log(self, connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> None:
        connection.execute(f"PRAGMA busy_timeout={min(_PURGE_MS, self._busy_ms)}")
        try:
            self._write_anew(connection)
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise Unavailable("another program is using the database; deleted values are still in its log")
        except (sqlite3.Error, Unavailable) as error:
            for job in jobs:
                job.error = translate(error) if isinstance(error, sqlite3.Error) else error
        finally:
            connection.execute(f"PRAGMA busy_timeout={self._busy_ms}")

    def _write_anew(self, connection: sqlite3.Connection) -> None:
        """If it is time. What another program's lock or a full disk keeps from it is said, and tried again later."""
        size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if monotonic() < self._anew_at or connection.execute(size).fetchone()[0] > _ANEW_MOST:
            return
        self._anew_at = monotonic() + _ANEW_AFTER
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            log.warning("the database could not be written anew, and bytes of deleted rows may be left in it: %s", translate(error))
        else:
            self._anew_at = monotonic() + _ANEW_EVERY

    # --- the reader threads

    def _read_loop(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._reads.get()) is not None:
            try:
                if connection is None:
                    connection = self._reader()
                assert job.work is not None  # noqa: S101 - only the writer makes checkpoints
                job.result = self._snapshot(connection, job.work)
            except sqlite3.Error as error:
                job.error = translate(error)
            except BaseException as error:  # noqa: BLE001 - it belongs to the waiting coroutine
                job.error = error
            tell([job])
            del job  # keep no result alive while waiting
        if connection is not None:
            connection.close()

    def _snapshot(self, connection: sqlite3.Connection, work: Work[T]) -> T:
        connection.execute("BEGIN")
        try:
            return _drive(work, connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _open(uri: str, *, failpoint: str = "") -> Storage:
    """``sqlite:///absolute/file.db`` or ``sqlite:relative.db``, percent-encoded where needed."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if not path or parts.netloc or parts.query or parts.fragment:
        raise ConfigError("a SQLite database is written sqlite:///absolute/file.db or sqlite:relative.db")
    return Sqlite(Path(path), failpoint=failpoint)


OPEN: Open = _open
