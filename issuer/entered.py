"""What this office enters in its log (security rule S25): that something was made, handed out or changed, and how many; of nobody whose it is.

Names of details and reason codes, never a value, a person, a presentation, or somebody who asked: the log tells whether the office did what
it says it did, and is no list of holders. Every entry is written with what it tells, in one unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from issuer.office import Office
from issuer.records import sweep
from issuer.sessions import SERVICE, WALLET, Actor, Document
from shared.clock import DAY
from shared.credentials import CredentialType
from shared.credentials._tree import leaves
from shared.storage import Tx
from shared.web import log, own_trust

_KEYS = "keys"


async def enter(tx: Tx, office: Office, kind: str, *, actor: Actor, at: int, **more: Any) -> None:
    """One entry, the last thing in the caller's unit of work: writers wait for each other from here on. Of ``actor`` the role alone."""
    record = {"time": at, "kind": kind, "staff_role": actor.role, **more}
    await log.append(tx, record, at=at, keep_until=at + office.settings.log_days * DAY, entropy=office.entropy)


def names_of(kind: CredentialType, claims: Mapping[str, Any]) -> list[str]:
    """The names of details that a document says something of."""
    paths = [path for path, _, _ in leaves(kind.tree, claims)]
    return list(dict.fromkeys("/".join(part for part in path if isinstance(part, str)) for path in paths))


async def enter_delivery(tx: Tx, office: Office, document: Document, name: bytes, *, until: int, copies: int, at: int) -> None:
    """Copies are handed out; the delivery is known by the digest ``name`` for its time."""
    await sweep.add_delivery(tx, name, document.id, until)
    await enter(tx, office, "delivered", actor=WALLET, at=at, type=document.type, copies=copies)


async def enter_loss(tx: Tx, office: Office, copies: int, at: int, *, actor: Actor = WALLET) -> int:
    """A holder has lost so many copies, which are on hold for good; as many are returned. ``actor`` is who told the office."""
    if copies:
        await enter(tx, office, "lost", actor=actor, at=at, copies=copies)
    return copies


async def enter_keys(office: Office) -> None:
    """Enter what became of the office's own keys and certificates since the last time, whoever did it where. Writes: ``log-keys``."""

    async def unit(tx: Tx) -> None:
        row = await tx.fetchrow("SELECT n FROM log_followed WHERE source = $1", _KEYS)
        known = 0 if row is None else int(row["n"])
        last, events = await own_trust.events_after(tx, known)
        if last == known:
            return
        await tx.execute("INSERT INTO log_followed (source, n) VALUES ($1, $2) ON CONFLICT (source) DO UPDATE SET n = $2", _KEYS, last)
        for event in events:
            await enter(tx, office, f"key-{event.kind}", actor=SERVICE, at=event.at, subject=event.subject)

    await office.storage.write(unit, point="log-keys")
