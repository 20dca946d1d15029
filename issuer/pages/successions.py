"""Who takes over from whom below this office: the pages on which two people look, and what everybody reads of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from issuer.federation import successions
from issuer.office import Office
from issuer.pages.deciding import Answer, Deciding
from issuer.pages.desk import actor, may, seated
from issuer.pages.succession_view import Known, read_everything, read_known, view
from issuer.records import successions as rows
from issuer.records.successions import Handed
from shared.errors import Conflict, Missing, Rejected, Unavailable, VcError
from shared.storage import Tx
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.entrance import OPERATOR
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH = "/console/federation/successions"
Words = Callable[[str], str]
Parties = tuple[str, str]


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, where this office is a superior."""
    if not office.settings.superior:
        return
    part = Successions(office)
    app.router.add_get(PATH, seated(part.show))
    app.router.add_get(f"{PATH}/one", seated(part.one))
    for path, handler in (("offer", part.offer), ("approve", part.approve), ("send-back", part.send_back), ("withdraw", part.withdraw)):
        app.router.add_post(f"{PATH}/{path}", seated(handler, role="approver"))


class Successions:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._deciding = Deciding(office, lambda form: (form.value("outgoing"), form.value("successor")), self._one, link)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """All of them, and where what bodies signed is brought."""
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        everything, known = await self._office.storage.read(read_everything)
        return await render(
            request,
            "console/successions.html",
            form=form,
            rows=[_row(each, known.bodies, translator(request)) for each in everything],
            decides=may(request[OPERATOR], "approver"),
        )

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """Whoever brings it is the first of two who look."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        text = form.need("halves", _("Paste what the successor’s program has written"))
        if not form.wrong:
            try:
                found = await successions.offer(self._office, text.encode(), actor(request), request.config_dict[FETCHER])
            except VcError as error:
                form.error("halves", _fault(error, _))
            else:
                raise web.HTTPSeeOther(link((found.outgoing, found.successor)))
        return await self._show(request, form)

    async def one(self, request: web.Request) -> web.StreamResponse:
        return await self._one(request, (request.query.get("outgoing", ""), request.query.get("successor", "")), Form())

    async def _one(self, request: web.Request, parties: Parties, form: Form, *, changed: bool = False) -> web.StreamResponse:
        words, locale = translator(request), locale_of(request)

        async def unit(tx: Tx) -> tuple[Handed, Known]:
            return await rows.get(tx, *parties), await read_known(tx, parties[:1])

        handed, known = await self._office.storage.read(unit)
        return await render(
            request,
            "console/succession.html",
            status=409 if changed else 200,
            form=form,
            changed=changed,
            handed=handed,
            row=_row(handed, known.bodies, words),
            published=None if handed.published is None else view(handed.published, known, locale),
            waiting=None if handed.waiting is None else view(handed.waiting, known, locale),
            own=handed.wanted_by == actor(request).name,
            decides=may(request[OPERATOR], "approver"),
        )

    async def approve(self, request: web.Request) -> web.StreamResponse:
        async def act(parties: Parties, said: Answer) -> None:
            await successions.approve(self._office, *parties, said.by, version=said.version, fetch=request.config_dict[FETCHER])

        return await self._deciding.decide(request, act, fault=_fault)

    async def send_back(self, request: web.Request) -> web.StreamResponse:
        return await self._drop(request, "why_back", successions.refuse)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        return await self._drop(request, "why_end", successions.withdraw)

    async def _drop(self, request: web.Request, field: str, drop: Callable[..., Awaitable[Handed]]) -> web.StreamResponse:
        async def act(parties: Parties, said: Answer) -> None:
            await drop(self._office, *parties, said.reason, said.by, version=said.version)

        return await self._deciding.decide(request, act, why=field)


def _fault(error: VcError, words: Words) -> str:
    if isinstance(error, Conflict):
        return words("A newer statement is known here, or this one was signed too long ago")
    if isinstance(error, Missing):
        return words("The body that hands over is not below this office")
    if isinstance(error, Unavailable):
        return words("The successor is not below this office, and its own address does not answer")
    if isinstance(error, Rejected):
        return words("It is not signed by both bodies with keys that count, or not by this office instead of the first")
    return words("This is not what the successor’s program writes")


def link(parties: Parties) -> str:
    """The page about one succession."""
    return f"{PATH}/one?{urlencode({'outgoing': parties[0], 'successor': parties[1]})}"


def _row(handed: Handed, bodies: Mapping[str, str], words: Words) -> dict[str, Any]:
    if handed.wanted is not None:
        first = not handed.wanted_by
        state = (words("Waits for two people"), "yellow") if first else (words("Waits for a second person"), "yellow")
    else:
        state = (words("Published"), "green") if handed.held is not None else (words("Dropped"), "grey")
    return {
        "outgoing": bodies.get(handed.outgoing, handed.outgoing),
        "successor": bodies.get(handed.successor, handed.successor),
        "href": link((handed.outgoing, handed.successor)),
        "state": state[0],
        "colour": state[1],
    }
