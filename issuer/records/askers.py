"""Those who ask for documents and are registered here: their applications, keys, certificates and history (``0014_registrar.sql``, ``0016_asker_country.sql``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from issuer.records.subordinates import Event
from issuer.sessions import Actor
from shared.errors import Conflict, Missing
from shared.storage import Row, Tx
from shared.trust.register_json import Version
from shared.trust.registered_use import RegisteredUse, parse_uses, render_uses


class State(StrEnum):
    """Where an organisation stands with this registrar."""

    INVITED = "invited"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """One of them; see the table for what each column means."""

    entity: str
    country: str
    state: State
    version: int
    name: str
    name_cy: str
    jwk: str
    uses: tuple[RegisteredUse, ...]
    wanted: str | None = field(repr=False)
    wanted_by: str
    counts_at: int | None
    shown_at: int | None
    tried_at: int | None
    said_at: int
    ends_at: int | None
    made_at: int
    ended_at: int | None
    wanted_country: str | None = None

    @property
    def next_country(self) -> str:
        """Where it is registered once what waits counts."""
        return self.wanted_country or self.country

    @property
    def waits(self) -> bool:
        """Whether a second person can decide about it."""
        return self.wanted is not None and self.counts_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskerKey:
    thumbprint: str
    entity: str
    begun_at: int
    compromised_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The newest of an organisation. ``content`` is a digest of what it says, dates left out."""

    entity: str
    content: str
    issued_at: int
    expires_at: int
    data: bytes = field(repr=False)


async def find(tx: Tx, entity: str) -> Asker | None:
    row = await tx.fetchrow("SELECT * FROM asker WHERE entity = $1", entity)
    return None if row is None else _asker(row)


async def get(tx: Tx, entity: str) -> Asker:
    """``Missing`` if no such organisation is known here."""
    found = await find(tx, entity)
    if found is None:
        raise Missing("this registrar does not know that organisation")
    return found


async def everybody(tx: Tx) -> list[Asker]:
    return [_asker(row) for row in await tx.fetch("SELECT * FROM asker ORDER BY name, entity")]


async def add(tx: Tx, new: Asker) -> None:
    await tx.execute(
        "INSERT INTO asker (entity, country, state, version, name, name_cy, jwk, uses, wanted, wanted_by, counts_at, shown_at, tried_at, "
        "said_at, ends_at, made_at, ended_at, wanted_country) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        *_values(new),
    )


async def put(tx: Tx, changed: Asker, *, before: Asker) -> None:
    """``Conflict`` with ``/version`` if somebody changed it since ``before`` was read."""
    done = await tx.execute(
        "UPDATE asker SET country = $2, state = $3, version = $4, name = $5, name_cy = $6, jwk = $7, uses = $8, wanted = $9, wanted_by = $10, "
        "counts_at = $11, shown_at = $12, tried_at = $13, said_at = $14, ends_at = $15, made_at = $16, ended_at = $17, "
        "wanted_country = $18 WHERE entity = $1 AND version = $19",
        *_values(changed),
        before.version,
    )
    if done != 1:
        raise Conflict("this was changed since you looked: look again", where="/version")


async def heard(tx: Tx, entity: str, *, version: int, shown: bool, at: int) -> None:
    """What a visit brought for the application of that version; it changes nothing that people decide."""
    await tx.execute("UPDATE asker SET tried_at = $2 WHERE entity = $1", entity, at)
    if shown:
        await tx.execute("UPDATE asker SET shown_at = $2 WHERE entity = $1 AND version = $3", entity, at, version)


async def invite(tx: Tx, entity: str, code: bytes, *, expires_at: int) -> None:
    """A code, in the place of any before it."""
    await uninvite(tx, entity)
    await tx.execute("INSERT INTO asker_invitation (code, entity, expires_at) VALUES ($1, $2, $3)", code, entity, expires_at)


async def invited(tx: Tx, code: bytes, at: int) -> Asker:
    """Whom a code invites; ``Missing`` for one that is unknown, used or over."""
    row = await tx.fetchrow("SELECT entity FROM asker_invitation WHERE code = $1 AND expires_at > $2", code, at)
    if row is None:
        raise Missing("this invitation is unknown, was used, or its time is over")
    return await get(tx, row["entity"])


async def uninvite(tx: Tx, entity: str) -> None:
    await tx.execute("DELETE FROM asker_invitation WHERE entity = $1", entity)


# --- keys, versions, certificates ------------------------------------------------------------------------------------------------------


async def keys(tx: Tx) -> list[AskerKey]:
    """Every key that was ever registered."""
    rows = await tx.fetch("SELECT * FROM asker_key ORDER BY begun_at, thumbprint")
    return [
        AskerKey(
            thumbprint=row["thumbprint"],
            entity=row["entity"],
            begun_at=int(row["begun_at"]),
            compromised_at=_int(row["compromised_at"]),
        )
        for row in rows
    ]


