"""More time for a sign-in that a wallet began, for whoever says so before it is over (WCAG 2.2, 2.2.1), as ``static/js/stay.js`` asks for it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from issuer import authorization
from issuer.authorization import Pending
from issuer.office import Office
from issuer.pages import visit as visits
from issuer.pages.visit import Visit
from shared.errors import InvalidRequest
from shared.web.problem import PROBLEM, speak

_PATH = "/stay"


def add_to(app: web.Application, office: Office, base: str) -> None:
    """Routes of this part, below ``base``."""
    part = Extending(office)
    speak(app, PROBLEM, base + _PATH)
    app.router.add_get(base + _PATH, part.look)
    app.router.add_post(base + _PATH, part.stay)


def stay(office: Office, base: str, visit: Visit, pending: Pending) -> dict[str, Any]:
    """What a page needs to warn her: the seconds that are left, and where to ask."""
    return {"path": base + _PATH, "seconds": min(visit.session.idle_until, pending.expires_at) - office.clock()}


class Extending:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def look(self, request: web.Request) -> web.Response:
        """The seconds that are left to answer in, 0 where none are. Asking gives nobody more."""
        return web.json_response({"seconds": (await self._waiting(request))[1]})

    async def stay(self, request: web.Request) -> web.Response:
        """She says that she needs more time; the seconds that she has now."""
        visit, _ = await self._waiting(request)
        if visit is not None:
            await visits.read_form(request, visit)
            await visits.stay(self._office, visit)
        return await self.look(request)

    async def _waiting(self, request: web.Request) -> tuple[Visit | None, int]:
        try:
            visit = await visits.current(request, self._office)
            pending = await authorization.pending(self._office, visit.pending)
        except InvalidRequest:
            return None, 0
        return visit, stay(self._office, "", visit, pending)["seconds"]
