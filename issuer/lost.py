"""At the counter, once somebody has seen who it is: the phone or wallet is lost. All copies are on hold for good, and there is a new invitation.

Both are one unit of work, so that nobody leaves the counter with one and not the other. While a document is on hold, or where its details are
no longer held, the copies end all the same and no invitation is made. What else was on the lost phone ends with them: passkeys and sign-ins of
its holder here, the letter, and what opens the box of reports between donor and attorney. Nothing is asked about what was done with the copies,
and nothing of it is here: which of them were shown, where and when, lies in the wallet alone.
"""

from __future__ import annotations

from issuer import donors, people
from issuer.donors import NextSecret
from issuer.entered import enter_loss
from issuer.offers import Made, invite_again
from issuer.office import Office
from issuer.records import documents, invitations, statuses
from issuer.records import donors as boxes
from issuer.revoke import pad_lost
from issuer.sessions import Actor, Document, Event, Standing
from shared.errors import Conflict
from shared.storage import Tx


async def replace_lost(office: Office, number: str, *, actor: Actor, needs_code: bool = True) -> Made | None:
    """The new invitation; ``None`` where there can be none now. The lost wallet can renew nothing either. Writes: ``invite``, or else ``lost``.

    ``Missing``; ``Conflict`` where the document is cancelled, or somebody else changed it at the same moment.
    """
    at, turning = office.clock(), await _turning(office, number)

    async def lose(tx: Tx, document: str) -> None:
        await _check_not_cancelled(tx, document)
        lists = await statuses.lose_all(tx, document, at)
        await pad_lost(tx, office, lists)
        await people.forget_ways_in(tx, document, at)
        if turning is not None:
            await donors.turn_secret(tx, turning)
        await documents.note_loss(tx, document, Event(at=at, kind="lost", actor=actor, reason="", copies=len(lists)))
        await enter_loss(tx, office, len(lists), at, actor=actor)

    async def only_lose(tx: Tx) -> None:
        if can_be_collected(office, await documents.get(tx, number)):
            raise Conflict("somebody else changed this document at the same moment")
        await invitations.withdraw_all(tx, number)
        await boxes.turn_pass(tx, number)  # of the attorney, if it is hers; a new invitation turns it as well
        await lose(tx, number)

    if can_be_collected(office, await office.storage.read(lambda tx: documents.get(tx, number))):
        return await invite_again(office, number, actor=actor, needs_code=needs_code, first=lose)
    await office.storage.write(only_lose, point="lost")
    return None


def can_be_collected(office: Office, document: Document) -> bool:
    """Whether there can be a new invitation to it; there is none to a kind that the office makes no longer."""
    held = document.has_claims and document.keep_until > office.clock()
    return document.standing is Standing.IN_FORCE and held and office.find_type(document.type) is not None


async def _check_not_cancelled(tx: Tx, document: str) -> None:
    if (await documents.get(tx, document)).standing is Standing.CANCELLED:
        raise Conflict("this document is cancelled, and all its copies with it")


async def _turning(office: Office, number: str) -> NextSecret | None:
    """The next secret of a donor whose document it is."""
    about = await office.storage.read(lambda tx: boxes.representation_of(tx, number))
    return None if about is None else await donors.next_secret(office, about)
