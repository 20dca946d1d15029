"""What a superior has said: statements about those below, trust marks, and its numbered publications (``0009_federation.sql``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from shared.clock import DAY
from shared.errors import Missing
from shared.keys import Role
from shared.storage import Row, Tx
from shared.web import own_trust
from shared.web.own_trust import OwnKey

KEEP_MARKS = 400 * DAY  # seconds after its end that a mark is still known to have been ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The newest about ``sub``. ``content`` is a digest of what it says, dates left out."""

    sub: str
    content: str
    issued_at: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    digest: str
    sub: str
    type: str
    issued_at: int
    expires_at: int
    withdrawn_at: int | None
    token: str = field(repr=False)

    def status(self, at: int) -> str:
        """As section 8.4.2 of OpenID Federation 1.0 has it."""
        if self.withdrawn_at is not None:
            return "revoked"
        return "active" if at < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """``historical`` are our keys that have ended, signed; ``document`` is what is served, ``None`` once a newer one took its place."""

    seq: int
    issued_at: int
    content: str
    historical: str = field(repr=False)
    document: bytes | None = field(repr=False)


async def statements(tx: Tx) -> list[Statement]:
    return [_statement(row) for row in await tx.fetch("SELECT * FROM federation_statement ORDER BY sub")]


async def statement(tx: Tx, sub: str) -> Statement | None:
    row = await tx.fetchrow("SELECT * FROM federation_statement WHERE sub = $1", sub)
    return None if row is None else _statement(row)


async def marks(tx: Tx, at: int) -> list[Mark]:
    """Those that count at ``at``."""
    rows = await tx.fetch("SELECT * FROM federation_mark WHERE withdrawn_at IS NULL AND expires_at > $1 ORDER BY sub, type, issued_at", at)
    return [_mark(row) for row in rows]


async def mark(tx: Tx, digest: str) -> Mark | None:
    row = await tx.fetchrow("SELECT * FROM federation_mark WHERE digest = $1", digest)
    return None if row is None else _mark(row)


async def last(tx: Tx) -> Publication | None:
    row = await tx.fetchrow("SELECT * FROM federation_publication ORDER BY seq DESC LIMIT 1")
    if row is None:
        return None
    document = row["document"]
    return Publication(
        seq=int(row["seq"]),
        issued_at=int(row["issued_at"]),
        content=row["content"],
        historical=row["historical"],
        document=None if document is None else bytes(document),
    )


async def newest(tx: Tx) -> Publication:
    """``Missing`` before the first."""
    found = await last(tx)
    if found is None:
        raise Missing("nothing is published here yet")
    return found


async def own_keys(tx: Tx) -> list[OwnKey]:
    """Our federation keys, oldest first."""
    return await own_trust.own_keys(tx, Role.FEDERATION)


async def publish(tx: Tx, made: Publication, said: Collection[Statement], held: Collection[Mark], *, at: int) -> None:
    """All that is said from now on. ``Conflict`` if another process has made one of that number."""
    await tx.execute(
        "INSERT INTO federation_publication (seq, issued_at, content, historical, document) VALUES ($1, $2, $3, $4, $5)",
        made.seq,
        made.issued_at,
        made.content,
        made.historical,
        made.document,
    )
    await tx.execute("UPDATE federation_publication SET document = NULL WHERE seq < $1", made.seq)
    subs, known = {each.sub for each in said}, {each.sub for each in await statements(tx)}
    for gone in known - subs:
        await tx.execute("DELETE FROM federation_statement WHERE sub = $1", gone)
    for each in said:
        await tx.execute(
            "INSERT INTO federation_statement (sub, content, issued_at, token) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (sub) DO UPDATE SET content = $2, issued_at = $3, token = $4",
            each.sub,
            each.content,
            each.issued_at,
            each.token,
        )
    await _keep_marks(tx, held, at)


async def _keep_marks(tx: Tx, held: Collection[Mark], at: int) -> None:
    """New ones in; those that are no longer granted are withdrawn; an earlier one beside its successor counts until it ends by itself."""
    granted = {(each.sub, each.type) for each in held}
    for each in await marks(tx, at):
        if (each.sub, each.type) not in granted:
            await tx.execute("UPDATE federation_mark SET withdrawn_at = $2 WHERE digest = $1", each.digest, at)
    for each in held:
        await tx.execute(
            "INSERT INTO federation_mark (digest, sub, type, issued_at, expires_at, withdrawn_at, token) "
            "VALUES ($1, $2, $3, $4, $5, NULL, $6) ON CONFLICT (digest) DO NOTHING",
            each.digest,
            each.sub,
            each.type,
            each.issued_at,
            each.expires_at,
            each.token,
        )
    await tx.execute("DELETE FROM federation_mark WHERE expires_at <= $1", at - KEEP_MARKS)


def _statement(row: Row) -> Statement:
    return Statement(sub=row["sub"], content=row["content"], issued_at=int(row["issued_at"]), token=row["token"])


def _mark(row: Row) -> Mark:
    withdrawn = row["withdrawn_at"]
    return Mark(
        digest=row["digest"],
        sub=row["sub"],
        type=row["type"],
        issued_at=int(row["issued_at"]),
        expires_at=int(row["expires_at"]),
        withdrawn_at=None if withdrawn is None else int(withdrawn),
        token=row["token"],
    )
