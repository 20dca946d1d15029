"""A ledger whose lines and sum must never disagree, and programs for tests that need other processes:

``python ledger.py URI ACTION [FAILPOINT]``
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from shared.storage import Migration, Storage, Tx, open_storage

STEPS = (
    Migration(
        "suite/0001_ledger",
        """
        -- one line; and one more in the sum
        CREATE TABLE line (number BIGINT PRIMARY KEY, note TEXT NOT NULL DEFAULT ';', seal BLOB);
        CREATE TABLE total (name TEXT PRIMARY KEY, amount BIGINT NOT NULL, version BIGINT NOT NULL);
        INSERT INTO total (name, amount, version) VALUES ('lines', 0, 0);
        """,
    ),
    Migration(
        "suite/0002_codes",
        """
        CREATE TABLE code (id TEXT PRIMARY KEY, used INTEGER NOT NULL, expires_at BIGINT NOT NULL);
        CREATE INDEX code_expires ON code (expires_at);
        """,
    ),
)


def say(*words: object) -> None:
    """To the test that started us, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def add(tx: Tx, number: int) -> None:
    """One line and one more in the sum: both or none."""
    await tx.execute("INSERT INTO line (number) VALUES ($1)", number)
    await tx.execute("UPDATE total SET amount = amount + 1 WHERE name = 'lines'")


async def third_dies(storage: Storage) -> None:
    for number in range(1, 6):
        await storage.write(partial(add, number=number), point="third" if number == 3 else "")
        say(number)


async def crowd(storage: Storage) -> None:
    """Twenty at a time until somebody kills us; each number is printed only after its unit was told to be durable."""

    async def one(start: int) -> None:
        for number in range(start, 1_000_000, 20):
            await storage.write(partial(add, number=number))
            say(number)

    await asyncio.gather(*(one(start) for start in range(20)))


async def migrate(storage: Storage) -> None:
    """Fifty steps; prints those that this process applied. Begins when its input ends, so that several begin at once."""
    await asyncio.to_thread(sys.stdin.read)
    steps = [Migration(f"race/{n:04d}_step", f"CREATE TABLE race_{n} (id BIGINT PRIMARY KEY);") for n in range(1, 51)]
    say(*await storage.migrate(steps))


async def hold(storage: Storage) -> None:
    """Keep the write lock until the input ends."""

    async def work(tx: Tx) -> None:
        await add(tx, 7)
        say("held")
        sys.stdin.read()

    await storage.write(work)


async def main() -> None:
    uri, action, *rest = sys.argv[1:]
    storage = open_storage(uri, failpoint=rest[0] if rest else "")
    await {"third_dies": third_dies, "crowd": crowd, "migrate": migrate, "hold": hold}[action](storage)
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main())
