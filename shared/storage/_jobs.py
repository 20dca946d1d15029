"""What a thread does for a waiting coroutine, and how the coroutine is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, cast

from ._model import T, Work


class Job(Generic[T]):
    """Something that a thread does for a waiting coroutine."""

    __slots__ = ("error", "future", "loop", "point", "result", "work")

    def __init__(self, work: Work[T] | None, point: str = "") -> None:
        self.work = work  # None: a checkpoint
        self.point = point
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(cast("T", self.result))


def tell(jobs: Sequence[Job[Any]]) -> None:
    """Wake each waiting event loop once for all its jobs."""
    loops: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in jobs:
        loops.setdefault(job.loop, []).append(job)
    for loop, mine in loops.items():
        with suppress(RuntimeError):  # the loop has been closed: nobody waits
            loop.call_soon_threadsafe(partial(_settle, mine))


def _settle(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.settle()
