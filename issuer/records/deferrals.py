"""Requests for copies that wait until a second person has looked at the document (OpenID4VCI section 9)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.storage import Tx

MOST = 16
"""Transactions that may be open for one document of a redemption; of more, the oldest give way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """``digest`` is SHA-256 of the transaction id; ``sealed`` holds the keys that were proved and what was asked for."""

    digest: bytes
    entitlement: str
    document: str
    sealed: bytes


async def insert(tx: Tx, new: Deferral, *, expires_at: int) -> None:
    await tx.execute(
        "DELETE FROM deferral WHERE entitlement = $1 AND document = $2 AND digest NOT IN "
        "(SELECT digest FROM deferral WHERE entitlement = $1 AND document = $2 ORDER BY expires_at DESC, digest LIMIT $3)",
        new.entitlement,
        new.document,
        MOST - 1,
    )
    await tx.execute(
        "INSERT INTO deferral (digest, entitlement, document, sealed, expires_at) VALUES ($1, $2, $3, $4, $5)",
        new.digest,
        new.entitlement,
        new.document,
        new.sealed,
        expires_at,
    )


async def find(tx: Tx, digest: bytes, entitlement: str, at: int) -> Deferral | None:
    """The open transaction of that redemption, of nobody else's."""
    row = await tx.fetchrow(
        "SELECT document, sealed FROM deferral WHERE digest = $1 AND entitlement = $2 AND expires_at > $3", digest, entitlement, at
    )
    if row is None:
        return None
    return Deferral(digest=digest, entitlement=entitlement, document=row["document"], sealed=bytes(row["sealed"]))


async def take(tx: Tx, digest: bytes) -> bool:
    """Pick up once; false if it was."""
    return await tx.execute("DELETE FROM deferral WHERE digest = $1", digest) == 1
