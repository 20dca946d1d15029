"""A browser's own way to wallets, the Digital Credentials API: the page takes the signed request here and brings the answer back here.

Only our own page may do either, and only for the site that the request names (OpenID4VP 1.0 appendix A).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from shared.codec import strict_json
from shared.codec.reader import get_object, get_str
from shared.errors import InvalidRequest, Missing, UnsupportedMediaType
from shared.openid4vp import MAX_RESPONSE, SIGNED
from shared.web import auth
from shared.web.app import bound_body
from verifier import request as requests
from verifier import same_device
from verifier.desk import Desk
from verifier.material import Store
from verifier.ordering import LOCKED
from verifier.pages.own_browser import cookie_of
from verifier.receive import receive_digital
from verifier.request import Requests
from verifier.sessions import Asked

_PATH: Final = "/request/{id}/digital"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part, path = Digital(desk, store), urlsplit(desk.settings.public_url).path + _PATH
    app.router.add_get(path, part.fetch)
    app.router.add_post(path, part.answer)
    bound_body(app, path, MAX_RESPONSE)


class Digital:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._requests = Requests(desk)

    async def _find(self, request: web.Request) -> Asked:
        """The request, for a page of our own; one that belongs to a browser for that browser alone."""
        auth.check_same_origin(request)
        asked = (await requests.find(self._desk, request.match_info["id"])).asked
        if asked.terms.kind != "request" or asked.terms.response_mode != LOCKED:
            raise Missing("there is no such request")
        if asked.terms.same_device:
            await same_device.check_browser(self._desk, asked.id, cookie_of(request, asked))
        return asked

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """What goes to ``navigator.credentials.get``."""
        asked = await self._find(request)
        return web.json_response({"protocol": SIGNED, "data": {"request": await self._requests.fetch_digital(asked.id)}})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What came from there. ``href`` is where the page goes on; empty where the wallet said no."""
        asked = await self._find(request)
        if request.content_type != "application/json":
            raise UnsupportedMediaType("this address takes application/json")
        brought = strict_json.load_object(await request.read(), max_bytes=MAX_RESPONSE)
        if get_str(brought, "protocol") != SIGNED:
            raise InvalidRequest(f"the answer is to a request of {SIGNED}", where="/protocol")
        outcome = await receive_digital(self._desk, self._store, asked.id, get_object(brought, "data"))
        if outcome is None:
            return web.json_response({"href": ""})
        if outcome.decision.decision == "rejected":
            return web.json_response({"href": "", "error": "invalid_request", "code": outcome.decision.code}, status=400)
        told: dict[str, Any] = {
            "href": same_device.way_back(self._desk, asked, outcome.response_code) or self._desk.url(f"/request/{asked.id}")
        }
        return web.json_response(told)
