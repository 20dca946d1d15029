"""What every storage backend has to do; runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from functools import partial

import pytest
from support.ledger import STEPS

from shared.errors import ConfigError, Conflict, Malformed, Missing, Unavailable
from shared.storage import Migration, Row, Storage, StorageError, Tx, open_storage

NOW = 1_800_000_000


async def new_code(tx: Tx, code: str, expires_at: int = NOW) -> int:
    return await tx.execute("INSERT INTO code (id, used, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING", code, 0, expires_at)


async def take(tx: Tx, code: str) -> bool:
    return await tx.execute("UPDATE code SET used = 1 WHERE id = $1 AND used = 0", code) == 1


async def expiry_of(tx: Tx, code: str) -> Row | None:
    return await tx.fetchrow("SELECT expires_at FROM code WHERE id = $1", code)


async def line(tx: Tx, number: int) -> int:
    return await tx.execute("INSERT INTO line (number) VALUES ($1)", number)


async def bump(tx: Tx) -> int:
    """Read, then write what depends on it: only serialised units survive this."""
    row = await tx.fetchrow("SELECT amount FROM total WHERE name = $1", "lines")
    assert row is not None
    await tx.execute("UPDATE total SET amount = $1 WHERE name = $2", row["amount"] + 1, "lines")
    amount: int = row["amount"] + 1
    return amount


async def amount(storage: Storage) -> int:
    row = await storage.read(lambda tx: tx.fetchrow("SELECT amount FROM total WHERE name = $1", "lines"))
    assert row is not None
    value: int = row["amount"]
    return value


async def test_insert_once(storage: Storage) -> None:
    counts = await asyncio.gather(*(storage.write(lambda tx: new_code(tx, "a")) for _ in range(20)))
    assert Counter(counts) == {1: 1, 0: 19}


async def test_take_once_in_a_50_way_race(storage: Storage) -> None:
    await storage.write(lambda tx: new_code(tx, "only"))
    taken = await asyncio.gather(*(storage.write(lambda tx: take(tx, "only")) for _ in range(50)))
    assert Counter(taken) == {True: 1, False: 49}


async def test_read_then_write_is_serialised(storage: Storage) -> None:
    seen = await asyncio.gather(*(storage.write(bump) for _ in range(50)))
    assert sorted(seen) == list(range(1, 51))
    assert await amount(storage) == 50


async def test_write_skew_is_impossible(storage: Storage) -> None:
    """Two may each leave if the other stays; under snapshot isolation both would go."""

    async def leave(tx: Tx, who: str) -> bool:
        rows = await tx.fetch("SELECT id FROM code WHERE used = 0")
        if len(rows) < 2:
            return False
        await tx.execute("UPDATE code SET used = 1 WHERE id = $1", who)
        return True

    for who in ("x", "y"):
        await storage.write(partial(new_code, code=who))
    left = await asyncio.gather(*(storage.write(partial(leave, who=who)) for who in ("x", "y") for _ in range(5)))
    assert sum(left) == 1


async def test_compare_and_swap(storage: Storage) -> None:
    async def swap(tx: Tx, version: int) -> int:
        return await tx.execute(
            "UPDATE total SET amount = amount + 10, version = version + 1 WHERE name = $1 AND version = $2", "lines", version
        )

    assert Counter(await asyncio.gather(*(storage.write(lambda tx: swap(tx, 0)) for _ in range(20)))) == {1: 1, 0: 19}
    assert await storage.write(lambda tx: swap(tx, 0)) == 0
    assert await storage.write(lambda tx: swap(tx, 1)) == 1
    assert await amount(storage) == 20


async def test_expiry(storage: Storage) -> None:
    async def fill(tx: Tx) -> None:
        for number in range(10):
            await new_code(tx, f"c{number}", NOW + number)

    await storage.write(fill)
    assert await storage.write(lambda tx: tx.execute("DELETE FROM code WHERE expires_at <= $1", NOW + 3)) == 4
    left = await storage.read(lambda tx: tx.fetch("SELECT id FROM code ORDER BY expires_at"))
    assert [row["id"] for row in left] == [f"c{number}" for number in range(4, 10)]


async def test_paging(storage: Storage) -> None:
    async def fill(tx: Tx) -> None:
        for number in range(25):
            await tx.execute("INSERT INTO line (number) VALUES ($1)", number)

    await storage.write(fill)

    async def page(tx: Tx, after: int) -> list[Row]:
        return await tx.fetch("SELECT number FROM line WHERE number > $1 ORDER BY number LIMIT $2", after, 10)

    seen: list[int] = []
    after = -1
    while rows := await storage.read(partial(page, after=after)):
        seen += [row[0] for row in rows]
        after = seen[-1]
    assert seen == list(range(25))


async def test_returning_gives_rows_and_execute_gives_counts(storage: Storage) -> None:
    async def work(tx: Tx) -> tuple[Row | None, int, int, int, int]:
        row = await tx.fetchrow("INSERT INTO line (number, note, seal) VALUES ($1, $2, $3) RETURNING note, seal", 1, "né\n", b"\x00\xff")
        upsert = "INSERT INTO line (number, note) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET note = excluded.note"
        replaced = await tx.execute(upsert, 1, "again")
        with_cte = await tx.execute("WITH odd AS (SELECT 1 AS n) UPDATE line SET note = 'odd' WHERE number IN (SELECT n FROM odd)")
        returning = await tx.execute("UPDATE line SET note = 'r' RETURNING number")
        looked = await tx.execute("SELECT 1") + await tx.execute("WITH one AS (SELECT 1 AS n) SELECT n FROM one")
        return row, replaced, with_cte, returning, looked

    row, replaced, with_cte, returning, looked = await storage.write(work)
    assert row is not None
    assert (row["note"], row["seal"], len(row)) == ("né\n", b"\x00\xff", 2)
    assert (replaced, with_cte, returning, looked) == (1, 1, 1, 0)
    assert await storage.read(lambda tx: tx.fetchrow("SELECT number FROM line WHERE number = $1", 2)) is None


async def test_more_than_nine_arguments(storage: Storage) -> None:
    sql = "SELECT " + " + ".join(f"CAST(${n} AS BIGINT)" for n in range(1, 13)) + " AS s"
    row = await storage.read(lambda tx: tx.fetchrow(sql, *range(12)))
    assert row is not None
    assert row["s"] == sum(range(12))


async def test_a_unit_that_raises_leaves_nothing(storage: Storage) -> None:
    async def work(tx: Tx) -> None:
        await tx.execute("INSERT INTO line (number) VALUES ($1)", 1)
        raise Missing("nothing to see")

    good = [storage.write(partial(line, number=n)) for n in range(10, 20)]
    results = await asyncio.gather(storage.write(work), *good, storage.write(work), return_exceptions=True)
    assert [type(result) for result in results] == [Missing, *[int] * 10, Missing]
    rows = await storage.read(lambda tx: tx.fetch("SELECT number FROM line ORDER BY number"))
    assert [row[0] for row in rows] == list(range(10, 20))


async def test_a_broken_unique_key_is_a_conflict(storage: Storage) -> None:
    insert = "INSERT INTO line (number) VALUES ($1)"
    await storage.write(lambda tx: tx.execute(insert, 1))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: tx.execute(insert, 1))


@pytest.mark.parametrize("sql", ["SELECT * FROM nowhere", "SELEC", "INSERT INTO line (number, note) VALUES (1, NULL)"])
async def test_bad_sql_is_a_bug_and_no_answer_to_a_stranger(storage: Storage, sql: str) -> None:
    with pytest.raises(StorageError):
        await storage.write(lambda tx: tx.execute(sql))


async def test_a_unit_cannot_go_on_after_a_failed_statement(storage: Storage) -> None:
    async def swallow(tx: Tx) -> str:
        await tx.execute("INSERT INTO line (number) VALUES ($1)", 1)
        try:
            await tx.execute("INSERT INTO line (number) VALUES ($1)", 1)
        except Conflict:
            return "as if nothing had happened"
        return ""

    async def go_on(tx: Tx) -> None:
        try:
            await tx.execute("INSERT INTO line (number) VALUES ($1)", 2**70)
        except Malformed:
            await tx.execute("INSERT INTO line (number) VALUES ($1)", 2)

    for work in (swallow, go_on):
        with pytest.raises(StorageError):
            await storage.write(work)
    assert await storage.read(lambda tx: tx.fetch("SELECT number FROM line")) == []


class Elsewhere:
    """Something else to wait for."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def test_a_unit_waits_for_the_database_only(storage: Storage) -> None:
    async def slow(tx: Tx) -> None:
        await bump(tx)
        await Elsewhere()

    async def stubborn(tx: Tx) -> None:
        try:
            await Elsewhere()
        finally:
            await bump(tx)

    async def looking(tx: Tx) -> None:
        await tx.fetch("SELECT amount FROM total")
        await Elsewhere()

    for call, work in ((storage.write, slow), (storage.write, stubborn), (storage.read, looking)):
        with pytest.raises(StorageError, match="something other than the database"):
            await call(work)
    assert await amount(storage) == 0


