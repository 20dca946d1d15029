"""Lines of the list of requests and copies: what was asked, when, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared.errors import InvalidTransactionData
from shared.openid4vp import AGREE, parse_agreement
from shared.web.dates import day_words
from verifier.desk import Desk
from verifier.sessions import Answered, Asked, Declined, Exchange, Expired, Retrieved, Terms, transactions
from verifier.uses import Use
from verifier.words import N_, Spoken

_TAGS = {
    "accepted": (N_("You can rely on this"), "green"),
    "rejected": (N_("Do not rely on this"), "red"),
    "undecided": (N_("Can’t tell yet"), "yellow"),
}
KINDS = {
    "request": N_("shown live"),
    "copy": N_("a copy"),
    "letter": N_("a letter"),
    "passed": N_("a letter for somebody else"),
    "desk-receipt": N_("receipt of a desk"),
}
_OWN_QUESTION, _COPY = N_("A question of your own"), N_("Copy")
_DIED_BY, _WHOLE_DAY = N_("You asked whether they died on %(day)s or before."), N_("You asked for the very day of the death.")
_AGREE = N_("You asked them to agree to this: “%(words)s”")
_WAITING, _OPENED, _NO, _LATE = N_("Waiting"), N_("Opened in a wallet"), N_("Not shown"), N_("Nobody answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    id: str
    title: str
    kind: str
    made_at: int
    tag: str
    colour: str


def rows_of(found: Iterable[Exchange], desk: Desk, spoken: Spoken) -> list[Row]:
    """As a table shows them."""
    return [_row(each, desk, spoken) for each in found]


def _row(exchange: Exchange, desk: Desk, spoken: Spoken) -> Row:
    asked: Asked = exchange.asked
    tag, colour = tag_of(exchange)
    return Row(
        id=asked.id,
        title=title_of(asked.terms, desk, spoken),
        kind=spoken.translate(KINDS[asked.terms.kind]),
        made_at=asked.made_at,
        tag=spoken.translate(tag),
        colour=colour,
    )


def title_of(terms: Terms, desk: Desk, spoken: Spoken) -> str:
    """What it is about, in the words of the ready question."""
    uses = desk.uses_of(terms.type, terms.ready)
    if uses:
        return together(uses, spoken.locale)
    purpose = terms.purpose.in_(spoken.locale)
    return purpose or spoken.translate(_OWN_QUESTION if terms.kind == "request" else _COPY)


def asked_beside(terms: Terms, spoken: Spoken) -> list[str]:
    """What was asked beyond the ready question, a sentence each: of a date of death, and which words to agree to."""
    day = terms.use.get("died_by", "")
    found = [spoken.translate(_DIED_BY) % {"day": day_words(day, spoken.locale)}] if day else []
    found += [spoken.translate(_WHOLE_DAY)] if terms.use.get("full_date") is True else []
    for entry in (each for each in transactions(terms) if each.type == AGREE):
        with suppress(InvalidTransactionData):  # a program wrote it, and no wallet of ours could show it either
            found.append(spoken.translate(_AGREE) % {"words": parse_agreement(entry).statement.in_(spoken.locale)})
    return found


def together(uses: Sequence[Use], locale: str) -> str:
    """One title for questions that are asked at once."""
    return " + ".join(use.query.title.in_(locale) for use in uses)


def tag_of(exchange: Exchange) -> tuple[str, str]:
    """A word and a colour for how it stands."""
    match exchange:
        case Answered(decision=decision):
            return _TAGS[decision]
        case Declined():
            return _NO, "grey"
        case Expired():
            return _LATE, "grey"
        case Retrieved():
            return _OPENED, "blue"
        case _:
            return _WAITING, "blue"
