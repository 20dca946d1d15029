"""Whose power of attorney a donor's document is about, and the boxes of reports to donors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from issuer.records.documents import get
from issuer.sessions import Approval, Document
from shared.clock import DAY
from shared.storage import Row, Tx

MOST = 200
"""Reports that lie in one box at most; the oldest go first."""
KEPT_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """``recipient`` is the key that reports are sealed to, empty before there is one. ``secret_turn`` and ``pass_turn`` are how often that half has
    turned: each after losses, the pass also with each new invitation.
    """

    tag: bytes
    representation: str
    recipient: str
    secret_turn: int
    pass_turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One report, as it came. ``turn`` is how often the attorney's pass had turned by then: each wallet of the attorney counts uses from 1."""

    id: str
    sealed: str
    turn: int = 0


async def link(tx: Tx, document: str, representation: str, tag: bytes) -> None:
    """``document`` is the donor's side of ``representation`` from now on, and has a box under ``tag``."""
    await tx.execute("DELETE FROM granted WHERE representation = $1", representation)
    await tx.execute("INSERT INTO granted (document, representation) VALUES ($1, $2)", document, representation)
    await open_box(tx, representation, tag)


async def open_box(tx: Tx, representation: str, tag: bytes) -> None:
    """From now on the document is known by its mark; nothing happens if it is."""
    await tx.execute(
        "INSERT INTO report_box (tag, representation, recipient, opener) VALUES ($1, $2, '', $1) ON CONFLICT (tag) DO NOTHING",
        tag,
        representation,
    )


async def granted_for(tx: Tx, representation: str) -> str | None:
    """The donor's document about that one."""
    row = await tx.fetchrow("SELECT document FROM granted WHERE representation = $1", representation)
    return None if row is None else str(row["document"])


async def representation_of(tx: Tx, document: str) -> str | None:
    """What a donor's document is about."""
    row = await tx.fetchrow("SELECT representation FROM granted WHERE document = $1", document)
    return None if row is None else str(row["representation"])


async def approval_of(tx: Tx, document: Document) -> Approval:
    """What copies wait for: ``Document.approval``, and of a donor's document that is cleared that of the attorney's, whose details it says."""
    about = await representation_of(tx, document.id) if document.cleared else None
    return document.approval if about is None else (await get(tx, about)).approval


async def cleared(tx: Tx, document: Document) -> bool:
    """Whether they wait for nobody."""
    return (await approval_of(tx, document)).clears


async def beside(tx: Tx, documents: Iterable[str]) -> list[str]:
    """The donors' documents about these, that are not among them."""
    numbers = list(documents)
    found = [await granted_for(tx, number) for number in numbers]
    return [each for each in found if each is not None and each not in numbers]


# --- boxes -------------------------------------------------------------------------------------------------------------------------------


_SELECT = "SELECT tag, representation, recipient, secret_turn, pass_turn FROM report_box"


async def box(tx: Tx, tag: bytes) -> Box | None:
    return _box(await tx.fetchrow(f"{_SELECT} WHERE tag = $1", tag))


async def box_for(tx: Tx, representation: str) -> Box | None:
    """That of an attorney's document; ``None`` before its first copies and the donor's document."""
    return _box(await tx.fetchrow(f"{_SELECT} WHERE representation = $1", representation))


async def opened_by(tx: Tx, opener: bytes) -> Box | None:
    """That which the secret of this SHA-256 opens."""
    return _box(await tx.fetchrow(f"{_SELECT} WHERE opener = $1", opener))


def _box(row: Row | None) -> Box | None:
    if row is None:
        return None
    return Box(
        tag=bytes(row["tag"]),
        representation=row["representation"],
        recipient=row["recipient"],
        secret_turn=int(row["secret_turn"]),
        pass_turn=int(row["pass_turn"]),
    )


async def set_recipient(tx: Tx, tag: bytes, recipient: str, *, sheet: bool = False) -> bool:
    """From now on reports are sealed to that key, of a ``sheet`` or of her wallet; false if there is no such box."""
    return await tx.execute("UPDATE report_box SET recipient = $1, sheet = $3 WHERE tag = $2", recipient, tag, int(sheet)) == 1


async def turn_pass(tx: Tx, representation: str) -> None:
    """What the attorney's wallets had opens nothing from now on."""
    await tx.execute("UPDATE report_box SET pass_turn = pass_turn + 1 WHERE representation = $1", representation)


async def turn_secret(tx: Tx, representation: str, *, turn: int, opener: bytes) -> bool:
    """What the donor's wallets had opens nothing from now on, but a secret of SHA-256 ``opener``, its ``turn``th; and nothing more is sealed to a
    key of theirs. False if somebody turned it since its ``turn`` was read.
    """
    sql = "UPDATE report_box SET secret_turn = $2, opener = $3, recipient = CASE WHEN sheet = 1 THEN recipient ELSE '' END "
    return await tx.execute(f"{sql}WHERE representation = $1 AND secret_turn + 1 = $2", representation, turn, opener) == 1


async def add(tx: Tx, tag: bytes, report: Kept, day: int) -> None:
    """Put a report into a box."""
    await tx.execute(
        "INSERT INTO report (id, tag, sealed, day, turn, place) "
        "VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(place), 0) + 1 FROM report WHERE tag = $2))",
        report.id,
        tag,
        report.sealed,
        day,
        report.turn,
    )
    await tx.execute(
        "DELETE FROM report WHERE tag = $1 AND id NOT IN "
        "(SELECT id FROM report WHERE tag = $1 ORDER BY day DESC, place DESC, id DESC LIMIT $2)",
        tag,
        MOST,
    )


async def reports(tx: Tx, tag: bytes, limit: int, *, skip: int = 0) -> list[Kept]:
    """Oldest first, but for the first ``skip``."""
    sql = "SELECT id, sealed, turn FROM report WHERE tag = $1 ORDER BY day, place, id LIMIT $2 OFFSET $3"
    rows = await tx.fetch(sql, tag, limit, skip)
    return [Kept(id=row["id"], sealed=row["sealed"], turn=int(row["turn"])) for row in rows]


async def drop(tx: Tx, tag: bytes, had: Iterable[str]) -> None:
    """She has these."""
    for name in had:
        await tx.execute("DELETE FROM report WHERE tag = $1 AND id = $2", tag, name)


async def purge(tx: Tx, at: int) -> None:
    """Reports that nobody fetched for too long."""
    await tx.execute("DELETE FROM report WHERE day < $1", at - KEPT_DAYS * DAY)
