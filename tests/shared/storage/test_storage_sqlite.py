"""What only SQLite has to do."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import stat
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.ledger import STEPS, add
from support.trial_verify import Dice

from shared.errors import ConfigError, Conflict, Unavailable
from shared.storage import Storage, StorageError, Tx, open_storage
from shared.storage._jobs import Job
from shared.storage.sqlite import Sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.db"


async def opened(path: Path, **options: int) -> Sqlite:
    storage = Sqlite(path, **options)  # type: ignore[arg-type]
    await storage.migrate(STEPS)
    return storage


async def pragma(tx: Tx, name: str) -> object:
    row = await tx.fetchrow(f"PRAGMA {name}")
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0), ("secure_delete", 1), ("busy_timeout", 5000)],
)
async def test_pragmas(path: Path, name: str, value: object) -> None:
    storage = await opened(path)
    assert await storage.write(lambda tx: pragma(tx, name)) == value
    assert await storage.read(lambda tx: pragma(tx, name)) == value
    await storage.close()


async def test_files_are_for_their_owner_only(path: Path) -> None:
    storage = await opened(path)
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"rows.db", "rows.db-wal", "rows.db-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await storage.close()
    assert [file.name for file in path.parent.iterdir()] == ["rows.db"]


async def test_waiting_units_share_a_commit(path: Path) -> None:
    storage = await opened(path)
    await storage.checkpoint()
    log = path.with_name("rows.db-wal")
    await asyncio.gather(*(storage.write(partial(add, number=n)) for n in range(200)))
    together = log.stat().st_size
    await storage.checkpoint()
    for number in range(200, 250):
        await storage.write(partial(add, number=number))
    assert together < log.stat().st_size / 5
    await storage.close()


async def test_units_are_handed_over_once_their_loop_rests(path: Path) -> None:
    """Those that come in the next turns join; closing leaves none behind."""
    storage = await opened(path)
    commits: list[int] = []
    commit = storage._commit

    def counted(connection: sqlite3.Connection, batch: Sequence[Job[Any]]) -> None:
        commits.append(len(batch))
        commit(connection, batch)

    storage._commit = counted  # type: ignore[method-assign]

    async def late(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        await storage.write(lambda tx: add(tx, number))

    await asyncio.gather(*(late(number) for number in range(10)))
    assert commits == [10]
    begun = asyncio.gather(*(storage.write(partial(add, number=number)) for number in range(10, 20)))
    await asyncio.sleep(0)
    await storage.close()
    assert await begun == [None] * 10


async def test_a_brief_read_stays_on_its_thread(path: Path) -> None:
    storage = await opened(path)
    await storage.write(lambda tx: add(tx, 1))

    async def where(tx: Tx) -> tuple[int, int]:
        return threading.get_ident(), len(await tx.fetch("SELECT number FROM line"))

    assert await storage.read(where, brief=True) == (threading.get_ident(), 1)
    assert (await storage.read(where))[0] != threading.get_ident()
    with pytest.raises(StorageError):
        await storage.read(lambda tx: add(tx, 2), brief=True)
    await storage.close()
    with pytest.raises(Unavailable, match="closed"):
        await storage.read(where, brief=True)


async def test_a_brief_read_that_is_locked_out_waits_on_another_thread(path: Path) -> None:
    storage = await opened(path)
    tries: list[int] = []

    async def locked_here(tx: Tx) -> int:
        tries.append(threading.get_ident())
        if len(tries) == 1:
            raise Unavailable("the database is locked by another program")
        row = await tx.fetchrow("SELECT count(*) AS n FROM line")
        return -1 if row is None else int(row["n"])

    assert await storage.read(locked_here, brief=True) == 0
    assert len(set(tries)) == 2
    await storage.close()


async def test_deleted_values_leave_the_disk(path: Path) -> None:
    """Not in the file, its log or its free pages, small and large, in rows and in an index."""
    storage = await opened(path)
    secrets = [b"margaret-%04d-" % number + b"x" * size for number, size in enumerate((8, 300, 5000, 60000))]

    async def fill(tx: Tx) -> None:
        for number, secret in enumerate(secrets):
            await tx.execute("INSERT INTO line (number, note, seal) VALUES ($1, $2, $3)", number, secret.decode(), secret)
            await tx.execute("INSERT INTO code (id, used, expires_at) VALUES ($1, $2, $3)", secret.decode(), 0, number)

    async def purge(tx: Tx) -> int:
        changed = await tx.execute("UPDATE line SET note = 'gone' WHERE number < 2")
        return changed + await tx.execute("DELETE FROM line") + await tx.execute("DELETE FROM code")

    def found() -> bool:
        return any(b"margaret" in file.read_bytes() for file in path.parent.glob("rows.db*"))

    await storage.write(fill)
    assert found()
    assert await storage.write(purge) == 10
    assert found()  # in the log
    await storage.checkpoint()
    assert not found()
    assert path.with_name("rows.db-wal").stat().st_size == 0
    await storage.close()


async def churn(tx: Tx) -> set[bytes]:
    """Rows of many sizes come, change and go, so that pages are divided; 24 bytes at a time of everything that is over."""
    dice = Dice("churn")

    def one_of(values: Sequence[int]) -> int:
        return values[int.from_bytes(dice(4)) % len(values)]

    live: dict[int, tuple[str, bytes]] = {}
    over: set[bytes] = set()

    def end(*values: bytes) -> None:
        over.update(value[at : at + 24] for value in values for at in range(0, len(value) - 23, 24))

    for number in range(4_000):
        chance = one_of(range(100))
        if chance < 50 or not live:
            live[number] = dice(12).hex(), dice(24 * one_of((1, 2, 5, 20, 60)))
            await tx.execute("INSERT INTO line (number, note, seal) VALUES ($1, $2, $3)", number, *live[number])
            continue
        one = one_of(list(live))
        note, seal = live.pop(one)
        if chance < 75:
            live[one] = note, dice(one_of((24, 100, 1_000, 5_000)))
            await tx.execute("UPDATE line SET seal = $2 WHERE number = $1", one, live[one][1])
            end(seal)
        else:
            await tx.execute("DELETE FROM line WHERE number = $1", one)
            end(note.encode(), seal)
    return over


def left_in(path: Path, over: set[bytes]) -> bool:
    """Whether a piece of what is over lies in any of the files."""
    disk = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    return any(disk[at : at + 24] in over for at in range(len(disk)))


async def test_rows_that_moved_leave_nothing_between_the_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own overwriting does not reach what stays of them where a page was divided; a file that is too long for it is left alone."""
    storage = await opened(path)
    over = await storage.write(churn)
    monkeypatch.setattr("shared.storage.sqlite._ANEW_MOST", 0)
    await storage.checkpoint()
    assert left_in(path, over)
    monkeypatch.undo()
    await storage.checkpoint()
    assert not left_in(path, over)
    await storage.checkpoint()
    await storage.close()


