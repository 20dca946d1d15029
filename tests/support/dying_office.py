"""One process of an office that may die of what it does, beside another that lives: ``python -m support.dying_office FOLDER AT ACTION [NUMBER]``.

``serve`` prints its port and answers until it is ended; ``approve``, ``correct`` and ``lose`` do that to a document.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from support.dying import once
from support.registry import LPA_1
from support.second_person import approve

from issuer.app import build
from issuer.lost import replace_lost
from issuer.office import Office
from issuer.replace import replace
from issuer.sessions import Actor
from shared.web.app import free_port


async def _act(office: Office, action: str, number: str = "") -> None:
    if action == "serve":
        await _serve(office)
    elif action == "approve":
        await approve(office, number)
    elif action == "lose":
        await replace_lost(office, number, actor=Actor(role="clerk", name="Cled"))
    else:
        await replace(office, number, LPA_1 | {"powers": ["banking"]}, reason="a slip", actor=Actor(role="clerk", name="Cled"))


async def _serve(office: Office) -> None:
    runner, port = web.AppRunner(build(office), access_log=None), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(once(_act))
