"""What several people agree to at a desk without a network, one challenge after the other (security rule S26).

Their answers lie in the desk's own memory on disk until enough have agreed, a week at most; then each is judged once more, told how many
they are, by what the checking pack says now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.clock import DAY
from shared.codec import base64url
from shared.codec.reader import get_int, get_objects, get_str, pointer
from shared.credentials import all_types
from shared.errors import NeedsMoreAttorneys, OtherInstrument, TooMany
from shared.ovp.answer import Answer
from shared.ovp.challenge import parse_challenge
from shared.verify import Decision, Mark, find_mark, is_another, ruled_out
from verifier.answers import Live

WAIT: Final = 7 * DAY
MAX_ACTS: Final = 64
_MAX_PEOPLE: Final = 32
Judge = Callable[[Live, Mapping[str, Any]], Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One transaction of one use, with the answers so far."""

    until: int
    answers: tuple[Live, ...] = field(default=(), repr=False)


Acts = Mapping[str, Act]
"""By the transaction in base64url, and the use."""


def at(acts: Acts, now: int) -> dict[str, Act]:
    """Without those whose week is over."""
    return {name: each for name, each in acts.items() if each.until > now}


def join(acts: Acts, live: Live, decision: Decision, judge: Judge, *, now: int) -> tuple[Decision, Acts, int]:
    """The decision with what the others answered, what is remembered then, and how many have agreed (0 where nobody else has to).

    ``OtherInstrument`` is told as the decision, and changes nothing; nor does an answer that is no yes once they are enough. An earlier one of
    which nothing can be told by this pack stays, and is no yes yet: once it is by a later one, anybody of theirs who answers again ends the act. Its own
    holder answers in its place.
    ``TooMany`` where too many acts wait already.
    """
    transaction, mark = live.challenge.transaction, find_mark(decision.credentials, all_types())
    if transaction is None or mark is None or decision.code != NeedsMoreAttorneys.code:
        return decision, acts, 0
    name = f"{base64url.encode(transaction)}/{live.challenge.use}"
    act = acts.get(name) or Act(until=now + WAIT)
    enough = {"attorneys": mark.needed}
    found = [(each, told) for each in act.answers if (told := judge(each, enough)).decision != "rejected"]
    try:
        is_another(mark, _people(told for _, told in found))  # of the same instrument, whoever of them still stands
        standing = [(each, told) for each, told in found if _agrees(told) or not _is_by(told, mark)]
        people = _people(told for _, told in standing if _agrees(told))
        another = is_another(mark, _people(told for _, told in standing))
    except OtherInstrument as error:
        return ruled_out(decision, error), acts, 0
    agreed = len(people) + another
    if agreed < mark.needed:
        kept = {**acts, name: replace(act, answers=(*(each for each, _ in standing), live))} if another else acts
        if len(kept) > MAX_ACTS:
            raise TooMany("too many acts wait for others to agree")
        return decision, kept, agreed
    last = judge(live, enough)
    if last.decision != "accepted":
        return last, acts, len(people)
    return last, {other: each for other, each in acts.items() if other != name}, agreed


def _agrees(told: Decision) -> bool:
    """Whether it is a yes, as far as one person's goes."""
    return told.decision == "accepted" or told.code == NeedsMoreAttorneys.code


def _is_by(told: Decision, mark: Mark) -> bool:
    """Whether it is known to be by the person of ``mark``."""
    found = find_mark(told.credentials, all_types())
    return found is not None and found.number == mark.number


def _people(decisions: Iterable[Decision]) -> list[Mark]:
    """Each once: who could not be known at a time, because nothing could be told of the issuer, may have answered twice."""
    found: list[Mark] = []
    for decision in decisions:
        mark = find_mark(decision.credentials, all_types())
        if mark is not None and is_another(mark, found):
            found.append(mark)
    return found


def render_acts(acts: Acts) -> list[dict[str, Any]]:
    """For the desk's own memory, which is as private as a key."""
    return [
        {
            "name": name,
            "until": act.until,
            "answers": [
                {"challenge": base64url.encode(each.challenge.data), "format": each.answer.format, "wire": each.answer.wire}
                for each in act.answers
            ],
        }
        for name, act in acts.items()
    ]


def parse_acts(obj: Mapping[str, Any], where: str = "") -> Acts:
    """The inverse, for the member ``acts``; ``Malformed`` with a pointer."""
    found = {}
    for index, each in enumerate(get_objects(obj, "acts", where, optional=True, max_items=MAX_ACTS) or ()):
        place = pointer(f"{where}/acts", index)
        answers = get_objects(each, "answers", place, max_items=_MAX_PEOPLE)
        found[get_str(each, "name", place)] = Act(
            until=get_int(each, "until", place),
            answers=tuple(_live(one, pointer(f"{place}/answers", number)) for number, one in enumerate(answers)),
        )
    return found


def _live(obj: Mapping[str, Any], where: str) -> Live:
    challenge = parse_challenge(base64url.decode(get_str(obj, "challenge", where), where=f"{where}/challenge"))
    return Live(challenge, Answer(get_str(obj, "format", where), get_str(obj, "wire", where)))
