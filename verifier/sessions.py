"""The states of an exchange, and the only ways from one to the next. No IO: ``records`` stores what these say.

A request is made, fetched by a wallet, and answered once. A wallet may say no; anyone who saw the request could have said so in its
name, so a no closes nothing and a true answer may still come. A copy that was brought in is answered from the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.codec import strict_json
from shared.credentials import Text
from shared.errors import Expired as ExpiredError
from shared.errors import Replayed
from shared.openid4vp import TransactionData, parse_transaction_data
from shared.receipts import LogHead

Kind = Literal["request", "copy", "letter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked and why; nothing about anybody. ``type`` and ``ready`` name a ready question, empty for one of the caller's own.

    ``query`` is a DCQL query as JSON, ``use`` what the kind's own check is told, ``client_id`` who we were to the wallet.
    A ready question without a ``type`` asks for every kind of document that has one of its name. ``transaction_data`` are the entries that the
    holder agrees to, as they travel. ``same_device``: the answer counts only in the browser that opened the request, and then goes on
    to ``redirect_uri``. ``together`` names the act that several agree to, each in an answer of their own; where holders made that name up, for
    copies, ``instrument`` is a keyed name of their instrument beside it, so that others who made up the same one are not in their way.
    """

    kind: Kind
    purpose_id: str
    purpose: Text
    type: str = ""
    ready: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    use: Mapping[str, Any] = field(default_factory=dict)
    client_id: str = ""
    redirect_uri: str = ""
    same_device: bool = False
    response_mode: str = "direct_post.jwt"
    transaction_data: Sequence[str] = ()
    together: str = ""
    instrument: str = ""


def render_terms(terms: Terms) -> str:
    """JSON that ``parse_terms`` reads back to the same value."""
    names = ("kind", "purpose_id", "type", "ready", "query", "use", "client_id", "redirect_uri", "same_device", "response_mode")
    doc = {name: getattr(terms, name) for name in (*names, "together", "instrument")}
    doc |= {"purpose": [terms.purpose.en, terms.purpose.cy], "transaction_data": list(terms.transaction_data)}
    return strict_json.dumps(doc).decode()


def parse_terms(text: str) -> Terms:
    """Only for what ``render_terms`` wrote."""
    doc = strict_json.load_object(text)
    return Terms(**(doc | {"purpose": Text(*doc["purpose"])}))


def transactions(terms: Terms) -> tuple[TransactionData, ...]:
    """What the holder is to agree to."""
    return tuple(parse_transaction_data(raw, "") for raw in terms.transaction_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What stays the same in every state. ``made_by`` is a role: ``desk`` or ``program``.

    ``entity`` is in whose name it was asked: another organisation's once we have taken over from that; empty where nobody wrote it down.
    """

    id: str
    entity: str
    terms: Terms
    made_by: str
    made_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Requested:
    """No wallet has fetched it yet."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A wallet has it."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class Declined:
    """Somebody who knows the request said no. ``error`` is the code that came (OpenID4VP section 8.5)."""

    asked: Asked
    error: str


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered in time."""

    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Decided, for good. ``sealed`` is the verdict with everything that was shown, ``None`` once its time is over; ``basis`` what the receipt of a
    copy is made of.

    ``collected``: the organisation has brought the number that went with the answer, where there is one.
    """

    asked: Asked
    at: int
    decision: str
    code: str
    keep_until: int
    log_head: LogHead
    sealed: bytes | None = field(default=None, repr=False)
    basis: bytes | None = field(default=None, repr=False)
    collected: bool = False

    @property
    def withheld(self) -> bool:
        """Whether nobody may know yet what came of it: a number went with it, and nothing shows in whose session it arrived.

        Of a bad answer, which brings nobody anything, everybody may know.
        """
        return bool(self.asked.terms.redirect_uri) and self.decision != "rejected" and not self.collected


Open = Requested | Retrieved | Declined
Exchange = Open | Expired | Answered


def check_open(exchange: Exchange) -> Open:
    """The exchange, still to be answered. ``Replayed`` once it was, ``Expired`` after its time."""
    match exchange:
        case Answered():
            raise Replayed("this request was answered already")
        case Expired():
            raise ExpiredError("this request has run out")
        case _:
            return exchange


def state_of(exchange: Exchange) -> str:
    """One word for lists and programs."""
    return type(exchange).__name__.lower()
