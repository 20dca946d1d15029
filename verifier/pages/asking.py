"""Asking at the desk: choose a purpose, see what will be asked, show the square code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from shared.credentials import Text
from shared.credentials._joint import is_joint
from shared.openid4vp import AGREEING_FORMATS, Agreement, is_seen
from shared.web import auth
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator
from verifier import request as requests
from verifier.desk import Desk
from verifier.material import Store
from verifier.ordering import MAX_WORDS, Order
from verifier.pages.listing import together
from verifier.uses import DIED_BY, WHOLE_DAY, Use

_SEVERAL = N_("Several documents at once")
Words = Callable[[str], str]
DAY: Final = f"{DIED_BY}.day"


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
        for type_id, uses in self._choices().values():
            title = uses[0].type.title.in_(locale) if type_id else translator(request)(_SEVERAL)
            groups.setdefault(title, []).append(
                {
                    "value": f"{type_id}/{uses[0].query.id}",
                    "title": together(uses, locale),
                    "purpose": uses[0].query.purpose.in_(locale),
                    "details": [label for use in uses for label in use.labels(use.query.paths, locale)],
                    "optional": [label for use in uses for label in use.labels(use.query.optional, locale)],
                    "together": is_joint(uses[0].query),
                }
            )
        dated = any(use.asks_date() for _, uses in self._choices().values() for use in uses)
        minutes = self._desk.settings.request_minutes
        return await render(request, "desk/ask.html", form=form, groups=groups, dated=dated, minutes=minutes)

    def _choices(self) -> dict[str, tuple[str, tuple[Use, ...]]]:
        """By value in the form: first the questions that go to several kinds of document, then those to each alone."""
        desk = self._desk
        names = dict.fromkeys(use.query.id for use in desk.uses())
        together = {f"/{name}": ("", uses) for name in names if len(uses := desk.uses_of("", name)) > 1}
        return together | {f"{use.type.id}/{use.query.id}": (use.type.id, (use,)) for use in desk.uses()}

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """One request a form; its page shows the square code."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        chosen = self._choices().get(form.value("use"))
        if chosen is None:
            form.error("use", _("Choose what you ask for"), anchor="use-1")
            return await self._page(request, form)
        type_id, uses = chosen
        use = about_date(form, _)
        if use and not any(each.asks_date() for each in uses):
            form.error(
                DIED_BY, _("What you chose does not ask when somebody died: leave this out"), anchor=DAY if DIED_BY in use else WHOLE_DAY
            )
        agreement = about_agreeing(form, _)
        joint, formats = any(is_joint(each.query) for each in uses), self._desk.settings.formats
        if agreement and joint:
            form.error("agree", _("People who act together agree to the purpose itself: leave this out"))
        elif (agreement or joint) and AGREEING_FORMATS.isdisjoint(formats):
            name, anchor = ("agree", "agree") if agreement else ("use", "use-1")
            form.error(name, _("Nobody can agree to anything with the documents that this desk takes"), anchor=anchor)
        if form.wrong:
            return await self._page(request, form)
        order = Order(type=type_id, query=uses[0].query.id, formats=formats, use=use, agreement=agreement)
        asked = await requests.make(self._desk, order, made_by="desk")
        raise web.HTTPSeeOther(f"/desk/requests/{asked.id}")


def about_agreeing(form: Form, _: Words) -> Agreement | None:
    """What the holder is to agree to, in the clerk's own words; in both languages where the clerk has both."""
    english, welsh = form.value("agree"), form.value("agree_cy")
    for name, said in (("agree", english), ("agree_cy", welsh)):
        if len(said) > MAX_WORDS:
            form.error(name, _("What they agree to must have 1,000 characters or fewer"))
        elif not is_seen(said):
            form.error(name, _("What they agree to must have letters that everybody sees: type it, do not paste it"))
    if welsh and not english:
        form.error("agree", _("Write in English what they agree to, too"))
    return Agreement(statement=Text(english, welsh or english)) if english else None


def about_date(form: Form, _: Words) -> dict[str, Any]:
    """What the desk needs of the date of a death (``desk/about_date.html``), as the check of the document is told."""
    use: dict[str, Any] = {WHOLE_DAY: True} if form.value(WHOLE_DAY) else {}
    if day := form.date(DIED_BY):
        try:
            use[DIED_BY] = dt.date.fromisoformat(day).isoformat()
        except ValueError:
            form.error(DIED_BY, _("The day must be a real date, such as 31 3 2027"), anchor=DAY)
    return use
