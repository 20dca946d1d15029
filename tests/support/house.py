"""The whole house as people find it: three services as processes of their own on loopback, and a stranger whom the wallet does not know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.ports import free_port

from demo.poa import COUNCIL, LPA_1, REGISTRY
from demo.stage import Stage, StageError

STRANGER = "Prize Draw Direct"


@dataclass(slots=True, kw_only=True)
class House:
    """Addresses and sign-ins. ``stranger`` is a desk like the council's, but nobody told the wallet who it is."""

    folder: Path
    stage: Stage
    side: Stage  # where the stranger stands
    registry: dict[str, Any] = field(default_factory=dict)
    nora: dict[str, Any] = field(default_factory=dict)
    council: dict[str, Any] = field(default_factory=dict)
    stranger: dict[str, Any] = field(default_factory=dict)
    made: int = 0

    @property
    def issuer(self) -> str:
        return self.stage.url("issuer")

    @property
    def wallet(self) -> str:
        return self.stage.url("wallet")

    @property
    def desk(self) -> str:
        return self.stage.url("verifier")

    async def call(self, method: str, url: str, *, key: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        """Speak JSON with a service, as an organisation's own program would."""
        async with aiohttp.ClientSession() as http:
            return await Stage(http, self.stage.ports, self.folder).call(method, url, key=key, body=body, headers=headers)

    async def invite(self, **changes: object) -> dict[str, Any]:
        """An invitation made by a program of the registry, for pages that need one more document."""
        self.made += 1
        made: dict[str, Any] = await self.call(
            "POST", f"{self.issuer}/api/credentials", key=self.registry["api_key"], headers={"Idempotency-Key": f"invite {self.made}"},
            body={"type": "representation", "claims": LPA_1 | changes},
        )  # fmt: skip
        return made

    async def ask(self, query: str = "council-tax", *, stranger: bool = False) -> dict[str, Any]:
        """A request made by a program of the council or of the stranger."""
        base, desk = (self.side.url("verifier"), self.stranger) if stranger else (self.desk, self.council)
        body = {"type": "representation", "query": query}
        made: dict[str, Any] = await self.call("POST", f"{base}/api/presentation-requests", key=desk["api_key"], body=body)
        return made


Settle = Callable[[House], Mapping[str, Sequence[str]]]
"""Lines for files of settings, by their place in the house's folder."""


async def open_house(folder: Path, *, known: bool = False, types: Sequence[Path] = (), settle: Settle | None = None) -> House:
    """Set everything up in ``folder`` and start it; ``close_house`` ends it.

    ``known``: the wallet fetches what the council's anchor says, and so knows what the council may ask for. ``types`` are files of further
    kinds of document, which everybody has in their settings; ``settle`` adds others before anybody is started.
    """
    issuer, wallet, verifier, other = (free_port() for _ in range(4))
    async with aiohttp.ClientSession() as http:
        stage = Stage(http, {"issuer": issuer, "wallet": wallet, "verifier": verifier}, folder)
        side = Stage(http, {"verifier": other}, folder)
        house = House(folder=folder, stage=stage, side=side)
        try:
            await _settle(house, known=known, types=types, settle=settle)
        except BaseException:
            close_house(house)
            raise
    return house


async def _settle(house: House, *, known: bool, types: Sequence[Path], settle: Settle | None) -> None:
    stage, side = house.stage, house.side
    init = asyncio.to_thread
    house.registry = await init(stage.init, "issuer", "registry", "--name", REGISTRY, *_place(stage, "issuer"))
    trusted = f"{house.registry['anchor']}:credential-issuer:{house.issuer}"
    house.council, house.stranger = await asyncio.gather(
        init(stage.init, "verifier", "council", "--name", COUNCIL, "--trust", trusted, *_place(stage, "verifier")),
        init(side.init, "verifier", "stranger", "--name", STRANGER, "--trust", trusted, *_place(side, "verifier")),
    )
    house.nora = await init(
        stage.init, "wallet", "nora", "--holder", "Nora Ashdown", "--trust", trusted,
        "--trust", f"{house.council['anchor']}:relying-party" + (f":{house.desk}" if known else ""), *_place(stage, "wallet"),
    )  # fmt: skip
    for settings in [*house.folder.glob("*/*.toml")] if types else ():
        settings.write_text(f"credential_types = {json.dumps([*map(str, types)])}\n" + settings.read_text("utf-8"), "utf-8")
    for file, lines in (settle(house) if settle else {}).items():
        path = house.folder / file
        path.write_text("".join(f"{line}\n" for line in lines) + path.read_text("utf-8"), "utf-8")
    before = [(stage, "issuer", "registry"), (stage, "verifier", "council"), (side, "verifier", "stranger")]
    wallet = (stage, "wallet", "nora")  # asks on its start what anchors say
    for services in [before, [wallet]] if known else [[*before, wallet]]:
        for where, service, folder in services:
            where.serve(service, folder)
        await asyncio.gather(*(_wait(*each) for each in services))
    for where, desk in ((stage, house.council), (side, house.stranger)):  # one that was there before the registry has no list of it yet
        await where.call("POST", f"{where.url('verifier')}/api/refresh", key=desk["api_key"])


async def _wait(stage: Stage, service: str, folder: str) -> None:
    """A machine with a whole run of tests to do starts four programs at once slowly; one that has ended is waited for no longer."""
    try:
        await stage.ready(service, folder)
    except StageError:
        if stage.running[service].poll() is not None:
            raise
        await stage.ready(service, folder)


def _place(stage: Stage, service: str) -> tuple[str, ...]:
    return "--public-url", stage.url(service), "--port", str(stage.ports[service])


def close_house(house: House) -> None:
    """End every process that was started."""
    for stage in (house.stage, house.side):
        stage.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for the tests of a module, which share a worker."""
    made = asyncio.run(open_house(tmp_path_factory.mktemp("house")))
    yield made
    close_house(made)
