"""A type as a page without a server knows it: plain JSON, the rules of ``judge`` with it (ADR 0005)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._claim import Claim, ClaimPath, Group, Text
from ._model import CredentialType, ReadyQuery


def page_type(rules: CredentialType) -> dict[str, Any]:
    """The description of a type in a checking pack for pages. A group is named by its number ``n``; 0 is what is always in clear."""
    numbers = {group.id: group.cwt for group in rules.groups}
    return {
        "vct": rules.vct,
        "vct_int": rules.vct_int,
        "title": _text(rules.title),
        "groups": [_group(group, numbers) for group in sorted(rules.groups, key=lambda group: group.cwt) if group.cwt],
        "claims": [_claim(claim, numbers.get(claim.group, 0)) for claim in rules.leaves],
        "status_bits": rules.status_bits,
        "status_max_age": dict(rules.status_max_age),
        "copy_days": rules.copy_days,
        "bearer": rules.bearer,
        "represents": list(rules.represents),
        "rules": _plain(rules.limits + rules.uses),
        "queries": [_query(rules, query, numbers) for query in rules.queries],
    }


def _text(words: Text) -> dict[str, str]:
    return {"en": words.en, "cy": words.cy}


def _group(group: Group, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {"n": group.cwt, "id": group.id, "label": _text(group.label), "within": numbers.get(group.within, 0)}


def _claim(claim: Claim, number: int) -> dict[str, Any]:
    return {
        "key": claim.cwt,
        "path": list(claim.path),
        "kind": claim.kind.value,
        "group": number,
        "required": claim.required,
        "label": _text(claim.label),
        "max_length": claim.max_length,
        "max_items": claim.max_items,
        "choices": [{"value": choice.value, "label": _text(choice.label)} for choice in claim.choices],
    }


def _query(rules: CredentialType, query: ReadyQuery, numbers: Mapping[str, int]) -> dict[str, Any]:
    required = _numbers(rules, query.paths, numbers)
    optional, welcome = _numbers(rules, query.optional, numbers), _numbers(rules, rules.welcome(query), numbers)
    return {
        "id": query.id,
        "title": _text(query.title),
        "purpose": _text(query.purpose),
        "use": _plain(query.use),
        "required": required,
        "optional": [number for number in optional if number not in required],
        "welcome": [number for number in welcome if number not in required],
    }


def _numbers(rules: CredentialType, paths: Iterable[ClaimPath], numbers: Mapping[str, int]) -> list[int]:
    """The groups that hold these leaves, each once; what is always in clear needs no asking."""
    found = {numbers.get(claim.group, 0) for claim in map(rules.claim, paths) if claim is not None}
    return sorted(found - {0})


def _plain(value: Any) -> Any:
    """The same in JSON's own kinds."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
