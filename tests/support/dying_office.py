"""One process of an office that may die of what it does, beside another that lives: ``python -m support.dying_office FOLDER AT ACTION [NUMBER]``.

``serve`` prints its port and answers until it is ended; ``approve`` and ``correct`` do that to a document.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web
from support.registry import LPA_1
from support.second_person import approve

from issuer import config
from issuer.app import build, open_office, start, stop
from issuer.office import Office
from issuer.replace import replace
from issuer.sessions import Actor
from shared.web.app import free_port


async def _serve(office: Office) -> None:
    runner, port = web.AppRunner(build(office), access_log=None), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def main() -> None:
    folder, at, action, number = (*sys.argv[1:], "")[:4]
    directory, now = Path(folder), int(at)
    office = open_office(directory, config.read(directory), clock=lambda: now)
    if action == "serve":
        return await _serve(office)
    await start(office)
    if action == "approve":
        await approve(office, number)
    else:
        await replace(office, number, LPA_1 | {"powers": ["banking"]}, reason="a slip", actor=Actor(role="clerk", name="Cled"))
    return await stop(office)


if __name__ == "__main__":
    asyncio.run(main())
