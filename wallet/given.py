"""Receipts that came into the holder's hand: on paper, as a picture, as a file (domain rule R6, security rules S10 and S25).

For a copy that was handed over by mail, file or paper a receipt comes the same way. It is held against what was sent, whoever brings it, and
what does not fit is kept as that. A receipt that a desk gave without a network is provisional until its organisation confirms it
(``wallet.confirming``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from shared import addressed
from shared.clock import DAY
from shared.codec import base64url, qr
from shared.errors import Conflict, Expired, Malformed, Missing, NotYetValid, OtherPresentation, TooLarge, Undecided, Untrusted, VcError
from shared.inbox import PASSED_ON
from shared.ovp.answer import SD_CWT_FORMAT, Answer, peek_answer, render_answer
from shared.ovp.envelope import RECEIPT, parse_text
from shared.ovp.receipt import DeskReceipt, check_desk_receipt, parse_desk_receipt
from shared.receipts import MAX_RECEIPT, Exchange, Receipt, peek_receipt, presentation_bytes
from shared.storage import Tx
from shared.trust.relying_party import Register
from wallet import history, register
from wallet.entries import Entry, Sealed
from wallet.keep import Vault
from wallet.means import Means
from wallet.outbox import promised
from wallet.receipted import verify_of
from wallet.records import ADDRESSED, SENT, Shelf
from wallet.sent import Sent
from wallet.sessions import Addressed

T = TypeVar("T")
_JWT: Final = "ey"  # how each begins that an organisation signed itself: a brace and a quotation mark in base64url
MAX_LINES: Final = 20
"""Receipts that are kept for one copy: whoever is handed more is handed no receipts."""


class OtherParty(Untrusted):
    """A receipt that names another organisation than the one that was shown something: no register and no clock changes that."""


class OfCounter(Conflict):
    """The receipt of a counter that passed a letter on unopened: no answer, so that it is neither right nor wrong as one (domain sheet C22)."""


OF_THE_MOMENT: Final = frozenset(kind.code for kind in (Expired, NotYetValid, Untrusted))
"""Codes where register or clock can be at fault."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """When an organisation is asked next to confirm one receipt of its desk."""

    next_at: int


ASKING = Shelf("confirmations", Asking)
"""By ``asking_name`` of the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a receipt for a copy has to be for. ``presentations`` and ``contents`` are all forms in which a desk can have had it: as a file with
    and without the issuer's list, as a square code. ``number`` is what its holder called it (``jti``, ``cti``), as bytes.
    """

    entity: str
    use: str
    at: int
    nonce: str
    number: bytes
    presentations: tuple[bytes, ...]
    contents: tuple[bytes, ...]


def handed_of(made: Addressed) -> Handed:
    """Of a copy that lies in the wallet still."""
    copy = addressed.parse_file(made.file)
    ((wire,),) = copy.vp_token.values()
    answer = Answer(copy.format, wire)
    said = peek_answer(answer)
    bare = replace(copy, status_list_tokens=())
    small = copy.format == SD_CWT_FORMAT
    return Handed(
        entity=made.entity,
        use=made.purpose_id,
        at=made.at,
        nonce=said.nonce,
        number=base64url.decode(said.number),
        presentations=(presentation_bytes(copy.vp_token), presentation_bytes({copy.purpose_id: (wire,)})),
        contents=(render_answer(answer)[1],) if small else (addressed.render_content(bare), addressed.render_content(copy)),
    )


# --- what was given ----------------------------------------------------------------------------------------------------------------------


def receipt_in(data: bytes) -> str:
    """The one receipt in a text, or in a picture of its square code. ``Malformed`` or ``TooLarge``."""
    if data[:1].isalpha() and data.isascii():  # what no picture begins with
        return _bounded(data.decode())
    found = [text for text in dict.fromkeys(each.strip() for each in qr.read(data)) if text.startswith((RECEIPT, _JWT))]
    if not found:
        raise Malformed("the code in this picture is no receipt")
    if len(found) > 1:
        raise Malformed("there are several receipts in this picture; send one that shows only the right one")
    return found[0]


def _bounded(text: str) -> str:
    if len(text) > MAX_RECEIPT:
        raise TooLarge("this is longer than any receipt")
    if not text.isascii():
        raise Malformed("this is not a receipt")
    return text.strip()


async def read_given(means: Means, text: str, picture: bytes | None) -> str:
    """A pasted text, or what is in an uploaded file or picture; ``Malformed`` names the field.

    Pictures are read off the event loop, for they take their time, and one at a time, for they take memory.
    """
    if picture is None and not text.strip():
        raise Malformed("paste the text of a receipt, or choose a picture or a file", where="text")
    if picture is None:
        return _bounded(text.strip())
    try:
        async with means.reading:
            return await asyncio.to_thread(receipt_in, picture)
    except VcError as error:
        raise error.within("picture") from error


def open_desk_receipt(text: str) -> DeskReceipt:
    """Out of its text; ``Malformed`` and the other classes of ``parse_desk_receipt``. Nothing of it is a fact yet."""
    prefix, content = parse_text(text)
    if prefix != RECEIPT:
        raise Malformed("this is not a receipt")
    return parse_desk_receipt(content)


# --- taking it in ------------------------------------------------------------------------------------------------------------------------


async def take_in(means: Means, vault: Vault, seq: int, text: str) -> Entry:
    """Check the receipt ``text`` against the copy of which the line ``seq`` of the history tells, and add what came of it as a line.

    The same one again adds nothing, unless it did not fit and does now. ``Malformed`` for what is no receipt; ``Missing`` where there is no such
    line, or the copy is not here; ``OfCounter``; ``Undecided`` while nobody can tell who signed it. What does not fit is no error: it is kept, with what is wrong.
    """
    given = open_desk_receipt(text) if text.startswith(RECEIPT) else peek_receipt(text)
    async with means.locks.of(f"{vault.wallet}/given"):
        lines = await means.storage.read(lambda tx: history.read(tx, vault))
        about = next((line.entry for line in lines if line.entry.seq == seq), None)
        if about is None or about.transaction_type != "addressed-copy":
            raise Missing("there is no copy on such a line of this history")
        if isinstance(given, Receipt) and _of_counter(given) and given.entity != about.interacting_party_identifier.identifier:
            raise OfCounter("a counter passed a letter on and says so: this is no answer to what is in it")
        answers = answers_to(lines, about)
        known = next((one for one in answers if text in {one.receipt, one.provisional} and not (one.receipt and one.provisional)), None)
        if known is not None and not known.receipt_problem:
            return known
        if known is None and len(answers) >= MAX_LINES:
            raise TooLarge("there are too many receipts for this copy already")
        made = await means.storage.read(lambda tx: ADDRESSED.find(tx, vault, vault.tag("addressed", about.transaction_identifier)))
        if made is None:
            raise Missing("this wallet has not kept the copy, so that no receipt can be held against it")
        handed = handed_of(made.value)
        if isinstance(given, Receipt):
            before = await history.receipts_by(means.storage, vault, about.interacting_party_identifier)
            problem = settle(lambda: _check_signed(means, handed, text, before))
        else:
            askers = await register.register(means)
            problem = settle(lambda: check_given(given, askers, handed, at=means.clock()))
        if known is not None and known.receipt_problem == problem:
            return known
        return await add(means, vault, answer_line(about, text, problem=problem, at=means.clock()))


def settle(check: Callable[[], object]) -> str:
    """What is wrong with a receipt that names the right organisation; empty for nothing.

    ``Undecided`` where that may be a fault of the moment: the register here has run out, or has not heard of a new key yet, or a clock is wrong.
    """
    try:
        check()
    except Undecided:
        raise
    except VcError as error:
        if may_pass(error):
            raise Undecided(error.detail) from error
        return f"{error.code}: {error.detail}"
    return ""


def _of_counter(given: Receipt) -> bool:
    return given.reason_code == given.purpose_id == PASSED_ON


def may_pass(error: VcError) -> bool:
    """Whether it is a fault of the moment, so that the same receipt may fit another time."""
    return error.code in OF_THE_MOMENT and not isinstance(error, OtherParty)


def answers_to(lines: Sequence[Sealed], about: Entry) -> list[Entry]:
    """What came back for what a line tells of, oldest first. Of one receipt that was checked again the newer line counts."""
    found: dict[object, Entry] = {}
    for one in (line.entry for line in lines):
        if one.transaction_type == "answer" and one.transaction_identifier == about.transaction_identifier:
            key = one.receipt or one.provisional or one.seq
            found.pop(key, None)
            found[key] = one
    return list(found.values())


def answer_line(about: Entry, text: str, *, problem: str, at: int) -> Entry:
    """The line of a receipt for what ``about`` tells of; ``problem`` is what is wrong with it."""
    desk = text.startswith(RECEIPT)
    return Entry(
        seq=0,
        time=at,
        transaction_identifier=about.transaction_identifier,
        transaction_type="answer",
        transaction_result="failed" if problem else "success",
        interacting_party_identifier=about.interacting_party_identifier,
        interacting_party_name=about.interacting_party_name,
        intended_use_identifier=about.intended_use_identifier,
        documents=about.documents,
        level=about.level,
        receipt="" if desk else text,
        receipt_problem=problem,
        provisional=text if desk else msgspec.UNSET,
    )


async def add(means: Means, vault: Vault, entry: Entry) -> Entry:
    """At the end of the history, as it stands there."""
    return await means.storage.write(lambda tx: enter(tx, means, vault, entry), point="receipt-given")


async def enter(tx: Tx, means: Means, vault: Vault, entry: Entry) -> Entry:
    """The same in the caller's unit of work; a good receipt of a desk has an instant drawn at which it is asked for."""
    placed = (await history.append(tx, vault, entry, entropy=means.entropy)).entry
    if placed.provisional and not placed.receipt and not placed.receipt_problem:
        await ASKING.save(tx, vault, asking_name(vault, placed.provisional), draw(means), entropy=means.entropy)
    for item in await SENT.all(tx, vault):
        if item.value.jti == placed.transaction_identifier and (heard := after(item.value, placed)) != item.value:
            await SENT.replace(tx, vault, item, heard, entropy=means.entropy)
    return placed


