"""How anybody comes in here, below this office or into its register: invited with a one-time code, looked at by two persons, ended by one.

Who invites or proposes never approves (as ``issuer.approval``). Whoever decides names the version that was looked at. To send back or to end
is the safe side, and one person does it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from issuer.approval import check_decides, read_reason
from issuer.office import Office, digest
from issuer.records.roll import Entry, Event, Roll
from issuer.sessions import Actor
from shared.clock import DAY
from shared.errors import Conflict, Forbidden, Malformed
from shared.storage import Tx

INVITATION_DAYS: Final = 14
MAX_NAME: Final = 120
NOTHING_WAITS: Final = "nothing waits for a second person here"
E = TypeVar("E", bound=Entry)


@dataclass(frozen=True, slots=True)
class Admission(Generic[E]):
    """One roll. ``purpose`` keeps its codes apart from all others, and begins the names of the failpoints of its steps."""

    roll: Roll[E]
    purpose: str
    full: str  # what is said when ``most`` are on it

    async def invite(self, office: Office, entity: str, event: Event, invited: Callable[[E | None], E], *, most: int) -> str:
        """A one-time code with which ``entity`` comes in, or in again; ``invited`` makes its entry of the one before. ``Conflict`` when
        there are too many.
        """
        code = office.secret(16)

        async def unit(tx: Tx) -> None:
            before = await self.roll.find(tx, entity)
            if before is not None:
                await self.roll.change(tx, invited(before), event, before=before)
            elif len(await self.roll.everybody(tx)) >= most:
                raise Conflict(f"at most {most} {self.full}: let another take some")
            else:
                await self.roll.add(tx, invited(None))
                await self.roll.note(tx, entity, event)
            await self.roll.invite(tx, entity, digest(self.purpose, code), expires_at=event.at + INVITATION_DAYS * DAY)

        await office.storage.write(unit, point=f"{self.purpose}-invite")
        return code

    async def invited(self, tx: Tx, code: str, at: int) -> E:
        """Whom a code invites; ``Missing`` for one that is unknown, used or over."""
        return await self.roll.invited(tx, digest(self.purpose, code[:100]), at)

    async def decide(
        self, office: Office, step: str, entity: str, event: Event, change: Callable[[Tx, E], Awaitable[E]], *, version: int | None = None
    ) -> E:
        """What ``change`` makes of the entry, whose ``version`` was looked at, with a line in the history. ``Missing`` if there is none;
        ``Conflict`` with ``/version`` if it was changed since; errors as ``change``.
        """

        async def unit(tx: Tx) -> E:
            before = await (self.roll.get(tx, entity) if version is None else self.roll.looked_at(tx, entity, version))
            return await self.roll.change(tx, await change(tx, before), event, before=before)

        return await office.storage.write(unit, point=f"{self.purpose}-{step}")


def decision(office: Office, kind: str, actor: Actor, reason: str | None = None) -> Event:
    """A person's, of now. ``Forbidden`` for a clerk or a program; ``Malformed`` for a reason that is empty or too long."""
    check_decides(actor)
    return Event(at=office.clock(), kind=kind, actor=actor, reason="" if reason is None else read_reason(reason))


def check_name(name: str) -> str:
    """Without spaces around it; ``Malformed`` for none, or one that is too long."""
    if not 1 <= len(name.strip()) <= MAX_NAME:
        raise Malformed(f"a name has 1 to {MAX_NAME} characters", where="/name")
    return name.strip()


def waiting(entry: Entry, wanted: str | None, actor: Actor) -> str:
    """What waits, for whoever may decide about it. ``Conflict`` where nothing does; ``Forbidden`` for the one who wrote it."""
    if not entry.waits or wanted is None:
        raise Conflict(NOTHING_WAITS)
    if entry.wanted_by == actor.name:
        raise Forbidden("somebody else than the one who wrote it decides this")
    return wanted
