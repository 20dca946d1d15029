"""Correct a document: its copies are cancelled, and whoever has the right to them gets new ones with the details as they are now.

A donor's document is corrected with the attorney's, whose details it says, and never by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from issuer import donors, entered
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """What one document is to say. ``answered`` are messages of its holder that it answers; ``differs``: from what its copies say."""

    document: str
    kind: CredentialType
    claims: Mapping[str, Any]
    sealed: bytes | None
    keep_until: int
    answered: Sequence[str]
    differs: bool


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
    ``correction`` is the number of what its holder said was wrong, or the donor of hers, which is answered by it; so are others about details that
    now say something else.

    Where a second person approves such documents, that person looks at it again, and nothing is answered before. ``Malformed`` with a pointer
    for wrong claims, for some that change nothing (``fault_of``) or no reason, ``Conflict`` for a donor's document or unless the document is in
    force, with ``/version`` where its details are not those of ``version``, ``Missing``.
    """
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise Malformed(f"a reason has 1 to {MAX_REASON} characters", where="/reason")
    known = await office.storage.read(lambda tx: documents.get(tx, number))
    await donors.check_own(office, number)
    kind = office.type(known.type)
    settled = await marked(office, kind, await asyncio.to_thread(settle_portraits, kind, claims))
    check_claims(kind, settled)
    written = await office.storage.read(lambda tx: documents.written(tx, number))
    fault = None if version not in {None, written} else await fault_of(office, known, kind, settled, correction=correction)
    if fault is not None:  # of another version the unit below says that it is another
        raise Malformed(fault.detail, where=f"/claims{fault.pointer}")
    at, held = office.clock(), await details(office, known)
    new = await _new(office, known, settled, at, differs=held != settled or not known.cleared)
    hers = await _hers(office, known, settled, at)
    both = [new] if hers is None else [new, hers]
    persons = await marks(office, kind, settled)

    async def unit(tx: Tx) -> Document:
        document, side = await documents.get(tx, number), await donors.side_of(tx, office, number)
        if document.standing is not Standing.IN_FORCE:
            raise Conflict("a document can be corrected while it is in force")
        looked_at = written if version is None and not new.differs else version
        if looked_at is not None and await documents.written(tx, number) != looked_at:
            raise Conflict("these details were corrected since you looked: look again", where="/version")
        if (None if side is None else side.id) != (None if hers is None else hers.document):
            raise Conflict("somebody else changed the donor's side of this document at the same moment")
        copies = [await _rewrite(tx, office, each, reason=reason.strip(), actor=actor, at=at) for each in both if each.differs]
        await corrected(tx, correction, {each.document: each.answered for each in both}, at=at)
        if follows_any(kind):
            await named.write(tx, number, persons)
        for each, count in zip([each for each in both if each.differs], copies, strict=True):
            names = entered.names_of(each.kind, each.claims)
            await entered.enter(tx, office, "corrected", actor=actor, at=at, type=each.kind.id, claim_paths=names, copies=count)
        return await documents.get(tx, number)

    return await office.storage.write(unit, point="replace")


async def _new(office: Office, document: Document, claims: Mapping[str, Any], at: int, *, differs: bool) -> _New:
    kind = office.type(document.type)
    return _New(
        document=document.id,
        kind=kind,
        claims=claims,
        sealed=await source(office, kind).keep(document.id, claims),
        keep_until=keep_until(office, at, document.valid_until),
        answered=await corrected_by(office, document.id, kind, claims),
        differs=differs,
    )


async def _hers(office: Office, document: Document, claims: Mapping[str, Any], at: int) -> _New | None:
    """The donor's side of it, where there is one."""
    side = await office.storage.read(lambda tx: donors.side_of(tx, office, document.id))
    if side is None:
        return None
    held, told = await details(office, document), donors.seen_by_donor(claims)
    differs = held is None or donors.seen_by_donor(held) != told or side.approval is Approval.REFUSED
    return await _new(office, side, told, at, differs=differs)


async def _rewrite(tx: Tx, office: Office, new: _New, *, reason: str, actor: Actor, at: int) -> int:
    """How many copies it costs."""
    document = await documents.get(tx, new.document)
    lists = Counter(await statuses.supersede(tx, document.id, at))
    event = Event(at=at, kind="corrected", actor=actor, reason=reason, copies=lists.total())
    approval = first_approval(office, new.kind)
    await documents.rewrite(tx, document, claims=new.sealed, keep_until=new.keep_until, approval=approval, event=event)
    for place, lost in sorted(lists):
        await pad(tx, office, place, Standing.ON_HOLD if lost else document.standing, Standing.CANCELLED, lost=lost)
    for place in sorted({place for place, _ in lists}):
        await statuses.touch(tx, place)
    return lists.total()


async def fault_of(
    office: Office, document: Document, kind: CredentialType, claims: Mapping[str, Any], *, correction: str = ""
) -> Fault | None:
    """Why ``claims`` are no correction: they leave the detail as it is that the message ``correction`` is about, or everything.

    What a second person sent back, of the attorney's document or the donor's, may be given again as it was. ``Missing`` if there is no such message.
    """
    held = await details(office, document)
    side = await office.storage.read(lambda tx: donors.side_of(tx, office, document.id))
    if correction:
        out = held if document.cleared else None  # what waits or was sent back is in no copy
        detail = await stays(office, correction, document.id, kind, held=out, after=claims)
        if side is not None and detail is None:
            told = None if out is None or not side.cleared else donors.seen_by_donor(out)
            hers = await stays(office, correction, side.id, office.type(side.type), held=told, after=donors.seen_by_donor(claims))
            detail = None if hers is None else donors.attorneys_name(hers, claims)
        return None if detail is None else Fault(pointer_of(detail), STAYS)
    back = any(each is not None and each.approval is Approval.REFUSED for each in (document, side))
    return Fault("", SAME) if held == claims and not back else None
