"""A few sites asked at once, for a flow that takes their answers one after another: who is slow holds up nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from ..flow import Fetch, Fetched

AT_ONCE: Final = 8  # answers that are on their way, or wait to be taken


class Ahead:
    """Drives a flow like the fetcher that it is made with. What is expected to be wanted next is asked for meanwhile, in that order."""

    def __init__(self, fetch: Callable[[Fetch], Awaitable[Fetched]]) -> None:
        self._fetch = fetch
        self._left: dict[str, Fetch] = {}
        self._asked: dict[str, asyncio.Future[Fetched]] = {}

    def expect(self, wanted: Sequence[Fetch]) -> None:
        """They will be wanted next, most likely, and what was expected before is not, unless it is among them."""
        self._left = {each.url: each for each in wanted if each.url not in self._asked}
        self._start()

    async def __call__(self, wanted: Fetch) -> Fetched:
        """The answer, or what it raised."""
        self._left.pop(wanted.url, None)
        asked = self._asked.pop(wanted.url, None)
        self._start()
        return await (self._fetch(wanted) if asked is None else asked)

    async def close(self) -> None:
        """What was asked in vain is given up."""
        for each in self._asked.values():
            each.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _start(self) -> None:
        while self._left and len(self._asked) < AT_ONCE:
            url = next(iter(self._left))
            self._asked[url] = asyncio.ensure_future(self._fetch(self._left.pop(url)))
