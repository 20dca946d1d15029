"""Rows of the inbox: its keys, letters that were posted, and which group of staff decides about which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codec import strict_json
from shared.errors import NeedsMoreAttorneys
from shared.receipts import LogHead
from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxKey:
    """``private`` is sealed, ``public`` a JWK of its own members alone."""

    n: int
    kid: str
    public: Mapping[str, Any]
    private: bytes = field(repr=False)
    made_at: int


async def keys(tx: Tx) -> list[InboxKey]:
    """Newest first."""
    rows = await tx.fetch("SELECT * FROM inbox_key ORDER BY n DESC")
    return [
        InboxKey(
            n=int(row["n"]),
            kid=row["kid"],
            public=strict_json.load_object(str(row["public"])),
            private=bytes(row["private"]),
            made_at=int(row["made_at"]),
        )
        for row in rows
    ]


async def add_key(tx: Tx, key: InboxKey) -> None:
    """Nothing happens where another process has made the same one first."""
    await tx.execute(
        "INSERT INTO inbox_key (n, kid, public, private, made_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (n) DO NOTHING",
        key.n,
        key.kid,
        strict_json.dumps(key.public).decode(),
        key.private,
        key.made_at,
    )


async def drop_key(tx: Tx, n: int) -> None:
    await tx.execute("DELETE FROM inbox_key WHERE n = $1", n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One that was posted; how its copy stands lies in the ``exchange``. ``late`` is the state of the log once nobody has decided in time."""

    ticket: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    exchange: str
    team: str
    mark: bytes = field(repr=False)
    about: bytes = field(default=b"", repr=False)
    whose: bytes | None = field(default=None, repr=False)
    basis: bytes = field(repr=False)
    status_iat: int | None
    undo: str = ""
    account: bytes | None = field(default=None, repr=False)
    got_at: int
    answer_by: int | None
    late: LogHead | None = None
    decided_at: int | None = None
    forget_at: int

    @property
    def waits(self) -> bool:
        """Whether a person still has to decide."""
        return self.answer_by is not None and self.decided_at is None


async def add(tx: Tx, one: Letter) -> bool:
    """False if a letter with that ticket is here already."""
    made = await tx.execute(
        "INSERT INTO letter (ticket, digest, exchange, team, mark, about, whose, basis, status_iat, undo, got_at, answer_by, forget_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (ticket) DO NOTHING",
        one.ticket,
        one.digest,
        one.exchange,
        one.team,
        one.mark,
        one.about,
        one.whose,
        one.basis,
        one.status_iat,
        one.undo,
        one.got_at,
        one.answer_by,
        one.forget_at,
    )
    return made == 1


async def find(tx: Tx, ticket: bytes, at: int) -> Letter | None:
    row = await tx.fetchrow("SELECT * FROM letter WHERE ticket = $1 AND forget_at > $2", ticket, at)
    return None if row is None else _letter(row)


async def of_exchange(tx: Tx, exchange: str) -> Letter | None:
    row = await tx.fetchrow("SELECT * FROM letter WHERE exchange = $1", exchange)
    return None if row is None else _letter(row)


async def earlier(tx: Tx, mark: bytes) -> Letter | None:
    """The letter whose copy has this number, for one that is about it."""
    row = await tx.fetchrow("SELECT * FROM letter WHERE mark = $1 ORDER BY got_at LIMIT 1", mark)
    return None if row is None else _letter(row)


async def later(tx: Tx, mark: bytes) -> list[Letter]:
    """What came about this copy, oldest first."""
    return [_letter(row) for row in await tx.fetch("SELECT * FROM letter WHERE about = $1 ORDER BY got_at", mark)]


_SEEN = (
    "FROM letter JOIN exchange ON exchange.id = letter.exchange WHERE letter.forget_at > $1 AND exchange.forget_at > $1 "
    "AND exchange.state = 'answered' AND ($2 = 1 OR letter.team = '' OR letter.team IN (SELECT team FROM inbox_team WHERE operator = $3))"
)


async def listed(tx: Tx, at: int, limit: int, operator: str = "") -> list[Letter]:
    """What a person has to see to first, those whose time runs out first; then the rest, newest first. Those that ``operator`` may see,
    of all groups where none is named.
    """
    sql = (
        f"SELECT letter.* {_SEEN} ORDER BY CASE WHEN letter.answer_by IS NOT NULL AND letter.decided_at IS NULL THEN letter.answer_by "
        "WHEN letter.undo = 'open' THEN letter.got_at ELSE 1000000000000 - letter.got_at END, letter.exchange LIMIT $4"
    )
    return [_letter(row) for row in await tx.fetch(sql, at, int(not operator), operator, limit)]


async def count(tx: Tx, at: int, operator: str = "") -> int:
    """How many ``listed`` has in all."""
    row = await tx.fetchrow(f"SELECT count(*) AS n {_SEEN}", at, int(not operator), operator)
    return 0 if row is None else int(row["n"])


async def overdue(tx: Tx, at: int) -> list[Letter]:
    """Those about which nobody has decided in time, and the log does not say so yet."""
    sql = "SELECT * FROM letter WHERE answer_by <= $1 AND decided_at IS NULL AND late_size IS NULL ORDER BY answer_by LIMIT 100"
    return [_letter(row) for row in await tx.fetch(sql, at)]


