"""What a service does by the clock, beside answering."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from ..errors import VcError
from ..storage import Storage
from .context import SERVICE

Chore = Callable[[web.Application], Awaitable[object]]


def keep_house(app: web.Application, *chores: Chore, every: float) -> None:
    """Do ``chores`` from the start on, and again ``every`` so many seconds; what they need was appended to ``cleanup_ctx`` before."""

    async def while_running(app: web.Application) -> AsyncIterator[None]:
        ending = asyncio.Event()
        task = asyncio.create_task(_rounds(app, chores, every, ending))
        yield
        ending.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.cleanup_ctx.append(while_running)


async def _rounds(app: web.Application, chores: tuple[Chore, ...], every: float, ending: asyncio.Event) -> None:
    """Housekeeping never ends the service: what failed is logged and tried again."""
    log = logging.getLogger(f"muniment.{app[SERVICE]}")
    while True:
        for chore in chores:
            try:
                await chore(app)
            except VcError:
                log.warning("housekeeping could not be done", exc_info=True)
            except Exception:
                log.exception("a bug in housekeeping")
            if ending.is_set():  # a database that goes away meanwhile makes a fault of its own of a cancellation
                return
        await asyncio.sleep(every)


@asynccontextmanager
async def then_clear(storage: Storage) -> AsyncIterator[None]:
    """Take off the disk what was deleted, also where what is done inside fails: that may go wrong for weeks. Not where it is cancelled, as a
    service that ends waits for it.
    """
    try:
        yield
    except Exception:
        with suppress(VcError):
            await storage.checkpoint()
        raise
    await storage.checkpoint()
