"""Claim paths (OpenID4VP 1.0 section 7) into a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..credentials import ClaimPath
from ..errors import Malformed


def resolve(document: Mapping[str, Any], path: ClaimPath) -> Iterator[ClaimPath]:
    """Each place that ``path`` selects, with a number for each array position; nothing where it selects nothing."""
    yield from _resolve(document, path, ())


def _resolve(value: Any, path: ClaimPath, done: ClaimPath) -> Iterator[ClaimPath]:
    if not path:
        yield done
        return
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield from _resolve(value[step], rest, (*done, step))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            if step is None or step == at:
                yield from _resolve(item, rest, (*done, at))


def select(document: Mapping[str, Any], paths: Sequence[ClaimPath]) -> list[ClaimPath]:
    """As ``resolve`` for many; ``Malformed`` for a path that selects nothing, which no consent can have been about."""
    found: list[ClaimPath] = []
    for position, path in enumerate(paths):
        places = list(resolve(document, path))
        if not places:
            raise Malformed("the document has no such detail", where=f"/{position}")
        found += places
    return found


def related(one: ClaimPath, other: ClaimPath) -> bool:
    """Whether one holds the other, or they are the same place."""
    return all(left == right for left, right in zip(one, other, strict=False))
