"""What a body received from which this organisation took over, and what may be done with it (domain sheet C24).

Such a purpose goes on only where it was handed over, with what was received for it and nothing else. All else is deleted in the next round,
with a signed record of how much it was: a line of the log, and part of the public register. A body that was taken over itself deletes likewise.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.clock import DAY
from shared.credentials import Text
from shared.errors import PurposeMismatch, PurposeNotCarried
from shared.keys import sign
from shared.storage import Tx
from shared.trust.deletion import Deletion, peek_deletion, prepare_deletion
from shared.trust.federation import Federation
from shared.trust.register_json import render_words
from shared.trust.succession import Succession
from shared.trust.successors import Successors
from shared.web import heard, log
from verifier.desk import Desk
from verifier.records import deletions, exchanges, registrations
from verifier.records.exchanges import Held
from verifier.sessions import Asked

logger = logging.getLogger("muniment.verifier")

KIND: Final = "deletion"
"""The kind of the lines of the log."""
_BATCH: Final = 2_000  # answers that one record is about at most


async def federation_of(desk: Desk) -> Federation:
    """What pinned federations say, as it was last heard."""
    trust = desk.trust
    return (await desk.storage.read(lambda tx: heard.heard(tx, trust))).federation


async def check_use(desk: Desk, asked: Asked, use: str = "") -> None:
    """Raise unless what came of ``asked`` may be used, for ``use`` or, where that is empty, for what it was asked for.

    ``PurposeMismatch`` for another purpose of our own; ``PurposeNotCarried`` for what a body before us received, and did not hand over for it.
    """
    purpose = asked.terms.purpose_id
    if asked.entity in {"", desk.entity}:
        if use not in {"", purpose}:
            raise PurposeMismatch("it was received for another purpose", where="use")
        return
    if use not in {"", purpose}:
        raise PurposeNotCarried("what was received for one purpose was not handed over for another", where="use")
    (await federation_of(desk)).successors.check_use(desk.entity, asked.entity, purpose, desk.clock())


async def may_use(desk: Desk, asked: Asked) -> bool:
    """Whether ``check_use`` lets it pass for what it was asked for."""
    try:
        await check_use(desk, asked)
    except PurposeNotCarried:
        return False
    return True


# --- what is kept for whom -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """``keeper`` took over from ``outgoing``; ``uses`` are those that may go on. The names are what the two call themselves."""

    succession: Succession
    outgoing: Text
    keeper: Text
    uses: tuple[str, ...]


def before_us(federation: Federation, entity: str, at: int) -> list[Kept]:
    """From whom ``entity`` took over, itself or through others."""
    successors = federation.successors
    return [
        _kept(federation, each, [use for use in each.purposes_carried if _carried(successors, entity, each.outgoing, use, at)])
        for each in successors.inherited(entity, at)
    ]


def after_us(desk: Desk, federation: Federation) -> list[Kept]:
    """Who took over from this organisation."""
    return [_kept(federation, each, each.purposes_carried) for each in _heirs(desk, federation)]


def _kept(federation: Federation, each: Succession, uses: Sequence[str]) -> Kept:
    return Kept(succession=each, outgoing=federation.name(each.outgoing), keeper=federation.name(each.successor), uses=tuple(uses))


def _heirs(desk: Desk, federation: Federation) -> list[Succession]:
    """Of all of it, as a superior publishes that the settings name: any other could make one up for a body that nobody else there speaks of.

    Who is handed some kinds of document only leaves the rest to go on.
    """
    told = {parties for word in federation.words if word.entity in desk.settings.authority_hints for parties in word.successions}
    found = [each for each in federation.successors.begun(desk.clock()) if each.outgoing == desk.entity and each.vcts is None]
    return [each for each in found if (each.outgoing, each.successor) in told]


def _carried(successors: Successors, entity: str, outgoing: str, use: str, at: int) -> bool:
    try:
        successors.check_use(entity, outgoing, use, at)
    except PurposeNotCarried:
        return False
    return True


def render(found: Sequence[Kept]) -> list[dict[str, Any]]:
    """For the public register and programs."""
    return [
        {
            "outgoing": each.succession.outgoing,
            "outgoingName": render_words(each.outgoing),
            "keeper": each.succession.successor,
            "keeperName": render_words(each.keeper),
            "since": each.succession.since,
            "private": each.succession.private,
            "purposesCarried": list(each.uses),
            "statement": each.succession.name,
        }
        for each in found
    ]


def render_deletion(record: str) -> dict[str, Any]:
    """A record of our own, and what stands in it."""
    found = peek_deletion(record)
    return {
        "outgoing": found.outgoing,
        "intendedUseIdentifier": found.use,
        "count": found.count,
        "at": found.at,
        "statement": found.statement,
        "record": record,
    }


async def told(desk: Desk, federation: Federation) -> dict[str, Any]:
    """What the public register says of all this; nothing where nobody took over."""
    at = desk.clock()
    records = await desk.storage.read(deletions.everything)
    found = {
        "inherited": render(before_us(federation, desk.entity, at)),
        "succeeded": render(after_us(desk, federation)),
        "deletions": [render_deletion(each) for each in records],
    }
    return {name: each for name, each in found.items() if each}


# --- deleted -------------------------------------------------------------------------------------------------------------------------------


class _ChangedError(Exception):
    """Some of it went meanwhile; the unit of work is given up, for its record would not be right."""


async def tend(desk: Desk, federation: Federation) -> bool:
    """Delete what was received for purposes that were not handed over; whether there was any."""
    at, successors = desk.clock(), federation.successors
    before = {each.outgoing: each for each in successors.inherited(desk.entity, at)}
    heirs = _heirs(desk, federation)
    if not before and not heirs:
        return False
    held = await desk.storage.read(lambda tx: exchanges.held(tx, at) if heirs else exchanges.held_of_others(tx, desk.entity, at))
    known = await _registered(desk)
    done = False
    for (outgoing, use), lot in sorted(_by_use(held, desk.entity, known).items()):
        left = [each for each in lot if not _goes_on(successors, heirs, desk.entity, each, at)]
        by = heirs[0] if outgoing == desk.entity else before.get(outgoing)
        if left and by is not None:
            done |= await _delete(desk, by, use, [each.id for each in left[:_BATCH]])
    return done


def _goes_on(successors: Successors, heirs: Sequence[Succession], entity: str, held: Held, at: int) -> bool:
    if held.entity in {"", entity}:
        return any(each.carries(held.use) for each in heirs)
    return _carried(successors, entity, held.entity, held.use, at)


async def known_uses(desk: Desk) -> set[str]:
    """Those that can be handed over: its own, now or before, and those that were handed to it."""
    handed = before_us(await federation_of(desk), desk.entity, desk.clock())
    return await _registered(desk) | {use for each in handed for use in each.uses}


async def _registered(desk: Desk) -> set[str]:
    """Uses that may be named: a purpose in a caller's own words might say something of somebody."""
    versions = await desk.storage.read(registrations.versions)
    return {use.id for version in versions for use in version.uses} | {use.query.id for use in desk.uses()}


