"""What wallets ask with a receipt that a desk gave without a network: the one that confirms it. Nothing of it is ever in an address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from shared.codec import strict_json
from shared.errors import UnsupportedMediaType
from shared.ovp.receipt import CONFIRM_AT, MAX_BYTES, MEDIA_TYPE
from shared.web.app import bound_body
from shared.web.problem import PROBLEM, speak
from shared.web.rates import Limit, allow
from shared.web.security import client_address
from verifier import desk_receipts
from verifier.desk import Desk

ASKED: Final = Limit("desk-receipt", 120, 60)


class ReceiptsApi:
    """The route of one organisation, open to everybody: who has a receipt may have it confirmed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register it below the path of ``public_url``."""
        path = urlsplit(self._desk.settings.public_url).path.rstrip("/") + CONFIRM_AT
        app.router.add_post(path, self.confirm)
        bound_body(app, path, MAX_BYTES)
        speak(app, PROBLEM, path)

    async def confirm(self, request: web.Request) -> web.Response:
        """``{"receipt": receipt+jwt}`` for the bytes of a desk's receipt; 404 before its desk told it."""
        if request.content_type != MEDIA_TYPE:
            raise UnsupportedMediaType(f"this address takes {MEDIA_TYPE}")
        await allow(self._desk.storage, ASKED, client_address(request), at=self._desk.clock())
        receipt = await desk_receipts.confirm(self._desk, await request.read())
        return web.Response(
            body=strict_json.dumps({"receipt": receipt}), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"}
        )
