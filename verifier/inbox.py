"""Letters that were posted: opened, judged like any other copy, and answered at once or after a person has decided (domain rule R6, T-AU-5).

The same letter posted twice is one letter. What it came to is kept as long as what is registered says; its answer can be asked for with the
ticket that only its sender and we know.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from shared import inbox
from shared.clock import DAY, add_working_days
from shared.codec import strict_json
from shared.errors import Conflict, Malformed, Missing, NeedsMoreAttorneys, Unavailable
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision, render_verdict
from shared.web import log
from shared.web.dates import zone_of
from verifier import copies, registering, together
from verifier.check import Judged
from verifier.copies import Filing
from verifier.desk import LOG, STORAGE, Desk
from verifier.facts import everybody_in, people_in
from verifier.inbox_keys import opening
from verifier.material import Store
from verifier.records import exchanges, letters
from verifier.records.exchanges import Ended
from verifier.records.letters import Letter
from verifier.registering import Argued
from verifier.sessions import Answered, Asked
from verifier.settle import Opened, bind, labels_of, sign_receipt

MADE_BY: Final = "inbox"
ANSWERED: Final = 31 * DAY  # seconds for which an answer can be asked for
_PATIENCE: Final = 16 * DAY  # seconds after which no copy that waited can be good any more
MARGIN: Final = 7 * DAY
"""Seconds for which a letter can still be looked at once its answer is late, and for which it can be refused after that."""
_PROVEN: Final = ("issuer_trust", "signature", "holder_binding")


@dataclass(frozen=True, slots=True)
class Answer:
    """A signed receipt. ``waits``: another one comes, once a person has decided."""

    receipt: str
    waits: bool


async def take(desk: Desk, store: Store, token: str) -> Answer:
    """What a letter came to. ``Conflict`` for another letter with the same ticket.

    ``Malformed`` for what cannot be opened here, shows no copy, or one that is nobody's as far as is known: that leaves nothing behind, no line in the log
    either, or anybody could fill both. ``Unavailable`` where it cannot be told at present who made it.
    """
    letter, digest = await _open(desk, store, token)
    return await _answer(desk, await _take(desk, store, letter, digest))


async def hand_in(desk: Desk, store: Store, token: str) -> str:
    """As ``take``, at a counter: which exchange it is now."""
    letter, digest = await _open(desk, store, token)
    return (await _take(desk, store, letter, digest)).exchange


async def _open(desk: Desk, store: Store, token: str) -> tuple[inbox.Letter, bytes]:
    """With its digest; off the event loop and one at a time, as a copy is read (``copies``): it can be 4 MB of anything."""
    async with store.reading:
        private = await opening(desk, await asyncio.to_thread(inbox.peek_kid, token))
        return await asyncio.to_thread(inbox.open_letter, token, private), await asyncio.to_thread(inbox.digest, token)


async def _take(desk: Desk, store: Store, letter: inbox.Letter, digest: bytes) -> Letter:
    ticket = await _mac(desk, "ticket", letter.ticket)
    known = await _find(desk, ticket)
    if known is None:
        about = await _mac(desk, "copy", letter.about.encode()) if letter.about else b""
        filing = partial(_filed, desk, _Posted(ticket, digest, about))
        with suppress(_TakenError):  # the same one came twice at once
            await copies.bring(desk, store, letter.copy.encode(), made_by=MADE_BY, filing=filing)
        known = await _find(desk, ticket)
    if known is None:
        raise Malformed("there is no copy in this letter", where="/copy")
    if known.digest != digest:
        raise Conflict("another letter with this ticket is here", where="/ticket")
    return known


async def answer(desk: Desk, ticket: bytes) -> Answer:
    """The newest word about a letter; ``Missing`` for a ticket of none, or one that was given up long ago."""
    known = await _find(desk, await _mac(desk, "ticket", ticket))
    if known is None:
        raise Missing("there is no letter with this ticket")
    return await _answer(desk, known)


async def _find(desk: Desk, ticket: bytes) -> Letter | None:
    at = desk.clock()
    return await desk.storage.read(lambda tx: letters.find(tx, ticket, at))


async def _mac(desk: Desk, purpose: str, data: bytes) -> bytes:
    """Keyed: a row tells nobody a ticket, or which number a copy has."""
    return await desk.custodian.mac(LOG, f"inbox {purpose}".encode() + b"\0" + data)


# --- what comes in -----------------------------------------------------------------------------------------------------------------------


class _TakenError(Exception):
    """A letter with that ticket was filed meanwhile; the unit of work is given up."""


@dataclass(frozen=True, slots=True)
class _Posted:
    """What its row says of a letter, whatever is in it."""

    ticket: bytes
    digest: bytes
    about: bytes


async def _filed(desk: Desk, posted: _Posted, judged: Judged, asked: Asked) -> Filing:
    """How a judged copy is kept: what of it waits for a person, for how long, and the letter's own row."""
    if judged.copy is None:
        raise Malformed("there is no copy in this letter", where="/copy")
    _check_proven(judged.decision)
    at, argued = asked.made_at, argued_of(desk, judged)
    whose = await _whose(desk, asked, judged.decision)
    said = copies.signed(judged.copy)
    if said is None:
        raise Malformed("nothing in this copy says whom it answers", where="/copy")
    shown = labels_of(desk, render_verdict(judged.decision))  # named in every receipt: after its time nobody here knows them any more
    basis: dict[str, object] = {**bind(desk, judged.copy.vp_token, said.nonce), "shown": shown}
    waits = judged.decision.decision == "undecided" or (judged.decision.decision == "accepted" and argued.decides == "person")
    joins = judged.decision.code == NeedsMoreAttorneys.code and bool(asked.terms.together) and argued.decides != "person"
    until = None
    if waits:  # for the others as long as they can agree, else for a person
        until = at + together.WAIT if joins else answer_by(desk, at)
    patience = kept_waiting(desk, asked, at, until)
    keep = kept_for(desk, asked, judged.decision) if until is None else patience
    letter = Letter(
        ticket=posted.ticket,
        digest=posted.digest,
        exchange=asked.id,
        team=argued.team,
        mark=await _mac(desk, "copy", said.number.encode()),
        about=posted.about,
        whose=next(iter(whose), None),
        basis=await desk.custodian.seal(STORAGE, strict_json.dumps(basis), context=_context(asked.id)),
        status_iat=judged.decision.status_iat,
        got_at=at,
        answer_by=until,
        forget_at=at + max(ANSWERED, keep if until is None else keep + MARGIN),
    )

    def keeps(decision: Decision) -> int:
        return patience if decision.decision == "undecided" else kept_for(desk, asked, decision)

    async def put(tx: Tx, ended: Ended) -> None:
        known = letter if ended.decision == "undecided" else replace(letter, answer_by=None)
        earlier = None if not letter.about else await letters.earlier(tx, letter.about)
        ends = judged.decision.code in {"revoked", "suspended"} and earlier is not None and earlier.whose in whose
        undo = "open" if ends else ""
        if not await letters.add(tx, replace(known, undo=undo, about=letter.about if earlier is not None else b"")):
            raise _TakenError

    return Filing(
        decision=waiting(judged.decision) if waits else judged.decision,
        joins=joins,
        keep=keeps,
        forget_at=letter.forget_at,
        basis=basis,
        put=put,
    )


