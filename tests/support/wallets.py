"""Wallets for tests: everything but the HTTP server, over any database, in a world of one's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, CookieJar, web
from support.ports import free_port
from support.thrift import easy_seal
from support.trial_verify import Dice
from support.world import CODE, World

from shared.clock import Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.keys import Custodian, Role
from shared.storage import Storage, Tx, open_storage
from wallet import history
from wallet.app import Host, build, open_host
from wallet.choose import Offer
from wallet.config import open_place
from wallet.consent import Consent, consent
from wallet.enter import Doors, Opened
from wallet.entries import Sealed
from wallet.init import SetUp, Wish, migrations, set_up
from wallet.invite import read_invitation
from wallet.keep import REFERENCES, STORAGE, Hardness, Keeper, Vault
from wallet.means import Means
from wallet.present import agree, read_request
from wallet.records import COPIES, DOCUMENTS, RECEIVING, Item
from wallet.sessions import Copy, Document, Request
from wallet.upkeep import collect_and_look, upkeep

PASSPHRASE = "correct horse battery staple"
EASY = Hardness(memory_kib=8_192, iterations=1, lanes=1)


@dataclass
class Wallet:
    """One open wallet with the short ways that tests take."""

    world: World
    storage: Storage
    custodian: Custodian
    means: Means
    doors: Doors
    opened: Opened
    offers: list[Offer] = field(default_factory=list)

    @property
    def vault(self) -> Vault:
        return self.opened.vault

    async def invite(self, code: str = "pre-1") -> str:
        return (await read_invitation(self.means, self.vault, self.world.office.link(code))).id

    async def collect(self, code: str = "pre-1") -> Item[Document]:
        return await collect_and_look(self.means, self.vault, await self.invite(code), CODE)

    async def invitations(self) -> list[str]:
        return [item.id for item in await self.storage.read(lambda tx: RECEIVING.all(tx, self.vault))]

    async def documents(self) -> list[Item[Document]]:
        return await self.storage.read(lambda tx: DOCUMENTS.all(tx, self.vault))

    async def document(self) -> Document:
        (only,) = await self.documents()
        return only.value

    async def copies(self) -> list[Item[Copy]]:
        return await self.storage.read(lambda tx: COPIES.all(tx, self.vault))

    async def ask(self, link: str) -> Consent:
        item = await read_request(self.means, self.vault, link)
        return await self.look(item.id)

    async def look(self, name: str, **how: Any) -> Consent:
        return await consent(self.means, self.vault, name, **how)

    async def share(self, link: str, *, optional: tuple[str, ...] = ()) -> Item[Request]:
        view = await self.ask(link)
        return await agree(self.means, self.vault, view.id, optional=optional, chosen=view.documents, ways=view.ways)

    async def lines(self) -> list[Sealed]:
        return await self.storage.read(lambda tx: history.read(tx, self.vault))

    async def upkeep(self) -> None:
        await upkeep(self.means, self.vault)

    async def replace(self, item: Item[Document], value: Document) -> None:
        async def work(tx: Tx) -> None:
            await DOCUMENTS.replace(tx, self.vault, item, value, entropy=self.means.entropy)

        await self.storage.write(work)


@asynccontextmanager
async def open_wallet(
    uri: str, *, world: World | None = None, holder: str = "Nora Ashdown", entropy: Entropy | None = None, seed: str = "wallet"
) -> AsyncIterator[Wallet]:
    """A new wallet in a new world."""
    world = world or World()
    dice = entropy or Dice(seed)
    storage = open_storage(uri)
    custodian = open_custodian("memory:", entropy=dice)
    for key, role in ((STORAGE, Role.SEAL), (REFERENCES, Role.MAC)):
        await custodian.create(key, role)
    try:
        await storage.migrate(migrations())
        doors = Doors(Keeper(custodian, dice, EASY), storage, clock=world.clock, entropy=dice)
        means = Means(storage=storage, fetch=world, trust=world.policy, clock=world.clock, entropy=dice)
        yield Wallet(world, storage, custodian, means, doors, await doors.make(holder, PASSPHRASE))
    finally:
        await storage.close()
        await custodian.close()


# --- the whole service -------------------------------------------------------------------------------------------------------------------


@dataclass
class Site:
    """A wallet service that runs in this process; ``base`` is where it listens."""

    host: Host
    app: web.Application
    world: World
    base: str
    made: SetUp
    http: ClientSession
    runner: web.AppRunner
    token: str = ""

    async def call(self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str) -> tuple[int, Any]:
        """The holder's API: status and JSON."""
        bearer = self.token if token is None else token
        sent = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **headers}
        data = None if body is None else BytesIO(json.dumps(body).encode())
        sent |= {} if body is None else {"Content-Type": "application/json"}
        async with self.http.request(method, self.base + path, data=data, headers=sent, allow_redirects=False) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text and "json" in answer.content_type else text

    async def stop(self) -> None:
        """The service is gone for good; nobody listens at ``base`` any more."""
        await self.runner.cleanup()

    async def open(self) -> str:
        """Open the first wallet; its token is used from then on."""
        status, told = await self.call("POST", "/api/session", {"holder": self.made.holder, "passphrase": self.made.passphrase}, token="")
        assert status == 200, told
        self.token = str(told["token"])
        return self.token


@asynccontextmanager
async def serve_wallet(folder: Path, *, world: World | None = None, storage: str = "", **settings: Any) -> AsyncIterator[Site]:
    """``init`` in ``folder`` and serve it, in a world of its own."""
    world = world or World()
    port = free_port()
    base = f"http://localhost:{port}"
    wish = Wish(folder=folder, public_url=base, port=port, storage=storage, holder="Nora Ashdown", open_to_all=True)
    easy = {"kdf_memory_kib": 8_192, "kdf_iterations": 1}
    with easy_seal():
        made = await set_up(wish, clock=world.clock, entropy=system_entropy, hardness=EASY)
    place = open_place(folder)
    place = replace(place, settings=msgspec.structs.replace(place.settings, **(easy | settings)))
    host = open_host(place, clock=world.clock)
    host = replace(host, means=replace(host.means, fetch=world, trust=world.policy), outbox=replace(host.outbox, fetch=world))
    app = build(host)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        try:
            yield Site(host, app, world, base, made, http, runner)
        finally:
            await runner.cleanup()


@asynccontextmanager
async def abroad(folder: Path, *, trust: str, ca: Path) -> AsyncIterator[tuple[Host, Opened]]:
    """Nora's wallet on the machine's own clock and network, over https under the authority ``ca``; ``trust`` as on the command line."""
    wish = Wish(folder=folder, public_url="http://localhost:8102", port=8102, holder="Nora", passphrase=PASSPHRASE, trust=(trust,))
    with easy_seal():
        await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
    with (folder / "wallet.toml").open("a") as file:
        file.write(f"outbound_ca_file = {json.dumps(str(ca))}\n")
    host = open_host(open_place(folder))
    try:
        await host.start()
        yield host, await host.doors.open("Nora", PASSPHRASE)
    finally:
        await host.close()
