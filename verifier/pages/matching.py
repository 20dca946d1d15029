"""Which account is meant: records that a clerk has found elsewhere, held against what was shown. The page repeats them only where
a line has to be put right, to whoever has just typed it.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from shared.codec import base64url
from shared.errors import Malformed, VcError
from shared.web import auth
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.pages import render, translator
from verifier import matching
from verifier.desk import STORAGE, Desk
from verifier.matching import Found, Told
from verifier.material import Store
from verifier.pages import seen
from verifier.pages.listing import title_of
from verifier.pages.seat import spoken
from verifier.sessions import Answered
from verifier.settle import Opened

_PATH = "/desk/requests/{id}/match"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Matching(desk)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_post(_PATH, seated(part.find))


class Matching:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        answered, _ = await self._accepted(request)
        return await self._page(request, answered, Form())

    async def _accepted(self, request: web.Request) -> tuple[Answered, Opened]:
        identifier = request.match_info["id"]
        exchange, opened = await seen.decided(self._desk, request)
        if not isinstance(exchange, Answered) or opened is None or exchange.decision != "accepted":
            raise web.HTTPSeeOther(f"/desk/requests/{identifier}")
        return exchange, opened

    async def _page(
        self, request: web.Request, answered: Answered, form: Form, found: Found | None = None, records: str = ""
    ) -> web.StreamResponse:
        """``records`` are sealed: neither the page nor its source tells them."""
        title = title_of(answered.asked.terms, self._desk, spoken(request))
        return await render(request, "desk/match.html", form=form, answered=answered, found=found, records=records, title=title)

    async def find(self, request: web.Request) -> web.StreamResponse:
        answered, opened = await self._accepted(request)
        form, _ = Form(await auth.read_form(request)), translator(request)
        text, sealed = form.value("records"), form.value("sealed")
        try:
            text = text or await self._unseal(answered, sealed)
            records = matching.parse_records(text)
        except VcError as error:
            wrong = _("Write one record a line: number; first names; last name; date of birth; postcode")
            line = error.where.removeprefix("/records/")
            form.error("records", _("Line %(number)s: %(wrong)s") % {"number": line, "wrong": wrong} if line.isdigit() else wrong)
            return await self._page(request, answered, form)
        told = Told(postal_code=form.value("postal_code"), reference=form.value("reference"))
        found = await asyncio.to_thread(matching.find, opened, self._desk.types, records, told)
        kept = "" if found.reference else await self._seal(answered, text)
        return await self._page(request, answered, Form(), found, kept)

    async def _seal(self, answered: Answered, text: str) -> str:
        return base64url.encode(await self._desk.custodian.seal(STORAGE, text.encode(), context=self._context(answered)))

    async def _unseal(self, answered: Answered, sealed: str) -> str:
        if not sealed or len(sealed) > 2 * matching.MAX_TEXT:
            raise Malformed("there are no records", where="/records")
        return (await self._desk.custodian.unseal(STORAGE, base64url.decode(sealed), context=self._context(answered))).decode()

    @staticmethod
    def _context(answered: Answered) -> bytes:
        return f"match:{answered.asked.id}".encode()
