"""One thing that a desk does, in a process of its own that may die of it:

``python -m support.desk_story FOLDER STORAGE ACTION FAILPOINT ID AT``
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec
from aiohttp import web

from shared.codec import base64url
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.web.settings import load
from verifier import config
from verifier.desk import Desk
from verifier.material import Store
from verifier.opening import open_desk, start, stop
from verifier.records import together


async def act(desk: Desk, action: str, identifier: str, folder: Path) -> None:
    store = Store(desk)
    if action in {"request", "retrieve"}:
        from verifier.ordering import Order
        from verifier.request import Requests, make

        if action == "retrieve":
            await Requests(desk).fetch(identifier)
        else:
            await make(desk, Order(type="representation", query="bank"), made_by="desk")
    elif action in {"answer", "decline"}:
        from verifier.receive import receive

        await receive(desk, store, identifier, (folder / "body").read_bytes())
    elif action == "copy":
        from verifier.copies import bring

        await bring(desk, store, (folder / "body").read_bytes(), made_by="desk")
    elif action == "again":
        from verifier.again import look_again

        await look_again(desk, store, identifier, more={"restrictions_allow": True})
    elif action == "material":
        await store.refresh(Recorded(folder))
    elif action == "pack":
        from verifier.packs import make as make_pack

        await make_pack(desk)
    elif action == "webhook":
        from support.receiver import Receiver

        from verifier.webhooks import deliver

        await deliver(desk, Receiver())
    elif action in {"give", "refused"}:
        from support.own_office import OwnOffice, record

        await record(desk, OwnOffice(folder=folder, status=201 if action == "give" else 400), identifier)
    elif action == "rest":
        from support.own_office import OwnOffice

        from verifier.resting import follow

        await follow(desk, store, OwnOffice(folder=folder))
    elif action in {"forget", "finish"}:
        from support.own_office import OwnOffice

        from verifier import known

        if action == "finish":
            await known.finish(desk, OwnOffice(folder=folder))
        elif (customer := await known.find(desk, identifier)) is not None:
            await known.forget(desk, OwnOffice(folder=folder), identifier, customer)
    elif action == "apply":
        from verifier.applying import apply

        await apply(desk, (folder / "body").read_bytes(), actor="Bea Clerk")
    elif action == "look":
        from verifier.watching import look

        await look(desk, store)
    elif action == "register":
        from verifier.registering import tend

        await tend(desk)
    elif action == "serve":
        await serve(desk, int(identifier))
    elif action == "known":
        from support.own_office import OwnOffice

        from verifier.known import Customer, make_known

        await make_known(desk, OwnOffice(folder=folder), identifier, Customer(since="2027-01-15", fields={"name": "Nora Ashdown"}))
    elif action == "tell":
        from verifier.permissions import Tell, tell

        await tell(desk, store, identifier, Tell(categories=("care-contribution-assessment",), reference="letter 7"))
    elif action == "withdraw":
        from verifier.permissions import answer

        await answer(desk, (folder / "body").read_bytes())
    elif action == "desk-receipts":
        from verifier import desk_receipts, scan

        told = [desk_receipts.Given(receipt=base64url.decode(each), mode="live") for each in (folder / "body").read_text().split()]
        await desk_receipts.take(desk, await scan.admit(desk, (folder / "token").read_text()), told)
    elif action == "inherited":
        from verifier import inherited

        await inherited.tend(desk, await store.federation())
    elif action == "purge":
        from verifier.app import build, one_round

        await one_round(build(desk))


async def serve(desk: Desk, port: int) -> None:
    """Say when it is ready, and answer until it is ended."""
    from verifier.app import build

    runner = web.AppRunner(build(desk, chores=False), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


class Recorded:
    """What the registry published, as the test that started us wrote it down."""

    def __init__(self, folder: Path) -> None:
        self.pages: dict[str, str] = json.loads((folder / "site.json").read_text())

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url not in self.pages:
            raise Unavailable("nobody answers")
        return Fetched(status=200, body=self.pages[fetch.url].encode())


async def main() -> None:
    name, storage, action, failpoint, identifier, at = sys.argv[1:]
    folder = Path(name)
    known = config.settle(load(config.Settings, config.toml(folder), {}, config.PREFIX), folder)
    settings = msgspec.structs.replace(known, failpoint=failpoint, storage=storage or known.storage)
    now = int(at)
    if failpoint.startswith("together-look:"):  # only where more acts wait than are looked at in one go
        vars(together)["AT_ONCE"] = 1
    desk = open_desk(folder, settings, clock=lambda: now)
    await start(desk)
    try:
        await act(desk, action, identifier, folder)
    finally:
        await stop(desk)


if __name__ == "__main__":
    asyncio.run(main())
