"""A desk that dies in a process of its own, at one moment of one write (``support.desk_story``)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError
from support import forking
from support.desk import Running
from support.ports import free_port
from support.signing import AT


async def run_until_killed(module: str, *arguments: str) -> None:
    """A program of the tests that has to die of SIGKILL."""
    await forking.dies(module, *arguments)


async def die(folder: Path, storage: str, action: str, point: str, identifier: str = "-", *, at: int = AT) -> None:
    await run_until_killed("support.desk_story", str(folder), storage, action, point, identifier, str(at))


@asynccontextmanager
async def dying(desk: Running, point: str) -> AsyncIterator[None]:
    """Whoever calls ``desk`` meets another process of it, with the settings of its file, which dies of the block without having answered."""
    folder, base, port = desk.desk.directory, desk.base, free_port()
    arguments = (str(folder), desk.desk.settings.storage, "serve", point, str(port), str(desk.clock()))
    try:
        async with forking.serving("support.desk_story", *arguments, says=folder / "says"):
            desk.base = f"{base.rpartition(':')[0]}:{port}"  # the same host, which cookies are for
            with pytest.raises(ClientError):
                yield
    finally:
        desk.base = base
