"""The door of the pages for operators: signing in and out, by passphrase, passkey or an account elsewhere, and their own passphrase.

ENTRANCE = Entrance(home="/console/", base="console/base.html", back="/console/settings", lead=N_("For people who make documents."),
                    roles={"clerk": N_("clerk"), "admin": N_("admin")})
ENTRANCE.add_to(app, ENTRANCE.ways(settings, …))
app.router.add_get("/console/", seated(show))            # the operator is request[OPERATOR]
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from ..errors import Forbidden, Malformed, SignInRequired
from ..storage import Tx
from . import auth, door, operators, passkeys, sessions
from .context import now, storage
from .forms import Form
from .login_pages import LoginPages
from .operators import Leaves, Operator, fold, nothing_more
from .pages import render, translator
from .passkey_pages import PasskeyPages
from .passphrases import check_new_passphrase
from .seat import OPERATOR, PASSPHRASE_PATH, Handler, seat, seated
from .settings import OperatorSettings
from .ways import WAYS, Mac, Ways, ways_of

__all__ = ["OPERATOR", "Entrance", "Handler", "seat", "seated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """``home`` is the first page, above all others of operators; ``base`` the template that they extend.

    ``lead`` says above the sign-in form whom it is for, marked with ``N_``; ``back`` is where the pages of one's own ways in lead back to;
    ``roles`` are those of the service, the lowest first, each with its name, marked with ``N_``; ``leaves`` ends what else
    ends with an operator.
    """

    home: str
    base: str
    lead: str
    back: str
    roles: Mapping[str, str]
    leaves: Leaves = nothing_more

    def add_to(self, app: web.Application, ways: Ways) -> None:
        """Routes of this part."""
        app[WAYS], app[PASSPHRASE_PATH] = ways, f"{self.home}passphrase"
        PasskeyPages(self).add_to(app)
        LoginPages(self).add_to(app)
        app.router.add_get("/", self.to_home)
        app.router.add_get(self.home.rstrip("/"), self.to_home)
        app.router.add_get(f"{self.home}sign-in", self.show_sign_in)
        app.router.add_post(f"{self.home}sign-in", self.sign_in)
        app.router.add_post(f"{self.home}sign-out", self.sign_out)
        app.router.add_get(f"{self.home}passphrase", seated(self.show_passphrase, handed=True))
        app.router.add_post(f"{self.home}passphrase", seated(self.change_passphrase, handed=True))

    def ways(self, settings: OperatorSettings, directory: Path, *, name: str, mac: Mac) -> Ways:
        """What the settings say of the ways in; ``ConfigError``. ``name`` is whose they are, for people."""
        return ways_of(settings, directory, name=name, ranks=tuple(self.roles), home=self.home, mac=mac)

    async def to_home(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(self.home)

    async def show_sign_in(self, request: web.Request) -> web.StreamResponse:
        with suppress(SignInRequired):
            await seat(request)
            raise web.HTTPSeeOther(self.home)
        return await self.ask(request, Form(), self._inside(request.query.get("next", "")))

    async def ask(self, request: web.Request, form: Form, after: str) -> web.StreamResponse:
        """The page to sign in on, for a browser that wants to go to ``after``."""
        ways, entry = request.config_dict[WAYS], await door.come(request, after)
        response = await self.render(
            request,
            "sign_in",
            form=form,
            next=after,
            lead=translator(request)(self.lead),
            passphrases=await ways.take_passphrases(storage(request), now(request)),
            options=passkeys.request_options(ways.at_home, entry.challenge),
            elsewhere="" if ways.elsewhere is None else ways.elsewhere.name,
            form_token=entry.form_token,
        )
        door.keep(request, response, entry)
        return response

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """The same words and the same time whether the name or the passphrase was wrong."""
        posted = await auth.read_form(request, signed_in=False)
        form, _ = Form(posted), translator(request)
        if not await request.config_dict[WAYS].take_passphrases(storage(request), now(request)):
            raise Forbidden("passphrases are switched off here")
        name = form.need("name", _("Enter your name"))
        passphrase = posted.get("passphrase", "")
        if not passphrase:
            form.error("passphrase", _("Enter your passphrase"))
        after = self._inside(form.value("next"))
        if form.wrong:
            return await self.ask(request, form, after)
        await auth.throttle_sign_in(request, fold(name))
        operator = await storage(request).read(lambda tx: operators.find(tx, name))
        try:
            await auth.passphrases(request).check(passphrase, None if operator is None or operator.elsewhere else operator.passphrase)
        except SignInRequired:
            form.error("passphrase", _("Name and passphrase do not match. Check both and try again"))
        if operator is None or form.wrong:
            return await self.ask(request, form, after)
        await auth.forgive_sign_in(request, fold(name))
        raise await self.let_in(request, operator, after)

    async def let_in(self, request: web.Request, operator: Operator, after: str, *, hours: int | None = None) -> web.HTTPSeeOther:
        """A new session, which ends after ``hours`` at the latest."""
        response = web.HTTPSeeOther(after or self.home)
        absolute = sessions.ABSOLUTE if hours is None else hours * 3_600
        await auth.sign_in(request, response, subject=operator.id, data={"name": operator.name}, absolute=absolute)
        door.forget(request, response)
        return response

    def _inside(self, path: str) -> str:
        """A path of our own pages, or nothing: signing in never leads elsewhere."""
        return path if path.startswith(self.home) and "\\" not in path and "//" not in path else ""

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        response = web.HTTPSeeOther(f"{self.home}sign-in")
        await auth.sign_out(request, response)
        raise response

    async def show_passphrase(self, request: web.Request) -> web.StreamResponse:
        return await self._passphrase(request, Form())

    async def _passphrase(self, request: web.Request, form: Form, *, done: bool = False) -> web.StreamResponse:
        """With the passkeys that sign her in beside it: whoever has seen her passphrase may have added one."""
        known = await storage(request).read(lambda tx: passkeys.of(tx, operators.subject(request[OPERATOR].id)))
        return await self.render(request, "passphrase", form=form, known=known, done=done)

    async def change_passphrase(self, request: web.Request) -> web.StreamResponse:
        """Ends all other sessions of the operator and, unless she says otherwise on the page, her passkeys."""
        posted = await auth.read_form(request)
        form, _ = Form(posted), translator(request)
        operator, fresh = request[OPERATOR], posted.get("new", "")
        if operator.elsewhere:
            raise Forbidden("somebody who signs in elsewhere has no passphrase here")
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
        if fresh == posted.get("passphrase", ""):
            form.error("new", _("Choose another passphrase than your present one"))
        if form.wrong:
            return await self._passphrase(request, form)
        hashed = await auth.passphrases(request).hash(fresh)
        own = await auth.require_session(request)

        async def unit(tx: Tx) -> None:
            await operators.set_passphrase(tx, operator.id, hashed)
            if posted.get("remove_passkeys"):
                await passkeys.remove_all(tx, operators.subject(operator.id))
            await sessions.end_all(tx, operator.id, but=own.key)

        await storage(request).write(unit)
        return await self._passphrase(request, Form(), done=True)

    async def render(self, request: web.Request, page: str, **context: Any) -> web.StreamResponse:
        return await render(request, f"entrance/{page}.html", base=self.base, entrance=self, operator=request.get(OPERATOR), **context)
