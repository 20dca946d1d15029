"""The queue of what the organisation's own program is told. What was shown is never in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.clock import DAY
from shared.codec import strict_json
from shared.storage import Row, Tx

_FORGOTTEN: Final = 7 * DAY  # seconds after which an event is listed no longer
_BATCH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``data`` are names and codes; ``fault`` says why the last try failed, ``done_at`` is ``None`` while there will be another."""

    id: str
    name: str
    exchange: str
    data: Mapping[str, Any]
    made_at: int
    tries: int = 0
    next_at: int = 0
    done_at: int | None = None
    fault: str = ""


async def add(tx: Tx, event: Event) -> None:
    """To be sent from ``event.next_at`` on."""
    await tx.execute(
        "INSERT INTO event (id, name, exchange, data, made_at, tries, next_at, fault) VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
        event.id,
        event.name,
        event.exchange,
        strict_json.dumps(event.data).decode(),
        event.made_at,
        event.tries,
        event.next_at,
    )


async def take_due(tx: Tx, at: int, lease: int) -> list[Event]:
    """Some of those whose time has come, for this process alone during ``lease`` seconds; its try is counted.

    What became of an answer waits until the receiver has, or never gets, what was told of it before: nobody hears of the end first.
    """
    rows = await tx.fetch(
        "UPDATE event SET tries = tries + 1, next_at = $2 WHERE id IN (SELECT e.id FROM event e JOIN "
        "(SELECT exchange, min(made_at) AS first FROM event WHERE done_at IS NULL GROUP BY exchange) o ON o.exchange = e.exchange "
        "WHERE e.done_at IS NULL AND e.next_at <= $1 AND (e.exchange = '' OR e.made_at = o.first) ORDER BY e.next_at LIMIT $3) "
        "AND done_at IS NULL AND next_at <= $1 RETURNING *",
        at,
        at + lease,
        _BATCH,
    )
    return [_event(row) for row in rows]


async def taken(tx: Tx, identifier: str, at: int) -> None:
    """The receiver has it."""
    await tx.execute("UPDATE event SET done_at = $2, fault = '' WHERE id = $1", identifier, at)


async def failed(tx: Tx, identifier: str, fault: str, next_at: int) -> None:
    """It is sent again at ``next_at``."""
    await tx.execute("UPDATE event SET fault = $2, next_at = $3 WHERE id = $1 AND done_at IS NULL", identifier, fault, next_at)


async def given_up(tx: Tx, identifier: str, fault: str, at: int) -> None:
    """It is sent no more."""
    await tx.execute("UPDATE event SET fault = $2, done_at = $3 WHERE id = $1 AND done_at IS NULL", identifier, fault, at)


async def recent(tx: Tx, limit: int) -> list[Event]:
    """Newest first."""
    return [_event(row) for row in await tx.fetch("SELECT * FROM event ORDER BY made_at DESC, id LIMIT $1", limit)]


async def purge(tx: Tx, at: int) -> int:
    """Those that were done with go after a week."""
    return await tx.execute("DELETE FROM event WHERE done_at IS NOT NULL AND made_at <= $1", at - _FORGOTTEN)


def _event(row: Row) -> Event:
    done_at = row["done_at"]
    return Event(
        id=row["id"],
        name=row["name"],
        exchange=row["exchange"],
        data=strict_json.load_object(str(row["data"])),
        made_at=int(row["made_at"]),
        tries=int(row["tries"]),
        next_at=int(row["next_at"]),
        done_at=None if done_at is None else int(done_at),
        fault=row["fault"],
    )
