"""Telling organisations, as a wallet keeps it, as closed frozen types. Stored sealed (``keep.Vault``); instants are seconds since the epoch."""

from __future__ import annotations

import msgspec

from shared.clock import DAY
from shared.errors import VcError
from shared.inbox import NO_ANSWER, PASSED_ON, WAITS

_UNSAID = 5 * DAY  # after which an answer is late for which no day was named: a working day, over the longest weekend
_LATEST = 31 * DAY  # after which one is late whatever day was named


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """At some time these details became others, went or came: names of claims, with ``*`` for the elements of a list."""

    at: int
    claims: tuple[str, ...]


def key_of(entity: str, use: str) -> str:
    """One word for both: an identifier has no spaces."""
    return f"{entity} {use}"


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation and one of its registered uses, and what it is ``told`` (``share.told_in``).

    ``inbox`` is the address to which its letter goes, as the holder saw it; empty where it is handed over, ``None`` where that was not kept.
    ``about`` is the ``jti`` of an earlier copy that this one corrects or calls back, made out at ``about_at``.
    """

    entity: str
    use: str
    name: str
    told: str
    inbox: str | None = None
    about: str = ""
    about_at: int = 0

    @property
    def key(self) -> str:
        return key_of(self.entity, self.use)


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """The holder agreed once that all these are told what ``document`` says.

    ``word`` is empty, ``cancelled`` or ``corrected`` for those who were told before. ``faults`` are by ``Body.key`` why copies could not be
    made yet (``fault_of``), ``given_up`` says that nobody tries any more. ``wish`` is SHA-256 of what a program asked for by its own key.
    """

    at: int
    document: str
    bodies: tuple[Body, ...]
    word: str = ""
    faults: dict[str, str] = {}
    given_up: bool = False
    wish: bytes = b""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One letter, or one copy that the holder hands over where there is no inbox (``by_hand``).

    ``presentation`` and ``nonce`` are what a receipt has to be for. ``row`` names the letter in the service's outbox, empty once that is gone,
    and ``stamp`` is the row's when it was last looked at. ``receipt`` is the newest one, also of a desk, ``problem`` what is wrong with it; ``answers`` are
    SHA-256 of all that came. ``fault`` is why it did not arrive. ``carried_at``, unless 0, is since when the holder hands the letter in at a counter.
    """

    at: int
    telling: str
    body: Body
    document: str
    word: str
    copy: str
    jti: str
    nonce: str
    ticket: bytes
    presentation: bytes
    shown: tuple[str, ...]
    expires_at: int
    by_hand: bool = False
    row: str = ""
    stamp: bytes = b""
    tries: int = 0
    taken_at: int = 0
    carried_at: int = 0
    answered_at: int = 0
    answer_by: int = 0
    decision: str = ""
    reason: str = ""
    receipt: str = ""
    problem: str = ""
    answers: tuple[bytes, ...] = ()
    fault: str = ""


def fault_of(error: VcError) -> str:
    """``copies`` where none is left, ``keeper`` where its holder has yet to say that a keeper is known; else the error's code."""
    return error.where if error.where in {"copies", "keeper"} else error.code


def state_of(sent: Sent | None, at: int, *, given_up: bool = False) -> str:
    """One word for where a letter stands; ``None`` is one whose copy could not be made yet, and with ``given_up`` never will be.

    ``no-copy``, ``never``, ``by-hand``, ``carried``, ``waiting``, ``sent``, ``accepted``, ``refused``, ``called-back``, ``undecided``, ``unanswered``,
    ``misfit``, ``undelivered``. ``called-back``: they were to see that it was cancelled, and saw it.
    """
    if sent is None:
        return "never" if given_up else "no-copy"
    if sent.by_hand and not sent.receipt:
        return "by-hand"
    if sent.problem:
        return "misfit"
    if sent.fault:
        return "undelivered"
    if not sent.receipt:
        return "carried" if sent.carried_at else "waiting"
    if sent.decision != "undecided":
        return _decided(sent)
    return _pending(sent, at)


def _decided(sent: Sent) -> str:
    """Who is told that a document was cancelled, and checks it, cannot accept it: that they do not is the news that was sent."""
    if sent.decision == "accepted":
        return "accepted"
    return "called-back" if (sent.word, sent.reason) == ("cancelled", "revoked") else "refused"


def _pending(sent: Sent, at: int) -> str:
    due = min(sent.answer_by or sent.taken_at + _UNSAID, sent.taken_at + _LATEST)
    if sent.reason == NO_ANSWER or (_waits(sent) and due <= at):
        return "unanswered"
    return "sent" if _waits(sent) else "undecided"


def _waits(sent: Sent) -> bool:
    """Whether another answer was promised."""
    return bool(sent.answer_by) or sent.reason in {WAITS, PASSED_ON}


ENDED = frozenset({"never", "by-hand", "accepted", "refused", "called-back", "undecided", "misfit", "undelivered"})
"""States after which nothing more comes by itself."""
