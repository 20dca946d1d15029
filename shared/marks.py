"""A person as a few texts that can be kept as keyed digests in place of the details (security rule S24), and how two such sets compare.

Digests are equal or not, so names are brought into one spelling and order first, as ``match`` does it; a mere likeness of spelling is not
noticed. It says ``same`` only where names, a whole date of birth and one more item agree (checks T-FM-1 to T-FM-3).

    kept = marks_of(claims, side.own, side.more)         # what an office keeps, each under a key of its custodian
    compare(kept, marks_of(shown, side.other, …))        # "same" | "near" | "far" | "other"
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .credentials import ClaimPath
from .credentials._tree import days_of
from .match import Agreement, Likeness, Outcome, full_names, person_of, place, squeezed

K = TypeVar("K")
Pair = tuple[ClaimPath, ClaimPath]
NAME, BORN, HOME, HOUSE, MORE = "name", "born", "home", "house", "more:"
_TAILS: tuple[ClaimPath, ...] = (("given_name",), ("family_name",), ("birthdate",), ("address", "postal_code"))


@dataclass(frozen=True, slots=True)
class Mark:
    """``kind``: ``name``, ``born`` (name and whole date of birth), ``home`` (name and postcode), ``house`` (date and postcode without a name),
    or ``more:`` with the path of a further item. ``value`` is the text, or what stands for it.
    """

    kind: str
    value: str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One person whom a rule compares: below which path the own document names that person, and the other. ``more`` are further items."""

    own: ClaimPath
    other: ClaimPath
    more: tuple[Pair, ...] = ()


def sides(pairs: Collection[Pair]) -> tuple[Side, ...]:
    """The persons among ``pairs`` of own and other details; what is no part of a person goes with the first."""
    found: dict[Pair, None] = {}
    more: list[Pair] = []
    for own, other in pairs:
        tail = next((tail for tail in _TAILS if own[-len(tail) :] == tail == other[-len(tail) :]), None)
        if tail is None:
            more.append((own, other))
        else:
            found[own[: -len(tail)], other[: -len(tail)]] = None
    return tuple(Side(own=own, other=other, more=() if at else tuple(more)) for at, (own, other) in enumerate(found))


def marks_of(claims: Mapping[str, Any], path: ClaimPath, more: Collection[tuple[str, ClaimPath]] = ()) -> frozenset[Mark]:
    """Of the person below ``path``. ``more`` names further items by the path where they lie here; none without the name."""
    person = person_of(claims, path)
    names = [" ".join(words) for words in full_names(person)]
    day, code = _whole_day(person.birthdate), place(person.postal_code)
    found = {Mark(NAME, name) for name in names}
    found |= {Mark(BORN, f"{name}\0{day}") for name in names if day}
    found |= {Mark(HOME, f"{name}\0{code}") for name in names if code}
    found |= {Mark(HOUSE, f"{day}\0{code}")} if day and code else set()
    for kind, at in more:
        found |= {Mark(MORE + kind, f"{name}\0{text}") for name in names for text in _texts(claims, at)}
    return frozenset(found)


def _whole_day(text: str) -> str:
    """Empty where it is known in part only: nothing is completed."""
    days = days_of(text)
    return text if days is not None and days[0] == days[1] else ""


def _texts(claims: Mapping[str, Any], path: ClaimPath) -> Iterator[str]:
    found: Any = claims
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str) and found and (days_of(found) is None or _whole_day(found)):
        yield squeezed(found)


def compare(record: Collection[Mark], shown: Collection[Mark]) -> Likeness:
    """Whether it may be the same person. ``near`` may be meant as well as any; ``far`` only where nobody fits better."""
    kinds = {mark.kind for mark in (*record, *shown)}
    agree = {kind: _agree(kind, record, shown) for kind in kinds}
    further = {agree.get(HOME, "open"), *(each for kind, each in agree.items() if kind.startswith(MORE))}
    if agree.get(NAME) != "agrees":
        return "far" if agree.get(HOUSE) == "agrees" else "other"
    born = agree.get(BORN, "open")
    if born == "differs":
        return "far" if "agrees" in further else "other"
    if "differs" in further:
        return "far"
    return "same" if born == "agrees" and "agrees" in further else "near"


def _agree(kind: str, record: Collection[Mark], shown: Collection[Mark]) -> Agreement:
    one, other = ({mark.value for mark in marks if mark.kind == kind} for marks in (record, shown))
    if not one or not other:
        return "open"
    return "agrees" if one & other else "differs"


_ORDER: tuple[Likeness, ...] = ("other", "far", "near", "same")


def weakest(found: Collection[Likeness]) -> Likeness:
    """Of several persons in one document: it is as like as the one who is least like."""
    return min(found, key=_ORDER.index, default="other")


def settle(found: Mapping[K, Likeness]) -> tuple[Outcome, tuple[K, ...]]:
    """Which of the records it is, as ``match`` decides it: ``one`` person, whom several records may name, or those that somebody has to look at."""
    same = tuple(key for key, likeness in found.items() if likeness == "same")
    if same and "near" not in found.values():
        return "one", same
    left = tuple(key for key, likeness in found.items() if likeness != "other")
    return ("ambiguous" if left else "none"), left
