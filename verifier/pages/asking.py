"""Asking at the desk: choose a purpose, see what will be asked, show the square code."""

from __future__ import annotations

from aiohttp import web

from shared.web import auth
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from verifier import request as requests
from verifier.desk import Desk
from verifier.material import Store
from verifier.request import Order


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Asking(desk)
    app.router.add_get("/desk/ask", seated(part.choose))
    app.router.add_post("/desk/ask", seated(part.ask))


class Asking:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def choose(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form) -> web.Response:
        locale = locale_of(request)
        groups: dict[str, list[dict[str, object]]] = {}
        for use in self._desk.uses():
            groups.setdefault(use.type.title.in_(locale), []).append(
                {
                    "value": f"{use.type.id}/{use.query.id}",
                    "title": use.query.title.in_(locale),
                    "purpose": use.query.purpose.in_(locale),
                    "details": use.labels(use.query.paths, locale),
                    "optional": use.labels(use.query.optional, locale),
                }
            )
        return await render(request, "desk/ask.html", form=form, groups=groups, minutes=self._desk.settings.request_minutes)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """One request a form; its page shows the square code."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        known = {f"{use.type.id}/{use.query.id}": use for use in self._desk.uses()}
        use = known.get(form.value("use"))
        if use is None:
            form.error("use", _("Choose what you ask for"), anchor="use-1")
            return await self._page(request, form)
        asked = await requests.make(self._desk, Order(type=use.type.id, query=use.query.id), made_by="desk")
        raise web.HTTPSeeOther(f"/desk/requests/{asked.id}")
