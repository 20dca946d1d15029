"""Several processes, and processes that are killed; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

import pytest
from support import ledger

from shared.errors import Unavailable
from shared.storage import Storage, open_storage
from shared.storage.sqlite import Sqlite

STEPS = ledger.STEPS


def start(uri: str, action: str, *rest: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", ledger.__file__, uri, action, *rest]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def lines(storage: Storage) -> list[int]:
    """The numbers in the ledger, after a look that the sum agrees."""
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line ORDER BY number"))
    total = await storage.read(lambda tx: tx.fetchrow("SELECT amount FROM total WHERE name = 'lines'"))
    assert total is not None
    assert total["amount"] == len(rows)
    return [row["number"] for row in rows]


async def test_three_processes_migrate_at_once(storage_uri: str) -> None:
    """One that was killed at it before has left none of the steps."""
    killed = start(storage_uri, "migrate", "migrate:before")
    told, _ = killed.communicate()
    assert (killed.returncode, told) == (-signal.SIGKILL, "")
    racers = [start(storage_uri, "migrate") for _ in range(3)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    applied: list[str] = []
    for racer in racers:
        assert racer.stdout is not None
        applied += racer.stdout.read().split()
        racer.stdout.close()
        assert racer.wait() == 0
    assert sorted(applied) == [f"race/{number:04d}_step" for number in range(1, 51)]


@pytest.mark.parametrize(("failpoint", "kept"), [("third:before", [1, 2]), ("third:after", [1, 2, 3])])
async def test_killed_around_a_commit(storage: Storage, storage_uri: str, failpoint: str, kept: Sequence[int]) -> None:
    process = start(storage_uri, "third_dies", failpoint)
    told, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert told.split() == ["1", "2"]
    assert await lines(storage) == kept
    await storage.write(lambda tx: ledger.add(tx, 99))
    assert await lines(storage) == [*kept, 99]


async def test_a_point_that_is_not_passed_kills_nobody(storage: Storage, storage_uri: str) -> None:
    process = start(storage_uri, "third_dies", "fourth:before")
    process.communicate()
    assert process.returncode == 0
    assert await lines(storage) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("after", [1, 60, 400])
async def test_killed_in_a_crowd(storage: Storage, storage_uri: str, after: int) -> None:
    """Whatever was told to be done is there, and whatever is there is whole."""
    process = start(storage_uri, "crowd")
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(after)]
    process.kill()
    rest, _ = process.communicate()
    told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    assert {int(line) for line in told} <= set(await lines(storage))


async def test_two_programs_write_to_one_database(storage: Storage, storage_uri: str) -> None:
    sister = start(storage_uri, "third_dies")
    for number in range(100, 120):
        await storage.write(partial(ledger.add, number=number))
    sister.communicate()
    assert sister.returncode == 0
    assert await lines(storage) == [1, 2, 3, 4, 5, *range(100, 120)]


async def test_locked_by_another_program(sqlite_uri: str) -> None:
    """A writer that does not let go: we wait for the busy time and then say so; nothing is lost, nothing is half done."""
    storage = open_storage(sqlite_uri)
    await storage.migrate(STEPS)
    impatient = Sqlite(storage._path, busy_ms=50)  # type: ignore[attr-defined]
    holder = start(sqlite_uri, "hold")
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Unavailable, match="locked by another program"):
        await impatient.write(lambda tx: ledger.add(tx, 8))
    assert await lines(impatient) == []  # readers are never in the way
    holder.communicate("")
    await impatient.write(lambda tx: ledger.add(tx, 9))
    assert await lines(storage) == [7, 9]
    await impatient.close()
    await storage.close()
