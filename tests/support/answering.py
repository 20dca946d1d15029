"""A relying party of the small world behind a real socket, for wallets that are processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from support.ports import free_port
from support.signing import Signer, anchor, leaf
from support.trial_verify import Authority
from support.trial_web import Watch
from support.world import Party

from shared.clock import DAY, system_clock
from shared.flow import Fetch
from shared.keys import Role


def _authority(entity: str, at: int) -> Authority:
    root, signer = Signer.new(), Signer.new()
    certificate = anchor(root, subject="Council anchor", at=at)
    return Authority(root, certificate, signer, (leaf(signer, certificate, root, role=Role.RELYING_PARTY, uri=entity, at=at),), entity)


@asynccontextmanager
async def answering() -> AsyncIterator[Party]:
    """A party under its true address on this machine, until the end of the block."""
    port = free_port()
    entity = f"http://localhost:{port}"
    clock = Watch(system_clock())
    party = Party(clock, entity=entity, by=_authority(entity, clock.at - DAY))

    async def answer(request: web.Request) -> web.Response:
        clock.at = system_clock()
        fetch = Fetch(
            url=entity + request.path,
            method=request.method,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        got = party.answer(fetch)
        headers = dict(got.headers)
        media = headers.pop("content-type", "text/plain")
        return web.Response(status=got.status, body=got.body, headers=headers | {"Content-Type": media})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield party
    finally:
        await runner.cleanup()
