"""The bodies below this office, their invitations, keys and history (``0009_federation.sql``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from issuer.records.roll import Entry, Packed, Roll
from shared.codec import base64url
from shared.errors import Conflict
from shared.keys import Role
from shared.storage import Row, Tx
from shared.trust.snapshot import KeyHistory, KeyState


class State(StrEnum):
    """Where a body below this office stands."""

    INVITED = "invited"
    WAITING = "waiting"  # it has joined, and a second person has not looked yet
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subordinate(Entry):
    """One of them. ``terms``, ``keys`` and ``wanted_…`` are JSON as it is kept; see the table for what each means."""

    state: State
    terms: str
    keys: str
    wanted_terms: str | None
    wanted_keys: str | None
    configuration: str = field(repr=False)
    published_at: int | None
    fault: str

    @property
    def waits(self) -> bool:
        """Whether a second person can decide about it: something was proposed, and there are keys for it, which a body that is not in force
        has to join with.
        """
        return self.wanted_terms is not None and bool(self.wanted_keys or (self.keys and self.state is State.ACTIVE))


ROLL: Final = Roll(
    Subordinate,
    table="subordinate",
    codes="federation_invitation",
    events="federation_event",
    nobody="there is no such body below this office",
    packed={"state": Packed(str, State)},
)
find, get, everybody, put = ROLL.find, ROLL.get, ROLL.everybody, ROLL.put
note, newest_event, history = ROLL.note, ROLL.newest_event, ROLL.history


async def heard(tx: Tx, entity: str, *, configuration: str | None, published: bool, fault: str, at: int) -> None:
    """What a visit brought; it changes nothing that people decide."""
    await tx.execute("UPDATE subordinate SET tried_at = $2, fault = $3 WHERE entity = $1", entity, at, fault)
    if configuration is not None:
        await tx.execute("UPDATE subordinate SET configuration = $2 WHERE entity = $1", entity, configuration)
    if published:
        await tx.execute("UPDATE subordinate SET published_at = $2 WHERE entity = $1", entity, at)


async def proposed_at(tx: Tx, entity: str) -> int | None:
    """When somebody last wrote what it is to be granted."""
    row = await tx.fetchrow("SELECT max(at) AS at FROM federation_event WHERE entity = $1 AND kind IN ('invited', 'proposed')", entity)
    return None if row is None or row["at"] is None else int(row["at"])


# --- keys ------------------------------------------------------------------------------------------------------------------------------


async def keys(tx: Tx, entity: str | None = None) -> list[KeyHistory]:
    """Every key that was ever known of those below, with its fate."""
    rows = await tx.fetch("SELECT * FROM subordinate_key ORDER BY begun_at, thumbprint")
    return [_key(row) for row in rows if entity in {None, row["entity"]}]


async def proven_keys(tx: Tx) -> set[str]:
    """The thumbprints of those that their bodies have proved to hold, now or before."""
    return {row["thumbprint"] for row in await tx.fetch("SELECT thumbprint FROM subordinate_key WHERE proven = 1")}


async def note_keys(
    tx: Tx, entity: str, found: Iterable[KeyHistory], roles: Iterable[Role], *, proven: Collection[str], at: int
) -> set[str]:
    """The keys that ``entity`` has now in ``roles``, of which it proves ``proven`` (thumbprints); what it had there before only verifies.

    Returns the bodies that had named one of these before and never proved it: it is theirs no longer. ``Conflict`` for a key that somebody
    else proved, or names where it is not proved either; for another use; and for one that has ended.
    """
    known, now = {each.thumbprint: each for each in await keys(tx)}, {each.thumbprint: each for each in found}
    sure = await proven_keys(tx)
    outproved = {
        each.thumbprint: known[each.thumbprint].entity
        for each in now.values()
        if each.thumbprint in proven and each.thumbprint in known.keys() - sure and known[each.thumbprint].entity != entity
    }
    for each in now.values():
        before = None if each.thumbprint in outproved else known.get(each.thumbprint)
        if before is not None and (before.entity != entity or before.role is not each.role):
            raise Conflict("this key is known as another body's, or for another use")
        if before is not None and before.state is not KeyState.ACTIVE and not each.state.is_over:
            raise Conflict("a key that has ended does not begin again")
    for each in now.values():  # only when none of them is refused
        if each.thumbprint not in known or each.thumbprint in outproved:
            await _begin_key(tx, each, at)
        known_state = known[each.thumbprint].state if each.thumbprint in known else KeyState.ACTIVE
        if each.state.is_over and known_state is KeyState.ACTIVE:
            await _end_key(tx, each.thumbprint, each.state, each.reason, at if each.until is None else min(each.until, at))
        if each.thumbprint in proven:
            await tx.execute("UPDATE subordinate_key SET proven = 1 WHERE thumbprint = $1", each.thumbprint)
    for each in known.values():
        gone = each.entity == entity and each.role in set(roles) and each.thumbprint not in now
        if gone and each.state is KeyState.ACTIVE:
            await _end_key(tx, each.thumbprint, KeyState.VERIFY_ONLY, "superseded", at)
    return set(outproved.values())


async def _begin_key(tx: Tx, each: KeyHistory, at: int) -> None:
    await tx.execute(
        "INSERT INTO subordinate_key (thumbprint, entity, role, state, begun_at, ended_at, reason) VALUES ($1, $2, $3, $4, $5, NULL, '') "
        "ON CONFLICT (thumbprint) DO UPDATE SET entity = $2, role = $3, state = $4, begun_at = $5, ended_at = NULL, reason = ''",
        each.thumbprint,
        each.entity,
        each.role.value,
        KeyState.ACTIVE.value,
        at,
    )


async def compromise_keys(tx: Tx, entity: str, *, at: int) -> None:
    """All keys that a body proved are in other hands; those that it only named may be somebody else's, and merely end."""
    sure = await proven_keys(tx)
    for each in await keys(tx, entity):
        if each.thumbprint in sure and each.state is not KeyState.COMPROMISED:
            await _end_key(tx, each.thumbprint, KeyState.COMPROMISED, "compromised", at)
        elif each.state is KeyState.ACTIVE:
            await _end_key(tx, each.thumbprint, KeyState.VERIFY_ONLY, "not proven", at)


async def report_keys(tx: Tx, entity: str, role: Role, names: Collection[str], *, at: int) -> bool:
    """``entity`` says that these of its keys are in other hands; it counts for those that it proved. False where that was known, or is none of them."""
    known, sure = await keys(tx, entity), await proven_keys(tx)
    new = [
        each.thumbprint
        for each in known
        if each.role is role and each.thumbprint in sure and each.thumbprint in names and each.state is not KeyState.COMPROMISED
    ]
    for each in new:
        await _end_key(tx, each, KeyState.COMPROMISED, "compromised", at)
    return bool(new)


async def _end_key(tx: Tx, thumbprint: str, state: KeyState, reason: str, at: int) -> None:
    await tx.execute(
        "UPDATE subordinate_key SET state = $2, ended_at = $3, reason = $4 WHERE thumbprint = $1", thumbprint, state.value, at, reason
    )


def _key(row: Row) -> KeyHistory:
    ended, whole = row["ended_at"], row["thumbprint"]
    return KeyHistory(
        role=Role(row["role"]),
        entity=row["entity"],
        kid=base64url.encode(base64url.decode(whole)[:8]),
        thumbprint=whole,
        state=KeyState(row["state"]),
        since=int(row["begun_at"]),
        until=None if ended is None else int(ended),
        reason=row["reason"],
    )
