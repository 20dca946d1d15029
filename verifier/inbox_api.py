"""What senders of letters speak with: one address that takes them, one that says what they came to. Nothing of either is ever in an address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from prometheus_client import Counter

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.codec.reader import get_str
from shared.errors import Malformed, UnsupportedMediaType
from shared.inbox import MAX_LETTER, MEDIA_TYPE, TICKET
from shared.web.app import bound_body
from shared.web.metrics import METRICS
from shared.web.problem import PROBLEM, speak
from shared.web.rates import Limit, allow
from shared.web.security import client_address
from verifier import inbox
from verifier.desk import Desk
from verifier.inbox import Answer
from verifier.inbox_file import PATH
from verifier.material import Store

POSTED: Final = Limit("inbox", 120, 60)
POSTED_IN_A_DAY: Final = Limit("inbox-day", 10_000, DAY)
ASKED: Final = Limit("inbox-answer", 600, 60)
_MAX_ASK: Final = 1_000
_REFUSED: Final = web.AppKey("refused letters", Counter)


class InboxApi:
    """The routes of one desk."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    def add_to(self, app: web.Application) -> None:
        """Register the routes below the path of ``public_url``."""
        if not self._desk.settings.inbox:
            return
        app[_REFUSED] = Counter(
            "muniment_inbox_refused",
            "Letters that left nothing here: not to be opened, or with a copy that is nobody's.",
            registry=app[METRICS].registry,
        )
        path = urlsplit(self._desk.settings.public_url).path + PATH
        app.router.add_post(path, self.post)
        app.router.add_post(f"{path}/answer", self.answer)
        bound_body(app, path, MAX_LETTER)
        bound_body(app, f"{path}/answer", _MAX_ASK)
        speak(app, PROBLEM, path)

    async def post(self, request: web.Request) -> web.Response:
        """200 where it was decided, 202 where a person has to; the body is a compact JWE."""
        if request.content_type != MEDIA_TYPE:
            raise UnsupportedMediaType(f"this address takes {MEDIA_TYPE}")
        for limit in (POSTED, POSTED_IN_A_DAY):
            await allow(self._desk.storage, limit, client_address(request), at=self._desk.clock())
        try:
            return _told(await inbox.take(self._desk, self._store, (await request.read()).decode("ascii", "replace").strip()))
        except Malformed:
            request.config_dict[_REFUSED].inc()
            raise

    async def answer(self, request: web.Request) -> web.Response:
        """The newest receipt, for whoever has the ticket."""
        await allow(self._desk.storage, ASKED, client_address(request), at=self._desk.clock())
        body = strict_json.load_object(await request.read(), max_bytes=_MAX_ASK, max_depth=2)
        ticket = base64url.decode(get_str(body, "ticket", max_length=64), where="/ticket")
        if len(ticket) != TICKET:
            raise Malformed(f"a ticket has {TICKET} bytes", where="/ticket")
        return _told(await inbox.answer(self._desk, ticket))


def _told(answer: Answer) -> web.Response:
    return web.Response(
        body=strict_json.dumps({"receipt": answer.receipt}),
        status=202 if answer.waits else 200,
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )
