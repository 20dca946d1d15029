"""Check 9 where several documents came: all that name their holder name the same person.

Each copy has a key of its own, so that two keys never tell whether two people hold them; what the documents say does. Names are compared
apart from case, spacing and how their letters are composed (NFC); everything else exactly, so that part of a date is never taken for the
whole. What only one of them shows is not compared: whoever asks has to ask for it of each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ..credentials import ClaimPath, CredentialType, Kind
from ..errors import DifferentPeople
from ..formats import Claims


def check_one_holder(documents: Iterable[Claims], types: Mapping[str, CredentialType]) -> None:
    """Raise ``DifferentPeople`` unless what ``documents`` say of their holders agrees; kinds that are not in ``types`` say nothing."""
    known: dict[str | int | None, Any] = {}
    for claims in documents:
        kind = types.get(claims.vct)
        for path in () if kind is None else kind.holder_paths:
            value = _value(claims.claims, path)
            if value is None:
                continue
            claim = None if kind is None else kind.claim(path)
            folded = _fold(value) if claim is not None and claim.kind is Kind.TEXT else value
            if known.setdefault(path[-1], folded) != folded:
                raise DifferentPeople("the documents name different people as their holder")


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
