"""The rows behind what a service publishes: its certificates, its keys and what became of them, and who did what to them (``0003_trust.sql``, ``0009_keys.sql``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..codec import base64url, strict_json
from ..cose import thumbprint
from ..errors import Conflict, Missing
from ..jose.jwk import parse_public_jwk
from ..keys import KeyId, PublicKey, Role
from ..storage import Row, Tx
from ..trust.artefact import name_of
from ..trust.federation_keys import FederationKey, render_jwks
from ..trust.snapshot import KeyHistory, KeyState
from ..x509 import Cert, load_certificate
from .certificates import day


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """One key: ``name`` is what the custodian calls it, empty once another has that name; ``jwk`` its public half as it is published.

    It began to sign at ``active_at``, and was first published at ``told_at``.
    """

    name: KeyId
    jwk: str
    history: KeyHistory
    active_at: int | None
    told_at: int | None

    @property
    def public(self) -> PublicKey:
        return parse_public_jwk(strict_json.load_object(self.jwk))

    @property
    def state(self) -> KeyState:
        return self.history.state


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


async def enter(tx: Tx, leaf: Cert, *, name: KeyId, role: Role, entity: str, actor: str, at: int) -> None:
    """A certificate and its key, which signs from now on; nothing happens if both are known."""
    await begin(tx, leaf.public, name=name, role=role, entity=entity, at=at)
    await certify(tx, leaf, actor=actor, at=at)


async def certify(tx: Tx, leaf: Cert, *, actor: str, at: int) -> None:
    """A certificate of a key that is known; nothing happens if it is, too."""
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
    await note(tx, Event(at=at, actor=actor, kind="certified", subject=str(leaf.serial), reason=""))


async def begin(tx: Tx, public: PublicKey, *, name: KeyId, role: Role, entity: str, at: int) -> None:
    """A key that signs from now on, in the place of any other of that role; one that is known keeps its state."""
    await _name_moved(tx)
    new = KeyHistory.of(public, role=role, entity=entity, since=at)
    await tx.execute("UPDATE own_key SET entity = $2 WHERE role = $1 AND entity <> $2", role.value, entity)
    await tx.execute("UPDATE own_key SET name = '' WHERE role = $1 AND name = $2 AND thumbprint <> $3", role.value, name, new.thumbprint)
    if await tx.execute("UPDATE own_key SET jwk = $2 WHERE thumbprint = $1", new.thumbprint, _render(public)):
        return
    await tx.execute(
        "UPDATE own_key SET state = 'verify-only', ended_at = $2, reason = 'superseded' WHERE role = $1 AND state = 'active'",
        role.value,
        at,
    )
    await add(tx, new, name=name, public=public, active_at=at)


async def add(tx: Tx, new: KeyHistory, *, name: KeyId, public: PublicKey, active_at: int | None) -> None:
    """A key that is not known yet; ``Conflict`` if it is."""
    await tx.execute(
        "INSERT INTO own_key (thumbprint, kid, role, entity, state, begun_at, reason, name, jwk, active_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9)",
        new.thumbprint,
        new.kid,
        new.role.value,
        new.entity,
        new.state.value,
        new.since,
        name,
        _render(public),
        active_at,
    )


async def activate(tx: Tx, new: OwnKey, *, actor: str, at: int) -> None:
    """A key that was told ahead signs from now on, and the one before it no longer; nothing happens if another process did it."""
    role = new.history.role.value
    done = await tx.execute(
        "UPDATE own_key SET state = 'active', active_at = $2 WHERE thumbprint = $1 AND state = 'created'", new.history.thumbprint, at
    )
    if done:
        await tx.execute(
            "UPDATE own_key SET state = 'verify-only', ended_at = $3, reason = 'superseded' "
            "WHERE role = $2 AND state = 'active' AND thumbprint <> $1",
            new.history.thumbprint,
            role,
            at,
        )
        await note(tx, Event(at=at, actor=actor, kind=KeyState.ACTIVE.value, subject=new.history.kid, reason=""))


async def finish(tx: Tx, old: OwnKey, *, at: int) -> None:
    """All that a key signed has run out."""
    done = await tx.execute(
        "UPDATE own_key SET state = 'ended', ended_at = $2 WHERE thumbprint = $1 AND state = 'verify-only'",
        old.history.thumbprint,
        old.history.ends_at,
    )
    if done:
        await note(tx, Event(at=at, actor="timer", kind=KeyState.ENDED.value, subject=old.history.kid, reason=""))


async def tell(tx: Tx, told: Iterable[KeyHistory], *, at: int) -> None:
    """These keys are published, from now on if they were not before."""
    for each in told:
        await tx.execute("UPDATE own_key SET told_at = $2 WHERE thumbprint = $1 AND told_at IS NULL", each.thumbprint, at)


def _render(public: PublicKey) -> str:
    return strict_json.dumps(render_jwks([FederationKey.of(public)])["keys"][0]).decode()


async def _name_moved(tx: Tx) -> None:
    """Keys of earlier versions have their proper names and their public halves from now on."""
    for row in await tx.fetch(
        "SELECT k.thumbprint, c.der FROM own_key k JOIN own_certificate c ON c.thumbprint = k.thumbprint WHERE k.jwk = ''"
    ):
        public = load_certificate(bytes(row["der"])).public
        await tx.execute("UPDATE own_key SET jwk = $2 WHERE thumbprint = $1", row["thumbprint"], _render(public))
    for row in await tx.fetch("SELECT * FROM own_key WHERE kid = ''"):
        known = _key(row)
        await tx.execute(
            "UPDATE own_key SET thumbprint = $2, kid = $3 WHERE thumbprint = $1", row["thumbprint"], known.thumbprint, known.kid
        )


async def withdraw(tx: Tx, serial: str, *, reason: str, actor: str, at: int) -> None:
    row = await tx.fetchrow("SELECT withdrawn_at FROM own_certificate WHERE serial = $1", serial)
    if row is None:
        raise Missing("no certificate of that serial number was made here")
    if row["withdrawn_at"] is not None:
        raise Conflict("this certificate was withdrawn already")
    await tx.execute("UPDATE own_certificate SET withdrawn_at = $2, reason = $3 WHERE serial = $1", serial, at, reason)
    await note(tx, Event(at=at, actor=actor, kind="withdrawn", subject=serial, reason=reason))


async def end_key(tx: Tx, kid: str, state: KeyState, *, reason: str, actor: str, at: int) -> None:
    await _name_moved(tx)
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


async def publish(tx: Tx, made: Published, keys: Iterable[KeyHistory], *, actor: str) -> None:
    """``Conflict`` if another process has made one of that number; ``keys`` are those of which it tells."""
    await tx.execute(
        "INSERT INTO own_publication (seq, issued_at, next_update, content, document) VALUES ($1, $2, $3, $4, $5)",
        made.seq,
        made.issued_at,
        made.next_update,
        made.content,
        made.document,
    )
    await tx.execute("UPDATE own_publication SET document = NULL WHERE seq < $1", made.seq)
    await tell(tx, keys, at=made.issued_at)
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
    """Of all roles, oldest first."""
    return [_key(row) for row in await tx.fetch("SELECT * FROM own_key ORDER BY begun_at, thumbprint")]


async def own_keys(tx: Tx, role: Role) -> list[OwnKey]:
    """Those of one role, oldest first."""
    return [
        _own(row)
        for row in await tx.fetch("SELECT * FROM own_key WHERE role = $1 ORDER BY begun_at, length(name), name, thumbprint", role.value)
    ]


async def events(tx: Tx, *, limit: int = 20) -> list[Event]:
    """Newest first; that the same was said again is left out."""
    rows = await tx.fetch("SELECT * FROM trust_event WHERE kind <> 'published' ORDER BY n DESC LIMIT $1", limit)
    return [_event(row) for row in rows]


async def events_after(tx: Tx, n: int) -> tuple[int, list[Event]]:
    """Those after number ``n``, oldest first, and the number of the last; that the same was said again is left out."""
    rows = await tx.fetch("SELECT * FROM trust_event WHERE n > $1 ORDER BY n", n)
    return int(rows[-1]["n"]) if rows else n, [_event(row) for row in rows if row["kind"] != "published"]


def _event(row: Row) -> Event:
    return Event(at=int(row["at"]), actor=row["actor"], kind=row["kind"], subject=row["subject"], reason=row["reason"])


def _own(row: Row) -> OwnKey:
    return OwnKey(
        name=KeyId(row["name"]), jwk=row["jwk"], history=_key(row), active_at=_int(row["active_at"]), told_at=_int(row["told_at"])
    )


def _key(row: Row) -> KeyHistory:
    known = KeyHistory(
        role=Role(row["role"]),
        entity=row["entity"],
        kid=row["kid"],
        thumbprint=row["thumbprint"],
        state=KeyState(row["state"]),
        since=int(row["begun_at"]),
        until=_int(row["ended_at"]),
        reason=row["reason"],
    )
    if known.kid:
        return known
    named = KeyHistory.of(parse_public_jwk(strict_json.load_object(row["jwk"])), role=known.role, entity=known.entity, since=known.since)
    return replace(known, thumbprint=named.thumbprint, kid=named.kid)


def _int(value: int | None) -> int | None:
    return None if value is None else int(value)


def _certificate(row: Row) -> Certified:
    return Certified(
        der=bytes(row["der"]),
        thumbprint=row["thumbprint"],
        serial=row["serial"],
        not_after=int(row["not_after"]),
        withdrawn_at=_int(row["withdrawn_at"]),
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
    fate = each.state.value if each.until is None else f"{each.state} on {day(each.until)}: {each.reason}"
    return f"key {each.kid}  {each.role}  since {day(each.since)}, {fate}"


def _of_certificate(each: Certified) -> str:
    gone = "" if each.withdrawn_at is None else f", withdrawn on {day(each.withdrawn_at)}: {each.reason}"
    return f"certificate {each.serial}  until {day(each.not_after)}{gone}"
