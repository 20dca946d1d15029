"""A holder says that a detail is wrong: the office looks at it, and answers in some working days (ADR 0012, domain rule R8).

Which document it is follows from the status entry of the copy in the ticket. While something is open, copies of the document that are made say
``disputed``. Whom the holder had shown the old value stays in the holder's wallet: no ticket says so and nobody here asks.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Gauge

from issuer.claims import details
from issuer.entered import enter
from issuer.envelopes import Envelopes
from issuer.office import STORAGE, Office
from issuer.publish import list_uri
from issuer.records import corrections, documents, donors, statuses
from issuer.records.corrections import CORRECTED, ENDED, OPEN, REFUSED, STATES, WAITS, Correction
from issuer.sessions import SERVICE, WALLET, Actor, Event, Standing
from shared.clock import DAY, add_working_days, floor_day
from shared.codec import base64url, strict_json
from shared.corrections import REFUSALS, Answer, Ticket, check_words, digest, open_ticket, peek_kid, prepare_answer, verify_ticket
from shared.credentials import DISPUTED, Claim, ClaimPath, CredentialType
from shared.credentials._derive import leaves
from shared.credentials._marks import MARKS
from shared.errors import Conflict, Malformed, Missing, Revoked
from shared.formats import Claims
from shared.inbox import TICKET
from shared.keys import PublicKey, Role, sign
from shared.storage import Tx
from shared.trust.snapshot import KeyState
from shared.web import own_trust
from shared.x509 import load_certificate

KEEP_DAYS: Final = 90
"""Days that what was answered can be asked for."""
MOST_OPEN: Final = 5  # of one document
log = logging.getLogger("muniment.issuer")


@dataclass(frozen=True, slots=True)
class Said:
    """What a holder wrote, and the values that the copy showed of the detail."""

    words: str
    values: tuple[Any, ...]


# --- from a wallet -----------------------------------------------------------------------------------------------------------------------


async def receive(office: Office, envelopes: Envelopes, token: str) -> str:
    """A sealed ticket; the signed answer to it. The same ticket posted twice is one.

    ``Malformed``, the ``Rejected`` classes of a presentation, ``Revoked`` for a copy that was replaced or cancelled, ``Missing`` for one that nobody
    remembers, ``Conflict`` for another ticket of the same number or too many open ones.
    """
    at, ticket = office.clock(), open_ticket(token, await envelopes.private(peek_kid(token)))
    known = await office.storage.read(lambda tx: corrections.by_ticket(tx, _name(ticket.ticket)))
    if known is None:
        claims = verify_ticket(ticket, entity=office.settings.public_url, keys=await _keys(office), at=at)
        known = await _take(office, ticket, digest(token), claims, at)
    if known.letter != digest(token):
        raise Conflict("this ticket was used for something else", where="/ticket")
    return await signed(office, known)


async def ask(office: Office, ticket: str) -> str:
    """The newest signed answer; ``Missing`` for a ticket that nobody knows, or no longer."""
    number = base64url.decode(ticket, where="/ticket")
    if len(number) != TICKET:
        raise Malformed(f"a ticket has {TICKET} bytes", where="/ticket")
    known = await office.storage.read(lambda tx: corrections.by_ticket(tx, _name(number)))
    if known is None:
        raise Missing("nobody here knows this ticket")
    return await signed(office, known)


async def signed(office: Office, known: Correction) -> str:
    """What the office says of it now."""
    signer = office.signer
    answer = Answer(
        entity=office.settings.public_url,
        reference=known.reference,
        digest=known.letter,
        received_at=known.received_at,
        answer_by=known.answer_by,
        state=known.state,
        answered_at=known.answered_at,
        reason_code="" if known.state == OPEN else known.reason_code,
        words="" if known.answer is None else (await _unseal(office, known.reference, known.answer))["words"],
        how_to_complain=office.settings.how_to_contest if known.state in {REFUSED, ENDED} else "",
    )
    return await sign(prepare_answer(answer, key=signer.key, x5c=signer.x5c, at=office.clock(), alg=signer.alg), office.custodian)


async def _take(office: Office, ticket: Ticket, letter: bytes, claims: Claims, at: int) -> Correction:
    kind = next((each for each in office.types if each.vct == claims.vct), None)
    if kind is None:
        raise Missing("this office does not make that kind of document")
    values = values_of(kind, claims.claims, ticket.detail)
    if not values:
        raise Malformed("the copy does not show the detail that is wrong", where="/detail")
    reference = office.number()
    said = await _seal(office, reference, {"words": ticket.words, "values": values})

    async def unit(tx: Tx) -> Correction:
        before = await corrections.by_ticket(tx, _name(ticket.ticket))
        if before is not None:  # the same message twice at the same moment
            return before
        document = await _document(tx, office, claims)
        new = _new(office, reference, kind.id, detail=ticket.detail, said=said, at=at)
        return await _open(tx, office, replace(new, ticket=_name(ticket.ticket), letter=letter, document=document), WALLET)

    return await office.storage.write(unit, point="dispute")


def _new(office: Office, reference: str, type_id: str, *, detail: str, said: bytes, at: int) -> Correction:
    """One that nobody has answered, for a document to be named."""
    return Correction(
        reference=reference,
        ticket=b"",
        letter=b"",
        document="",
        type=type_id,
        detail=detail,
        said=said,
        state=OPEN,
        received_at=at,
        answer_by=add_working_days(at, office.settings.correction_days, ZoneInfo(office.settings.time_zone)),
        answered_at=None,
        reason_code="",
        answer=None,
    )


async def _open(tx: Tx, office: Office, new: Correction, actor: Actor) -> Correction:
    if await corrections.count_open(tx, new.document) >= MOST_OPEN:
        raise Conflict("there are too many open questions about this document: wait for the answers")
    await corrections.insert(tx, new)
    await documents.note(tx, new.document, Event(at=new.received_at, kind="disputed", actor=actor, reason="", copies=0))
    await _enter(tx, office, "disputed", new, actor=actor, at=new.received_at)
    return new


async def _enter(tx: Tx, office: Office, kind: str, known: Correction, *, actor: Actor, at: int) -> None:
    """In the office's log, by the name of the detail alone."""
    await enter(tx, office, kind, actor=actor, at=at, type=known.type, claim_paths=[known.detail.removesuffix("/*")])