async def test_a_reader_elsewhere_holds_up_the_purge(path: Path) -> None:
    """But not our own writers, who would have the patience to wait for others."""
    storage = await opened(path, busy_ms=600_000)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM total").fetchall()
    await storage.write(lambda tx: add(tx, 1))
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="using the database"):
            await storage.checkpoint()
    assert await storage.write(lambda tx: pragma(tx, "busy_timeout")) == 600_000
    reader.close()
    await storage.checkpoint()
    await storage.close()


async def test_a_file_that_cannot_be_written_anew_is_not_tried_at_every_turn(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said; and what was left in it goes once it can."""
    storage = await opened(path)
    over = await storage.write(churn)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(Unavailable, match="using the database"):
            await storage.checkpoint()
    other.close()
    assert [each.message for each in caplog.records] == [
        "the database could not be written anew, and bytes of deleted rows may be left in it: the database is locked by another program"
    ]
    await storage.checkpoint()
    assert left_in(path, over)
    storage._anew_at = 0.0
    await storage.checkpoint()
    assert not left_in(path, over)
    await storage.close()


async def test_a_full_disk(path: Path) -> None:
    """A unit that does not fit is refused whole; those that wait with it are not harmed."""
    storage = await opened(path)
    await storage.write(lambda tx: tx.fetch("PRAGMA max_page_count = 40"))

    async def large(tx: Tx) -> None:
        await tx.execute("INSERT INTO line (number, seal) VALUES ($1, $2)", 1000, b"z" * 400_000)

    units = [storage.write(partial(add, number=n)) for n in range(10)]
    results = await asyncio.gather(*units[:5], storage.write(large), *units[5:], return_exceptions=True)
    assert isinstance(results[5], Unavailable)
    assert "disk is full" in str(results[5])
    assert [result for result in results if result is not None] == [results[5]]
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line ORDER BY number"))
    assert [row[0] for row in rows] == list(range(10))
    await storage.close()


async def test_a_file_that_may_not_grow(path: Path) -> None:
    storage = await opened(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(Unavailable):
            await storage.write(lambda tx: tx.execute("INSERT INTO line (number, seal) VALUES ($1, $2)", 1, b"z" * 400_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert await storage.read(lambda tx: tx.fetch("SELECT number FROM line")) == []
    await storage.write(lambda tx: add(tx, 2))
    await storage.close()


async def test_a_batch_that_cannot_commit_is_run_again_one_by_one(path: Path) -> None:
    storage = await opened(path)
    await storage.write(lambda tx: tx.execute("CREATE TABLE page (line BIGINT REFERENCES line (number) DEFERRABLE INITIALLY DEFERRED)"))
    dangling = storage.write(lambda tx: tx.execute("INSERT INTO page VALUES ($1)", 77))
    units = [storage.write(partial(add, number=n)) for n in range(6)]
    results = await asyncio.gather(*units[:3], dangling, *units[3:], return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 3 + [StorageError] + [type(None)] * 3
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line"))
    assert len(rows) == 6
    await storage.close()


async def test_what_a_unit_saw_in_a_lost_batch_is_not_told(path: Path) -> None:
    """A conflict with a unit that was then rolled back is no conflict."""
    storage = await opened(path)
    await storage.write(lambda tx: tx.execute("CREATE TABLE page (line BIGINT REFERENCES line (number) DEFERRABLE INITIALLY DEFERRED)"))

    async def doomed(tx: Tx) -> None:
        await add(tx, 1)
        await tx.execute("INSERT INTO page VALUES ($1)", 77)

    results = await asyncio.gather(storage.write(doomed), storage.write(lambda tx: add(tx, 1)), return_exceptions=True)
    assert [type(result) for result in results] == [StorageError, type(None)]
    with pytest.raises(Conflict):
        await storage.write(lambda tx: add(tx, 1))
    await storage.close()


@pytest.mark.parametrize("uri", ["sqlite:", "sqlite://host/x.db", "sqlite:///x.db?mode=ro", "sqlite:///x.db#part"])
async def test_addresses(uri: str) -> None:
    with pytest.raises(ConfigError, match="is written"):
        open_storage(uri)


def test_relative_and_encoded_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for uri in ("sqlite:rows.db", "sqlite:with%20space.db", f"sqlite://{tmp_path}/caf%C3%A9.db", f"sqlite:///{tmp_path}/four.db"):
        asyncio.run(open_storage(uri).close())
    assert {file.name for file in tmp_path.iterdir()} == {"rows.db", "with space.db", "café.db", "four.db"}


@pytest.mark.parametrize("name", ["missing/rows.db", "text.db", "."])
def test_unusable_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.db").write_text("This is no database, but a text that is long enough to be looked at. " * 20)
    with pytest.raises(ConfigError, match="cannot open the database"):
        open_storage(f"sqlite://{tmp_path}/{name}")


async def test_a_program_that_does_not_close_can_end(path: Path) -> None:
    storage: Storage = await opened(path)
    assert all(thread.daemon for thread in storage._threads)  # type: ignore[attr-defined]
    await storage.close()
