"""Turns among the branches of a tree that grows while it is walked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from ..flow import Fetch

COMING: Final = 16  # requests that are told ahead
T = TypeVar("T")
_Path = tuple[str, ...]


def in_turn(first: T, below: Callable[[T], Iterable[T]]) -> Iterator[T]:
    """``first``, then all directly below it, then in turn one from below each of those: every branch gets the same share, on each level.

    What is ``below`` one is asked once it was given.
    """
    yield first
    branches = deque(in_turn(each, below) for each in below(first))
    while branches:
        branch = branches.popleft()
        for each in branch:
            yield each
            branches.append(branch)
            break


class Coming:
    """The requests of such a walk that will follow next, as far as it is known: from ``top`` down, by paths."""

    def __init__(self, top: _Path) -> None:
        self._top = top
        self._below: dict[_Path, Collection[_Path]] = {}
        self._requests: dict[_Path, Fetch] = {}

    def add(self, path: _Path, below: Collection[_Path], requests: Mapping[_Path, Fetch]) -> None:
        """What is below ``path``, and what has to be asked for those of whom something has."""
        self._below[path] = below
        self._requests |= requests

    def next(self, past: Collection[str]) -> list[Fetch]:
        """In their order, without the addresses that are ``past``."""
        found: dict[str, Fetch] = {}
        for path in in_turn(self._top, lambda path: self._below.get(path, ())):
            wanted = self._requests.get(path)
            if wanted is not None and wanted.url not in past:
                found[wanted.url] = wanted
            if len(found) == COMING:
                break
        return list(found.values())
