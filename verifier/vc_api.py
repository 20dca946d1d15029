"""``POST /credentials/verify`` and ``/presentations/verify``: W3C documents judged for whoever has an API key. Off unless the setting says so.

Answered from what was fetched in advance, as every check is: nothing is asked of anybody because a document came (security rule S21).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from shared import vc_api
from shared.codec import strict_json
from shared.errors import UnsupportedMediaType
from shared.flow import Flow, run
from shared.vc_api import Verification
from shared.verify import Knowledge
from shared.web.app import bound_body
from shared.web.auth import require_scope
from shared.web.problem import PROBLEM, speak
from verifier.desk import Desk
from verifier.material import Store
from verifier.records import knowledge

SCOPE = "copies:check"
Check = Callable[[bytes, Knowledge], Flow[Verification]]


class VcApi:
    """The routes of one desk."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    def add_to(self, app: web.Application) -> None:
        """Nothing at all where the setting ``vc_api`` is off."""
        if not self._desk.settings.vc_api:
            return
        base = urlsplit(self._desk.settings.public_url).path
        for path, check in (
            (f"{base}/credentials/verify", vc_api.check_credential_request),
            (f"{base}/presentations/verify", vc_api.check_presentation_request),
        ):
            app.router.add_post(path, self._served(check))
            bound_body(app, path, vc_api.MAX_BODY)
        speak(app, PROBLEM, f"{base}/credentials", f"{base}/presentations")

    def _served(self, check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            await require_scope(request, SCOPE)
            if request.content_type != "application/json":
                raise UnsupportedMediaType("this address takes application/json")
            found = await self._judge(check, await request.read())
            body = strict_json.dumps(found.render())
            return web.Response(status=found.status, body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})

        return serve

    async def _judge(self, check: Check, body: bytes) -> Verification:
        """What lists have taught on the way is kept, whatever the answer (security rule S19)."""
        picture, at = await self._store.picture(), self._desk.clock()
        known = Knowledge(material=picture.material, staples=(), at=max(at, picture.material.floor))
        found = run(check(body, known), picture.answer)
        if knowledge.teaches(picture.material.memory, known.learnt):
            await self._desk.storage.write(lambda tx: knowledge.learn(tx, known.learnt, at), point="learn")
        return found