def _by_use(held: Sequence[Held], own: str, known: Collection[str]) -> Mapping[tuple[str, str], list[Held]]:
    """By whom it was received and for what, an empty word for all that is not registered."""
    found: dict[tuple[str, str], list[Held]] = {}
    for each in held:
        found.setdefault((each.entity or own, each.use if each.use in known else ""), []).append(each)
    return found


async def _delete(desk: Desk, by: Succession, use: str, identifiers: Sequence[str]) -> bool:
    """Details, record and line of the log in one unit of work, or nothing; whether it was done."""
    at = desk.clock()
    keep_until = at + desk.settings.log_days * DAY
    gone = Deletion(entity=desk.entity, outgoing=by.outgoing, statement=by.name, use=use, count=len(identifiers), at=at)
    record = await sign(prepare_deletion(gone, key=desk.signer.key, x5c=desk.x5c, alg=desk.alg), desk.custodian)
    line = {"time": at, "kind": KIND, **render_deletion(record), "retain_until": keep_until}

    async def unit(tx: Tx) -> None:
        if await exchanges.drop_details(tx, identifiers, at) != len(identifiers):
            raise _ChangedError
        head = await log.append(tx, line, at=at, keep_until=keep_until, entropy=desk.entropy)
        await deletions.add(tx, head.size, record)

    try:
        await desk.storage.write(unit, point="delete-inherited")
    except _ChangedError:
        return False
    logger.info("deleted %d answers that %s received: their purpose was not handed over", len(identifiers), by.outgoing)
    return True
