"""Claim paths (OpenID4VP 1.0 section 7) into a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


class Chosen:
    """Places that somebody agreed to show: each with what holds it and with everything below it."""

    __slots__ = ("_above", "_places")

    def __init__(self, places: Iterable[ClaimPath]) -> None:
        self._places = set(places)
        self._above = {place[:end] for place in self._places for end in range(1, len(place))}

    def __contains__(self, path: ClaimPath) -> bool:
        if path in self._places or path in self._above:
            return True
        return any(path[:end] in self._places for end in range(1, len(path)))
