"""Documents, their history, and answers kept for repeated requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from issuer.sessions import Actor, Approval, Document, Event, Standing, holds
from shared.credentials import DISPUTED
from shared.errors import Conflict, Missing
from shared.storage import Row, Tx

_COLUMNS = "id, type, standing, version, made_at, collected_at, valid_until, keep_until, approval, claims IS NOT NULL AS has_claims"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    id: str
    type: str
    reference: bytes | None
    claims: bytes | None
    made_at: int
    valid_until: int | None
    keep_until: int
    approval: Approval = Approval.NOT_NEEDED


async def insert(tx: Tx, new: NewDocument, actor: Actor) -> None:
    await tx.execute(
        "INSERT INTO document (id, type, reference, claims, standing, version, made_at, collected_at, valid_until, keep_until, approval) "
        "VALUES ($1, $2, $3, $4, 0, 0, $5, NULL, $6, $7, $8)",
        new.id,
        new.type,
        new.reference,
        new.claims,
        new.made_at,
        new.valid_until,
        new.keep_until,
        new.approval.value,
    )
    await _write_event(tx, new.id, 0, Event(at=new.made_at, kind="made", actor=actor, reason="", copies=0))


async def get(tx: Tx, document: str) -> Document:
    """``Missing`` if there is none of that number."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM document WHERE id = $1", document)  # noqa: S608 - our own column names
    if row is None:
        raise Missing("there is no document of that number")
    return read_document(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One document that a token is good for, with its sealed claims where they are still held. ``place`` is what identifiers name it by;
    ``disputed``: its holder says that a detail is wrong, and nobody has answered yet.
    """

    place: int
    document: Document
    claims: bytes | None
    disputed: bool = False

    @property
    def made_of(self) -> tuple[bytes | None, bool]:
        """As ``signable``, when it was read."""
        return self.claims, self.disputed

    def told(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What copies say that are made now, of these details: while its holder says that one is wrong, that too (ADR 0012)."""
        return {**claims, DISPUTED: True} if self.disputed else claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a live access token opens. ``client`` and ``jkt`` are the wallet and the key that it is tied to, if it is.

    ``configurations`` are those that were granted, none where all of the documents' types are; ``named``: copies are asked for by
    identifier.
    """

    entitlement: str
    client: str | None
    jkt: str | None
    configurations: tuple[str, ...]
    named: bool
    holdings: tuple[Holding, ...]


async def granted(tx: Tx, access: bytes, at: int) -> Granted | None:
    """By the digest of the access token; ``None`` if it is not, or no longer, good."""
    rows = await tx.fetch(
        "SELECT e.id AS entitlement, e.client, e.jkt, e.configurations, e.named, h.place, d.id, d.type, d.standing, d.version, d.made_at, "
        "d.collected_at, d.valid_until, d.keep_until, d.approval, d.claims, d.claims IS NOT NULL AS has_claims, "
        "EXISTS (SELECT 1 FROM correction c WHERE c.document = d.id AND c.state = 'open') AS disputed "
        "FROM token t JOIN entitlement e ON e.id = t.entitlement JOIN entitled h ON h.entitlement = e.id JOIN document d ON d.id = h.document "
        "WHERE t.digest = $1 AND t.kind = 'access' AND t.expires_at > $2 AND e.ended = 0 ORDER BY h.place",
        access,
        at,
    )
    if not rows:
        return None
    first = rows[0]
    return Granted(
        entitlement=first["entitlement"],
        client=first["client"],
        jkt=first["jkt"],
        configurations=tuple(str(first["configurations"]).split()),
        named=bool(first["named"]),
        holdings=tuple(
            Holding(
                place=int(row["place"]),
                document=read_document(row),
                claims=None if row["claims"] is None else bytes(row["claims"]),
                disputed=bool(row["disputed"]),
            )
            for row in rows
        ),
    )


async def alike(tx: Tx, document: Document) -> list[Document]:
    """Those of the same kind under the same reference, itself left out; none without a reference."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM document WHERE type = $1 AND id <> $2 AND reference = (SELECT reference FROM document WHERE id = $2) "  # noqa: S608 - our own column names
        "ORDER BY id LIMIT 200",
        document.type,
        document.id,
    )
    return [read_document(row) for row in rows]


