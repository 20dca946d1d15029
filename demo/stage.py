"""The three services and the bank's own desk, set up in an empty folder and run on loopback."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp

from demo.config import environment
from demo.no_network import Isolation, strongest
from shared.clock import monotonic
from shared.web.app import free_port

FOLDER = Path(".demo")
PORTS = {"issuer": 8101, "wallet": 8102, "verifier": 8103}
PATIENCE = 60.0  # seconds until a service must answer, on a machine that starts a dozen at once
_LATER = (
    "import runpy, sys, time\n"
    "now, ahead = time.time, int(sys.argv[1])\n"
    "time.time = lambda: now() + ahead\n"
    "module, sys.argv = sys.argv[2], sys.argv[2:]\n"
    "runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
)
"""Runs a program by a clock that is so many seconds ahead."""


class StageError(Exception):
    """The stage could not be set; the story cannot be played."""


class RefusedError(StageError):
    """A service said no: the stable code of its refusal, and its words."""

    def __init__(self, message: str, code: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.code, self.detail = code, detail


@dataclass(slots=True)
class Stage:
    """Data folders below ``.demo``, running processes, and one HTTP session to talk to them as anybody would."""

    http: aiohttp.ClientSession
    ports: dict[str, int]
    folder: Path = FOLDER
    isolation: Isolation = field(default_factory=strongest)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    scheme: str = "http"

    def url(self, service: str) -> str:
        return f"{self.scheme}://localhost:{self.ports[service]}"

    def init(self, service: str, folder: str, *arguments: str) -> dict[str, Any]:
        """Run ``<service> init --json`` and return what it made."""
        command = [sys.executable, "-m", service, "init", "--json", "--dir", str(self.folder / folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment({}), check=False)
        if done.returncode:
            raise StageError(f"{service} init failed ({done.returncode}):\n{done.stderr}")
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def command(self, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the command line programs and return how it ended."""
        return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, env=environment({}), check=False)

    def serve(self, service: str, folder: str, *, program: str = "", ahead: int = 0) -> None:
        """Start a service; where a story has several of a kind, ``program`` says which kind this is. ``ahead``: so many seconds from now."""
        log = (self.folder / f"{folder}.log").open("wb")
        clock = ["-c", _LATER, str(ahead)] if ahead else ["-m"]
        command = [sys.executable, *clock, program or service, "serve", "--dir", str(self.folder / folder)]
        self.running[service] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment({}))
        log.close()

    async def ready(self, service: str, folder: str) -> None:
        until = monotonic() + PATIENCE
        while monotonic() < until:
            if self.running[service].poll() is not None:
                break
            try:
                async with self.http.get(self.url(service) + "/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.03)
        raise StageError(f"{service} did not start; its log:\n{(self.folder / f'{folder}.log').read_text(errors='replace')[-3000:]}")

    async def call(self, method: str, url: str, *, key: str = "", body: object = None, headers: dict[str, str] | None = None) -> Any:
        """Speak JSON with a service; a refusal breaks the story off with what was said."""
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = f"Bearer {key}"
        async with self.http.request(method, url, json=body, headers=sent) as answer:
            text = await answer.text()
            if answer.status >= 400:
                said = json.loads(text) if answer.content_type == "application/problem+json" else {}
                message = f"{method} {url} was answered {answer.status}: {text[:800]}"
                raise RefusedError(message, said.get("code", ""), said.get("detail", ""))
            return json.loads(text) if text else None

    async def picture(self, url: str) -> bytes:
        async with self.http.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()

    def stop(self) -> None:
        """End what we started, by id."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            _ended(process)

    async def stop_one(self, service: str) -> None:
        """End one of them."""
        process = self.running.pop(service)
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(_ended, process)


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports() -> dict[str, int]:
    """The usual ports if all are free and no other stage is about to take them, else three that are."""
    if _claim() and all(_is_free(port) for port in PORTS.values()):
        return dict(PORTS)
    return other_ports(PORTS)


def other_ports(names: Collection[str]) -> dict[str, int]:
    """One that is free for each, and none of those that the system gives to connections that go out meanwhile."""
    return {name: kept_port() for name in names}


def kept_port() -> int:
    """A free port that nobody else takes before a service of this story listens there.

    A socket is bound to it that never listens, until this process ends: whoever looks for a port finds it taken, while a service, which says
    SO_REUSEADDR as all servers do, listens over it, and does so again after it was ended.
    """
    for _ in range(100):
        kept, port = socket.socket(), free_port()
        try:
            kept.bind(("127.0.0.1", port))
        except OSError:  # somebody was quicker
            kept.close()
            continue
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _KEPT.append(kept)
        return port
    raise StageError("no port of this machine is free")


_KEPT: list[socket.socket] = []
_CLAIMS: list[IO[bytes]] = []


def _claim() -> bool:
    """Between looking at a port and a service's taking it lies a second: one stage of this machine at a time may want the usual ones."""
    try:
        claim = (Path(tempfile.gettempdir()) / f"muniment-stage-{os.getuid()}.lock").open("ab")
    except OSError:
        return False
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)  # held until this process ends
    return True


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def clear() -> None:
    """Every performance starts with an empty folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(mode=0o700)