async def test_a_transaction_cannot_be_kept(storage: Storage) -> None:
    kept: list[Tx] = []

    async def leak(tx: Tx) -> None:
        kept.append(tx)

    await storage.write(leak)
    await storage.read(leak)
    for tx in kept:
        with pytest.raises(StorageError):
            await bump(tx)
    assert await amount(storage) == 0


async def test_a_read_cannot_write(storage: Storage) -> None:
    with pytest.raises(StorageError):
        await storage.read(bump)
    assert await amount(storage) == 0


async def test_a_read_sees_one_snapshot(storage: Storage) -> None:
    loop = asyncio.get_running_loop()

    async def twice(tx: Tx) -> list[int]:
        seen = []
        for number in range(2):
            row = await tx.fetchrow("SELECT amount FROM total WHERE name = 'lines'")
            assert row is not None
            seen.append(row[0])
            if number == 0:
                between()
        return seen

    def between() -> None:
        """Commit something else while the snapshot is open: from another thread, with an event loop of its own."""
        import threading

        thread = threading.Thread(target=asyncio.run, args=(other(),))
        thread.start()
        thread.join()

    async def other() -> None:
        sister = open_storage(uri_of(storage))
        await sister.write(bump)
        await sister.close()

    assert loop.is_running()
    assert await storage.read(twice) == [0, 0]
    assert await storage.read(twice) == [1, 1]


