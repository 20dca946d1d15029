"""Those who ask for documents and are registered here: their applications, keys, certificates and history (``0014_registrar.sql``, ``0016_asker_country.sql``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from issuer.records.roll import Entry, Packed, Roll
from shared.storage import Tx
from shared.trust.register_json import Version
from shared.trust.registered_use import RegisteredUse, parse_uses, render_uses


class State(StrEnum):
    """Where an organisation stands with this registrar."""

    INVITED = "invited"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker(Entry):
    """One of them; see the table for what each column means."""

    country: str
    state: State
    name_cy: str
    jwk: str
    uses: tuple[RegisteredUse, ...]
    wanted: str | None = field(repr=False)
    counts_at: int | None
    shown_at: int | None
    said_at: int
    ends_at: int | None
    wanted_country: str | None = None

    @property
    def next_country(self) -> str:
        """Where it is registered once what waits counts."""
        return self.wanted_country or self.country

    @property
    def waits(self) -> bool:
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


ROLL: Final = Roll(
    Asker,
    table="asker",
    codes="asker_invitation",
    events="asker_event",
    nobody="this registrar does not know that organisation",
    packed={"state": Packed(str, State), "uses": Packed(render_uses, parse_uses)},
)
find, get, everybody, newest_event, history = ROLL.find, ROLL.get, ROLL.everybody, ROLL.newest_event, ROLL.history


async def heard(tx: Tx, entity: str, *, version: int, shown: bool, at: int) -> None:
    """What a visit brought for the application of that version; it changes nothing that people decide."""
    await tx.execute("UPDATE asker SET tried_at = $2 WHERE entity = $1", entity, at)
    if shown:
        await tx.execute("UPDATE asker SET shown_at = $2 WHERE entity = $1 AND version = $3", entity, at, version)


# --- keys, versions, certificates ------------------------------------------------------------------------------------------------------


async def keys(tx: Tx) -> list[AskerKey]:
    """Every key that was ever registered."""
    rows = await tx.fetch("SELECT * FROM asker_key ORDER BY begun_at, thumbprint")
    return [
        AskerKey(
            thumbprint=row["thumbprint"],
            entity=row["entity"],
            begun_at=int(row["begun_at"]),
            compromised_at=None if row["compromised_at"] is None else int(row["compromised_at"]),
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
