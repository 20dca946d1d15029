"""The rows behind what a service publishes: its certificates, its keys and what became of them, and who did what to them (``0003_trust.sql``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..codec import base64url
from ..cose import thumbprint
from ..errors import Conflict, Missing
from ..keys import Role
from ..storage import Row, Tx
from ..trust.artefact import name_of
from ..trust.snapshot import KeyHistory, KeyState
from ..x509 import Cert
from .certificates import day


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """One certificate of such a key; ``serial`` is decimal, as whole numbers of 159 bits fit no column."""

    der: bytes = field(repr=False)
    thumbprint: str
    serial: str
    not_after: int
    withdrawn_at: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One snapshot; ``document`` is what is served, ``None`` once a newer one took its place."""

    seq: int
    issued_at: int
    next_update: int
    content: str
    document: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Somebody changed what is in force. ``actor`` is a name, ``timer``, or ``command line``."""

    at: int
    actor: str
    kind: str
    subject: str
    reason: str


async def enter(tx: Tx, leaf: Cert, *, role: Role, entity: str, actor: str, at: int) -> None:
    """A certificate and its key; nothing happens if both are known."""
    name, whole = name_of(leaf.der), base64url.encode(thumbprint(leaf.public))
    if await tx.fetchrow("SELECT sha256 FROM own_certificate WHERE sha256 = $1", name) is not None:
        return
    await tx.execute(
        "INSERT INTO own_certificate (sha256, thumbprint, serial, der, not_after, reason) VALUES ($1, $2, $3, $4, $5, '')",
        name,
        whole,
        str(leaf.serial),
        leaf.der,
        leaf.not_after,
    )
    new = KeyHistory.of(leaf.public, role=role, entity=entity, since=at)
    await tx.execute(
        "INSERT INTO own_key (thumbprint, kid, role, entity, state, begun_at, reason) VALUES ($1, $2, $3, $4, $5, $6, '') "
        "ON CONFLICT (thumbprint) DO UPDATE SET entity = $4",
        new.thumbprint,
        new.kid,
        role.value,
        entity,
        new.state.value,
        at,
    )
    await note(tx, Event(at=at, actor=actor, kind="certified", subject=str(leaf.serial), reason=""))


async def withdraw(tx: Tx, serial: str, *, reason: str, actor: str, at: int) -> None:
    row = await tx.fetchrow("SELECT withdrawn_at FROM own_certificate WHERE serial = $1", serial)
    if row is None:
        raise Missing("no certificate of that serial number was made here")
    if row["withdrawn_at"] is not None:
        raise Conflict("this certificate was withdrawn already")
    await tx.execute("UPDATE own_certificate SET withdrawn_at = $2, reason = $3 WHERE serial = $1", serial, at, reason)
    await note(tx, Event(at=at, actor=actor, kind="withdrawn", subject=serial, reason=reason))


async def end_key(tx: Tx, kid: str, state: KeyState, *, reason: str, actor: str, at: int) -> None:
    row = await tx.fetchrow("SELECT * FROM own_key WHERE kid = $1 OR thumbprint = $1", kid)
    if row is None:
        raise Missing("there is no such key here")
    known = _key(row)
    if not known.state.goes_to(state):
        raise Conflict(f"this key is {known.state} already")
    await tx.execute(
        "UPDATE own_key SET state = $2, ended_at = $3, reason = $4 WHERE thumbprint = $1", known.thumbprint, state.value, at, reason
    )
    await note(tx, Event(at=at, actor=actor, kind=state.value, subject=known.kid, reason=reason))
    if state is KeyState.COMPROMISED:  # ended in one path is ended in both (security rule S16)
        rows = await tx.fetch("SELECT serial FROM own_certificate WHERE thumbprint = $1 AND withdrawn_at IS NULL", known.thumbprint)
        for each in rows:
            await withdraw(tx, each["serial"], reason=reason, actor=actor, at=at)


async def publish(tx: Tx, made: Published, *, actor: str) -> None:
    """``Conflict`` if another process has made one of that number."""
    await tx.execute(
        "INSERT INTO own_publication (seq, issued_at, next_update, content, document) VALUES ($1, $2, $3, $4, $5)",
        made.seq,
        made.issued_at,
        made.next_update,
        made.content,
        made.document,
    )
    await tx.execute("UPDATE own_publication SET document = NULL WHERE seq < $1", made.seq)
    await note(tx, Event(at=made.issued_at, actor=actor, kind="published", subject=str(made.seq), reason=""))


async def note(tx: Tx, event: Event) -> None:
    row = await tx.fetchrow("SELECT COALESCE(max(n), 0) + 1 AS n FROM trust_event")
    await tx.execute(
        "INSERT INTO trust_event (n, at, actor, kind, subject, reason) VALUES ($1, $2, $3, $4, $5, $6)",
        1 if row is None else int(row["n"]),
        event.at,
        event.actor,
        event.kind,
        event.subject,
        event.reason,
    )


async def last(tx: Tx) -> Published | None:
    row = await tx.fetchrow("SELECT * FROM own_publication ORDER BY seq DESC LIMIT 1")
    return None if row is None else _published(row)


async def certificates(tx: Tx) -> list[Certified]:
    return [_certificate(row) for row in await tx.fetch("SELECT * FROM own_certificate ORDER BY not_after, sha256")]


async def keys(tx: Tx) -> list[KeyHistory]:
    return [_key(row) for row in await tx.fetch("SELECT * FROM own_key ORDER BY begun_at, thumbprint")]


async def events(tx: Tx, *, limit: int = 20) -> list[Event]:
    """Newest first; that the same was said again is left out."""
    rows = await tx.fetch("SELECT * FROM trust_event WHERE kind <> 'published' ORDER BY n DESC LIMIT $1", limit)
    return [Event(at=int(row["at"]), actor=row["actor"], kind=row["kind"], subject=row["subject"], reason=row["reason"]) for row in rows]


def _key(row: Row) -> KeyHistory:
    ended = row["ended_at"]
    return KeyHistory(
        role=Role(row["role"]),
        entity=row["entity"],
        kid=row["kid"],
        thumbprint=row["thumbprint"],
        state=KeyState(row["state"]),
        since=int(row["begun_at"]),
        until=None if ended is None else int(ended),
        reason=row["reason"],
    )


def _certificate(row: Row) -> Certified:
    withdrawn = row["withdrawn_at"]
    return Certified(
        der=bytes(row["der"]),
        thumbprint=row["thumbprint"],
        serial=row["serial"],
        not_after=int(row["not_after"]),
        withdrawn_at=None if withdrawn is None else int(withdrawn),
        reason=row["reason"],
    )


def _published(row: Row) -> Published:
    document = row["document"]
    return Published(
        seq=int(row["seq"]),
        issued_at=int(row["issued_at"]),
        next_update=int(row["next_update"]),
        content=row["content"],
        document=None if document is None else bytes(document),
    )


async def describe(tx: Tx) -> list[str]:
    """A line each, for whoever looks after the service: what became of keys and certificates, and when that was last said."""
    said = await last(tx)
    lines = [_of_key(each) for each in await keys(tx)] + [_of_certificate(each) for each in await certificates(tx)]
    lines += [
        "nothing is published yet: start the service, or publish with `keys publish`"
        if said is None
        else f"published: number {said.seq} of {day(said.issued_at)}, counts until {day(said.next_update)}"
    ]
    return lines + [
        f"{day(each.at)}: {each.kind} {each.subject} by {each.actor}{f': {each.reason}' if each.reason else ''}"
        for each in await events(tx)
    ]


def _of_key(each: KeyHistory) -> str:
    fate = "active" if each.until is None else f"{each.state} on {day(each.until)}: {each.reason}"
    return f"key {each.kid}  {each.role}  since {day(each.since)}, {fate}"


def _of_certificate(each: Certified) -> str:
    gone = "" if each.withdrawn_at is None else f", withdrawn on {day(each.withdrawn_at)}: {each.reason}"
    return f"certificate {each.serial}  until {day(each.not_after)}{gone}"
