"""Moving to a new phone: ``/move`` on the old one, ``/move/new`` on the new one. No code stands in a path or a query.

A scanned code stands in the fragment, which reaches no server, and a small script puts it into the form; without scripts it is typed, or
a picture of it is given.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from shared.clock import DAY
from shared.codec import base64url, qr
from shared.errors import Malformed, Missing
from shared.web.app import bound_body
from shared.web.auth import current_session, read_files, read_form, set_session, sign_out
from shared.web.context import SETTINGS
from shared.web.forms import Form
from shared.web.pages import render
from shared.web.rates import Limit, allow
from shared.web.security import client_address
from wallet.cards import card
from wallet.keep import as_spelt
from wallet.moving import LIFE, Move, State, give_up
from wallet.pages.desk import PICTURE, Desk, link_from, see
from wallet.records import DOCUMENTS

OLD: Final = "/move"
NEW: Final = "/move/new"
BEGUN = Limit("move-begin", 20, 3_600)
JOINS = Limit("move-join", 20, 3_600)
_SECRET = 32
_NAME = 32  # characters of a phone's name for itself


class MovingPages:
    """``/move`` and ``/move/new``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        for method, path, handler in (
            ("GET", OLD, self.show_old),
            ("POST", OLD, self.begin),
            ("GET", f"{OLD}/code.svg", self.old_code),
            ("GET", f"{OLD}/state", self.old_state),
            ("POST", f"{OLD}/seen", self.see),
            ("POST", f"{OLD}/decide", self.decide),
            ("POST", f"{OLD}/finish", self.finish),
            ("GET", NEW, self.show_new),
            ("POST", NEW, self.join),
            ("GET", f"{NEW}/code.svg", self.new_code),
            ("GET", f"{NEW}/state", self.new_state),
            ("POST", f"{NEW}/enter", self.enter),
            ("GET", f"{OLD}/here", self.here),
        ):
            app.router.add_route(method, path, handler)
        bound_body(app, f"{OLD}/seen", PICTURE)

    # --- the old phone

    async def _move(self, request: web.Request) -> Move | None:
        return self._desk.moves.of(await self._desk.sitting(request))

    async def show_old(self, request: web.Request) -> web.StreamResponse:
        return await self._old_page(request, Form())

    async def _old_page(self, request: web.Request, form: Form) -> web.StreamResponse:
        sitting = await self._desk.sitting(request)
        move = self._desk.moves.of(sitting)
        return await render(request, "wallet/move.html", form=form, move=move, minutes=LIFE // 60, address=self._address(NEW))

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """The old phone says under which name it keeps copies, if it does."""
        form, sitting = Form(await read_form(request)), await self._desk.sitting(request)
        await allow(self._desk.means.storage, BEGUN, sitting.vault.wallet, at=self._desk.means.clock())
        self._desk.moves.begin(sitting, form.value("phone")[:_NAME])
        return see(OLD)

    async def old_code(self, request: web.Request) -> web.StreamResponse:
        move = await self._move(request)
        if move is None or move.state is not State.SHOWN:
            raise Missing("there is no code to show")
        return _drawn(f"{self._address(NEW)}#{move.code}")

    async def old_state(self, request: web.Request) -> web.StreamResponse:
        """For the page that waits: where to go when something has changed."""
        move = await self._move(request)
        waits = move is not None and move.state.value == request.query.get("at")
        return web.json_response({} if waits else {"href": OLD})

    async def see(self, request: web.Request) -> web.StreamResponse:
        """The second code, typed or in a picture."""
        fields, files = await read_files(request)
        form, words, sitting = Form(fields), self._desk.words(request), await self._desk.sitting(request)
        try:
            typed = (await link_from(self._desk.means, form.value("seen"), files.get("picture"))).rpartition("#")[2]
        except Malformed as error:
            if error.where == "picture":
                form.error("picture", words._("There is no square code in this picture"))
            else:
                form.error("seen", words._("Scan the code of the new phone, or type it"))
            return await self._old_page(request, form)
        if not self._desk.moves.see(sitting, typed):
            move = self._desk.moves.of(sitting)
            if move is not None and move.state is State.JOINED:
                form.error("seen", words._("This is not the code that the new phone shows. Look at it again."))
                return await self._old_page(request, form)
        return see(OLD)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        form, sitting = Form(await read_form(request)), await self._desk.sitting(request)
        if form.value("same") == "yes":
            self._desk.moves.agree(sitting)
        else:
            self._desk.moves.stop(sitting)
        return see(OLD)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """The old phone forgets everything of this wallet: the browser is told to, and the sitting ends."""
        await read_form(request)
        sitting = await self._desk.sitting(request)
        move = self._desk.moves.of(sitting)
        if move is None or move.state is not State.ENTERED:
            see(OLD)
        self._desk.moves.forget(sitting)
        self._desk.unlocked.close(sitting.session.key)
        response = await render(request, "wallet/moved.html")
        await sign_out(request, response)
        response.headers["Clear-Site-Data"] = '"storage"'
        return response

    # --- the new phone

    def _cookie(self, request: web.Request) -> str:
        prefix = "__Host-" if request.config_dict[SETTINGS].secure else ""
        return f"{prefix}muniment-move"

    def _secret(self, request: web.Request) -> str:
        return request.cookies.get(self._cookie(request), "")[:128]

    def _waiting(self, request: web.Request) -> Move | None:
        return self._desk.moves.waiting(self._secret(request))

    async def show_new(self, request: web.Request) -> web.StreamResponse:
        return await self._new_page(request, Form())

    async def _new_page(self, request: web.Request, form: Form) -> web.StreamResponse:
        move = self._waiting(request)
        if move is not None and move.state is State.ENTERED:
            see(f"{OLD}/here")
        holder = move.sitting.holder if move is not None and move.state is State.AGREED else ""
        return await render(request, "wallet/move_new.html", form=form, move=move, holder=holder)

    async def join(self, request: web.Request) -> web.StreamResponse:
        """This browser gets a secret of its own, which its code names. Tries are counted by address."""
        form, words = Form(await read_form(request, signed_in=False)), self._desk.words(request)
        typed = form.need("code", words._("Scan the code of the old phone, or type it"))
        if form.wrong:
            return await self._new_page(request, form)
        await allow(self._desk.means.storage, JOINS, client_address(request), at=self._desk.means.clock())
        mine = self._waiting(request)
        if mine is not None and mine.state is State.JOINED and mine.code == as_spelt(typed):
            see(NEW)  # the form was sent twice
        secret = base64url.encode(self._desk.means.entropy(_SECRET))
        try:
            self._desk.moves.join(typed, secret)
        except Missing:
            form.error("code", words._("This code is not good, or no longer. Let the old phone show a new one."))
            return await self._new_page(request, form)
        response = web.HTTPSeeOther(NEW)
        secure = request.config_dict[SETTINGS].secure
        response.set_cookie(self._cookie(request), secret, max_age=DAY, httponly=True, samesite="Lax", secure=secure, path="/")
        return response

    async def new_code(self, request: web.Request) -> web.StreamResponse:
        move = self._waiting(request)
        if move is None or move.state is not State.JOINED:
            raise Missing("there is no code to show")
        return _drawn(f"{self._address(OLD)}#{move.second}")

    async def new_state(self, request: web.Request) -> web.StreamResponse:
        """For the page that waits. It looks the same until the old phone's holder has agreed."""
        move = self._waiting(request)
        waits = move is not None and move.state in {State.JOINED, State.SEEN}
        return web.json_response({} if waits else {"href": NEW})

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """The wallet opens here, no longer than it would have been open there; the copies on the old phone are given up."""
        await read_form(request, signed_in=False)
        move = self._waiting(request)
        if move is None:
            see(NEW)
        old = move.sitting
        async with self._desk.means.locks.of(f"{old.vault.wallet}/move"):
            if move.state is not State.AGREED:
                see(NEW)
            kept = await give_up(self._desk.means, old.vault, move.phone)
            before = await current_session(request)
            self._desk.moves.enter(self._secret(request))
            since = self._desk.unlocked.mark()
        if before is not None:
            self._desk.unlocked.close(before.key)
        token, sitting = self._desk.unlocked.open(old.vault, old.holder, since=since, until=old.session.expires_at)
        sitting.moved = kept
        response = web.HTTPSeeOther(f"{OLD}/here")
        set_session(request, response, token, sitting.session)
        return response

    async def here(self, request: web.Request) -> web.StreamResponse:
        """What the old phone kept, to be kept anew."""
        sitting, words, at = await self._desk.sitting(request), self._desk.words(request), self._desk.means.clock()
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, sitting.vault))
        cards = [card(item.value, at=at, locale=words.locale) for item in items if item.id in sitting.moved]
        return await render(request, "wallet/moved_here.html", cards=cards)

    def _address(self, path: str) -> str:
        return f"{self._desk.settings.public_url}{path}"


def _drawn(text: str) -> web.Response:
    return web.Response(text=qr.svg(text), content_type="image/svg+xml")
