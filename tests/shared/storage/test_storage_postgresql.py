"""What only PostgreSQL has to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from support.ledger import STEPS, add

from shared.clock import system_entropy
from shared.errors import ConfigError, Unavailable
from shared.storage import Tx, open_storage
from shared.storage.postgresql import Postgresql

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[3]


async def end_connection(tx: Tx) -> None:
    """Before our own next statement the server ends our connection, as it does when it shuts down."""
    await tx.fetch("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_lost_connection(postgresql_uri: str) -> None:
    storage = open_storage(postgresql_uri)
    await storage.migrate(STEPS)

    async def cut(tx: Tx) -> None:
        await add(tx, 1)
        await end_connection(tx)

    for call in (storage.write, storage.read):
        with pytest.raises(Unavailable):
            await call(cut if call == storage.write else end_connection)
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line"))
    assert rows == []
    await storage.write(lambda tx: add(tx, 2))
    await storage.close()


async def test_a_checkpoint_clears_the_tables_where_something_was_deleted(postgresql_uri: str) -> None:
    """And leaves those alone where nothing was: several services come by every few seconds. Long values lie in a table beside, with a count of its own."""
    storage = open_storage(postgresql_uri)
    await storage.migrate(STEPS)
    await storage.checkpoint()

    async def counted(tx: Tx) -> tuple[int, ...]:
        row = await tx.fetchrow(
            "SELECT pg_stat_get_dead_tuples(oid) AS dead, pg_stat_get_dead_tuples(reltoastrelid) AS beside, pg_stat_get_vacuum_count(oid) AS cleared,"
            " pg_stat_get_vacuum_count(reltoastrelid) AS cleared_beside FROM pg_class WHERE oid = 'line'::regclass"
        )
        assert row is not None
        return tuple(int(row[name]) for name in ("dead", "beside", "cleared", "cleared_beside"))

    async def until(*dead: bool) -> tuple[int, ...]:
        found: tuple[int, ...] = ()
        for _ in range(300):
            found = await storage.read(counted)
            if tuple(each > 0 for each in found[:2]) == dead:
                return found[2:]
            await asyncio.sleep(0.1)
        raise AssertionError(f"the server never counted it: {found}")

    async def in_between(statement: str) -> None:
        """What no unit of work can."""
        connection = await asyncpg.connect(postgresql_uri)
        await connection.execute(statement)
        await connection.close()

    async def add_and_delete() -> None:
        await storage.write(lambda tx: add(tx, 1))
        await storage.write(lambda tx: tx.execute("UPDATE line SET seal = $1", system_entropy(50_000)))
        await storage.write(lambda tx: tx.execute("DELETE FROM line"))

    await add_and_delete()
    assert await until(True, True) == (1, 1)
    await storage.checkpoint()
    assert await until(False, False) == (2, 2)
    await storage.checkpoint()
    assert await until(False, False) == (2, 2)

    await add_and_delete()
    await until(True, True)
    await in_between("VACUUM (PROCESS_TOAST false) line")
    assert await until(False, True) == (3, 2)
    await storage.checkpoint()
    assert await until(False, False) == (4, 3)

    await add_and_delete()
    await until(True, True)
    await in_between(  # as after a crash of the server
        "SELECT pg_stat_reset_single_table_counters(oid), pg_stat_reset_single_table_counters(reltoastrelid)"
        " FROM pg_class WHERE oid = 'line'::regclass"
    )
    assert await until(False, False) == (0, 0)
    await storage.checkpoint()
    assert await until(False, False) == (0, 0)
    await storage.close()
    storage = open_storage(postgresql_uri)
    await storage.checkpoint()
    assert await until(False, False) == (1, 1)
    await storage.close()


async def test_a_table_that_is_locked_or_takes_long_holds_up_no_other(postgresql_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.storage.postgresql._VACUUM_S", 2.0)
    storage = open_storage(f"{postgresql_uri}&vacuum_cost_delay=20&vacuum_cost_limit=1")  # as for a table of many gigabytes
    await storage.migrate(STEPS)

    async def fill(tx: Tx) -> None:
        for number in range(20):
            await add(tx, number)
        await tx.execute("UPDATE line SET seal = $1", system_entropy(50_000))

    await storage.write(fill)
    await storage.write(lambda tx: tx.execute("DELETE FROM line"))

    async def cleared(tx: Tx) -> dict[str, bool]:
        rows = await tx.fetch(
            "SELECT relname, pg_stat_get_vacuum_count(CASE relname WHEN 'line' THEN reltoastrelid ELSE oid END) AS times FROM pg_class"
            " WHERE oid IN ('line'::regclass, 'total'::regclass, 'code'::regclass)"
        )
        return {row["relname"]: row["times"] > 0 for row in rows}

    connection = await asyncpg.connect(postgresql_uri)
    async with connection.transaction():
        await connection.execute("LOCK TABLE code IN SHARE UPDATE EXCLUSIVE MODE")
        for _ in range(2):
            with suppress(Unavailable):
                await storage.checkpoint()  # the second one has nothing to do unless the server has counted by then
    await connection.close()
    assert await storage.read(cleared) == {"line": False, "total": True, "code": False}
    await storage.close()


async def test_a_server_that_does_not_answer() -> None:
    storage = open_storage("postgresql://postgres@127.0.0.1:1/postgres")
    with pytest.raises(Unavailable):
        await storage.migrate(STEPS)
    await storage.close()


@pytest.mark.parametrize("uri", ["postgresql://postgres@127.0.0.1:port/postgres", "postgresql://h/d?sslmode=perhaps"])
async def test_addresses_that_make_no_sense(uri: str) -> None:
    storage = open_storage(uri)
    with pytest.raises(ConfigError):
        await storage.migrate(STEPS)


async def test_a_database_that_does_not_exist(postgresql_uri: str) -> None:
    storage = open_storage(postgresql_uri.replace("/postgres?", "/nowhere?"))
    with pytest.raises(ConfigError, match="InvalidCatalogName"):
        await storage.migrate(STEPS)


async def test_a_cancelled_unit_is_undone_and_its_connection_used_again(postgresql_uri: str) -> None:
    storage = Postgresql(postgresql_uri, connections=1)
    await storage.migrate(STEPS)

    async def long(tx: Tx) -> None:
        await add(tx, 1)
        await tx.fetch("SELECT pg_sleep(30)")

    task = asyncio.ensure_future(storage.write(long))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await storage.write(lambda tx: add(tx, 2))
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line"))
    assert [row[0] for row in rows] == [2]
    await storage.close()


async def test_a_conflict_that_the_unit_swallows_is_run_again(postgresql_uri: str) -> None:
    storage = open_storage(postgresql_uri)
    await storage.migrate(STEPS)

    async def stubborn(tx: Tx, number: int) -> str:
        try:
            await add(tx, number)
        except Exception:  # noqa: BLE001 - what a careless unit would do
            return "never mind"
        return "done"

    results = await asyncio.gather(*(storage.write(partial(stubborn, number=n)) for n in range(30)))
    assert set(results) == {"done"}
    row = await storage.read(lambda tx: tx.fetchrow("SELECT amount FROM total"))
    assert row is not None
    assert row[0] == 30
    await storage.close()


async def test_two_pools_on_one_hot_row(postgresql_uri: str) -> None:
    """As two processes would: the contended ones take turns across pools."""
    storages = [open_storage(postgresql_uri) for _ in range(2)]
    await storages[0].migrate(STEPS)
    await asyncio.gather(*(storages[n % 2].write(partial(add, number=n)) for n in range(200)))
    row = await storages[1].read(lambda tx: tx.fetchrow("SELECT amount FROM total"))
    assert row is not None
    assert row[0] == 200
    for storage in storages:
        await storage.close()


def test_without_the_driver_only_postgresql_fails() -> None:
    probe = """
import sys
sys.modules["asyncpg"] = None
from shared.errors import ConfigError
from shared.storage import open_storage
try:
    open_storage("postgresql://localhost/x")
except ConfigError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "muniment[postgresql]" in told.stdout


def test_sqlite_does_not_import_the_driver() -> None:
    probe = "import sys, shared.storage.sqlite; print('asyncpg' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == "False"
