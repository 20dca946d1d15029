"""One process of an office that may die of what it does, beside another that lives: ``python -m support.dying_office FOLDER AT ACTION [NUMBER]``.

``serve`` says when it is ready, and answers at the port of that number until it is ended; ``approve``, ``correct`` and
``lose`` do that to a document, ``report`` to a key.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from support.dying import once
from support.registry import LPA_1
from support.second_person import approve

from issuer import recall
from issuer.app import build
from issuer.lost import replace_lost
from issuer.office import Office
from issuer.replace import replace
from issuer.sessions import Actor


async def _act(office: Office, action: str, number: str = "") -> None:
    if action == "serve":
        await _serve(office, int(number))
    elif action == "approve":
        await approve(office, number)
    elif action == "report":
        await recall.report(office, number, reason="the disk was stolen", actor=Actor(role="admin", name="Ana"))
    elif action == "lose":
        await replace_lost(office, number, actor=Actor(role="clerk", name="Cled"))
    else:
        await replace(office, number, LPA_1 | {"powers": ["banking"]}, reason="a slip", actor=Actor(role="clerk", name="Cled"))


async def _serve(office: Office, port: int) -> None:
    runner = web.AppRunner(build(office), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(once(_act))
