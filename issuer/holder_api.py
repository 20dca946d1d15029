"""What wallets of attorneys and donors speak with beside collecting: reports of use, reasons, and what a donor asks. Errors are OAuth JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from issuer import holder_asks, reports
from issuer.office import Office
from issuer.records.donors import MOST
from shared import donor
from shared.codec import strict_json
from shared.codec.reader import get_int, get_object, get_str, get_strings
from shared.errors import UnsupportedMediaType
from shared.web import rates
from shared.web.app import bound_body
from shared.web.problem import OAUTH, speak
from shared.web.security import client_address

_ASK_BYTES, _REPORT_BYTES, _COLLECT_BYTES = 262_144, 8_192, 16_384
_MAX_PRESENTATION = 200_000
Body = dict[str, Any]


class HolderApi:
    """The routes of one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add_to(self, app: web.Application) -> None:
        """Register the routes below the path of ``public_url``."""
        base = urlsplit(self._office.settings.public_url).path
        for path, handler, size in (
            ("/holder/{ask}", self.ask, _ASK_BYTES),
            ("/reports", self.leave, _REPORT_BYTES),
            ("/reports/to", self.key_for, _REPORT_BYTES),
            ("/reports/why", self.why, _REPORT_BYTES),
            ("/reports/key", self.take_key, _REPORT_BYTES),
            ("/reports/collect", self.collect, _COLLECT_BYTES),
        ):
            app.router.add_post(base + path, self._reading(handler))
            bound_body(app, base + path, size)
        speak(app, OAUTH, f"{base}/holder", f"{base}/reports")

    def _reading(
        self, handler: Callable[[web.Request, Body], Awaitable[Body | None]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            if request.content_type != "application/json":
                raise UnsupportedMediaType("this address takes application/json")
            await rates.allow(self._office.storage, reports.RATE, client_address(request), at=self._office.clock())
            told = await handler(request, strict_json.load_object(await request.read()))
            if told is None:
                return web.Response(status=204)
            body = strict_json.dumps(told)
            return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})

        return serve

    async def ask(self, request: web.Request, body: Body) -> Body:
        """``{"nonce", "presentation"}``: what ``holder_asks`` says."""
        presentation = get_str(body, "presentation", max_length=_MAX_PRESENTATION)
        told = await holder_asks.answer(self._office, request.match_info["ask"], get_str(body, "nonce", max_length=200), presentation)
        return told.render(self._office)

    async def why(self, _: web.Request, body: Body) -> Body:
        """``{"tag", "pass"}`` by an attorney's wallet or ``{"secret"}`` by a donor's: how the document stands, and why."""
        return (await holder_asks.why(self._office, await self._proved(body))).render(self._office)

    async def _proved(self, body: Body) -> bytes:
        """The mark of whoever has the donor's secret, or the attorney's pass to it: the mark alone opens nothing, whoever was shown it."""
        if "secret" in body:
            return await reports.tag_for(self._office, _secret(body))
        tag = _tag(body)
        await reports.check_pass(self._office, tag, donor.read_pass(get_str(body, "pass", max_length=64), where="/pass"))
        return tag

    async def leave(self, _: web.Request, body: Body) -> None:
        """``{"tag", "pass", "report"}``, by an attorney's wallet."""
        report = get_str(body, "report", max_length=donor.SIZE)
        await reports.leave(self._office, await self._proved(body), report)

    async def key_for(self, _: web.Request, body: Body) -> Body:
        """``{"tag", "pass"}`` or ``{"secret"}``: the ``key`` that is sealed to, and how often there was another donor's secret (``turn``)."""
        key, turn = await reports.recipient_of(self._office, await self._proved(body))
        return {"key": key, "turn": turn}

    async def take_key(self, _: web.Request, body: Body) -> None:
        """``{"secret", "key"}``, by the donor's wallet."""
        await reports.take_key(self._office, _secret(body), donor.parse_key(get_object(body, "key"), where="/key"))

    async def collect(self, _: web.Request, body: Body) -> Body:
        """``{"secret", "had", "skip"}``: the reports that lie there, but for those that she had, and the first ones of the rest.

        ``turn`` is how often the attorney's wallet was another one.
        """
        had, skip = get_strings(body, "had", max_items=reports.AT_ONCE), get_int(body, "skip", optional=True, maximum=MOST) or 0
        found = await reports.collect(self._office, _secret(body), had, skip=skip)
        return {"reports": [{"id": each.id, "report": each.sealed, "turn": each.turn} for each in found]}


def _tag(body: Body) -> bytes:
    return donor.read_tag(get_str(body, "tag", max_length=64), where="/tag")


def _secret(body: Body) -> bytes:
    return donor.read_secret(get_str(body, "secret", max_length=64), where="/secret")
