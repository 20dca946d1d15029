"""Where holders' wallets say that a detail is wrong, and ask what became of it (ADR 0012). Nothing of it is ever in an address."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from issuer import corrections
from issuer.envelopes import Envelopes
from issuer.metadata import CORRECTION
from issuer.office import Office
from shared.codec import reader, strict_json
from shared.corrections import MAX_TICKET
from shared.errors import UnsupportedMediaType
from shared.inbox import MEDIA_TYPE
from shared.web import rates
from shared.web.app import bound_body
from shared.web.problem import PROBLEM, speak
from shared.web.rates import Limit
from shared.web.security import client_address

_POSTED = Limit("corrections", 30, 3_600)
_ASKED = Limit("correction-answers", 600, 3_600)
_MAX_QUESTION = 1_024  # bytes


class CorrectionsApi:
    """Two routes below the path of ``public_url``."""

    def __init__(self, office: Office, envelopes: Envelopes) -> None:
        self._office, self._envelopes = office, envelopes

    def add_to(self, app: web.Application) -> None:
        """Register them."""
        path = urlsplit(self._office.url(CORRECTION)).path
        app.router.add_post(path, self.take)
        app.router.add_post(f"{path}/answer", self.answer)
        bound_body(app, path, MAX_TICKET)
        bound_body(app, f"{path}/answer", _MAX_QUESTION)
        speak(app, PROBLEM, path)

    async def take(self, request: web.Request) -> web.Response:
        """A sealed ticket in; the signed answer, which says until when somebody looks at it."""
        await self._allow(request, _POSTED)
        if request.content_type != MEDIA_TYPE:
            raise UnsupportedMediaType(f"this address takes {MEDIA_TYPE}")
        return _json(await corrections.receive(self._office, self._envelopes, (await request.read()).decode("latin-1")))

    async def answer(self, request: web.Request) -> web.Response:
        """``{"ticket": …}`` in; the newest signed answer."""
        await self._allow(request, _ASKED)
        asked = strict_json.load_object(await request.read(), max_bytes=_MAX_QUESTION)
        return _json(await corrections.ask(self._office, reader.get_str(asked, "ticket", max_length=64)))

    async def _allow(self, request: web.Request, limit: Limit) -> None:
        await rates.allow(self._office.storage, limit, client_address(request), at=self._office.clock())


def _json(answer: str) -> web.Response:
    body = strict_json.dumps({"answer": answer})
    return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})
