"""Signing in and out, the first page, an operator's own passphrase, and what a check cannot tell."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Malformed, SignInRequired
from shared.storage import Tx
from shared.web import auth, sessions
from shared.web.forms import Form
from shared.web.pages import render, translator
from shared.web.passphrases import check_new_passphrase
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages.listing import rows_of
from verifier.pages.seat import OPERATOR, seated, spoken
from verifier.pages.trusting import knowledge_of
from verifier.records import exchanges, people

HOME = "/desk/"
_RECENT = 10


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Entrance(desk, store)
    app.router.add_get("/", part.to_home)
    app.router.add_get("/desk", part.to_home)
    app.router.add_get(HOME, seated(desk, part.home))
    app.router.add_get("/desk/requests", seated(desk, part.requests))
    app.router.add_get("/desk/sign-in", part.show_sign_in)
    app.router.add_post("/desk/sign-in", part.sign_in)
    app.router.add_post("/desk/sign-out", part.sign_out)
    app.router.add_get("/desk/passphrase", seated(desk, part.show_passphrase))
    app.router.add_post("/desk/passphrase", seated(desk, part.change_passphrase))
    app.router.add_get("/limits", part.limits)


class Entrance:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def to_home(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(HOME)

    async def home(self, request: web.Request) -> web.StreamResponse:
        """The ways on, what was asked lately, and how old the knowledge is."""
        desk, at = self._desk, self._desk.clock()
        recent = await desk.storage.read(lambda tx: exchanges.recent(tx, at, _RECENT))
        return await render(
            request,
            "desk/home.html",
            organisation=desk.settings.name,
            operator=request[OPERATOR],
            rows=rows_of(recent, desk, spoken(request)),
            known=await knowledge_of(desk, self._store, spoken(request)),
        )

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """Everything that is still on the list."""
        at = self._desk.clock()
        recent = await self._desk.storage.read(lambda tx: exchanges.recent(tx, at, 200))
        return await render(
            request, "desk/requests.html", rows=rows_of(recent, self._desk, spoken(request)), hours=self._desk.settings.request_hours
        )

    async def show_sign_in(self, request: web.Request) -> web.StreamResponse:
        if await auth.current_session(request) is not None:
            raise web.HTTPSeeOther(HOME)
        return await render(request, "desk/sign_in.html", next=_inside(request.query.get("next", "")))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """The same words and the same time whether the name or the passphrase was wrong."""
        posted = await auth.read_form(request, signed_in=False)
        form, _ = Form(posted), translator(request)
        name = form.need("name", _("Enter your name"))
        passphrase = posted.get("passphrase", "")
        if not passphrase:
            form.error("passphrase", _("Enter your passphrase"))
        after = _inside(form.value("next"))
        if form.wrong:
            return await render(request, "desk/sign_in.html", form=form, next=after)
        await auth.throttle_sign_in(request, people.fold(name))
        operator = await self._desk.storage.read(lambda tx: people.find(tx, name))
        try:
            await auth.passphrases(request).check(passphrase, None if operator is None else operator.passphrase)
        except SignInRequired:
            form.error("passphrase", _("Name and passphrase do not match. Check both and try again"))
        if operator is None or form.wrong:
            return await render(request, "desk/sign_in.html", form=form, next=after)
        await auth.forgive_sign_in(request, people.fold(name))
        response = web.HTTPSeeOther(after or HOME)
        await auth.sign_in(request, response, subject=operator.id, data={"name": operator.name})
        raise response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        response = web.HTTPSeeOther("/desk/sign-in")
        await auth.sign_out(request, response)
        raise response

    async def show_passphrase(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "desk/passphrase.html", done=False)

    async def change_passphrase(self, request: web.Request) -> web.StreamResponse:
        """Ends all other sessions of the operator."""
        posted = await auth.read_form(request)
        form, _ = Form(posted), translator(request)
        operator, fresh = request[OPERATOR], posted.get("new", "")
        await auth.throttle_sign_in(request, people.fold(operator.name))
        try:
            await auth.passphrases(request).check(posted.get("passphrase", ""), operator.passphrase)
        except SignInRequired:
            form.error("passphrase", _("This is not your present passphrase"))
        try:
            check_new_passphrase(fresh)
        except Malformed:
            form.error(
                "new", _("A passphrase has 12 characters or more. Several words that do not belong together are easy to keep in mind")
            )
        if not form.wrong:
            hashed = await auth.passphrases(request).hash(fresh)
            own = await auth.require_session(request)

            async def unit(tx: Tx) -> None:
                await people.set_passphrase(tx, operator.id, hashed)
                await sessions.end_all(tx, operator.id, but=own.key)

            await self._desk.storage.write(unit)
        return await render(request, "desk/passphrase.html", form=form if form.wrong else Form(), done=not form.wrong)

    async def limits(self, request: web.Request) -> web.StreamResponse:
        """What remains true when everything works: linked from every verdict."""
        return await render(request, "desk/limits.html", minutes=self._desk.settings.keep_minutes)


def _inside(path: str) -> str:
    """A path of our own desk, or nothing: signing in never leads elsewhere."""
    return path if path.startswith("/desk/") and "\\" not in path and "//" not in path else ""