async def _whose(desk: Desk, asked: Asked, decision: Decision) -> tuple[bytes, ...]:
    """For what and of whom its documents are, keyed, also where they are refused; nothing unless they say of everybody whose they are. A later one
    calls an earlier one back only where this is the same: whoever has seen a copy knows its number. The first is how it is filed; by the second, which
    names kinds and people apart, those know it that were filed before.
    """
    shown = [(each.claims.vct, each.claims.claims) for each in decision.genuine]
    named, use = everybody_in(desk.types, shown), asked.terms.purpose_id
    if named is None:
        return ()
    before = [use, sorted(vct for vct, _ in shown), people_in(desk.types, shown)]
    return await _mac(desk, "whose", strict_json.dumps([use, named])), await _mac(desk, "whose", strict_json.dumps(before))


def _check_proven(decision: Decision) -> None:
    """Somebody whom we trust made it, and its holder made it out to us for something that we ask."""
    if any(decision.line(name).state != "passed" for name in _PROVEN):
        if decision.decision == "undecided":
            raise Unavailable(f"it cannot be told at present who made this copy: {decision.code}")
        raise Malformed(f"this copy is nobody’s, as far as we know: {decision.code}", where="/copy")


def waiting(decision: Decision) -> Decision:
    """The same, for a person to decide about."""
    return replace(decision, decision="undecided", code=inbox.WAITS, replay_keys=())


