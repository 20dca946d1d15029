"""A wallet service that is killed at its writes and run again, in a world that stays (``support.dying_wallet`` is what lives)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientError, ClientSession, CookieJar
from support import forking
from support.ports import free_port
from support.thrift import easy_seal
from support.wallets import EASY, PASSPHRASE, Site, Wallet

from shared.clock import system_entropy
from shared.errors import VcError
from shared.flow import Fetch, Fetched
from shared.trust.anchors import render_trust
from shared.trust.policy import Policy
from wallet.app import open_host
from wallet.config import open_place
from wallet.init import Wish, set_up

HOLDER = "Nora Ashdown"


class Life(msgspec.Struct):
    """It listens at ``port``, trusts whom ``trust`` says, and ends at ``failpoint``."""

    port: int
    at: int
    failpoint: str
    trust: bytes


class Answer(msgspec.Struct):
    """What was fetched, or the name of the error and what it says."""

    fetched: Fetched | None = None
    error: str = ""
    detail: str = ""


async def hear(line: asyncio.StreamReader) -> bytes:
    """The next message."""
    return await line.readexactly(int.from_bytes(await line.readexactly(4), "big"))


def say(line: asyncio.StreamWriter, message: object) -> None:
    """Its length in four bytes, and itself."""
    body = msgspec.msgpack.encode(message)
    line.write(len(body).to_bytes(4, "big") + body)


class Mortal:
    """``wallet`` looks at what it leaves behind; ``site`` is how its holder calls it, whichever life it is in."""

    def __init__(self, fetch: Callable[[Fetch], Awaitable[Fetched]], policy: Policy, wallet: Wallet, site: Site) -> None:
        self._fetch, self._trust, self.wallet, self.site = fetch, render_trust(policy.anchors), wallet, site
        self._folder, self._served_at = str(site.host.place.folder), site.host.place.settings.port
        self._failpoint = ""
        self._process = 0
        self._ready, self._gone = asyncio.Event(), asyncio.Event()

    async def live(self, failpoint: str = "", *, opened: bool = True) -> None:
        """It is run (again), from now on, and its holder opens her wallet, unless it is not to be ``opened``."""
        await self.end()
        self._failpoint = failpoint
        self._ready.clear()
        self._gone.clear()
        door = await asyncio.start_server(self._attend, "127.0.0.1", 0)
        self._process = await forking.begin("support.dying_wallet", self._folder, str(door.sockets[0].getsockname()[1]))
        async with asyncio.timeout(60):
            await self._ready.wait()
        door.close()
        assert not self._gone.is_set(), "it ended before it was asked anything"
        if opened:
            await self.site.open()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, Life(self._served_at, self.wallet.world.clock(), self._failpoint, self._trust))
        try:
            while True:
                wanted = msgspec.msgpack.decode(await hear(reader), type=Fetch | None)
                if wanted is None:
                    self._ready.set()
                else:
                    say(writer, await self._answer(wanted))
        except (asyncio.IncompleteReadError, ConnectionError):  # it has ended
            writer.close()
            self._gone.set()
            self._ready.set()

    async def _answer(self, wanted: Fetch) -> Answer:
        try:
            return Answer(fetched=await self._fetch(wanted))
        except VcError as error:
            return Answer(error=type(error).__name__, detail=error.detail)

    async def end(self) -> None:
        """At a moment at which it does nothing."""
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            await self._ended()

    async def _ended(self) -> int:
        code, self._process = await forking.ended(self._process), 0
        await self._gone.wait()
        return code

    async def dies(self, act: Awaitable[Any]) -> None:
        """It ends of what it is asked, and whoever asked hears nothing."""
        with pytest.raises(ClientError):
            await act
        assert await self._ended() == -signal.SIGKILL

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """What its API says to that, which is no error."""
        status, told = await self.site.call(method, path, body, **headers)
        assert status in {200, 201, 204}, told
        return told

    async def round(self) -> None:
        """What is due by the clock."""
        await self.call("POST", "/round")

    async def kinds(self) -> list[str]:
        """The kinds of all lines of the history, which is whole."""
        told = await self.call("GET", "/api/history")
        assert told["intact"]
        return [entry["transactionType"] for entry in told["entries"]]


@asynccontextmanager
async def mortal(
    folder: Path, storage: str, *, world: Any, fetch: Callable[[Fetch], Awaitable[Fetched]] | None = None, policy: Policy | None = None
) -> AsyncIterator[Mortal]:
    """A wallet service in ``folder`` that has not lived yet, in a ``world`` that answers what it fetches, unless ``fetch`` does."""
    port = free_port()
    base = f"http://localhost:{port}"
    wish = Wish(folder=folder, public_url=base, port=port, storage=storage, holder=HOLDER, passphrase=PASSPHRASE, open_to_all=True)
    with easy_seal():
        made = await set_up(wish, clock=world.clock, entropy=system_entropy, hardness=EASY)
    host = open_host(open_place(folder), clock=world.clock)
    way, whom = fetch or world, policy or world.policy()
    host = replace(host, means=replace(host.means, fetch=way, trust=lambda: whom))
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        await host.start()
        wallet = Wallet(world, host.storage, host.custodian, host.means, host.doors, await host.doors.open(HOLDER, PASSPHRASE))
        nobody: Any = None  # it is not served from this process
        lives = Mortal(way, whom, wallet, Site(host, nobody, world, base, made, http, nobody))
        try:
            yield lives
        finally:
            await lives.end()
            await host.close()
