"""Signing in and out, the first page, and an operator's own passphrase."""

from __future__ import annotations

from contextlib import suppress

from aiohttp import web

from issuer.office import Office
from issuer.pages.desk import OPERATOR, may, seated
from issuer.pages.desk import operator as operator_of
from issuer.records import documents, people
from shared.errors import Malformed, SignInRequired
from shared.storage import Tx
from shared.web import auth, sessions
from shared.web.forms import Form
from shared.web.pages import render, translator
from shared.web.passphrases import check_new_passphrase

HOME = "/console/"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Entrance(office)
    app.router.add_get("/", part.to_home)
    app.router.add_get("/console", part.to_home)
    app.router.add_get(HOME, seated(office, part.home))
    app.router.add_get("/console/sign-in", part.show_sign_in)
    app.router.add_post("/console/sign-in", part.sign_in)
    app.router.add_post("/console/sign-out", part.sign_out)
    app.router.add_get("/console/passphrase", seated(office, part.show_passphrase))
    app.router.add_post("/console/passphrase", seated(office, part.change_passphrase))


class Entrance:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def to_home(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(HOME)

    async def home(self, request: web.Request) -> web.StreamResponse:
        """What waits to be done, and the ways on."""
        counts = await self._office.storage.read(documents.counts)
        operator = request[OPERATOR]
        return await render(
            request,
            "console/home.html",
            counts=counts,
            operator=operator,
            office=self._office.settings.name,
            may_many=may(operator, "approver"),
        )

    async def show_sign_in(self, request: web.Request) -> web.StreamResponse:
        with suppress(SignInRequired):
            await operator_of(request, self._office)
            raise web.HTTPSeeOther(HOME)
        return await render(request, "console/sign_in.html", next=_inside(request.query.get("next", "")))

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
            return await render(request, "console/sign_in.html", form=form, next=after)
        await auth.throttle_sign_in(request, people.fold(name))
        operator = await self._office.storage.read(lambda tx: people.find(tx, name))
        try:
            await auth.passphrases(request).check(passphrase, None if operator is None else operator.passphrase)
        except SignInRequired:
            form.error("passphrase", _("Name and passphrase do not match. Check both and try again"))
        if operator is None or form.wrong:
            return await render(request, "console/sign_in.html", form=form, next=after)
        await auth.forgive_sign_in(request, people.fold(name))
        response = web.HTTPSeeOther(after or HOME)
        await auth.sign_in(request, response, subject=operator.id, data={"name": operator.name})
        raise response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        response = web.HTTPSeeOther("/console/sign-in")
        await auth.sign_out(request, response)
        raise response

    async def show_passphrase(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "console/passphrase.html", done=False)

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

            await self._office.storage.write(unit)
        return await render(request, "console/passphrase.html", form=Form() if not form.wrong else form, done=not form.wrong)


def _inside(path: str) -> str:
    """A path of our own console, or nothing: signing in never leads elsewhere."""
    return path if path.startswith("/console/") and "\\" not in path and "//" not in path else ""
