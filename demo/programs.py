"""Programs that others wrote, as processes: one that is asked by lines of JSON, and one whose words are read."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from demo.config import environment
from demo.stage import StageError, kept_port

SCRIPTS = Path("tests") / "foreign" / "js"
NODE, VERIFIER = (Path(sys.executable).with_name(name) for name in ("node", "polaris-oid4vp"))
PATIENCE = 60.0  # seconds until a program must say something
GRACE = 2.0  # seconds in which it may end by itself
S = TypeVar("S", asyncio.StreamReader, asyncio.StreamWriter)
PIPE, DEVNULL = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL


def there() -> bool:
    """Whether ``make demo STORY=foreign`` brought them."""
    return (SCRIPTS / "node_modules").is_dir() and NODE.exists() and VERIFIER.exists()


@dataclass(frozen=True, slots=True)
class Asked:
    """``tests/foreign/js/wallet.mjs`` and the like: one question a line, one answer a line."""

    process: asyncio.subprocess.Process

    async def ask(self, op: str, **given: Any) -> Any:
        """What it answers; ``StageError`` if it says no."""
        _piped(self.process.stdin).write(json.dumps({"op": op, **given}).encode() + b"\n")
        answer = json.loads(await _line(self.process) or '{"refused": "the end", "detail": "it said nothing"}')
        if "refused" in answer:
            raise StageError(f"{op}: {answer['refused']}: {answer['detail']}")
        return answer["ok"]


@asynccontextmanager
async def asked(role: str, ca: Path) -> AsyncIterator[Asked]:
    """The program ``role``, which trusts the servers that ``ca`` certified."""
    more = environment({"NODE_EXTRA_CA_CERTS": str(ca), "NODE_NO_WARNINGS": "1"})
    process = await asyncio.create_subprocess_exec(NODE, SCRIPTS / f"{role}.mjs", stdin=PIPE, stdout=PIPE, env=more, limit=2**24)
    async with _ending(process):
        try:
            yield Asked(process)
        finally:
            _piped(process.stdin).close()  # no more questions: it ends by itself


@dataclass(frozen=True, slots=True)
class Verifier:
    """polaris-oid4vp, which asks once; ``link`` opens a wallet."""

    process: asyncio.subprocess.Process
    link: str

    async def verdict(self) -> str:
        """What it found, e.g. ``200 authentic``."""
        return await _until(self.process, r"^\s*<- (\d+ \w+)")


async def make_keys(folder: Path) -> None:
    """Of the verifier, in ``folder``."""
    process = await asyncio.create_subprocess_exec(VERIFIER, "keygen", "--out", folder, "--host", "localhost", stdout=DEVNULL)
    if await process.wait():
        raise StageError("the verifier by others made no keys")


@asynccontextmanager
async def verifier(folder: Path, anchor: Path, vct: str, *claims: str) -> AsyncIterator[Verifier]:
    """With the keys of ``folder``; it trusts the issuers below ``anchor`` and wants ``claims`` of a document of type ``vct``."""
    wanted = [part for claim in claims for part in ("--claim", claim)]
    process = await asyncio.create_subprocess_exec(
        VERIFIER, "serve", "--pki", folder, "--host", "localhost", "--bind", "127.0.0.1", "--port", str(kept_port()),
        "--issuer-trust-anchor", anchor, "--vct", vct, *wanted, "--once", "--verbose",
        stdout=PIPE, stderr=asyncio.subprocess.STDOUT, env=environment({"PYTHONUNBUFFERED": "1"}),
    )  # fmt: skip
    async with _ending(process):
        yield Verifier(process, await _until(process, r"(openid4vp://\S+)"))


@asynccontextmanager
async def _ending(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.terminate()
            await process.wait()


async def _until(process: asyncio.subprocess.Process, wanted: str) -> str:
    """The first group of the first line that fits; ``StageError`` with all that was said if the program ends before."""
    said = ""
    while line := await _line(process):
        said += line
        if found := re.search(wanted, line):
            return found[1]
    raise StageError(f"a program by others ended without what was awaited:\n{said[-3000:]}")


async def _line(process: asyncio.subprocess.Process) -> str:
    try:
        return (await asyncio.wait_for(_piped(process.stdout).readline(), PATIENCE)).decode()
    except TimeoutError as error:
        raise StageError("a program by others says nothing") from error


def _piped(stream: S | None) -> S:
    if stream is None:
        raise StageError("a program by others was started without pipes")
    return stream