def uri_of(storage: Storage) -> str:
    return str(storage._uri) if hasattr(storage, "_uri") else f"sqlite://{storage._path}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_texts_that_one_database_would_refuse(storage: Storage, text: str) -> None:
    with pytest.raises(Malformed):
        await storage.write(lambda tx: new_code(tx, text))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
async def test_numbers_that_one_database_would_refuse(storage: Storage, number: int) -> None:
    with pytest.raises(Malformed):
        await storage.write(lambda tx: new_code(tx, "n", number))


async def test_numbers_to_the_edge(storage: Storage) -> None:
    for name, number in (("high", 2**63 - 1), ("low", -(2**63))):
        await storage.write(partial(new_code, code=name, expires_at=number))
        row = await storage.read(partial(expiry_of, code=name))
        assert row is not None
        assert row["expires_at"] == number


@pytest.mark.parametrize(("sql", "args"), [("SELECT $1", ()), ("SELECT $2", (1,)), ("SELECT 1", (1,)), ("SELECT $1, $3", (1, 2))])
async def test_placeholders_and_arguments_have_to_agree(storage: Storage, sql: str, args: tuple[int, ...]) -> None:
    with pytest.raises(StorageError):
        await storage.read(lambda tx: tx.fetch(sql, *args))


async def test_a_cancelled_wait_harms_nobody(storage: Storage) -> None:
    waits = [asyncio.ensure_future(storage.write(bump)) for _ in range(20)]
    await asyncio.sleep(0)
    for wait in waits[::2]:
        wait.cancel()
    told = [result for result in await asyncio.gather(*waits, return_exceptions=True) if isinstance(result, int)]
    assert len(told) == len(set(told)) >= 10
    after = await storage.write(bump)
    assert after > max(told)