def argued_of(desk: Desk, judged: Judged) -> Argued:
    """What this organisation says of the use."""
    return Argued() if judged.use is None else registering.argued_of(desk.directory, judged.use.query.id)


def answer_by(desk: Desk, at: int) -> int:
    """Until when a person decides about what came at ``at``."""
    return add_working_days(at, desk.settings.inbox_answer_days, zone_of(desk.settings.time_zone))


def kept_for(desk: Desk, asked: Asked, decision: Decision) -> int:
    """Seconds that what was shown is kept once it is decided, or waits."""
    accepted = decision.decision != "rejected"
    return registering.seconds_kept(desk.directory, desk.settings, asked.terms.purpose_id, accepted=accepted)


def kept_waiting(desk: Desk, asked: Asked, at: int, until: int | None) -> int:
    """Seconds from ``at`` on that what was shown is kept while it waits until then: longer than that, for whoever is late."""
    kept = registering.seconds_kept(desk.directory, desk.settings, asked.terms.purpose_id, accepted=True)
    return max(_PATIENCE, kept, (until or at) + MARGIN - at)


def _context(exchange: str) -> bytes:
    return f"letter:{exchange}".encode()


# --- what is answered --------------------------------------------------------------------------------------------------------------------


async def _answer(desk: Desk, letter: Letter) -> Answer:
    if letter.waits and letter.late is None and desk.clock() >= (letter.answer_by or 0):
        await note_late(desk, letter)
        letter = await _again(desk, letter)
    return Answer(await receipt_of(desk, letter), letter.waits)


async def _again(desk: Desk, letter: Letter) -> Letter:
    return await _find(desk, letter.ticket) or letter


async def receipt_of(desk: Desk, letter: Letter) -> str:
    """The newest receipt, signed when it is handed out."""
    at = desk.clock()
    exchange = await desk.storage.read(lambda tx: exchanges.find(tx, letter.exchange, at))
    if not isinstance(exchange, Answered):
        raise Missing("the time of this letter is over")
    basis = await basis_of(desk, letter)
    told = replace(exchange, code=inbox.NO_ANSWER, log_head=letter.late) if letter.waits and letter.late is not None else exchange
    status = None if letter.status_iat is None else {"as_of": letter.status_iat}
    opened = Opened(verdict={"status": status}, receipt=basis, response_code="", vp_token={}, format="")
    token = await sign_receipt(desk, told, opened, answer_by=letter.answer_by if letter.waits else None)
    if token is None:
        raise Missing("nothing says whose receipt this would be")
    return token


async def basis_of(desk: Desk, letter: Letter) -> dict[str, object]:
    """What every receipt for this letter is bound to."""
    return strict_json.load_object(await desk.custodian.unseal(STORAGE, letter.basis, context=_context(letter.exchange)))


async def tend(desk: Desk) -> int:
    """Say in the log about which letters nobody has decided in time; how many wait though their time is over (T-AU-5)."""
    at = desk.clock()
    for each in await desk.storage.read(lambda tx: letters.overdue(tx, at)):
        await note_late(desk, each)
    return await desk.storage.read(lambda tx: letters.count_late(tx, at))


async def note_late(desk: Desk, letter: Letter) -> None:
    """The alarm to the organisation itself, and what the holder is told from now on."""
    at = desk.clock()
    exchange = await desk.storage.read(lambda tx: exchanges.find(tx, letter.exchange, at))
    if not isinstance(exchange, Answered):
        return
    retain = at + desk.settings.log_days * DAY
    record: dict[str, object] = {
        "time": at,
        "kind": exchange.asked.terms.kind,
        "level": "addressed",
        "intendedUseIdentifier": exchange.asked.terms.purpose_id,
        "vct": [],
        "claim_paths": [],
        "decision": "undecided",
        "reason_code": inbox.NO_ANSWER,
        "status_list_iat": None,
        "staff_role": MADE_BY,
        "receipt_id": str((await basis_of(desk, letter))["receipt_id"]),
        "presentation_mac": "",
        "retain_until": retain,
    }

    async def unit(tx: Tx) -> LogHead | None:
        if not await letters.is_overdue(tx, letter.ticket, at):
            return None
        head = await log.append(tx, record, at=at, keep_until=retain, entropy=desk.entropy)
        await letters.note_late(tx, letter.ticket, head)
        return head

    await desk.storage.write(unit, point="letter-late")
