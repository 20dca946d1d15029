"""Opening a wallet: sign in, a new wallet, the recovery code, and the page for who has lost both."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Conflict, Forbidden, Malformed, SignInRequired
from shared.web.auth import current_session, forgive_sign_in, read_form, set_session, sign_out, throttle_sign_in
from shared.web.forms import Form
from shared.web.pages import render
from wallet.enter import Opened
from wallet.pages.desk import Desk, Words, see
from wallet.pages.sheet import show_sheet


class EntryPages:
    """``/sign-in``, ``/sign-out``, ``/wallets/new``, ``/recover``, ``/forgotten``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/sign-in", self.show_sign_in)
        app.router.add_post("/sign-in", self.sign_in)
        app.router.add_post("/sign-out", self.sign_out)
        app.router.add_get("/wallets/new", self.show_new)
        app.router.add_post("/wallets/new", self.make)
        app.router.add_get("/recover", self.show_recover)
        app.router.add_post("/recover", self.recover)
        app.router.add_get("/forgotten", self.forgotten)

    async def show_sign_in(self, request: web.Request) -> web.StreamResponse:
        if await current_session(request) is not None:
            see(_safe(request.query.get("next", "/")))
        return await self._sign_in_page(request, Form(), request.query.get("next", "/"))

    async def _sign_in_page(self, request: web.Request, form: Form, following: str) -> web.StreamResponse:
        return await render(request, "wallet/sign_in.html", form=form, next=_safe(following), open_to_all=self._desk.settings.open_to_all)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await read_form(request, signed_in=False)), self._desk.words(request)
        name = form.need("holder", words._("Enter the name of your wallet"))
        passphrase = form.need("passphrase", words._("Enter your passphrase"))
        if form.wrong:
            return await self._sign_in_page(request, form, form.value("next", "/"))
        since = self._desk.unlocked.mark()
        try:
            account = await self._desk.doors.account(name)
            await throttle_sign_in(request, account)
            opened = await self._desk.doors.open(name, passphrase)
            response = await self._enter(request, opened, web.HTTPSeeOther(_safe(form.value("next", "/"))), since)
        except (SignInRequired, Malformed):
            form.error("passphrase", words._("Name and passphrase do not open a wallet here. Check both and try again."))
            return await self._sign_in_page(request, form, form.value("next", "/"))
        await forgive_sign_in(request, account)
        return response

    async def _enter(self, request: web.Request, opened: Opened, response: web.StreamResponse, since: int) -> web.StreamResponse:
        """Begin a sitting; the one that this browser had before ends. ``SignInRequired`` if the wallet was closed after the mark ``since``."""
        before = await current_session(request)
        token, sitting = self._desk.unlocked.open(opened.vault, opened.holder, since=since)
        if before is not None:
            self._desk.unlocked.close(before.key)
        set_session(request, response, token, sitting.session)
        return response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        response = web.HTTPSeeOther("/")
        await sign_out(request, response)
        return response

    # --- new wallets

    def _check_open(self) -> None:
        if not self._desk.settings.open_to_all:
            raise Forbidden("this host does not let everybody make a wallet")

    async def show_new(self, request: web.Request) -> web.StreamResponse:
        self._check_open()
        return await render(request, "wallet/new.html")

    async def make(self, request: web.Request) -> web.StreamResponse:
        self._check_open()
        form, words = Form(await read_form(request, signed_in=False)), self._desk.words(request)
        name = form.need("holder", words._("Choose a name for your wallet"))
        passphrase = _new_passphrase(form, words)
        if not form.wrong:
            await throttle_sign_in(request, "new wallet")
            since = self._desk.unlocked.mark()
            try:
                opened = await self._desk.doors.make(name, passphrase)
            except Conflict:
                form.error("holder", words._("A wallet of this name is here already. Choose another name."))
            except Malformed as error:
                _tell(form, words, error)
            else:
                return await self._code_page(request, opened, since)
        return await render(request, "wallet/new.html", form=form)

    async def _code_page(self, request: web.Request, opened: Opened, since: int) -> web.StreamResponse:
        """The recovery code, once. The sitting begins with this answer."""
        return await self._enter(request, opened, await show_sheet(self._desk, request, opened), since)

    # --- lost passphrases

    async def show_recover(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "wallet/recover.html")

    async def recover(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await read_form(request, signed_in=False)), self._desk.words(request)
        name = form.need("holder", words._("Enter the name of your wallet"))
        code = form.need("code", words._("Enter your recovery code"))
        passphrase = _new_passphrase(form, words)
        if not form.wrong:
            try:
                account = await self._desk.doors.account(name)
                await throttle_sign_in(request, account)
                opened = await self._desk.doors.recover(name, code, passphrase)
            except SignInRequired:
                form.error("code", words._("Name and recovery code do not open a wallet here. Check both and try again."))
            except Malformed as error:
                _tell(form, words, error)
            else:
                self._desk.unlocked.close_wallet(opened.vault.wallet)
                since = self._desk.unlocked.mark()
                await forgive_sign_in(request, account)
                return await self._code_page(request, opened, since)
        return await render(request, "wallet/recover.html", form=form)

    async def forgotten(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "wallet/forgotten.html")


def _new_passphrase(form: Form, words: Words) -> str:
    passphrase = form.need("new_passphrase", words._("Choose a passphrase"))
    if passphrase and len(passphrase) < 12:
        form.error(
            "new_passphrase", words._("Choose a passphrase of at least 12 characters, such as four words that do not belong together")
        )
    elif passphrase and passphrase != form.value("repeat"):
        form.error("repeat", words._("The two passphrases are not the same"))
    return passphrase


def _tell(form: Form, words: Words, error: Malformed) -> None:
    if "passphrase" in error.where:
        form.error("new_passphrase", words._("Choose a passphrase of 12 to 256 characters"))
    else:
        form.error("holder", words._("Choose a name of 1 to 100 letters, digits and spaces"))


def _safe(path: str) -> str:
    """Only our own pages: two slashes of either kind would lead to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