async def test_closed(storage: Storage) -> None:
    await storage.close()
    await storage.close()
    for call in (storage.write, storage.read):
        with pytest.raises(Unavailable):
            await call(bump)


async def test_migrations_are_applied_once(storage: Storage) -> None:
    more = [*STEPS, Migration("suite/0003_more", "CREATE TABLE more (id TEXT PRIMARY KEY)")]
    assert await storage.migrate(STEPS) == []
    assert await storage.migrate(more) == ["suite/0003_more"]
    assert await storage.migrate(more) == []
    assert await storage.migrate([Migration("web/0001_sessions", "CREATE TABLE session (id BIGINT PRIMARY KEY);")]) == ["web/0001_sessions"]


async def test_trap_15_an_upgrade_that_says_success_hides_nothing(storage: Storage) -> None:
    """Every row is there after a step that rebuilds its table; and the older program does not start on the newer tables as if empty."""
    for number in range(3):
        await storage.write(partial(line, number=number))
    rebuild = """
        CREATE TABLE line_new (number BIGINT PRIMARY KEY, note TEXT NOT NULL DEFAULT ';', seal BLOB, kind TEXT NOT NULL DEFAULT 'old');
        INSERT INTO line_new (number, note, seal) SELECT number, note, seal FROM line;
        DROP TABLE line;
        ALTER TABLE line_new RENAME TO line;
        """
    assert await storage.migrate([*STEPS, Migration("suite/0003_kind", rebuild)]) == ["suite/0003_kind"]
    rows = await storage.read(lambda tx: tx.fetch("SELECT number, kind FROM line ORDER BY number"))
    assert [(row["number"], row["kind"]) for row in rows] == [(0, "old"), (1, "old"), (2, "old")]
    with pytest.raises(ConfigError, match="does not know"):
        await storage.migrate(STEPS)


async def test_a_changed_migration_is_refused(storage: Storage) -> None:
    first, second = STEPS
    with pytest.raises(ConfigError, match="suite/0001_ledger was changed"):
        await storage.migrate([first._replace(sql=first.sql + "-- a comment counts"), second])
    assert await storage.migrate([first._replace(sql=first.sql.replace("\n", "\r\n")), second]) == []


async def test_a_database_of_a_newer_program_is_refused(storage: Storage) -> None:
    with pytest.raises(ConfigError, match="suite/0002_codes, which this program does not know"):
        await storage.migrate(STEPS[:1])


async def test_a_step_cannot_be_slipped_in_below(storage: Storage) -> None:
    first, second = STEPS
    slipped = Migration("suite/0001_middle", "CREATE TABLE middle (id TEXT PRIMARY KEY);")
    with pytest.raises(ConfigError, match="older than suite/0002_codes"):
        await storage.migrate([first, slipped, second])


async def test_a_failing_migration_leaves_nothing(storage: Storage) -> None:
    steps = [*STEPS, Migration("suite/0003_bad", "CREATE TABLE good (id TEXT PRIMARY KEY); CREATE TABLE good (id TEXT);")]
    with pytest.raises(StorageError):
        await storage.migrate(steps)
    with pytest.raises(StorageError):
        await storage.read(lambda tx: tx.fetch("SELECT * FROM good"))
    assert await storage.migrate(STEPS) == []


async def test_checkpoint_between_writes(storage: Storage) -> None:
    async def mixed(number: int) -> int:
        if number % 5 == 0:
            await storage.checkpoint()
        return await storage.write(bump)

    assert sorted(await asyncio.gather(*(mixed(number) for number in range(30)))) == list(range(1, 31))


async def test_unknown_scheme() -> None:
    with pytest.raises(ConfigError, match="postgresql, sqlite"):
        open_storage("mysql://localhost/x")


@pytest.mark.parametrize("text", ["issue", "issue:during", ":before", "a b:after"])
async def test_failpoints_are_spelled_right(sqlite_uri: str, text: str) -> None:
    with pytest.raises(ConfigError):
        open_storage(sqlite_uri, failpoint=text)
