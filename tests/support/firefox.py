"""Debian's Firefox over WebDriver BiDi, which it speaks by itself: navigate, run script, give a file to a form, take a picture."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.clock import monotonic

PATIENCE = 60.0  # seconds, on a machine that does much else
PREFERENCES = {  # everything that is not this machine goes to a proxy that is not there
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,none",
    "app.normandy.enabled": False,
    "nimbus.rollouts.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "browser.region.network.url": "",
}


class FirefoxError(Exception):
    """What Firefox says of a command or script that failed."""


@dataclass
class Firefox:
    """One window. Script results are plain values."""

    socket: aiohttp.ClientWebSocketResponse
    context: str = ""
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its own answer."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.socket.receive_json()
                if message.get("id") == number:
                    if message["type"] != "success":
                        raise FirefoxError(message)
                    result: dict[str, Any] = message["result"]
                    return result

    async def goto(self, url: str) -> None:
        await self.command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def run(self, script: str) -> Any:
        """The JSON value of the expression ``script``, promises awaited."""
        done = await self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({script})) ?? null))()",
            target={"context": self.context},
            awaitPromise=True,
        )
        if done["type"] != "success":
            raise FirefoxError(done)
        return json.loads(done["result"]["value"])

    async def until(self, script: str) -> Any:
        """The first true value of ``script``; while another page comes, it may fail."""
        ends, last = monotonic() + PATIENCE, ""
        while monotonic() < ends:
            try:
                if value := await self.run(script):
                    return value
            except FirefoxError as error:
                last = f": {error}"
            await asyncio.sleep(0.1)
        raise AssertionError(f"never true in Firefox: {script}{last}")

    async def give_file(self, selector: str, file: Path) -> None:
        """Choose ``file`` in the file input that ``selector`` finds."""
        found = await self.command(
            "script.evaluate",
            expression=f"document.querySelector({json.dumps(selector)})",
            target={"context": self.context},
            awaitPromise=False,
        )
        element = {"sharedId": found["result"]["sharedId"]}
        await self.command("input.setFiles", context=self.context, element=element, files=[str(file)])

    async def picture(self, file: Path) -> None:
        shot = await self.command("browsingContext.captureScreenshot", context=self.context)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    """A Firefox of its own, ended afterwards. It must be installed: its absence is a failure."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.fail("Firefox is not installed: `make system` brings it")
    log = _prepare(profile)
    arguments = ["--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank"]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(program, *arguments, stdout=output, stderr=output)
    try:
        address = await _address(process, log)
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{address}/session", max_msg_size=0) as socket:
            window = Firefox(socket)
            await window.command("session.new", capabilities={})
            tree = await window.command("browsingContext.getTree")
            window.context = tree["contexts"][0]["context"]
            yield window
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _prepare(profile: Path) -> Path:
    """An empty profile with our preferences, and where its log goes."""
    profile.mkdir()
    (profile / "user.js").write_text("".join(f'user_pref("{name}", {json.dumps(value)});\n' for name, value in PREFERENCES.items()))
    return profile.with_suffix(".log")


def _read(log: Path) -> str:
    return log.read_text(errors="replace")


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    """Firefox tells on its error output where it listens."""
    ends = monotonic() + PATIENCE
    while process.returncode is None and monotonic() < ends:
        _, found, address = _read(log).partition("WebDriver BiDi listening on ")
        if found and "\n" in address:
            return address.partition("\n")[0].strip()
        await asyncio.sleep(0.1)
    pytest.fail(f"Firefox does not listen: {_read(log)[-2_000:]}")
