"""The details that a document shows, as people read them: its own labels, dates in full, yes and no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.credentials import Claim, ClaimPath, CredentialType, Kind, Text
from shared.credentials._tree import leaves
from shared.days import partial_text

_YES, _NO = Text("Yes", "Ydy"), Text("No", "Nac ydy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One detail that was shown; several values where a document lists them."""

    label: str
    values: tuple[str, ...]
    limit: bool


def details(kind: CredentialType, claims: Mapping[str, Any], locale: str = "en") -> list[Detail]:
    """What was shown, with the kind's own labels, in its order; elements of one list stand together."""
    rows: dict[tuple[str | None, ...], Detail] = {}
    for path, claim, value in leaves(kind.tree, claims):
        place = tuple(None if isinstance(part, int) else part for part in path)
        before = rows[place].values if place in rows else ()
        rows[place] = Detail(
            label=claim.label.in_(locale), values=(*before, value_text(claim, value, locale)), limit=claim.disclosure == "always"
        )
    return list(rows.values())


def value_text(claim: Claim, value: Any, locale: str = "en") -> str:
    """A value as people read it: the words of a code, yes and no, a date in full."""
    choice = claim.choice(value)
    if choice is not None:
        return choice.label.in_(locale)
    if claim.kind is Kind.BOOLEAN:
        return (_YES if value else _NO).in_(locale)
    if claim.kind in {Kind.DATE, Kind.PARTIAL_DATE}:
        return partial_text(value, locale)
    return str(value)


def names_seen(kind: CredentialType | None, claims: Mapping[str, Any], disclosed: Sequence[tuple[str | int | None, ...]]) -> list[str]:
    """By name alone, all that was seen of one document: what its holder chose to show, and what its kind never hides. It need not be sound."""
    never_hidden = [] if kind is None else [claim.path for claim in kind.claims if _is_there(claims, claim.path)]
    return names_of([*disclosed, *never_hidden])


def _is_there(value: Any, path: ClaimPath) -> bool:
    if not path:
        return True
    if path[0] is None:
        return isinstance(value, list) and any(_is_there(item, path[1:]) for item in value)
    return isinstance(value, Mapping) and path[0] in value and _is_there(value[path[0]], path[1:])


def names_of(paths: Iterator[tuple[str | int | None, ...]] | list[tuple[str | int | None, ...]]) -> list[str]:
    """Details by name alone, as the log and receipts speak of them: ``represented/family_name``, positions left out."""
    return list(dict.fromkeys("/".join(str(part) for part in path if isinstance(part, str)) for path in paths))
