"""What somebody at the desk may look at: what is everybody's, and the letters of the groups that they belong to."""

from __future__ import annotations

from aiohttp import web

from shared.web.entrance import OPERATOR
from verifier import inbox_desk
from verifier import request as requests
from verifier.desk import Desk
from verifier.sessions import Answered, Exchange
from verifier.settle import Opened, open_verdict


async def find(desk: Desk, request: web.Request, identifier: str = "") -> Exchange:
    """The request or copy that the address names, unless ``identifier`` does. ``Missing`` for none, and for a letter of another group."""
    name = identifier or request.match_info["id"]
    await inbox_desk.check(desk, request[OPERATOR], name)
    return await requests.find(desk, name)


async def decided(desk: Desk, request: web.Request, identifier: str = "") -> tuple[Exchange, Opened | None]:
    """The same, with its details once there is an answer and while they are kept."""
    exchange = await find(desk, request, identifier)
    return exchange, await open_verdict(desk, exchange) if isinstance(exchange, Answered) else None
