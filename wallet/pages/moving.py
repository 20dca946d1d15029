"""Moving to a new phone: ``/move`` on the old one, ``/move/new`` on the new one. No code stands in a path or a query.

A scanned code stands in the fragment, which reaches no server, and a small script puts it into the form; without scripts it is typed, or
a picture of it is given.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared.clock import DAY
from shared.codec import base64url, qr
from shared.errors import Malformed, Missing
from shared.web.app import bound_body
from shared.web.auth import cookie_name, current_session, read_files, read_form, set_session, sign_out
from shared.web.context import SETTINGS
from shared.web.forms import Form
from shared.web.pages import render
from shared.web.problem import HTML, dialect_of
from shared.web.security import client_address
from wallet.cards import card
from wallet.deliveries import Told
from wallet.keep import as_spelt
from wallet.moving import LIFE, Keeping, Move, State, give_up, keeping, tell
from wallet.pages.desk import PICTURE, Desk, link_from, see
from wallet.records import DOCUMENTS
from wallet.unlocked import Left, Sitting, Unlocked

OLD: Final = "/move"
NEW: Final = "/move/new"
_SECRET = 32
_NAME = 32  # characters of a phone's name for itself
_ALL, _NONE = "all", "none"
_FORGETS = frozenset({OLD, f"{OLD}/state", f"{OLD}/finish"})


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

    def _left(self, request: web.Request) -> Left | None:
        """Where the wallet of this browser has moved away."""
        return self._desk.unlocked.left(request.cookies.get(cookie_name(request), ""))

    async def show_old(self, request: web.Request) -> web.StreamResponse:
        if self._left(request) is not None:
            return await render(request, "wallet/move.html", left=True, move=None)
        return await self._old_page(request, Form())

    async def _old_page(self, request: web.Request, form: Form) -> web.StreamResponse:
        sitting, words = await self._desk.sitting(request), self._desk.words(request)
        move = self._desk.moves.of(sitting)
        titles = await self._titles(request, sitting)
        kept = [
            {
                "phone": one.phone,
                "text": words._("Kept on %(day)s: %(documents)s")
                % {"day": words.dates.date(one.at), "documents": ", ".join(titles[each] for each in one.documents if each in titles)},
            }
            for one in await self._unnamed(sitting, move)
        ]
        return await render(
            request, "wallet/move.html", left=False, form=form, move=move, kept=kept, minutes=LIFE // 60, address=self._address(NEW)
        )

    async def _titles(self, request: web.Request, sitting: Sitting) -> dict[str, str]:
        """What the documents of this wallet are called."""
        at, locale = self._desk.means.clock(), self._desk.words(request).locale
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, sitting.vault))
        cards = {item.id: card(item.value, at=at, locale=locale) for item in items}
        return {name: f"{one.title} ({one.subtitle})" if one.subtitle else one.title for name, one in cards.items()}

    async def _unnamed(self, sitting: Sitting, move: Move | None) -> list[Keeping]:
        """The phones of which the holder has to say whether this is one of them: where it did not say so by itself."""
        if move is None or move.state is not State.SEEN:
            return []
        kept = await keeping(self._desk.means, sitting.vault)
        return [] if move.phone in {one.phone for one in kept} else kept

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """The old phone says under which name it keeps copies, if it does."""
        form, sitting = Form(await read_form(request)), await self._desk.sitting(request)
        self._desk.moves.count(f"begin {sitting.vault.wallet}")
        self._desk.moves.begin(sitting, form.value("phone")[:_NAME])
        return see(OLD)

    async def old_code(self, request: web.Request) -> web.StreamResponse:
        move = await self._move(request)
        if move is None or move.state is not State.SHOWN:
            raise Missing("there is no code to show")
        return _drawn(f"{self._address(NEW)}#{move.code}")

    async def old_state(self, request: web.Request) -> web.StreamResponse:
        """For the page that waits: where to go when something has changed."""
        if self._left(request) is not None:
            return web.json_response({"href": OLD})
        move = await self._move(request)
        state = None if move is None else State.AGREED if move.state is State.ENTERING else move.state
        waits = state is not None and state.value == request.query.get("at")
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
        if form.value("same") != "yes":
            self._desk.moves.stop(sitting)
            see(OLD)
        move = self._desk.moves.of(sitting)
        phones, chosen = tuple(one.phone for one in await self._unnamed(sitting, move)), form.value("kept")
        answers = {one: (one,) for one in phones} | {_ALL: phones, _NONE: ()}
        if phones and chosen not in answers:
            form.error("kept", self._desk.words(request)._("Say which copies are on this phone"))
            return await self._old_page(request, form)
        named = () if move is None else (move.phone,)
        self._desk.moves.agree(sitting, answers[chosen] if phones else named)
        return see(OLD)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """The old phone forgets everything of this wallet: the browser is told to, and its session ends."""
        await read_form(request)
        left = self._left(request)
        if left is None:
            see(OLD)
        async with self._desk.means.locks.of(f"{left.session.subject}/move"):  # what became of its copies is known by then
            told = list(left.moved.values())
        response = await render(request, "wallet/moved.html", counts={word.value: told.count(word) for word in Told})
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
        if move is not None and move.state is State.ENTERED and await current_session(request) is not None:
            see(f"{OLD}/here")
        holder = move.sitting.holder if move is not None and move.state is State.AGREED else ""
        return await render(request, "wallet/move_new.html", form=form, move=move, holder=holder)

    async def join(self, request: web.Request) -> web.StreamResponse:
        """This browser gets a secret of its own, which its code names. Tries are counted by address."""
        form, words = Form(await read_form(request, signed_in=False)), self._desk.words(request)
        typed = form.need("code", words._("Scan the code of the old phone, or type it"))
        if form.wrong:
            return await self._new_page(request, form)
        self._desk.moves.count(f"join {client_address(request)}")
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
            token, sitting = await self._let_in(request, move)
        response = web.HTTPSeeOther(f"{OLD}/here")
        set_session(request, response, token, sitting.session)
        return response

    async def _let_in(self, request: web.Request, move: Move) -> tuple[str, Sitting]:
        """First the copies are given up, then the old sitting ends, then the issuers are told: those that are slow hold up the answer alone."""
        means, unlocked, moves, old = self._desk.means, self._desk.unlocked, self._desk.moves, move.sitting
        before, since = await current_session(request), unlocked.mark()
        moves.enter(move)
        try:
            noted = await give_up(means, old.vault, move.phones)
        except BaseException:
            moves.not_entered(move)
            raise
        moves.entered(move)
        left = unlocked.leave(old.session.key)
        token, sitting = unlocked.open(old.vault, old.holder, since=since, until=old.session.expires_at)
        if before is not None:
            unlocked.close(before.key)
        sitting.moved = await tell(means, old.vault, noted)
        if left is not None:
            left.moved = sitting.moved
        return token, sitting

    async def here(self, request: web.Request) -> web.StreamResponse:
        """What the old phone kept, to be kept anew."""
        sitting, words, at = await self._desk.sitting(request), self._desk.words(request), self._desk.means.clock()
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, sitting.vault))
        cards = [card(item.value, at=at, locale=words.locale) for item in items if item.id in sitting.moved]
        return await render(request, "wallet/moved_here.html", cards=cards, told={name: word.value for name, word in sitting.moved.items()})

    def _address(self, path: str) -> str:
        return f"{self._desk.settings.public_url}{path}"


def forget_first(unlocked: Unlocked) -> Middleware:
    """A browser whose wallet moved away is shown nothing but the page that forgets, whatever it asks for."""

    @web.middleware
    async def send_there(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = dialect_of(request) is not HTML or request.path in _FORGETS or request.path.startswith("/static/")
        if not shown and unlocked.left(request.cookies.get(cookie_name(request), "")) is not None:
            see(OLD)
        return await handler(request)

    return send_there


def _drawn(text: str) -> web.Response:
    return web.Response(text=qr.svg(text), content_type="image/svg+xml")