async def reason_of(tx: Tx, document: str, version: int) -> str:
    """Why it came to that version; empty where nobody knows any more."""
    row = await tx.fetchrow("SELECT reason FROM event WHERE document = $1 AND version = $2", document, version)
    return "" if row is None else str(row["reason"])


async def written(tx: Tx, document: str) -> int:
    """The version of the details: that of the event which last wrote them, whatever else happened since. ``Missing``."""
    row = await tx.fetchrow(
        "SELECT version FROM event WHERE document = $1 AND kind IN ('made', 'corrected') ORDER BY version DESC LIMIT 1", document
    )
    if row is None:
        raise Missing("there is no document of that number")
    return int(row["version"])


async def settle_approval(tx: Tx, document: str, approval: Approval) -> bool:
    """What a second person decided; false if nobody waits."""
    sql = "UPDATE document SET approval = $1 WHERE id = $2 AND approval = 'waiting' AND standing <> 1"
    return await tx.execute(sql, approval.value, document) == 1


async def set_standing(tx: Tx, document: Document, standing: Standing, event: Event) -> None:
    """``Conflict`` if somebody changed it since ``document`` was read."""
    changed = await tx.execute(
        "UPDATE document SET standing = $1, version = version + 1 WHERE id = $2 AND version = $3",
        int(standing),
        document.id,
        document.version,
    )
    if changed != 1:
        raise Conflict("somebody else changed this document at the same moment")
    await _write_event(tx, document.id, document.version + 1, event)


async def rewrite(tx: Tx, document: Document, *, claims: bytes | None, keep_until: int, approval: Approval, event: Event) -> None:
    """Other details for the same document; ``Conflict`` if somebody changed it since ``document`` was read."""
    changed = await tx.execute(
        "UPDATE document SET claims = $1, keep_until = $2, approval = $3, version = version + 1 WHERE id = $4 AND version = $5",
        claims,
        keep_until,
        approval.value,
        document.id,
        document.version,
    )
    if changed != 1:
        raise Conflict("somebody else changed this document at the same moment")
    await _write_event(tx, document.id, document.version + 1, event)


async def note(tx: Tx, document: str, event: Event) -> None:
    """Add a line to the history of a document."""
    row = await tx.fetchrow("UPDATE document SET version = version + 1 WHERE id = $1 RETURNING version", document)
    if row is None:
        raise Missing("there is no document of that number")
    await _write_event(tx, document, int(row["version"]), event)


async def note_loss(tx: Tx, document: str, event: Event) -> None:
    """Add that line; until somebody collects the document again nobody has collected it."""
    await note(tx, document, event)
    await tx.execute("UPDATE document SET collected_at = NULL WHERE id = $1", document)


async def note_collection(tx: Tx, document: str, entitlement: str, event: Event, *, signed_by: str) -> bool:
    """Lock the document and record that copies are handed out; false when it is not in force, the entitlement has ended, or the key of
    that thumbprint is over: nothing by it leaves the office from then on.
    """
    row = await tx.fetchrow(
        "UPDATE document SET version = version + 1, collected_at = coalesce(collected_at, $3) WHERE id = $1 AND standing = 0 "
        "AND approval IN ('', 'approved') "
        "AND EXISTS (SELECT 1 FROM entitlement e JOIN entitled h ON h.entitlement = e.id WHERE e.id = $2 AND e.ended = 0 AND h.document = $1) "
        "AND NOT EXISTS (SELECT 1 FROM own_key k WHERE k.thumbprint = $4 AND k.state IN ('verify-only', 'ended', 'compromised')) RETURNING version",
        document,
        entitlement,
        event.at,
        signed_by,
    )
    if row is None:
        return False
    await _write_event(tx, document, int(row["version"]), event)
    return True


