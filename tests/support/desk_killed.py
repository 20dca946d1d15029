"""A desk that dies in a process of its own, at one moment of one write (``support.desk_story``)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from support.signing import AT

ROOT = Path(__file__).parents[2]


async def die(folder: Path, storage: str, action: str, point: str, identifier: str = "-", *, at: int = AT) -> None:
    command = [sys.executable, "-m", "support.desk_story", str(folder), storage, action, point, identifier, str(at)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}  # noqa: TID251 - for the process under test
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == -9, done.stderr