async def _document(tx: Tx, office: Office, claims: Claims) -> str:
    """The document that a copy is of. A copy that was replaced says nothing of the document as it is now."""
    status = claims.status
    if status is not None:
        base = list_uri(office, 0).removesuffix("0")
        number = status.uri.removeprefix(base)
        if status.uri.startswith(base) and number.isascii() and number.isdigit() and len(number) <= 9:
            if (await statuses.values_of(tx, int(number), [status.idx])).get(status.idx) == 1:
                raise Revoked("this copy was replaced or cancelled")
            found = await statuses.document_of(tx, int(number), status.idx)
            if found is not None:
                return found
    raise Missing("of which document this is a copy is no longer known here")


async def _keys(office: Office) -> list[PublicKey]:
    """The keys that documents of this office can be signed with, newest first. What a compromised key signed is nobody's word (S15)."""
    held = await office.storage.read(lambda tx: own_trust.own_keys(tx, Role.CREDENTIAL_ISSUER))
    keys = [each.public for each in reversed(held) if each.state is not KeyState.COMPROMISED]
    return keys or [load_certificate(office.signer.x5c[0]).public]


async def write_down(office: Office, number: str, *, detail: str, words: str, actor: Actor) -> Correction:
    """The same at a counter, for a holder without a wallet at hand (domain rule R9). ``Malformed`` for no words or a detail that the document's kind
    does not have, ``Conflict`` where it was cancelled or too many wait, ``Missing``.
    """
    check_words(words)
    document = await office.storage.read(lambda tx: documents.get(tx, number))
    kind = office.type(document.type)
    if all(key_of(claim.path) != detail for claim in disputable(kind)):
        raise Malformed("this kind of document has no such detail", where="/detail")
    held, reference = await details(office, document), office.number()
    said = await _seal(office, reference, {"words": words, "values": values_of(kind, held or {}, detail)})
    new = _new(office, reference, kind.id, detail=detail, said=said, at=office.clock())

    async def unit(tx: Tx) -> Correction:
        if (await documents.get(tx, number)).standing is Standing.CANCELLED:
            raise Conflict("this document was cancelled")
        return await _open(tx, office, replace(new, ticket=office.entropy(32), letter=office.entropy(32), document=number), actor)

    return await office.storage.write(unit, point="dispute")


