"""What a key signed, and what is called in because of it. Only copies that can still be used are known: others no longer name their document."""

from __future__ import annotations

from dataclasses import dataclass

from issuer.records.statuses import SignedBy
from issuer.sessions import Actor, Standing
from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of document. Of ``unkept`` documents the details are no longer held: no wallet gets other copies of them by itself."""

    type: str
    documents: int
    copies: int
    unkept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One document. ``signed_at`` is when the last of these copies was made."""

    document: str
    type: str
    standing: Standing
    copies: int
    signed_at: int
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """``documents`` were confirmed, ``done`` of them are behind; ``place`` is where the next batch begins."""

    id: str
    signed_by: str
    since: int
    reason: str
    actor: Actor
    begun_at: int
    documents: int
    place: str
    done: int
    copies: int
    ended_at: int | None


_BY_KEY = "document IS NOT NULL AND signed_by IN ($1, $2) AND signed_at >= $3 AND expires_at > $4 AND value <> 1"
_COPIES = f"SELECT document, count(*) AS copies, max(signed_at) AS signed_at FROM status_entry WHERE {_BY_KEY} GROUP BY document"  # noqa: S608 - no value in it
_DOCUMENTS = f"FROM ({_COPIES}) e JOIN document d ON d.id = e.document"
_FOUND = f"{_DOCUMENTS} WHERE ($5 = '' OR d.id = $5 OR d.reference = $6)"
_ROWS = "SELECT d.id, d.type, d.standing, d.claims IS NOT NULL AS kept, e.copies, e.signed_at"
_UNKEPT = "sum(CASE WHEN d.claims IS NULL THEN 1 ELSE 0 END) AS unkept"
_KINDS = f"SELECT d.type, count(*) AS documents, sum(e.copies) AS copies, {_UNKEPT} {_DOCUMENTS} GROUP BY d.type ORDER BY d.type"


async def kinds(tx: Tx, by: SignedBy, at: int) -> list[Kind]:
    """How much of each kind."""
    rows = await tx.fetch(_KINDS, *by.values, at)
    return [Kind(type=row["type"], documents=int(row["documents"]), copies=int(row["copies"]), unkept=int(row["unkept"])) for row in rows]


async def earlier(tx: Tx, by: SignedBy, at: int) -> int:
    """How many documents have copies by that key, and none of them from that instant on."""
    first, other, since = by.values
    row = await tx.fetchrow(
        f"SELECT count(*) AS n FROM (SELECT document FROM status_entry WHERE {_BY_KEY} GROUP BY document HAVING max(signed_at) < $5) e",  # noqa: S608 - no value in it
        first,
        other,
        0,
        at,
        since,
    )
    return 0 if row is None else int(row["n"])


async def page(
    tx: Tx, by: SignedBy, at: int, *, number: str = "", reference: bytes | None = None, offset: int, limit: int
) -> tuple[list[Signed], int]:
    """The documents, those signed last first, and how many there are; all, or those of that number or under that reference."""
    values = (*by.values, at, number, reference or b"")
    total = await tx.fetchrow(f"SELECT count(*) AS n {_FOUND}", *values)
    rows = await tx.fetch(f"{_ROWS} {_FOUND} ORDER BY e.signed_at DESC, d.id LIMIT $7 OFFSET $8", *values, limit, offset)
    return [_signed(row) for row in rows], 0 if total is None else int(total["n"])


async def after(tx: Tx, by: SignedBy, at: int, *, place: str, limit: int) -> list[str]:
    """The numbers of the next documents behind ``place``."""
    sql = f"SELECT DISTINCT document FROM status_entry WHERE {_BY_KEY} AND document > $5 ORDER BY document LIMIT $6"  # noqa: S608 - no value in it
    return [row["document"] for row in await tx.fetch(sql, *by.values, at, place, limit)]


async def insert(tx: Tx, recall: Recall) -> None:
    await tx.execute(
        "INSERT INTO recall (id, signed_by, since, reason, actor_role, actor, begun_at, documents, place, done, copies, ended_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, 0, NULL)",
        recall.id,
        recall.signed_by,
        recall.since,
        recall.reason,
        recall.actor.role,
        recall.actor.name,
        recall.begun_at,
        recall.documents,
    )


async def save(tx: Tx, recall: Recall) -> None:
    """How far it has come."""
    await tx.execute(
        "UPDATE recall SET place = $2, done = $3, copies = $4, ended_at = $5 WHERE id = $1",
        recall.id,
        recall.place,
        recall.done,
        recall.copies,
        recall.ended_at,
    )


async def under_way(tx: Tx) -> Recall | None:
    """The oldest that has not ended."""
    row = await tx.fetchrow("SELECT * FROM recall WHERE ended_at IS NULL ORDER BY begun_at, id LIMIT 1")
    return None if row is None else _recall(row)


async def of_key(tx: Tx, thumbprint: str) -> list[Recall]:
    """All that concern one key, newest first."""
    rows = await tx.fetch("SELECT * FROM recall WHERE signed_by = $1 ORDER BY begun_at DESC, id", thumbprint)
    return [_recall(row) for row in rows]


def _signed(row: Row) -> Signed:
    return Signed(
        document=row["id"],
        type=row["type"],
        standing=Standing(int(row["standing"])),
        copies=int(row["copies"]),
        signed_at=int(row["signed_at"]),
        kept=bool(row["kept"]),
    )


def _recall(row: Row) -> Recall:
    ended = row["ended_at"]
    return Recall(
        id=row["id"],
        signed_by=row["signed_by"],
        since=int(row["since"]),
        reason=row["reason"],
        actor=Actor(role=row["actor_role"], name=row["actor"]),
        begun_at=int(row["begun_at"]),
        documents=int(row["documents"]),
        place=row["place"],
        done=int(row["done"]),
        copies=int(row["copies"]),
        ended_at=None if ended is None else int(ended),
    )
