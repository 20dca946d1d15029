"""Checking packs in the database: those that were applied, what must not come back older, and a download that is not finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.codec import strict_json
from shared.storage import Row, Tx
from shared.trust.memory import BundleMemory, SeenBundle
from shared.web import heard
from verifier.records import knowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A pack by a pinned signer that this verifier answers from. ``contents`` counts its artefacts by media type."""

    digest: str
    signer: str
    iss: str
    seq: int
    iat: int
    exp: int
    applied_at: int
    actor: str
    contents: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """How far fetching from ``url`` has come. ``etag`` names the pack whose pieces are here, ``done_etag`` the last one applied."""

    url: str
    tried_at: int = 0
    done_etag: str = ""
    etag: str = ""
    fault: str = ""


async def memory(tx: Tx) -> BundleMemory:
    """What a pack is judged against: newest pack a signer, newest snapshot an anchor, the time floor, what lists have taught."""
    seen = {
        row["signer"]: SeenBundle(seq=int(row["seq"]), iat=int(row["iat"]), digest=row["digest"])
        for row in await tx.fetch("SELECT * FROM seen_pack")
    }
    snapshots = await heard.seen(tx)
    return BundleMemory(
        signers=seen,
        snapshots=snapshots,
        dates=await heard.dates(tx),
        floor=heard.floor_of(snapshots),
        statuses=await knowledge.memory(tx),
    )


async def add(tx: Tx, applied: Applied) -> None:
    """Enter it, and let none of its signer that is older come after it; the same one again changes nothing."""
    await tx.execute(
        "INSERT INTO seen_pack (signer, seq, iat, digest) VALUES ($1, $2, $3, $4) ON CONFLICT (signer) DO UPDATE SET "
        "seq = $2, iat = $3, digest = $4 WHERE seen_pack.seq <= $2",
        applied.signer,
        applied.seq,
        applied.iat,
        applied.digest,
    )
    await tx.execute(
        "INSERT INTO applied_pack (digest, signer, iss, seq, iat, exp, applied_at, actor, contents) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) DO NOTHING",
        applied.digest,
        applied.signer,
        applied.iss,
        applied.seq,
        applied.iat,
        applied.exp,
        applied.applied_at,
        applied.actor,
        strict_json.dumps(dict(applied.contents)).decode(),
    )


async def applied(tx: Tx, *, limit: int = 50) -> list[Applied]:
    """Newest first."""
    return [_applied(row) for row in await tx.fetch("SELECT * FROM applied_pack ORDER BY applied_at DESC, iat DESC LIMIT $1", limit)]


async def in_use(tx: Tx) -> Applied | None:
    """The newest pack of which a status list is still in use; ``None`` where all were fetched."""
    row = await tx.fetchrow(
        "SELECT * FROM applied_pack WHERE digest IN (SELECT pack FROM status_list) ORDER BY iat DESC, applied_at DESC LIMIT 1"
    )
    return None if row is None else _applied(row)


async def made(tx: Tx, *, limit: int = 50) -> Sequence[knowledge.Pack]:
    """Those that were made here, newest first."""
    rows = await tx.fetch("SELECT * FROM pack ORDER BY seq DESC LIMIT $1", limit)
    return [
        knowledge.Pack(seq=int(row["seq"]), digest=row["digest"], made_at=int(row["made_at"]), expires_at=int(row["expires_at"]))
        for row in rows
    ]


async def download(tx: Tx, url: str) -> Download:
    """How far it has come; nothing at all before the first try."""
    row = await tx.fetchrow("SELECT * FROM pack_download WHERE url = $1", url)
    if row is None:
        return Download(url=url)
    return Download(url=url, tried_at=int(row["tried_at"]), done_etag=row["done_etag"], etag=row["etag"], fault=row["fault"])


async def keep_download(tx: Tx, each: Download) -> None:
    await tx.execute(
        "INSERT INTO pack_download (url, tried_at, done_etag, etag, fault) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (url) DO UPDATE SET "
        "tried_at = $2, done_etag = $3, etag = $4, fault = $5",
        each.url,
        each.tried_at,
        each.done_etag,
        each.etag,
        each.fault,
    )


async def keep_piece(tx: Tx, url: str, start: int, data: bytes) -> None:
    await tx.execute(
        "INSERT INTO pack_piece (url, start, data) VALUES ($1, $2, $3) ON CONFLICT (url, start) DO UPDATE SET data = $3", url, start, data
    )


async def pieces(tx: Tx, url: str) -> bytes:
    """What is here of it, from its beginning."""
    return b"".join([bytes(row["data"]) for row in await tx.fetch("SELECT data FROM pack_piece WHERE url = $1 ORDER BY start", url)])


async def drop_pieces(tx: Tx, url: str) -> None:
    await tx.execute("DELETE FROM pack_piece WHERE url = $1", url)


def _applied(row: Row) -> Applied:
    return Applied(
        digest=row["digest"],
        signer=row["signer"],
        iss=row["iss"],
        seq=int(row["seq"]),
        iat=int(row["iat"]),
        exp=int(row["exp"]),
        applied_at=int(row["applied_at"]),
        actor=row["actor"],
        contents={name: int(count) for name, count in strict_json.load_object(str(row["contents"])).items()},
    )
