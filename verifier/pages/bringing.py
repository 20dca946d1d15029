"""Checking a copy at the desk: the file, a picture of its square code, or pasted text."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Malformed
from shared.web import auth
from shared.web.app import bound_body
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.pages import render, translator
from verifier import copies
from verifier.check import MAX_COPY
from verifier.desk import Desk
from verifier.locked import is_locked
from verifier.material import Store
from verifier.pages.asking import DAY, about_date
from verifier.uses import DIED_BY, WHOLE_DAY

_PATH = "/desk/copies"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Bringing(desk, store)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_post(_PATH, seated(part.check))
    bound_body(app, _PATH, MAX_COPY + 100_000)


class Bringing:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form) -> web.Response:
        dated = any(use.asks_date() for use in self._desk.uses())
        return await render(request, "desk/copies.html", form=form, entity=self._desk.entity, dated=dated)

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Whatever it is, it gets a verdict of its own with its own page."""
        posted, files = await auth.read_files(request)
        form, _ = Form(posted), translator(request)
        data = files.get("file") or form.value("text").encode()
        if not data:
            form.error("file", _("Choose a file or picture, or paste the text of the square code"))
        about = about_date(form, _)
        if form.wrong:
            return await self._page(request, form)
        words = form.value("words") if is_locked(data) else None
        try:
            outcome = await copies.bring(self._desk, self._store, data, made_by="desk", words=words, more=about)
        except Malformed as error:
            if error.where == "/kid":
                form.error(
                    "file",
                    _("It was locked for a key that is not here: another department’s, or one that was replaced. Ask for a new copy."),
                )
            elif error.where == f"/{DIED_BY}":
                left = _("This copy does not answer when somebody died. Leave this out, and bring it again: it was not used up")
                form.error(DIED_BY, left, anchor=DAY if DIED_BY in about else WHOLE_DAY)
            elif error.where == "words":
                shut = _("These words do not open it.") if words else _("This is locked.")
                again = _("Choose the file again, and type its seven words.") if files.get("file") else _("Type its seven words.")
                form.error("words", f"{shut} {again}")
            else:
                raise
            return await self._page(request, form)
        raise web.HTTPSeeOther(f"/desk/requests/{outcome.answered.asked.id}")
