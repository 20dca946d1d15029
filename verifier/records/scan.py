"""Desks that check without a network: who they are, which challenges and codes were answered, and the checking pack that they are given."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.storage import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanDesk:
    """``cose_key`` is the desk's public key as the bytes of a COSE_Key; ``ended_at`` is ``None`` while the desk is in force.

    ``enrolled_by`` is the operator who set it up, empty where nobody wrote that down.
    """

    id: str
    name: str
    cose_key: bytes = field(repr=False)
    token_hash: str = field(repr=False)
    made_at: int
    certified_until: int
    seen_at: int
    enrolled_by: str
    ended_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPack:
    """The bytes of a checking pack; ``etag`` names them (RFC 9110 section 8.8.3, without its quotes)."""

    etag: str
    data: bytes = field(repr=False)
    made_at: int


async def add(tx: Tx, desk: ScanDesk) -> None:
    await tx.execute(
        "INSERT INTO scan_desk (id, name, cose_key, token_hash, made_at, certified_until, seen_at, enrolled_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        desk.id,
        desk.name,
        desk.cose_key,
        desk.token_hash,
        desk.made_at,
        desk.certified_until,
        desk.seen_at,
        desk.enrolled_by,
    )


async def find(tx: Tx, identifier: str) -> ScanDesk | None:
    row = await tx.fetchrow("SELECT * FROM scan_desk WHERE id = $1", identifier)
    return None if row is None else _desk(row)


async def everybody(tx: Tx) -> list[ScanDesk]:
    """All desks, those in force first, then by name."""
    rows = await tx.fetch("SELECT * FROM scan_desk ORDER BY ended_at IS NOT NULL, name, id")
    return [_desk(row) for row in rows]


async def in_force(tx: Tx) -> int:
    """How many desks were not ended."""
    row = await tx.fetchrow("SELECT count(*) AS n FROM scan_desk WHERE ended_at IS NULL")
    return 0 if row is None else int(row["n"])


async def certify(tx: Tx, identifier: str, *, until: int, at: int) -> bool:
    """Note a new certificate; false if the desk was ended in the meantime."""
    sql = "UPDATE scan_desk SET certified_until = $2, seen_at = $3 WHERE id = $1 AND ended_at IS NULL"
    return await tx.execute(sql, identifier, until, at) == 1


async def touch(tx: Tx, identifier: str, at: int) -> None:
    """Note a visit."""
    await tx.execute("UPDATE scan_desk SET seen_at = $2 WHERE id = $1", identifier, at)


async def end(tx: Tx, identifier: str, at: int) -> bool:
    """Take the desk out of force, for good; false if there is no such desk in force."""
    return await tx.execute("UPDATE scan_desk SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", identifier, at) == 1


async def end_all_of(tx: Tx, operator: str, at: int) -> None:
    """Take all desks out of force that ``operator`` set up."""
    await tx.execute("UPDATE scan_desk SET ended_at = $2 WHERE enrolled_by = $1 AND ended_at IS NULL", operator, at)


async def use_nonce(tx: Tx, key: bytes, until: int) -> bool:
    """Take the one answer to a challenge or code; false if one was taken before (security rule S6)."""
    sql = "INSERT INTO scan_nonce (key, expires_at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"
    return await tx.execute(sql, key, until) == 1


async def nonce_used(tx: Tx, key: bytes) -> bool:
    """Whether an answer to that challenge or code was taken."""
    return await tx.fetchrow("SELECT 1 FROM scan_nonce WHERE key = $1", key) is not None


async def pack(tx: Tx) -> ServedPack | None:
    """What desks are given at present."""
    row = await tx.fetchrow("SELECT * FROM scan_pack WHERE name = 'current'")
    return None if row is None else ServedPack(etag=row["etag"], data=bytes(row["data"]), made_at=int(row["made_at"]))


async def pack_made_at(tx: Tx) -> int | None:
    """When that was made, without its bytes."""
    row = await tx.fetchrow("SELECT made_at FROM scan_pack WHERE name = 'current'")
    return None if row is None else int(row["made_at"])


async def keep_pack(tx: Tx, made: ServedPack) -> None:
    """The newest stays."""
    await tx.execute(
        "INSERT INTO scan_pack (name, etag, data, made_at) VALUES ('current', $1, $2, $3) ON CONFLICT (name) DO UPDATE SET "
        "etag = $1, data = $2, made_at = $3 WHERE scan_pack.made_at <= $3",
        made.etag,
        made.data,
        made.made_at,
    )


async def purge(tx: Tx, at: int) -> int:
    """Challenges and codes that have run out need no remembering. How many rows went."""
    return await tx.execute("DELETE FROM scan_nonce WHERE expires_at <= $1", at)


def _desk(row: Row) -> ScanDesk:
    ended = row["ended_at"]
    return ScanDesk(
        id=row["id"],
        name=row["name"],
        cose_key=bytes(row["cose_key"]),
        token_hash=row["token_hash"],
        made_at=int(row["made_at"]),
        certified_until=int(row["certified_until"]),
        seen_at=int(row["seen_at"]),
        enrolled_by=row["enrolled_by"],
        ended_at=None if ended is None else int(ended),
    )
