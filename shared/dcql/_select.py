"""What a path selects in a document, and whether a document is of the kind asked for (OpenID4VP 1.0 section 7, appendix B)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..credentials import ClaimPath, all_types
from ..credentials._derive import GROUPED_FORMAT, whole_groups
from ._query import CredentialQuery, Scalar

Selected = tuple[tuple[ClaimPath, Any], ...]


def select(document: Any, path: ClaimPath) -> Selected:
    """Section 7.1.1: the elements that ``path`` selects, each with its own path (numbers for array positions).

    Empty where the specification says "error": a step that does not fit the kind of an element, or nothing left.
    """
    return walk(document, path, lambda index, size: (index,) if index < size else ())


def walk(document: Any, path: ClaimPath, positions: Callable[[int, int], Iterable[int]]) -> Selected:
    """As ``select``; ``positions(asked, size)`` says which elements of an array a number means."""
    selected: Selected = (((), document),)
    for part in path:
        if any(not isinstance(value, Mapping if isinstance(part, str) else list) for _, value in selected):
            return ()
        selected = tuple(_step(selected, part, positions))
    return selected


def _step(selected: Selected, part: str | int | None, positions: Callable[[int, int], Iterable[int]]) -> Iterator[tuple[ClaimPath, Any]]:
    for path, value in selected:
        if isinstance(part, str):
            if part in value:
                yield (*path, part), value[part]
        else:
            for index in range(len(value)) if part is None else positions(part, len(value)):
                yield (*path, index), value[index]


def matching(selected: Selected, values: tuple[Scalar, ...] | None) -> Selected:
    """Those whose type and value both match: ``true`` is not 1 (section 6.3)."""
    if values is None:
        return selected
    return tuple((path, value) for path, value in selected if any(type(value) is type(each) and value == each for each in values))


def with_groups(format_name: str, vct: str, document: Any, selected: Selected) -> tuple[ClaimPath, ...]:
    """The selected paths and, where the format shows no less, those of everything else in their groups."""
    paths = tuple(path for path, _ in selected)
    rules = all_types().get(vct) if format_name == GROUPED_FORMAT else None
    if rules is None or not paths:
        return paths
    beside = (path for leaf in whole_groups(rules, paths) for path, _ in select(document, leaf))
    return tuple(dict.fromkeys((*paths, *beside)))


def related(path: ClaimPath, other: ClaimPath) -> bool:
    """Whether one of the two lies on the way to the other."""
    return all(one == two for one, two in zip(path, other, strict=False))


def kind_fits(query: CredentialQuery, vct: str, document: Mapping[str, Any]) -> bool:
    """Whether the query's ``meta`` describes this document."""
    if query.doctype_value is not None and document.get("docType") != query.doctype_value:
        return False
    if query.vct_values is not None and vct not in query.vct_values:
        return False
    return query.type_values is None or any(set(types) <= _types(vct, document) for types in query.type_values)


_CREDENTIALS_NAMESPACE = "https://www.w3.org/2018/credentials#"


def _types(vct: str, document: Mapping[str, Any]) -> set[str]:
    """The types as written, and as IRIs those that are known without a JSON-LD processor (appendix B.1.1): the base type, and the
    document's own, which its format has expanded to ``vct``.
    """
    own = document.get("type", [])
    types = {each for each in (own if isinstance(own, list) else [own]) if isinstance(each, str)}
    if "VerifiableCredential" in types:
        types.add(_CREDENTIALS_NAMESPACE + "VerifiableCredential")
    return types | {vct}