async def sealed_claims(tx: Tx, document: str) -> bytes | None:
    """The details as they are held, if they are."""
    row = await tx.fetchrow("SELECT claims FROM document WHERE id = $1", document)
    return None if row is None or row["claims"] is None else bytes(row["claims"])


async def reference_of(tx: Tx, document: str) -> bytes | None:
    """The HMAC of the office's own reference, if there is one."""
    row = await tx.fetchrow("SELECT reference FROM document WHERE id = $1", document)
    return None if row is None or row["reference"] is None else bytes(row["reference"])


async def signable(tx: Tx, document: str) -> tuple[bytes | None, bool]:
    """What copies are made of now: the sealed details, and whether one is disputed."""
    row = await tx.fetchrow(
        "SELECT claims, EXISTS (SELECT 1 FROM correction WHERE document = $1 AND state = 'open') AS disputed FROM document WHERE id = $1",
        document,
    )
    return (None, False) if row is None else (None if row["claims"] is None else bytes(row["claims"]), bool(row["disputed"]))


async def drop_claims(tx: Tx, document: str) -> None:
    await tx.execute("UPDATE document SET claims = NULL WHERE id = $1", document)


async def keep_no_longer_than(tx: Tx, document: str, until: int) -> None:
    await tx.execute("UPDATE document SET keep_until = $1 WHERE id = $2 AND keep_until > $1", until, document)


async def drop_old_claims(tx: Tx, at: int) -> int:
    return await tx.execute("UPDATE document SET claims = NULL WHERE keep_until <= $1 AND claims IS NOT NULL", at)


async def history(tx: Tx, document: str) -> list[Event]:
    """Oldest first."""
    rows = await tx.fetch(
        "SELECT at, kind, actor_role, actor, reason, copies FROM event WHERE document = $1 ORDER BY version",
        document,
    )
    return [
        Event(
            at=int(row["at"]),
            kind=row["kind"],
            actor=Actor(role=row["actor_role"], name=row["actor"]),
            reason=row["reason"],
            copies=int(row["copies"]),
        )
        for row in rows
    ]


async def held(tx: Tx, document: Document) -> list[str]:
    """The reasons for which it is on hold, the latest last; none where it is not."""
    return [each.reason for each in await holds_of(tx, document)]


async def holds_of(tx: Tx, document: Document) -> list[Event]:
    """When and why it was put on hold, as far as that has not ended, the latest last."""
    return holds(await history(tx, document.id)) if document.standing is Standing.ON_HOLD else []


async def _write_event(tx: Tx, document: str, version: int, event: Event) -> None:
    await tx.execute(
        "INSERT INTO event (document, version, at, kind, actor_role, actor, reason, copies) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        document,
        version,
        event.at,
        event.kind,
        event.actor.role,
        event.actor.name,
        event.reason,
        event.copies,
    )


async def remember_answer(tx: Tx, digest: bytes, body: bytes, answer: bytes, expires_at: int) -> bytes | None:
    """Keep ``answer`` for a repeated request. The earlier answer if there is one; ``Conflict`` if it was to another request."""
    made = await tx.execute(
        "INSERT INTO idempotency (digest, body, answer, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING",
        digest,
        body,
        answer,
        expires_at,
    )
    if made == 1:
        return None
    row = await tx.fetchrow("SELECT body, answer FROM idempotency WHERE digest = $1", digest)
    if row is None or bytes(row["body"]) != body:
        raise Conflict("this Idempotency-Key was used for another request", where="Idempotency-Key")
    return bytes(row["answer"])


def read_document(row: Row) -> Document:
    """Of the columns that each document has."""
    return Document(
        id=row["id"],
        type=row["type"],
        standing=Standing(int(row["standing"])),
        version=int(row["version"]),
        made_at=int(row["made_at"]),
        collected_at=row["collected_at"],
        valid_until=row["valid_until"],
        keep_until=int(row["keep_until"]),
        has_claims=bool(row["has_claims"]),
        approval=Approval(row["approval"]),
    )
