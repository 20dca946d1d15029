"""Programs of the tests that are to die, begun without their start: one process has read everything already, and forks.

``python -m support.forking`` reads a line for each: which program, with what arguments and environment, and where its words go. It answers with
the number of the process; asked for one, it answers with how that ended.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

_ROOT = Path(__file__).parents[2]
_ONE_ASKS = threading.Lock()


async def begin(module: str, *arguments: str, out: Path | None = None, **environment: str) -> int:
    """The number of a process that does ``module``, and writes what it says to ``out``."""
    asked = {"module": module, "arguments": arguments, "environment": environment, "out": str(out or os.devnull)}
    return await asyncio.to_thread(_ask, asked)


async def ended(process: int) -> int:
    """How it ended, once it has."""
    return await asyncio.to_thread(_ask, {"process": process})


@asynccontextmanager
async def serving(module: str, *arguments: str, says: Path, **environment: str) -> AsyncIterator[None]:
    """A program that answers from the line on that it ``says`` in a new file, and has to die of the block."""
    os.mkfifo(says)
    process, code = await begin(module, *arguments, out=says, **environment), None
    try:
        assert await asyncio.to_thread(_line, says), _words()
        yield
        code = await ended(process)
        assert code == -signal.SIGKILL, (code, _words())
    finally:
        if code is None:
            os.kill(process, signal.SIGKILL)
            await ended(process)


def _line(says: Path) -> str:
    with says.open() as file:
        line = file.readline()
    says.unlink()
    return line


async def dies(module: str, *arguments: str, **environment: str) -> None:
    """It has to die of SIGKILL."""
    code = await ended(await begin(module, *arguments, out=None, **environment))
    assert code == -signal.SIGKILL, (code, _words())


def _ask(asked: Mapping[str, Any]) -> int:
    with _ONE_ASKS:
        process = _forker()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())


@cache
def _forker() -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(_ROOT), str(_ROOT / "tests")))
    surroundings = os.environ | {"PYTHONPATH": paths}  # noqa: TID251 - the child's environment
    command = [sys.executable, "-m", "support.forking"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=_troubles(), text=True, env=surroundings)
    atexit.register(process.communicate)
    return process


@cache
def _troubles() -> int:
    """A file without a name that they complain to."""
    number, name = tempfile.mkstemp()
    Path(name).unlink()
    return number


def _words() -> str:
    return os.pread(_troubles(), 1_000_000, 0)[-4_000:].decode(errors="replace")


# --- the process that forks: one thread, no loop, nothing open ---


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if "process" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["process"], 0)[1])
        else:
            importlib.import_module(asked["module"])
            answer = os.fork() or _be(asked)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _be(asked: Mapping[str, Any]) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(asked["out"], os.O_WRONLY), 1)
    os.environ.update(asked["environment"])  # noqa: TID251 - its own
    sys.argv = [asked["module"], *asked["arguments"]]
    del sys.modules[asked["module"]]
    try:
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - whatever it is, a fork does not go on as what it was forked from
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _serve()
