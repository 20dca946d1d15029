"""Permissions to tell another body something, and what was told by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codec import strict_json
from shared.openid4vp import Permission, parse_permission_members
from shared.receipts import LogHead
from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A permission as it stands. ``sealed`` holds who gave it, and what was shown with it."""

    id: str
    exchange: str
    terms: str
    sealed: bytes = field(repr=False)
    given_at: int
    used: int = 0
    withdrawn_at: int | None = None
    keep_until: int

    @property
    def permission(self) -> Permission:
        """Its limits."""
        return parse_permission_members(strict_json.load_object(self.terms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Something that was told, or was to be: ``code`` and ``place`` say what was in the way. ``receipt`` is what the holder's is bound to."""

    permission: str
    number: int
    at: int
    reference: str
    categories: tuple[str, ...]
    code: str = ""
    place: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    head: LogHead


async def add(tx: Tx, kept: Kept) -> None:
    """A permission that was given; given twice it is one."""
    await tx.execute(
        "INSERT INTO permission (id, exchange, terms, sealed, given_at, used, keep_until) VALUES ($1, $2, $3, $4, $5, 0, $6) "
        "ON CONFLICT (id) DO NOTHING",
        kept.id,
        kept.exchange,
        kept.terms,
        kept.sealed,
        kept.given_at,
        kept.keep_until,
    )


async def find(tx: Tx, identifier: str, at: int) -> Kept | None:
    row = await tx.fetchrow("SELECT * FROM permission WHERE id = $1 AND keep_until > $2", identifier, at)
    return None if row is None else _kept(row)


async def recent(tx: Tx, at: int, limit: int) -> list[Kept]:
    """Newest first."""
    rows = await tx.fetch("SELECT * FROM permission WHERE keep_until > $1 ORDER BY given_at DESC, id LIMIT $2", at, limit)
    return [_kept(row) for row in rows]


async def called(tx: Tx, prefix: str, at: int, limit: int) -> list[Kept]:
    """Those whose number begins so."""
    sql = "SELECT * FROM permission WHERE keep_until > $1 AND substr(id, 1, $2) = $3 ORDER BY given_at DESC, id LIMIT $4"
    return [_kept(row) for row in await tx.fetch(sql, at, len(prefix), prefix, limit)]


async def spend(tx: Tx, kept: Kept) -> bool:
    """Count one use; false if it was used or withdrawn in the meantime."""
    sql = "UPDATE permission SET used = used + 1 WHERE id = $1 AND used = $2 AND withdrawn_at IS NULL"
    return await tx.execute(sql, kept.id, kept.used) == 1


async def withdraw(tx: Tx, identifier: str, at: int) -> bool:
    """It is over from now on; false if it was before."""
    return await tx.execute("UPDATE permission SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL", identifier, at) == 1


async def add_use(tx: Tx, use: Use) -> None:
    await tx.execute(
        "INSERT INTO permission_use (permission, n, at, reference, categories, code, place, receipt, log_size, log_digest) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        use.permission,
        use.number,
        use.at,
        use.reference,
        strict_json.dumps({"categories": list(use.categories)}).decode(),
        use.code,
        use.place,
        strict_json.dumps(use.receipt).decode() if use.receipt else "",
        use.head.size,
        use.head.digest,
    )


async def uses(tx: Tx, identifier: str) -> list[Use]:
    """Oldest first."""
    return [_use(row) for row in await tx.fetch("SELECT * FROM permission_use WHERE permission = $1 ORDER BY n", identifier)]


async def purge(tx: Tx, at: int) -> int:
    """What has had its time goes, uses first."""
    changed = await tx.execute("DELETE FROM permission_use WHERE permission IN (SELECT id FROM permission WHERE keep_until <= $1)", at)
    return changed + await tx.execute("DELETE FROM permission WHERE keep_until <= $1", at)


def _kept(row: Row) -> Kept:
    withdrawn = row["withdrawn_at"]
    return Kept(
        id=row["id"],
        exchange=row["exchange"],
        terms=row["terms"],
        sealed=bytes(row["sealed"]),
        given_at=int(row["given_at"]),
        used=int(row["used"]),
        withdrawn_at=None if withdrawn is None else int(withdrawn),
        keep_until=int(row["keep_until"]),
    )


def _use(row: Row) -> Use:
    return Use(
        permission=row["permission"],
        number=int(row["n"]),
        at=int(row["at"]),
        reference=row["reference"],
        categories=tuple(strict_json.load_object(str(row["categories"]))["categories"]),
        code=row["code"],
        place=row["place"],
        receipt=strict_json.load_object(str(row["receipt"])) if row["receipt"] else {},
        head=LogHead(size=int(row["log_size"]), digest=bytes(row["log_digest"])),
    )
