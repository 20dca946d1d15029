"""A desk that dies in a process of its own, at one moment of one write (``support.desk_story``)."""

from __future__ import annotations

from pathlib import Path

from support import forking
from support.signing import AT


async def run_until_killed(module: str, *arguments: str) -> None:
    """A program of the tests that has to die of SIGKILL."""
    await forking.dies(module, *arguments)


async def die(folder: Path, storage: str, action: str, point: str, identifier: str = "-", *, at: int = AT) -> None:
    await run_until_killed("support.desk_story", str(folder), storage, action, point, identifier, str(at))
