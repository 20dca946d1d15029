"""Check 9 where several documents came: all that name their holder name the same person.

Each copy has a key of its own, so that two keys never tell whether two people hold them; what the documents say does. Names are compared
apart from case, spacing and how their letters are composed (NFC); everything else exactly, so that part of a date is never taken for the
whole. Whatever else may be another spelling of the same (check T-FM-2) is for a person to compare, and nobody's no. What only one of them shows is not compared: whoever asks has to ask for it of each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from ..credentials import ClaimPath, CredentialType, Kind
from ..errors import AmbiguousMatch, DifferentPeople
from ..formats import Claims
from ..match import Person, compare_dates, compare_names, person_of


def check_one_holder(documents: Iterable[Claims], types: Mapping[str, CredentialType], *, same_person: object = None) -> None:
    """Raise ``DifferentPeople`` where ``documents`` name different people as their holders; kinds that are not in ``types`` say nothing.

    ``AmbiguousMatch`` where only a spelling differs, or a date is known in part: ``same_person`` is what somebody says who has compared them.
    """
    known: dict[str | int | None, Any] = {}
    people, equal = list[Person](), True
    for claims in documents:
        kind = types.get(claims.vct)
        if kind is None or kind.holder is None:
            continue
        people.append(person_of(claims.claims, kind.holder))
        for path in kind.holder_paths:
            value = _value(claims.claims, path)
            if value is None:
                continue
            claim = kind.claim(path)
            folded = _fold(value) if claim is not None and claim.kind is Kind.TEXT else value
            equal = known.setdefault(path[-1], folded) == folded and equal
    if equal:
        return
    if same_person is False or any(_differ(one, other) for one, other in combinations(people, 2)):
        raise DifferentPeople("the documents name different people as their holder")
    if same_person is not True:
        raise AmbiguousMatch("the documents may name one person: somebody has to compare them")


def _differ(one: Person, other: Person) -> bool:
    """Whether nobody could be both."""
    named = all(each.given_name or each.family_name for each in (one, other))
    return (named and compare_names(one, other) == "differs") or compare_dates(one.birthdate, other.birthdate) == "differs"


def _value(tree: object, path: ClaimPath) -> object:
    for part in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree


def _fold(name: object) -> str:
    """Twice composed, for folding takes letters apart."""
    plain = unicodedata.normalize("NFC", str(name)).casefold()
    return " ".join(unicodedata.normalize("NFC", plain).split())