# --- at the desk -------------------------------------------------------------------------------------------------------------------------


async def refuse(office: Office, reference: str, *, code: str, words: str, actor: Actor) -> None:
    """The detail stays as it is. ``Malformed`` without one of the reasons and words for the holder, ``Conflict`` if it was answered, or is corrected and
    waits for a second person.
    """
    if code not in REFUSALS:
        raise Malformed(f"the reason is one of: {', '.join(REFUSALS)}", where="/reason")
    check_words(words)
    at, sealed = office.clock(), await _seal(office, reference, {"words": words})

    async def unit(tx: Tx) -> None:
        known = await corrections.get(tx, reference)
        if known.state == OPEN and known.reason_code == WAITS:
            raise Conflict("this was corrected and waits for a second person")
        await corrections.settle(tx, reference, state=REFUSED, at=at, reason_code=code, answer=sealed)
        await documents.note(tx, known.document, Event(at=at, kind="dispute-refused", actor=actor, reason="", copies=0))
        await _enter(tx, office, "dispute-refused", known, actor=actor, at=at)

    await office.storage.write(unit, point="dispute-answer")


async def corrected(tx: Tx, reference: str, answered: Mapping[str, Collection[str]], *, at: int) -> None:
    """Part of the unit of work that gives documents other details, after these were written: of each the messages ``answered`` are, as far as they
    still wait, and the one named. ``Conflict`` if that was answered, or is about another document.

    Where a second person looks at the details first, nothing is answered before that person has agreed.
    """
    if reference:
        known = await corrections.get(tx, reference)
        if known.document not in answered:
            raise Conflict("this message is about another document")
        if known.state != OPEN:
            raise Conflict("somebody else has answered this meanwhile")
    for number, others in answered.items():
        await corrections.reopen(tx, number)
        cleared = await donors.cleared(tx, await documents.get(tx, number))
        for known in await corrections.open_of(tx, number):
            if known.reference == reference or known.reference in others:
                await (
                    corrections.settle(tx, known.reference, state=CORRECTED, at=at)
                    if cleared
                    else corrections.let_wait(tx, known.reference)
                )


async def corrected_by(office: Office, document: str, kind: CredentialType, after: Mapping[str, Any]) -> list[str]:
    """Open messages about ``document`` that ``after`` answers, whether or not it names them: it says nothing more of what the holder's copy did. Of those
    that were to be answered before, by details that nobody has agreed to, it is enough that it says something else.
    """
    found = []
    for known in await office.storage.read(lambda tx: corrections.open_of(tx, document)):
        told, now = await said(office, known), values_of(kind, after, known.detail)
        if told is None or not told.values:
            continue
        answers = now != list(told.values) if known.reason_code else not any(value in now for value in told.values)
        if answers:
            found.append(known.reference)
    return found


async def end_all(tx: Tx, office: Office, document: str, *, actor: Actor, at: int) -> None:
    """Part of the unit of work that cancels the document: nobody has to answer any more, and the holder hears why."""
    for known in await corrections.open_of(tx, document):
        await _end(tx, office, known, "cancelled", actor=actor, at=at)


async def _end(tx: Tx, office: Office, known: Correction, why: str, *, actor: Actor, at: int) -> None:
    await corrections.settle(tx, known.reference, state=ENDED, at=at, reason_code=why)
    await _enter(tx, office, "dispute-ended", known, actor=actor, at=at)