def after(sent: Sent, line: Entry) -> Sent:
    """Where it stands once its holder was handed the answer on ``line``: a good one counts as if it had come by itself.

    What was decided already stays, unless a receipt is about that very decision; so does a copy that is still to be handed over, where what came does
    not fit.
    """
    text = line.receipt or line.provisional or ""
    of_it = bool(sent.receipt) and sent.receipt == line.provisional
    if line.receipt_problem:
        return msgspec.structs.replace(sent, receipt=text, problem=line.receipt_problem, answered_at=line.time) if of_it else sent
    if not (of_it or not sent.decision or sent.problem or sent.decision == "undecided"):
        return sent
    if line.receipt:
        signed = peek_receipt(text)
        decision, reason, answer_by = signed.decision, signed.reason_code, promised(signed)
    else:
        desk = open_desk_receipt(text)
        decision, reason, answer_by = desk.decision, desk.code, 0
    return msgspec.structs.replace(
        sent,
        receipt=text,
        problem="",
        fault="",
        taken_at=sent.taken_at or line.time,
        answered_at=line.time,
        answer_by=answer_by,
        decision=decision,
        reason=reason,
        answers=(*sent.answers, sha256(text.encode()).digest()),
    )


def asking_name(vault: Vault, text: str) -> str:
    """The opaque name under which it is kept when the receipt ``text`` is asked for."""
    return vault.tag("confirmations", text)


