"""A desk that dies in a process of its own, at one moment of one write (``support.desk_story``)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from support.signing import AT

ROOT = Path(__file__).parents[2]


async def run_until_killed(module: str, *arguments: str) -> None:
    """A program of the tests that has to die of SIGKILL."""
    command = [sys.executable, "-m", module, *arguments]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = os.environ | {"PYTHONPATH": paths}  # noqa: TID251 - the child's environment
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == -9, done.stderr


async def die(folder: Path, storage: str, action: str, point: str, identifier: str = "-", *, at: int = AT) -> None:
    await run_until_killed("support.desk_story", str(folder), storage, action, point, identifier, str(at))