async def _end_over(tx: Tx, office: Office, at: int) -> None:
    """The same where it ran out, or was cancelled as the message came."""
    for known in await corrections.over(tx, floor_day(at) + DAY):  # no copy lives beyond the midnight before
        cancelled = (await documents.get(tx, known.document)).standing is Standing.CANCELLED
        await _end(tx, office, known, "cancelled" if cancelled else "expired", actor=SERVICE, at=at)


async def stays(
    office: Office, reference: str, document: str, kind: CredentialType, *, held: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> str | None:
    """The detail that the message is about, where ``after`` says of it what is ``held``, or what the holder's copy did. ``Missing``."""
    known = await office.storage.read(lambda tx: corrections.get(tx, reference))
    told = await said(office, known)
    if told is None or known.document != document:
        return None  # answered, or about another document: whoever writes hears that (``corrected``)
    now = values_of(kind, after, known.detail)
    return known.detail if now == list(told.values) or (held is not None and now == values_of(kind, held, known.detail)) else None


async def said(office: Office, known: Correction) -> Said | None:
    """What the holder wrote, as long as it waits for an answer."""
    if known.said is None:
        return None
    found = await _unseal(office, known.reference, known.said)
    return Said(found["words"], tuple(found["values"]))


def values_of(kind: CredentialType, claims: Mapping[str, Any], detail: str) -> list[Any]:
    """What ``claims`` say of a detail, each value of a list; nothing of what no holder can dispute."""
    return [value for path, _, value in leaves(kind, claims) if key_of(path) == detail != DISPUTED]


def disputable(kind: CredentialType) -> list[Claim]:
    """The details that a person can say are wrong: the marks that tie documents together say nothing of anybody."""
    return [claim for claim in kind.claims if claim.path not in MARKS]


def key_of(path: ClaimPath) -> str:
    """The name of a detail: ``represented/birthdate``, ``powers/*`` for any of several."""
    return "/".join("*" if part is None or isinstance(part, int) else part for part in path)


def pointer_of(detail: str) -> str:
    """Where the form and the API have it: ``/powers`` for any of several."""
    return "/" + detail.removesuffix("/*")


# --- the clock ---------------------------------------------------------------------------------------------------------------------------


class Figures:
    """How many are open and overdue, and how long answers take (check T-FM-4): the same in every process, for they come from the rows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._held = Gauge(
            "muniment_corrections", "Details that holders say are wrong, by what became of them.", ("state",), registry=registry
        )
        name, told = "muniment_correction_seconds", "Time to an answer in the last 90 days, in seconds."
        self._took = Gauge(name, told, ("quantile",), registry=registry)

    def show(self, counted: corrections.Counted) -> None:
        """As of now."""
        for state in (*STATES, "overdue"):
            self._held.labels(state).set(getattr(counted, state))
        took = counted.took or (0,)
        for quantile, place in (("0.5", len(took) // 2), ("0.9", len(took) * 9 // 10), ("1", -1)):
            self._took.labels(quantile).set(took[place])


async def tend(office: Office, figures: Figures) -> None:
    """Once a round: say which are overdue, count, and forget what was answered long ago."""
    at = office.clock()

    async def unit(tx: Tx) -> None:
        await corrections.purge(tx, at - KEEP_DAYS * DAY)
        await _end_over(tx, office, at)
        late = await corrections.alarm(tx, at)
        if late:  # before it is kept that it was said: whoever is killed in between rather says it twice than never
            log.warning("nobody has answered in time: %s", ", ".join(late))

    await office.storage.write(unit, point="dispute-clock")
    figures.show(await office.storage.read(lambda tx: corrections.counted(tx, at, since=at - KEEP_DAYS * DAY)))


async def _seal(office: Office, reference: str, content: Mapping[str, Any]) -> bytes:
    return await office.custodian.seal(STORAGE, strict_json.dumps(content), context=_context(reference))


async def _unseal(office: Office, reference: str, sealed: bytes) -> dict[str, Any]:
    return strict_json.load_object(await office.custodian.unseal(STORAGE, sealed, context=_context(reference)))


def _context(reference: str) -> bytes:
    return f"correction\0{reference}".encode()


def _name(ticket: bytes) -> bytes:
    return hashlib.sha256(b"ticket\0" + ticket).digest()
