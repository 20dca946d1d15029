"""Lists of documents, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from issuer.records.documents import read_document
from issuer.sessions import Document, InvitationState
from shared.errors import Missing
from shared.storage import Row, Tx

_LISTED = (
    "SELECT d.id, d.type, d.standing, d.version, d.made_at, d.collected_at, d.valid_until, d.keep_until, d.approval, "
    "d.claims IS NOT NULL AS has_claims, "
    "(SELECT i.state FROM invitation i WHERE i.document = d.id ORDER BY i.turn DESC LIMIT 1) AS invitation FROM document d"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of a list: the document and how its newest invitation stands."""

    document: Document
    invitation: InvitationState | None


async def listed(tx: Tx, document: str) -> Listed:
    row = await tx.fetchrow(f"{_LISTED} WHERE d.id = $1", document)
    if row is None:
        raise Missing("there is no document of that number")
    return _listed(row)


async def page(tx: Tx, *, offset: int, limit: int) -> list[Listed]:
    """Newest first."""
    rows = await tx.fetch(f"{_LISTED} ORDER BY d.made_at DESC, d.id LIMIT $1 OFFSET $2", limit, offset)
    return [_listed(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for: the document of that number, those under that reference (its HMAC), or those of these types."""

    number: str
    reference: bytes
    types: Sequence[str]


_WAITING = "d.approval = 'waiting' AND d.standing <> 1"


async def waiting(tx: Tx, *, limit: int, offset: int = 0, wanted: Wanted | None = None) -> list[Listed]:
    """Those in force that wait for a second person, oldest first."""
    where, values = _wanted(wanted)
    sql = f"{_LISTED} WHERE {_WAITING}{where} ORDER BY d.made_at, d.id LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}"
    return [_listed(row) for row in await tx.fetch(sql, *values, limit, offset)]


async def waiting_count(tx: Tx, wanted: Wanted | None = None) -> int:
    """How many ``waiting`` has in all."""
    where, values = _wanted(wanted)
    row = await tx.fetchrow(f"SELECT count(*) AS n FROM document d WHERE {_WAITING}{where}", *values)  # noqa: S608 - our own words
    return 0 if row is None else int(row["n"])


def _wanted(wanted: Wanted | None) -> tuple[str, list[str | bytes]]:
    if wanted is None:
        return "", []
    ways = ["d.id = $1", "d.reference = $2", *(f"d.type = ${place}" for place in range(3, 3 + len(wanted.types)))]
    return f" AND ({' OR '.join(ways)})", [wanted.number, wanted.reference, *wanted.types]


async def by_reference(tx: Tx, reference: bytes) -> list[Listed]:
    """All documents made under one reference, newest first; the reference comes as its HMAC."""
    rows = await tx.fetch(f"{_LISTED} WHERE d.reference = $1 ORDER BY d.made_at DESC, d.id LIMIT 200", reference)
    return [_listed(row) for row in rows]


async def count(tx: Tx) -> int:
    row = await tx.fetchrow("SELECT count(*) AS n FROM document")
    return 0 if row is None else int(row["n"])


async def counts(tx: Tx) -> dict[str, int]:
    """For the first page: how many wait for collection, are on hold, and were made in all."""
    row = await tx.fetchrow(
        "SELECT count(*) AS made, "
        "coalesce(sum(CASE WHEN standing = 0 AND collected_at IS NULL AND claims IS NOT NULL THEN 1 ELSE 0 END), 0) AS waiting, "
        "coalesce(sum(CASE WHEN standing = 2 THEN 1 ELSE 0 END), 0) AS on_hold, "
        "coalesce(sum(CASE WHEN standing = 1 THEN 1 ELSE 0 END), 0) AS cancelled FROM document"
    )
    return {} if row is None else {name: int(row[name]) for name in ("made", "waiting", "on_hold", "cancelled")}


def _listed(row: Row) -> Listed:
    state = row["invitation"]
    return Listed(document=read_document(row), invitation=None if state is None else InvitationState(state))
