"""The door of the pages for operators: who is signed in, signing in and out, and an operator's own passphrase.

Entrance(home="/console/", base="console/base.html", back="/console/settings", lead=N_("For people who make documents.")).add_to(app)
app.router.add_get("/console/", seated(show))            # the operator is request[OPERATOR]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..errors import Malformed, SignInRequired
from ..storage import Tx
from . import auth, operators, sessions
from .context import storage
from .forms import Form
from .operators import Operator, fold
from .pages import render, translator
from .passphrases import check_new_passphrase

OPERATOR: web.RequestKey[Operator] = web.RequestKey("OPERATOR", Operator)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def seat(request: web.Request) -> Operator:
    """The operator of this session, asked anew for every page: one who was removed since is signed out at once."""
    session = await auth.require_session(request)
    found = await storage(request).read(lambda tx: operators.by_id(tx, session.subject))
    if found is None:
        raise SignInRequired("sign in first")
    request[OPERATOR] = found
    return found


def seated(handler: Handler, *, check: Callable[[Operator], None] | None = None) -> Handler:
    """``handler`` for operators only, who are ``request[OPERATOR]``; ``check`` raises for those who may not."""

    async def serve(request: web.Request) -> web.StreamResponse:
        found = await seat(request)
        if check is not None:
            check(found)
        return await handler(request)

    return serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """``home`` is the first page, above all others of operators; ``base`` the template that they extend.

    ``lead`` says above the sign-in form whom it is for, marked with ``N_``; ``back`` is where the page of the passphrase leads back to.
    """

    home: str
    base: str
    lead: str
    back: str

    def add_to(self, app: web.Application) -> None:
        """Routes of this part."""
        app.router.add_get("/", self.to_home)
        app.router.add_get(self.home.rstrip("/"), self.to_home)
        app.router.add_get(f"{self.home}sign-in", self.show_sign_in)
        app.router.add_post(f"{self.home}sign-in", self.sign_in)
        app.router.add_post(f"{self.home}sign-out", self.sign_out)
        app.router.add_get(f"{self.home}passphrase", seated(self.show_passphrase))
        app.router.add_post(f"{self.home}passphrase", seated(self.change_passphrase))

    async def to_home(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(self.home)

    async def show_sign_in(self, request: web.Request) -> web.StreamResponse:
        with suppress(SignInRequired):
            await seat(request)
            raise web.HTTPSeeOther(self.home)
        return await self._ask(request, Form(), self._inside(request.query.get("next", "")))

    async def _ask(self, request: web.Request, form: Form, after: str) -> web.StreamResponse:
        return await self._render(request, "sign_in", form=form, next=after, lead=translator(request)(self.lead))

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """The same words and the same time whether the name or the passphrase was wrong."""
        posted = await auth.read_form(request, signed_in=False)
        form, _ = Form(posted), translator(request)
        name = form.need("name", _("Enter your name"))
        passphrase = posted.get("passphrase", "")
        if not passphrase:
            form.error("passphrase", _("Enter your passphrase"))
        after = self._inside(form.value("next"))
        if form.wrong:
            return await self._ask(request, form, after)
        await auth.throttle_sign_in(request, fold(name))
        operator = await storage(request).read(lambda tx: operators.find(tx, name))
        try:
            await auth.passphrases(request).check(passphrase, None if operator is None else operator.passphrase)
        except SignInRequired:
            form.error("passphrase", _("Name and passphrase do not match. Check both and try again"))
        if operator is None or form.wrong:
            return await self._ask(request, form, after)
        await auth.forgive_sign_in(request, fold(name))
        response = web.HTTPSeeOther(after or self.home)
        await auth.sign_in(request, response, subject=operator.id, data={"name": operator.name})
        raise response

    def _inside(self, path: str) -> str:
        """A path of our own pages, or nothing: signing in never leads elsewhere."""
        return path if path.startswith(self.home) and "\\" not in path and "//" not in path else ""

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        response = web.HTTPSeeOther(f"{self.home}sign-in")
        await auth.sign_out(request, response)
        raise response

    async def show_passphrase(self, request: web.Request) -> web.StreamResponse:
        return await self._render(request, "passphrase", done=False)

    async def change_passphrase(self, request: web.Request) -> web.StreamResponse:
        """Ends all other sessions of the operator."""
        posted = await auth.read_form(request)
        form, _ = Form(posted), translator(request)
        operator, fresh = request[OPERATOR], posted.get("new", "")
        await auth.throttle_sign_in(request, fold(operator.name))
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
        if form.wrong:
            return await self._render(request, "passphrase", form=form, done=False)
        hashed = await auth.passphrases(request).hash(fresh)
        own = await auth.require_session(request)

        async def unit(tx: Tx) -> None:
            await operators.set_passphrase(tx, operator.id, hashed)
            await sessions.end_all(tx, operator.id, but=own.key)

        await storage(request).write(unit)
        return await self._render(request, "passphrase", done=True)

    async def _render(self, request: web.Request, page: str, **context: Any) -> web.StreamResponse:
        return await render(request, f"entrance/{page}.html", base=self.base, entrance=self, **context)
