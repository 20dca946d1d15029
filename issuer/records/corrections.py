"""What holders say is wrong in their documents: the rows, and what is counted of them."""

from __future__ import annotations

from dataclasses import dataclass

from issuer.sessions import Standing
from shared.errors import Conflict, Missing
from shared.storage import Row, Tx

OPEN, CORRECTED, REFUSED, ENDED = "open", "corrected", "refused", "ended"
STATES = (OPEN, CORRECTED, REFUSED, ENDED)
WAITS = "approval"
"""Why one is still open: the details that answer it wait for a second person."""
BACK = "back"
"""Such details were written, and sent back or overtaken by others: whether these answer it is asked anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """``said`` and ``answer`` are sealed; ``type`` is that of the document. ``reason_code`` is that of a refusal or an end; of an open one empty,
    ``WAITS`` or ``BACK``.
    """

    reference: str
    ticket: bytes
    letter: bytes
    document: str
    type: str
    detail: str
    said: bytes | None
    state: str
    received_at: int
    answer_by: int
    answered_at: int | None
    reason_code: str
    answer: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """``overdue`` are open ones past their time; ``took`` has the seconds that each of those answered lately took, shortest first."""

    open: int
    overdue: int
    corrected: int
    refused: int
    ended: int
    took: tuple[int, ...]


_COLUMNS = (
    "SELECT c.reference, c.ticket, c.letter, c.document, d.type, c.detail, c.said, c.state, c.received_at, c.answer_by, c.answered_at, "
    "c.reason_code, c.answer FROM correction c JOIN document d ON d.id = c.document"
)


async def insert(tx: Tx, new: Correction) -> None:
    await tx.execute(
        "INSERT INTO correction (reference, ticket, letter, document, detail, said, state, received_at, answer_by, answered_at, alarmed, "
        "reason_code, answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, 0, '', NULL)",
        new.reference,
        new.ticket,
        new.letter,
        new.document,
        new.detail,
        new.said,
        new.state,
        new.received_at,
        new.answer_by,
    )


async def by_ticket(tx: Tx, ticket: bytes) -> Correction | None:
    """By the digest of its ticket."""
    row = await tx.fetchrow(f"{_COLUMNS} WHERE c.ticket = $1", ticket)
    return None if row is None else _correction(row)


async def get(tx: Tx, reference: str) -> Correction:
    """``Missing`` if there is none of that number."""
    row = await tx.fetchrow(f"{_COLUMNS} WHERE c.reference = $1", reference)
    if row is None:
        raise Missing("there is no such message from a holder")
    return _correction(row)


async def page(tx: Tx, *, state: str, name: str, offset: int, limit: int) -> list[Correction]:
    """Those of one state, the most urgent first; with ``name`` only that one, or those of the document of that number."""
    rows = await tx.fetch(
        f"{_COLUMNS} WHERE c.state = $1 AND ($2 = '' OR c.reference = $2 OR c.document = $2) ORDER BY c.answer_by, c.reference LIMIT $3 OFFSET $4",
        state,
        name,
        limit,
        offset,
    )
    return [_correction(row) for row in rows]


async def count(tx: Tx, *, state: str, name: str = "") -> int:
    row = await tx.fetchrow(
        "SELECT count(*) AS n FROM correction WHERE state = $1 AND ($2 = '' OR reference = $2 OR document = $2)", state, name
    )
    return 0 if row is None else int(row["n"])


async def count_open(tx: Tx, document: str) -> int:
    """How many of a document nobody has answered yet."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM correction WHERE document = $1 AND state = 'open'", document)
    return 0 if row is None else int(row["n"])


async def open_of(tx: Tx, document: str) -> list[Correction]:
    """Those of a document that nobody has answered yet."""
    return [
        _correction(row) for row in await tx.fetch(f"{_COLUMNS} WHERE c.document = $1 AND c.state = 'open' ORDER BY c.reference", document)
    ]


async def over(tx: Tx, before: int) -> list[Correction]:
    """Open ones of documents that were cancelled, or whose last instant lies before ``before``."""
    wanted = f"{_COLUMNS} WHERE c.state = 'open' AND (d.standing = $1 OR d.valid_until < $2) ORDER BY c.reference"
    return [_correction(row) for row in await tx.fetch(wanted, int(Standing.CANCELLED), before)]


async def settle(tx: Tx, reference: str, *, state: str, at: int, reason_code: str = "", answer: bytes | None = None) -> None:
    """Answered, once: ``Conflict`` if it was. What the holder said goes; it has served."""
    changed = await tx.execute(
        "UPDATE correction SET state = $1, answered_at = $2, reason_code = $3, answer = $4, said = NULL WHERE reference = $5 AND state = 'open'",
        state,
        at,
        reason_code,
        answer,
        reference,
    )
    if changed != 1:
        raise Conflict("somebody else has answered this meanwhile")


async def let_wait(tx: Tx, reference: str) -> None:
    """An open one is answered once a second person has agreed (``settle_waiting``)."""
    await tx.execute("UPDATE correction SET reason_code = $2 WHERE reference = $1 AND state = 'open'", reference, WAITS)


async def reopen(tx: Tx, document: str) -> None:
    """What had waited for a second person is open again: these details answer it no more."""
    sql = "UPDATE correction SET reason_code = $2 WHERE document = $1 AND state = 'open' AND reason_code = $3"
    await tx.execute(sql, document, BACK, WAITS)


async def settle_waiting(tx: Tx, document: str, *, at: int) -> None:
    """A second person has agreed to the details."""
    for known in await open_of(tx, document):
        if known.reason_code == WAITS:
            await settle(tx, known.reference, state=CORRECTED, at=at)


async def alarm(tx: Tx, at: int) -> list[str]:
    """Those whose time is over and of which that was not said before: their numbers, and it is said now."""
    rows = await tx.fetch(
        "SELECT reference FROM correction WHERE state = 'open' AND alarmed = 0 AND answer_by <= $1 ORDER BY answer_by", at
    )
    for row in rows:
        await tx.execute("UPDATE correction SET alarmed = 1 WHERE reference = $1", row["reference"])
    return [str(row["reference"]) for row in rows]


async def counted(tx: Tx, at: int, *, since: int) -> Counted:
    """For the figures: what is open now, and how long those took that were answered from ``since`` on."""
    rows = await tx.fetch(
        "SELECT state, received_at, answer_by, answered_at FROM correction WHERE state = 'open' OR answered_at >= $1", since
    )
    states = [row["state"] for row in rows]
    return Counted(
        open=states.count(OPEN),
        overdue=sum(row["state"] == OPEN and int(row["answer_by"]) <= at for row in rows),
        corrected=states.count(CORRECTED),
        refused=states.count(REFUSED),
        ended=states.count(ENDED),
        took=tuple(sorted(int(row["answered_at"]) - int(row["received_at"]) for row in rows if row["answered_at"] is not None)),
    )


async def purge(tx: Tx, before: int) -> None:
    """What was answered long ago goes."""
    await tx.execute("DELETE FROM correction WHERE answered_at <= $1", before)


def _correction(row: Row) -> Correction:
    return Correction(
        reference=row["reference"],
        ticket=bytes(row["ticket"]),
        letter=bytes(row["letter"]),
        document=row["document"],
        type=row["type"],
        detail=row["detail"],
        said=None if row["said"] is None else bytes(row["said"]),
        state=row["state"],
        received_at=int(row["received_at"]),
        answer_by=int(row["answer_by"]),
        answered_at=row["answered_at"],
        reason_code=row["reason_code"],
        answer=None if row["answer"] is None else bytes(row["answer"]),
    )
