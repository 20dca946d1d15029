"""A round of visits to issuers: each branch of a federation by itself, a few at once, so that nobody waits for what is slow elsewhere.

A branch are all makers of documents below one superior right below an anchor; an issuer that is pinned, or that an anchor itself lets say
something, is one of its own. Each has its time and its room: who takes all of it takes nothing from others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from verifier.records.knowledge import Visit

Fetching = Callable[[Fetch], Awaitable[Fetched]]
BRANCHES_AT_ONCE: Final = 8
BRANCH_SECONDS: Final = 300.0
BODY_SECONDS: Final = 60.0
BODY_BYTES: Final = 32_000_000  # of all answers to one visit
BRANCH_BYTES: Final = 48_000_000  # of lists that are kept


def in_turn(entities: Iterable[str], visits: Iterable[Visit]) -> list[str]:
    """The order within a branch: first those that gave everything last time, the latest first, then those that did not."""
    last = {each.entity: (bool(each.faults), -(each.fetched_at or 0)) for each in visits}
    return sorted(entities, key=lambda entity: (*last.get(entity, (False, 0)), entity))


async def visit(branches: Iterable[Sequence[str]], one: Callable[[str, Fetching], Awaitable[None]], fetch: Fetching) -> None:
    """Call ``one`` for each body, with a fetcher that ends with its time. What fails in one branch is raised once all have been visited."""
    gate = asyncio.Semaphore(BRANCHES_AT_ONCE)

    async def through(branch: Sequence[str]) -> None:
        async with gate:
            end = _now() + BRANCH_SECONDS
            for entity in branch:
                await one(entity, _bounded(fetch, min(end, _now() + BODY_SECONDS)))

    for each in await asyncio.gather(*map(through, branches), return_exceptions=True):
        if isinstance(each, BaseException):
            raise each


def _now() -> float:
    return asyncio.get_running_loop().time()


def _bounded(fetch: Fetching, end: float) -> Fetching:
    left = BODY_BYTES

    async def bounded(wanted: Fetch) -> Fetched:
        nonlocal left
        if _now() >= end or left <= 0:
            raise Unavailable("it, or others of its branch, took all the time or room that there is for one round of visits")
        got = await fetch(wanted)
        left -= len(got.body)
        return got

    return bounded


@dataclass(slots=True)
class _Taken:
    sizes: dict[str, int] = field(default_factory=dict)
    used: int = 0

    def put(self, uri: str, size: int) -> None:
        """In the place of what was there under the same address."""
        self.used += size - self.sizes.get(uri, 0)
        self.sizes[uri] = size


class Room:
    """What the lists of each branch take, by their addresses. ``kept`` are issuer, address and size of those that are there."""

    def __init__(self, branches: Iterable[Sequence[str]], kept: Iterable[tuple[str, str, int]]) -> None:
        self._of: dict[str, list[_Taken]] = {}
        for branch in branches:
            taken = _Taken()
            for entity in branch:
                self._of.setdefault(entity, []).append(taken)
        for entity, uri, size in kept:
            for taken in self._of.get(entity, ()):
                taken.put(uri, size)

    def take(self, entity: str, uri: str, size: int) -> bool:
        """Whether there is room for it in a branch of its issuer."""
        for taken in self._of[entity]:
            if taken.used - taken.sizes.get(uri, 0) + size <= BRANCH_BYTES:
                taken.put(uri, size)
                return True
        return False
