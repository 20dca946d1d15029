"""Whether a person who was shown is one of those in a body's own records (domain sheet C02, checks T-FM-1 to T-FM-3).

Names and dates of birth are shared by strangers, spelled in many ways, and known in part. So this never says no by itself, and yes only
where something beside them agrees: what is left is for a person to decide, with one more item. It is pure: the records are the caller's.

    match([Person("Margaret", "Ashdown", birthdate="1938-11-02", postal_code="ZZ99 1AB"), …], shown).outcome    # "one" | "ambiguous" | "none"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import product
from typing import Any, Final, Literal
from unicodedata import normalize

from .credentials import ClaimPath
from .credentials._tree import days_of
from .errors import AmbiguousMatch

Outcome = Literal["one", "ambiguous", "none"]
Agreement = Literal["agrees", "open", "differs"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as far as a record or a document says it. ``birthdate`` may be partial; empty is not known.

    ``more`` are further items by a name that both sides use, such as a number that the body gave: compared letter by letter.
    """

    given_name: str = ""
    family_name: str = ""
    also_known_as: tuple[str, ...] = ()
    birthdate: str = ""
    postal_code: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """``at`` are the positions of the records that it may be: exactly one for ``one``, none for ``none``."""

    outcome: Outcome
    at: tuple[int, ...] = ()


def match(records: Sequence[Person], shown: Person) -> Match:
    """Compare ``shown`` with every record. It is ``one`` only if that record agrees in names and in something beside names and date of birth,
    and no other record of that name could be meant as well.
    """
    found = {at: _likeness(record, shown) for at, record in enumerate(records)}
    same = tuple(at for at, likeness in found.items() if likeness == "same")
    if len(same) == 1 and "near" not in found.values():
        return Match("one", same)
    at = tuple(at for at, likeness in found.items() if likeness != "other")
    return Match("ambiguous" if at else "none", at)


def check_match(records: Sequence[Person], shown: Person) -> int:
    """The position of the one record that it is; ``AmbiguousMatch`` otherwise, also where nothing is like it: spelling is no proof."""
    found = match(records, shown)
    if found.outcome != "one":
        several = found.outcome == "ambiguous"
        raise AmbiguousMatch(
            "it may be more than one person: ask for one more item" if several else "no record is like it: somebody has to look"
        )
    return found.at[0]


def person_of(claims: Mapping[str, Any], path: ClaimPath = ()) -> Person:
    """The person whom a document names below ``path``, as far as it was shown."""
    found: Any = claims
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    person: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    address = person.get("address")
    others = [*_texts(person.get("also_known_as")), *_texts(person.get("earlier_names")), *_texts([person.get("birth_family_name")])]
    return Person(
        given_name=_text(person.get("given_name")),
        family_name=_text(person.get("family_name")),
        also_known_as=tuple(others),
        birthdate=_text(person.get("birthdate")),
        postal_code=_text(address.get("postal_code") if isinstance(address, Mapping) else None),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []


# --- one record ------------------------------------------------------------------------------------------------------------------------

Likeness = Literal["same", "near", "far", "other"]
"""``near`` may be meant as well as any; ``far`` only where nobody fits better, as after a move, a change of name or a slip of the pen."""


def _likeness(record: Person, shown: Person) -> Likeness:
    names, born, further = compare_names(record, shown), compare_dates(record.birthdate, shown.birthdate), set(_further(record, shown))
    agreed = "agrees" in further
    if names == "differs":
        return "far" if agreed and born == "agrees" else "other"
    if born == "differs":
        return "far" if agreed else "other"
    if names == "open" or "differs" in further:
        return "far"
    return "same" if agreed else "near"


def _further(record: Person, shown: Person) -> Iterator[Agreement]:
    """How what is neither name nor date of birth agrees, for each item that both have."""
    pairs = [
        (place(record.postal_code), place(shown.postal_code)),
        *((record.more[name], shown.more[name]) for name in record.more if name in shown.more),
    ]
    for one, other in pairs:
        if squeezed(one) and squeezed(other):
            yield "agrees" if squeezed(one) == squeezed(other) else "differs"


def compare_dates(one: str, other: str) -> Agreement:
    """Two days agree or differ. What is known in part, in words or not at all is open, unless no day is meant by both: nothing is completed."""
    first, second = days_of(one), days_of(other)
    if first is None or second is None:
        return "open"
    if first[1] < second[0] or second[1] < first[0]:
        return "differs"
    return "agrees" if first[0] == first[1] and second[0] == second[1] else "open"


# --- names -----------------------------------------------------------------------------------------------------------------------------

_ALIKE: Final = 0.75
_MARKS: Final = re.compile("[\u0300-\u036f'’ʼ`´.]")  # accents of Latin letters, once they are apart; marks of other scripts are letters
_ASIDE: Final = re.compile(r"\([^()]*\)")
_LETTERS: Final = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i", "ħ": "h"})
_LONGEST: Final = 200
_WORDS: Final = 12
_NAMES: Final = 8
"""Other names of one person that are compared: who has more of them is found by one of these, or by a person."""


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name in one spelling and order: no case, accents, hyphens or apostrophes, nothing in brackets."""
    plain = _MARKS.sub("", normalize("NFKD", normalize("NFKC", _ASIDE.sub(" ", name[:_LONGEST])).casefold())).translate(_LETTERS)
    return tuple(sorted(re.findall(r"[^\W_]+", plain)))


def compare_names(record: Person, shown: Person) -> Agreement:
    """``open`` is a likeness that only a person can judge: a part of the other's name, or nearly its spelling."""
    pairs = list(product(full_names(record, most=_NAMES), full_names(shown, most=_NAMES)))
    if any(one == other for one, other in pairs):
        return "agrees"
    near = cache(_near)  # the same words stand in many of them; gone with this comparison
    return "open" if any(_alike(one, other, near) for one, other in pairs) else "differs"


def full_names(person: Person, *, most: int | None = None) -> set[tuple[str, ...]]:
    """All full names as ``name_words``; another name can be one, or a family name alone. ``most``: no more of those than that."""
    texts = [f"{person.given_name} {person.family_name}"]
    for other in person.also_known_as[:most]:
        texts += [other, f"{person.given_name} {other}"]
    return {words for words in map(name_words, texts) if words}


def _alike(one: tuple[str, ...], other: tuple[str, ...], near: Callable[[str, str], bool]) -> bool:
    """Each word of one name is nearly one of the other, or stands for it as an initial; or only hyphens and gaps lie elsewhere."""
    return sorted("".join(one)) == sorted("".join(other)) or any(
        all(any(near(word, each) for each in many[:_WORDS]) for word in few[:_WORDS]) for few, many in ((one, other), (other, one))
    )


def _near(one: str, other: str) -> bool:
    if min(len(one), len(other)) == 1:
        return one[0] == other[0]
    first, second = sorted((one, other))  # the ratio depends on the order
    found = SequenceMatcher(None, first, second, autojunk=False)
    return found.real_quick_ratio() >= _ALIKE and found.quick_ratio() >= _ALIKE and found.ratio() >= _ALIKE  # the quick ones are never less


def squeezed(text: str) -> str:
    """Letters and digits alone, in one case."""
    return "".join(re.findall(r"[^\W_]", normalize("NFKC", text).casefold()))


_NOWHERE: Final = re.compile(r"zz99[0-9][a-z]z")


def place(code: str) -> str:
    """A postcode to compare by. Empty for those of no place, such as ZZ99 3VZ for no fixed address: they are nobody's own."""
    plain = squeezed(code)
    return "" if _NOWHERE.fullmatch(plain) else plain
