"""A second person looks at a document before any copy of it is made. Who made it, or wrote its details, never approves it."""

from __future__ import annotations

from issuer.office import Office
from issuer.records import corrections, documents, donors, key_makers
from issuer.sessions import Actor, Approval, Document, Event
from shared.credentials import CredentialType
from shared.errors import Conflict, Forbidden, Malformed
from shared.storage import Tx

APPROVERS = ("approver", "admin")
MAX_REASON = 300
WRITES = ("made", "corrected")


def check_decides(actor: Actor) -> None:
    """``Forbidden`` for a clerk or a program."""
    if actor.role not in APPROVERS:
        raise Forbidden("an approver or an admin decides this")


def read_reason(text: str) -> str:
    """Without spaces around it; ``Malformed`` for none, or one that is too long."""
    if not 1 <= len(text.strip()) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters", where="/reason")
    return text.strip()


def first_approval(office: Office, kind: CredentialType) -> Approval:
    """How a new document of that kind begins."""
    needed = kind.needs_approval or kind.id in office.settings.approve_types
    return Approval.WAITING if needed else Approval.NOT_NEEDED


async def approve(office: Office, number: str, actor: Actor, *, version: int) -> Document:
    """The document, from now on to be collected. ``version`` is that of the details that were looked at. What holders said is wrong is answered by it, as
    far as these details answer it (ADR 0012).

    ``Forbidden`` for its maker, a clerk or a program; ``Conflict`` if nobody waits, with ``/version`` if it was changed since.
    """
    event = Event(at=office.clock(), kind="approved", actor=actor, reason="", copies=0)
    return await _settle(office, number, version, Approval.APPROVED, event)


async def refuse(office: Office, number: str, reason: str, actor: Actor, *, version: int) -> Document:
    """Send it back: no copies are made until it is corrected. ``Malformed`` without a reason, else as ``approve``."""
    event = Event(at=office.clock(), kind="sent-back", actor=actor, reason=read_reason(reason), copies=0)
    return await _settle(office, number, version, Approval.REFUSED, event)


async def wrote(tx: Tx, number: str, actor: Actor) -> bool:
    """Whether that operator made the document or wrote its details since, also through a program whose key she made."""
    keys = await key_makers.made_by(tx, actor.name)
    writers = [each.actor for each in await documents.history(tx, number) if each.kind in WRITES]
    return any(each.name in keys if each.role == "program" else each.name == actor.name for each in writers)


async def _settle(office: Office, number: str, version: int, approval: Approval, event: Event) -> Document:
    check_decides(event.actor)

    async def unit(tx: Tx) -> Document:
        if await wrote(tx, number, event.actor):
            raise Forbidden("somebody else than the one who made it decides this")
        changed = await documents.written(tx, number) != version  # ``Missing`` if there is none
        if not await documents.settle_approval(tx, number, approval):
            raise Conflict("this document does not wait for a second person")
        if changed:
            raise Conflict("this document was changed since you looked: look again", where="/version")
        for each in (number, *await donors.beside(tx, [number])):
            if approval is Approval.REFUSED:
                await corrections.reopen(tx, each)
            elif await donors.cleared(tx, await documents.get(tx, each)):
                await corrections.settle_waiting(tx, each, at=event.at)
        await documents.note(tx, number, event)
        return await documents.get(tx, number)

    return await office.storage.write(unit, point="approve")