async def note_key(tx: Tx, thumbprint: str, entity: str, *, at: int) -> None:
    """It is registered from now on; nothing happens if it is known."""
    await tx.execute(
        "INSERT INTO asker_key (thumbprint, entity, begun_at, compromised_at) VALUES ($1, $2, $3, NULL) ON CONFLICT (thumbprint) DO NOTHING",
        thumbprint,
        entity,
        at,
    )


async def compromise_keys(tx: Tx, entity: str, *, at: int) -> None:
    """All keys of an organisation, for good."""
    await tx.execute("UPDATE asker_key SET compromised_at = $2 WHERE entity = $1 AND compromised_at IS NULL", entity, at)


async def note_version(tx: Tx, entity: str, uses: tuple[RegisteredUse, ...], *, at: int) -> None:
    """What is registered from now on, if it differs from the last."""
    known = await tx.fetchrow("SELECT n, uses FROM asker_version WHERE entity = $1 ORDER BY n DESC LIMIT 1", entity)
    data = render_uses(uses)
    if known is not None and bytes(known["uses"]) == data:
        return
    n = 1 if known is None else int(known["n"]) + 1
    await tx.execute("INSERT INTO asker_version (entity, n, at, uses) VALUES ($1, $2, $3, $4)", entity, n, at, data)


async def versions(tx: Tx, entity: str) -> list[Version]:
    """All that was ever registered of it, oldest first."""
    rows = await tx.fetch("SELECT n, at, uses FROM asker_version WHERE entity = $1 ORDER BY n", entity)
    return [Version(n=int(row["n"]), at=int(row["at"]), uses=parse_uses(bytes(row["uses"]))) for row in rows]


async def certificates(tx: Tx) -> dict[str, Certificate]:
    """By organisation."""
    rows = await tx.fetch("SELECT * FROM asker_certificate")
    return {
        row["entity"]: Certificate(
            entity=row["entity"],
            content=row["content"],
            issued_at=int(row["issued_at"]),
            expires_at=int(row["expires_at"]),
            data=bytes(row["data"]),
        )
        for row in rows
    }


async def keep_certificates(tx: Tx, made: list[Certificate]) -> None:
    """These and no others are published."""
    names = {each.entity for each in made}
    for gone in (await certificates(tx)).keys() - names:
        await tx.execute("DELETE FROM asker_certificate WHERE entity = $1", gone)
    for each in made:
        await tx.execute(
            "INSERT INTO asker_certificate (entity, content, issued_at, expires_at, data) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (entity) DO UPDATE SET content = $2, issued_at = $3, expires_at = $4, data = $5",
            each.entity,
            each.content,
            each.issued_at,
            each.expires_at,
            each.data,
        )


# --- history ---------------------------------------------------------------------------------------------------------------------------


async def note(tx: Tx, entity: str, event: Event) -> None:
    row = await tx.fetchrow("SELECT COALESCE(max(n), 0) + 1 AS n FROM asker_event")
    await tx.execute(
        "INSERT INTO asker_event (n, entity, at, kind, role, actor, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        1 if row is None else int(row["n"]),
        entity,
        event.at,
        event.kind,
        event.actor.role,
        event.actor.name,
        event.reason,
    )


async def newest_event(tx: Tx) -> int:
    """Number of the last change that anybody, or the clock, has made to any of them."""
    row = await tx.fetchrow("SELECT COALESCE(max(n), 0) AS n FROM asker_event")
    return 0 if row is None else int(row["n"])


async def history(tx: Tx, entity: str, *, limit: int = 50) -> list[Event]:
    """Newest first."""
    rows = await tx.fetch("SELECT * FROM asker_event WHERE entity = $1 ORDER BY n DESC LIMIT $2", entity, limit)
    return [
        Event(at=int(row["at"]), kind=row["kind"], actor=Actor(role=row["role"], name=row["actor"]), reason=row["reason"]) for row in rows
    ]


def _values(each: Asker) -> tuple[str | int | bytes | None, ...]:
    return (
        each.entity,
        each.country,
        each.state.value,
        each.version,
        each.name,
        each.name_cy,
        each.jwk,
        render_uses(each.uses),
        each.wanted,
        each.wanted_by,
        each.counts_at,
        each.shown_at,
        each.tried_at,
        each.said_at,
        each.ends_at,
        each.made_at,
        each.ended_at,
        each.wanted_country,
    )


def _asker(row: Row) -> Asker:
    return Asker(
        entity=row["entity"],
        country=row["country"],
        state=State(row["state"]),
        version=int(row["version"]),
        name=row["name"],
        name_cy=row["name_cy"],
        jwk=row["jwk"],
        uses=parse_uses(bytes(row["uses"])),
        wanted=row["wanted"],
        wanted_by=row["wanted_by"],
        counts_at=_int(row["counts_at"]),
        shown_at=_int(row["shown_at"]),
        tried_at=_int(row["tried_at"]),
        said_at=int(row["said_at"]),
        ends_at=_int(row["ends_at"]),
        made_at=int(row["made_at"]),
        ended_at=_int(row["ended_at"]),
        wanted_country=row["wanted_country"],
    )


def _int(value: int | None) -> int | None:
    return None if value is None else int(value)