async def count_late(tx: Tx, at: int) -> int:
    """How many wait for a person though their time is over."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM letter WHERE answer_by <= $1 AND decided_at IS NULL AND forget_at > $1", at)
    return 0 if row is None else int(row["n"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """How many letters somebody has to do something about. ``late`` are among those that ``wait``."""

    wait: int
    late: int
    undo: int


async def count_open(tx: Tx, at: int, operator: str, *, everybody: bool) -> Open:
    """Those that ``operator`` may see, with ``everybody`` of all groups. What waits for others to agree is nobody's here until it is late."""
    row = await tx.fetchrow(
        "SELECT count(CASE WHEN waits = 1 AND (answer_by <= $1 OR code <> $4) THEN 1 END) AS wait, "
        "count(CASE WHEN waits = 1 AND answer_by <= $1 THEN 1 END) AS late, count(CASE WHEN waits = 0 THEN 1 END) AS undo "
        "FROM (SELECT letter.answer_by, exchange.code, CASE WHEN letter.answer_by IS NOT NULL AND letter.decided_at IS NULL THEN 1 ELSE 0 END "
        "AS waits FROM letter JOIN exchange ON exchange.id = letter.exchange WHERE letter.forget_at > $1 AND exchange.forget_at > $1 "
        "AND (letter.undo = 'open' OR (letter.answer_by IS NOT NULL AND letter.decided_at IS NULL)) "
        "AND ($3 = 1 OR letter.team = '' OR letter.team IN (SELECT team FROM inbox_team WHERE operator = $2))) AS found",
        at,
        operator,
        int(everybody),
        NeedsMoreAttorneys.code,
    )
    return Open(wait=int(row["wait"]), late=int(row["late"]), undo=int(row["undo"])) if row is not None else Open(wait=0, late=0, undo=0)


async def note_late(tx: Tx, ticket: bytes, head: LogHead) -> None:
    await tx.execute("UPDATE letter SET late_size = $2, late_digest = $3 WHERE ticket = $1", ticket, head.size, head.digest)


async def is_overdue(tx: Tx, ticket: bytes, at: int) -> bool:
    """Whether it still is: another process may have noted it, or a person decided or let it wait for others, a moment ago."""
    sql = "SELECT 1 AS one FROM letter WHERE ticket = $1 AND answer_by <= $2 AND decided_at IS NULL AND late_size IS NULL"
    return await tx.fetchrow(sql, ticket, at) is not None


async def decided(tx: Tx, ticket: bytes, at: int, status_iat: int | None, account: bytes | None) -> None:
    sql = "UPDATE letter SET decided_at = $2, status_iat = $3, account = $4 WHERE ticket = $1"
    await tx.execute(sql, ticket, at, status_iat, account)


async def wait_for_others(tx: Tx, ticket: bytes, account: bytes | None, *, until: int, forget_at: int) -> None:
    """A person has accepted it as far as it goes: until then others can agree to the same, and nobody is late."""
    sql = (
        "UPDATE letter SET answer_by = $2, account = $3, late_size = NULL, late_digest = NULL, "
        "forget_at = CASE WHEN forget_at < $4 THEN $4 ELSE forget_at END WHERE ticket = $1"
    )
    await tx.execute(sql, ticket, until, account, forget_at)


async def decided_with_others(tx: Tx, exchange: str, at: int, status_iat: int | None) -> None:
    """Enough have agreed to the same; nothing happens where it came by no letter."""
    sql = "UPDATE letter SET decided_at = $2, status_iat = $3 WHERE exchange = $1 AND decided_at IS NULL"
    await tx.execute(sql, exchange, at, status_iat)


async def undone(tx: Tx, ticket: bytes) -> bool:
    """What rested on the earlier copy was undone; false if somebody said so before."""
    return await tx.execute("UPDATE letter SET undo = 'done' WHERE ticket = $1 AND undo = 'open'", ticket) == 1


async def purge(tx: Tx, at: int) -> int:
    """What has had its time goes, whether or not a person has looked at it."""
    return await tx.execute("DELETE FROM letter WHERE forget_at <= $1", at)


def _letter(row: Row) -> Letter:
    size, account, whose = row["late_size"], row["account"], row["whose"]
    return Letter(
        ticket=bytes(row["ticket"]),
        digest=bytes(row["digest"]),
        exchange=row["exchange"],
        team=row["team"],
        mark=bytes(row["mark"]),
        about=bytes(row["about"]),
        whose=None if whose is None else bytes(whose),
        basis=bytes(row["basis"]),
        status_iat=_number(row["status_iat"]),
        undo=row["undo"],
        account=None if account is None else bytes(account),
        got_at=int(row["got_at"]),
        answer_by=_number(row["answer_by"]),
        late=None if size is None else LogHead(size=int(size), digest=bytes(row["late_digest"])),
        decided_at=_number(row["decided_at"]),
        forget_at=int(row["forget_at"]),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


# --- groups of staff ---------------------------------------------------------------------------------------------------------------------


async def teams_of(tx: Tx, operator: str) -> frozenset[str]:
    return frozenset(row["team"] for row in await tx.fetch("SELECT team FROM inbox_team WHERE operator = $1", operator))


async def members(tx: Tx) -> dict[str, set[str]]:
    """Who is in which group."""
    found: dict[str, set[str]] = {}
    for row in await tx.fetch("SELECT team, operator FROM inbox_team"):
        found.setdefault(row["team"], set()).add(row["operator"])
    return found


async def set_members(tx: Tx, team: str, operators: Iterable[str]) -> None:
    await tx.execute("DELETE FROM inbox_team WHERE team = $1", team)
    for each in operators:
        await tx.execute("INSERT INTO inbox_team (team, operator) VALUES ($1, $2)", team, each)
