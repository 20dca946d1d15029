"""At the counter, once somebody has seen who it is: the phone or wallet is lost. All copies are on hold for good, and there is a new invitation.

Both are one unit of work, so that nobody leaves the counter with one and not the other. Nothing is asked about what was done with the
copies, and nothing of it is here: which of them were shown, where and when, lies in the wallet alone.
"""

from __future__ import annotations

from issuer.entered import enter_loss
from issuer.offers import Made, invite_again
from issuer.office import Office
from issuer.records import documents, statuses
from issuer.revoke import pad_lost
from issuer.sessions import Actor, Event, Standing
from shared.errors import Conflict
from shared.storage import Tx


async def replace_lost(office: Office, number: str, *, actor: Actor, needs_code: bool = True) -> Made:
    """The new invitation. The lost wallet can renew nothing either. Writes: ``invite``.

    ``Missing``; ``Conflict`` unless the document is in force and its details are still held.
    """
    at = office.clock()

    async def lose(tx: Tx, document: str) -> None:
        if (await documents.get(tx, document)).standing is not Standing.IN_FORCE:
            raise Conflict("only a document in force can be collected")
        lists = await statuses.lose_all(tx, document, at)
        await pad_lost(tx, office, lists)
        await documents.note_loss(tx, document, Event(at=at, kind="lost", actor=actor, reason="", copies=len(lists)))
        await enter_loss(tx, office, len(lists), at, actor=actor)

    return await invite_again(office, number, actor=actor, needs_code=needs_code, also=lose)
