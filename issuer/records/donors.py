"""Whose power of attorney a donor's document is about, and the boxes of reports to donors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.clock import DAY
from shared.storage import Tx

MOST = 200
"""Reports that lie in one box at most; the oldest go first."""
KEPT_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """``recipient`` is the key that reports are sealed to, empty before there is one."""

    tag: bytes
    representation: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One report, as it came."""

    id: str
    sealed: str


async def link(tx: Tx, document: str, representation: str, tag: bytes) -> None:
    """``document`` is the donor's side of ``representation`` from now on, and has a box under ``tag``."""
    await tx.execute("DELETE FROM granted WHERE representation = $1", representation)
    await tx.execute("INSERT INTO granted (document, representation) VALUES ($1, $2)", document, representation)
    await open_box(tx, representation, tag)


async def open_box(tx: Tx, representation: str, tag: bytes) -> None:
    """From now on the document is known by its mark; nothing happens if it is."""
    await tx.execute(
        "INSERT INTO report_box (tag, representation, recipient) VALUES ($1, $2, '') ON CONFLICT (tag) DO NOTHING", tag, representation
    )


async def granted_for(tx: Tx, representation: str) -> str | None:
    """The donor's document about that one."""
    row = await tx.fetchrow("SELECT document FROM granted WHERE representation = $1", representation)
    return None if row is None else str(row["document"])


async def representation_of(tx: Tx, document: str) -> str | None:
    """What a donor's document is about."""
    row = await tx.fetchrow("SELECT representation FROM granted WHERE document = $1", document)
    return None if row is None else str(row["representation"])


async def beside(tx: Tx, documents: Iterable[str]) -> list[str]:
    """The donors' documents about these, that are not among them."""
    numbers = list(documents)
    found = [await granted_for(tx, number) for number in numbers]
    return [each for each in found if each is not None and each not in numbers]


# --- boxes -------------------------------------------------------------------------------------------------------------------------------


async def box(tx: Tx, tag: bytes) -> Box | None:
    row = await tx.fetchrow("SELECT tag, representation, recipient FROM report_box WHERE tag = $1", tag)
    return None if row is None else Box(tag=bytes(row["tag"]), representation=row["representation"], recipient=row["recipient"])


async def set_recipient(tx: Tx, tag: bytes, recipient: str) -> bool:
    """From now on reports are sealed to that key; false if there is no such box."""
    return await tx.execute("UPDATE report_box SET recipient = $1 WHERE tag = $2", recipient, tag) == 1


async def add(tx: Tx, tag: bytes, report: Kept, day: int) -> None:
    """Put a report into a box."""
    await tx.execute("INSERT INTO report (id, tag, sealed, day) VALUES ($1, $2, $3, $4)", report.id, tag, report.sealed, day)
    await tx.execute(
        "DELETE FROM report WHERE tag = $1 AND id NOT IN (SELECT id FROM report WHERE tag = $1 ORDER BY day DESC, id DESC LIMIT $2)",
        tag,
        MOST,
    )


async def reports(tx: Tx, tag: bytes, limit: int) -> list[Kept]:
    """Oldest first."""
    rows = await tx.fetch("SELECT id, sealed FROM report WHERE tag = $1 ORDER BY day, id LIMIT $2", tag, limit)
    return [Kept(id=row["id"], sealed=row["sealed"]) for row in rows]


async def drop(tx: Tx, tag: bytes, had: Iterable[str]) -> None:
    """She has these."""
    for name in had:
        await tx.execute("DELETE FROM report WHERE tag = $1 AND id = $2", tag, name)


async def purge(tx: Tx, at: int) -> None:
    """Reports that nobody fetched for too long."""
    await tx.execute("DELETE FROM report WHERE day < $1", at - KEPT_DAYS * DAY)
