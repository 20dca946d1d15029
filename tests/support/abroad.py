"""Our issuer and our verifier as strangers find them: over https on localhost, in this process, with nothing replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, TCPConnector, web
from support.ports import free_port
from support.registry import Registry, Template
from support.thrift import easy_seal

from demo.authority import Authority
from issuer import init as issuer_init
from shared.clock import system_clock, system_entropy
from shared.web.context import FETCHER
from shared.web.settings import load
from verifier import app as composition
from verifier import config, init
from verifier.opening import open_desk


async def office_template(folder: Path) -> Template:
    """An issuer's folder, two hours old."""
    wish = issuer_init.Wish(
        directory=folder,
        name="Office (test)",
        public_url="https://office.example",
        port=8101,
        storage="",
        operator="Iris Admin",
        passphrase="correct-horse-battery",
    )
    with easy_seal():
        return Template(folder, await issuer_init.set_up(wish, clock=lambda: system_clock() - 7_200, entropy=system_entropy))


@dataclass
class Counter:
    """A verifier that answers. ``anchor``: the certificate that wallets know it by."""

    url: str
    anchor: Path
    api_key: str
    http: ClientSession
    app: web.Application

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The relying party's API: status and JSON."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def ask(self, **order: Any) -> dict[str, Any]:
        status, asked = await self.call("POST", "/api/presentation-requests", {"type": "representation", "query": "bank"} | order)
        assert status == 201, asked
        return dict(asked)

    async def state(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        status, state = await self.call("GET", f"/api/presentation-requests/{asked['id']}")
        assert status == 200, state
        return dict(state)

    async def refresh(self) -> None:
        """Visit the trusted issuers for their lists and what their anchors say."""
        visits = await self.app[composition.STORE].refresh(self.app[FETCHER])
        faults = [fault for each in visits for fault in each.faults]
        assert not faults, faults


@asynccontextmanager
async def counter(folder: Path, authority: Authority, *trust: str) -> AsyncIterator[Counter]:
    """A verifier set up in ``folder``; ``trust`` as its command line takes it."""
    port = free_port()
    url = f"https://localhost:{port}"
    wish = init.Wish(
        directory=folder, name="Northwold Bank (test)", public_url=url, port=port, passphrase="correct-horse-battery", trust=trust
    )
    with easy_seal():
        made = await init.set_up(wish, clock=system_clock, entropy=system_entropy)
    settings = config.settle(load(config.Settings, config.toml(folder), {}, config.PREFIX), folder)
    settings = msgspec.structs.replace(settings, outbound_ca_file=str(authority.ca), outbound_allow=("localhost:*",))
    app = composition.build(open_desk(folder, settings), chores=False)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=authority.server()).start()
    async with ClientSession(connector=TCPConnector(ssl=authority.client())) as http:
        try:
            yield Counter(url, Path(made.anchor), made.api_key, http, app)
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)


@asynccontextmanager
async def counter_for(folder: Path, authority: Authority, registry: Registry) -> AsyncIterator[Counter]:
    """A verifier that trusts ``registry`` and has its lists."""
    async with counter(folder, authority, f"{registry.directory / 'anchor.pem'}:credential-issuer:{registry.url}") as running:
        await running.refresh()
        yield running
