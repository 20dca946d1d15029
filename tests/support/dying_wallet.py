"""One life of a wallet service, which may die of a named write: ``python -m support.dying_wallet FOLDER PORT``.

At that port whoever began it says what it is (``Life``) and answers its fetches, so that the world around it outlives it. It is the whole
service but for its clock: what is due is done by ``POST /round``; of federations it knows what was heard before it lived.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from support.mortal import Answer, Life, hear, say
from support.thrift import pack_once

from shared import errors
from shared.credentials import all_types
from shared.errors import VcError
from shared.flow import Fetch, Fetched
from shared.formats import formats
from shared.trust.anchors import parse_trust
from shared.trust.policy import Policy
from shared.web.fetch import Fetcher
from shared.web.heard import heard
from shared.web.pages import Pages
from wallet.app import build, one_round, open_host, post_letters
from wallet.config import open_place


async def live(folder: Path, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    life = msgspec.msgpack.decode(await hear(reader), type=Life)
    place = open_place(folder)
    settings = msgspec.structs.replace(place.settings, failpoint=life.failpoint, kdf_memory_kib=8_192, kdf_iterations=1)
    place = replace(place, settings=settings)
    anchors, one_asks = parse_trust(life.trust), asyncio.Lock()
    policy = Policy(anchors)

    async def fetch(wanted: Fetch) -> Fetched:
        async with one_asks:
            say(writer, wanted)
            answer = msgspec.msgpack.decode(await hear(reader), type=Answer)
        if answer.fetched is None:
            error: type[VcError] = getattr(errors, answer.error)
            raise error(answer.detail)
        return answer.fetched

    host = open_host(place, clock=lambda: life.at)
    host = replace(host, means=replace(host.means, fetch=fetch, trust=lambda: policy), outbox=replace(host.outbox, fetch=fetch))
    app = build(host)
    app.cleanup_ctx[:] = [each for each in app.cleanup_ctx if "keep_house" not in each.__qualname__]
    app.router.add_post("/round", _round)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    if anchors.federation:
        known = await host.storage.read(lambda tx: heard(tx, anchors))
        policy = replace(policy, federation=known.federation)
    await web.TCPSite(runner, "127.0.0.1", life.port).start()
    say(writer, None)
    await asyncio.Event().wait()


async def _round(request: web.Request) -> web.Response:
    """Letters first, then whatever else is due."""
    await post_letters(request.app)
    await one_round(request.app)
    return web.Response(status=204)


def _read_everything() -> None:
    """What every life would read and work out again."""
    pack_once(pytest.MonkeyPatch())
    Pages(package="wallet.web", title="")
    Fetcher()
    all_types()
    formats()
    for module in ("shared.custody.file", "shared.storage.sqlite", "shared.storage.postgresql"):
        import_module(module)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
else:  # in the process that forks
    _read_everything()