def draw(means: Means) -> Asking:
    """Within a day, for one receipt and one time: two that are asked for in one go are seen to be one holder's (security rule S22)."""
    return Asking(next_at=means.clock() + 1 + int.from_bytes(means.entropy(4), "big") % DAY)


def check_given(given: DeskReceipt, known: Register, handed: Handed, *, at: int) -> None:
    """That a desk of the organisation to which the copy was made out gave it for that copy. Errors as ``check_desk_receipt``."""

    def check(content: bytes) -> object:
        return check_desk_receipt(given, known, content=content, nonce=handed.number, use=handed.use, sent_at=handed.at, at=at)

    if given.desk.entity != handed.entity:
        raise OtherParty("the receipt is by another organisation than the one that it was made out to")
    _for_one(check, handed.contents)


def _check_signed(means: Means, handed: Handed, token: str, before: Sequence[str]) -> None:
    if peek_receipt(token).entity != handed.entity:
        raise OtherParty("the receipt is by another organisation than the one that it was made out to")

    def check(presentation: bytes) -> Receipt:
        exchange = Exchange(presentation=presentation, nonce=handed.nonce, at=means.clock(), sent_at=handed.at, purpose_id=handed.use)
        return verify_of(token, exchange, policy=means.trust(), entity=handed.entity)

    history.check_heads(_for_one(check, handed.presentations), before)


def _for_one(check: Callable[[bytes], T], forms: Sequence[bytes]) -> T:
    """What the check says of the first form that the receipt is for."""
    *others, last = forms
    for form in others:
        try:
            return check(form)
        except OtherPresentation:
            continue
    return check(last)


async def find_line(means: Means, vault: Vault, text: str) -> int:
    """The copy of the history that a receipt is for by its own word; ``Missing`` where it names none that is here."""
    given = open_desk_receipt(text) if text.startswith(RECEIPT) else peek_receipt(text)
    lines = await means.storage.read(lambda tx: history.read(tx, vault))
    copies = {item.id: item.value for item in await means.storage.read(lambda tx: ADDRESSED.all(tx, vault))}
    for entry in (line.entry for line in reversed(lines) if line.entry.transaction_type == "addressed-copy"):
        made = copies.get(vault.tag("addressed", entry.transaction_identifier))
        if made is not None and _names(given, handed_of(made)):
            return entry.seq
    raise Missing("this receipt is for no copy that this wallet keeps; say with --line which line of the history you mean")


def _names(given: DeskReceipt | Receipt, handed: Handed) -> bool:
    return given.nonce == (handed.nonce if isinstance(given, Receipt) else handed.number)
