"""Correct a document: its copies are cancelled, and whoever has the right to them gets new ones with the details as they are now."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from issuer import entered
from issuer.approval import first_approval
from issuer.claims import Fault, check_claims, details, keep_until, source
from issuer.corrections import corrected, corrected_by, pointer_of, stays
from issuer.instruments import marked
from issuer.marking import follows_any, marks
from issuer.office import Office
from issuer.portrait import settle_portraits
from issuer.records import documents, named, statuses
from issuer.revoke import pad
from issuer.sessions import Actor, Approval, Document, Event, Standing
from shared.credentials import CredentialType
from shared.errors import Conflict, Malformed
from shared.storage import Tx
from shared.web.i18n import N_

MAX_REASON = 300
STAYS: Final = N_("the holder says that this is wrong, and it stays the same")
SAME: Final = "nothing differs from what the document says now"


async def replace(
    office: Office,
    number: str,
    claims: Mapping[str, Any],
    *,
    reason: str,
    actor: Actor,
    version: int | None = None,
    correction: str = "",
) -> Document:
    """The document with other details. Copies in force are cancelled; wallets that may renew find the new details when they next do.
    ``correction`` is the number of what its holder said was wrong, which is answered by it; so are others about details that now say
    something else.

    Where a second person approves such documents, that person looks at it again. ``Malformed`` with a pointer for wrong claims, for
    some that change nothing (``fault_of``) or no reason, ``Conflict`` unless the document is in force, with ``/version`` where its
    details are not those of ``version``, ``Missing``.
    """
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters", where="/reason")
    known = await office.storage.read(lambda tx: documents.get(tx, number))
    kind = office.type(known.type)
    settled = await marked(office, kind, await asyncio.to_thread(settle_portraits, kind, claims))
    check_claims(kind, settled)
    written = await office.storage.read(lambda tx: documents.written(tx, number))
    fault = None if version not in {None, written} else await fault_of(office, known, kind, settled, correction=correction)
    if fault is not None:  # of another version the unit below says that it is another
        raise Malformed(fault.detail, where=f"/claims{fault.pointer}")
    at = office.clock()
    sealed = await source(office, kind).keep(number, settled)
    until = keep_until(office, at, known.valid_until)
    persons = await marks(office, kind, settled)
    answered = await corrected_by(office, number, kind, settled)

    async def unit(tx: Tx) -> Document:
        document = await documents.get(tx, number)
        if document.standing is not Standing.IN_FORCE:
            raise Conflict("a document can be corrected while it is in force")
        if version is not None and await documents.written(tx, number) != version:
            raise Conflict("these details were corrected since you looked: look again", where="/version")
        lists = Counter(await statuses.supersede(tx, number, at))
        event = Event(at=at, kind="corrected", actor=actor, reason=reason.strip(), copies=lists.total())
        await corrected(tx, correction, answered, document=number, at=at)
        await documents.rewrite(tx, document, claims=sealed, keep_until=until, approval=first_approval(office, kind), event=event)
        if follows_any(kind):
            await named.write(tx, number, persons)
        for place, lost in sorted(lists):
            await pad(tx, office, place, Standing.ON_HOLD if lost else Standing.IN_FORCE, Standing.CANCELLED, lost=lost)
        for place in sorted({place for place, _ in lists}):
            await statuses.touch(tx, place)
        names = entered.names_of(kind, settled)
        await entered.enter(tx, office, "corrected", actor=actor, at=at, type=kind.id, claim_paths=names, copies=lists.total())
        return await documents.get(tx, number)

    return await office.storage.write(unit, point="replace")


async def fault_of(
    office: Office, document: Document, kind: CredentialType, claims: Mapping[str, Any], *, correction: str = ""
) -> Fault | None:
    """Why ``claims`` are no correction: they leave the detail as it is that the message ``correction`` is about, or everything.

    What a second person sent back may be given again as it was. ``Missing`` if there is no such message.
    """
    held = await details(office, document)
    if correction:
        detail = await stays(office, correction, document.id, kind, held=held, after=claims)
        return None if detail is None else Fault(pointer_of(detail), STAYS)
    same = held == claims and document.approval is not Approval.REFUSED
    return Fault("", SAME) if same else None
