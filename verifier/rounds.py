"""A round of visits to issuers: each branch of a federation by itself, a few at once, so that nobody waits for what is slow elsewhere.

A branch are all makers of documents below one superior right below an anchor; an issuer that is pinned, or that an anchor itself lets say
something, is one of its own. Each has its time and its room: who takes all of it takes nothing from others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from verifier.records.knowledge import Visit

Fetching = Callable[[Fetch], Awaitable[Fetched]]
BRANCHES_AT_ONCE: Final = 8
BRANCH_SECONDS: Final = 600.0
GOOD_SECONDS: Final = 400.0  # of these for who gave everything last time
BODY_SECONDS: Final = 120.0  # where others are in its branch
BODY_BYTES: Final = 64_000_000  # of all answers to one visit
BRANCH_BYTES: Final = 48_000_000  # of lists that are kept


@dataclass(frozen=True, slots=True)
class Branch:
    """In the order of visits: who gave everything last time, the longest ago first, and the others, whoever was never visited first."""

    good: Sequence[str]
    others: Sequence[str] = ()

    @classmethod
    def of(cls, entities: Iterable[str], visits: Iterable[Visit]) -> Branch:
        """By how the last visits went."""
        tried = {each.entity: each for each in visits}
        by_age = sorted(entities, key=lambda entity: (tried[entity].tried_at if entity in tried else 0, entity))
        good = {entity: None for entity in by_age if entity in tried and not tried[entity].faults}
        return cls(tuple(good), [entity for entity in by_age if entity not in good])


async def visit(branches: Iterable[Branch], one: Callable[[str, Fetching], Awaitable[None]], fetch: Fetching) -> None:
    """Call ``one`` for each body, with a fetcher that ends with its time; who is not reached waits for the next round.

    What fails in one branch is raised once all have been visited.
    """
    gate = asyncio.Semaphore(BRANCHES_AT_ONCE)

    async def through(branch: Branch) -> None:
        async with gate:
            end, good = _now() + BRANCH_SECONDS, deque(branch.good)
            each = BODY_SECONDS if len(branch.good) + len(branch.others) > 1 else BRANCH_SECONDS

            async def some(queue: deque[str], until: float) -> None:
                while queue and _now() < until:
                    await one(queue.popleft(), _bounded(fetch, min(end, _now() + each)))

            await some(good, _now() + GOOD_SECONDS)
            await some(deque(branch.others), end)
            await some(good, end)

    for fault in await asyncio.gather(*map(through, branches), return_exceptions=True):
        if isinstance(fault, BaseException):
            raise fault


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
