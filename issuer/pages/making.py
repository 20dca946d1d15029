"""Making a document by hand: choose its kind, fill in the form, check the answers, and it is made once however often it is sent."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping

from aiohttp import web

from issuer import offers, people
from issuer.claims import faults
from issuer.instruments import marked
from issuer.office import Office
from issuer.operator_api import after
from issuer.pages import form as questions
from issuer.pages.desk import actor, seated
from issuer.people import Opening
from issuer.portrait import MAX_BYTES
from shared.clock import DAY
from shared.credentials import CredentialType
from shared.errors import Malformed, Missing, UnknownCredentialType
from shared.web import auth
from shared.web.app import bound_body
from shared.web.forms import Form
from shared.web.pages import Again, locale_of, render, translator

_PLUMBING = {"form_token", "step"}


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Making(office)
    app.router.add_get("/console/make", seated(part.choose))
    app.router.add_get("/console/make/{type}", seated(part.ask))
    app.router.add_post("/console/make/{type}", seated(part.answer))
    bound_body(app, "/console/make/{type}", 2 * MAX_BYTES)


class Making:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def choose(self, request: web.Request) -> web.StreamResponse:
        locale = locale_of(request)
        kinds = [
            {"id": each.id, "title": each.title.in_(locale), "text": each.description.in_(locale)}
            for each in self._office.types
            if not each.private
        ]
        return await render(request, "console/choose.html", kinds=kinds)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        kind = self._kind(request)
        return await self._show_form(request, kind, Form({"once": self._office.secret(16), "code": "yes"}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """``step`` is check (from the form), change (back to it) or make."""
        kind = self._kind(request)
        posted, files = await auth.read_files(request)
        words = translator(request)
        form = await asyncio.to_thread(questions.take_pictures, kind, posted, files, words)
        if form.value("step") == "change":
            return await self._show_form(request, kind, form)
        claims = await marked(self._office, kind, questions.read_claims(kind, form), form.value("reference"))
        found = faults(kind, claims)
        questions.put_errors(kind, form, found, locale_of(request), words)
        order = self._order(kind, form, claims, request)
        if form.wrong or order is None:
            return await self._show_form(request, kind, form)
        if form.value("step") != "make":
            return await self._show_answers(request, kind, form, order)
        made = await offers.make(self._office, order, actor=actor(request), idempotency_key=f"form {form.value('once')}")
        raise web.HTTPSeeOther(f"/console/documents/{made.document}/made")

    def _kind(self, request: web.Request) -> CredentialType:
        try:
            return self._office.type(request.match_info["type"])
        except UnknownCredentialType as error:
            raise Missing("there is no such kind of document") from error

    def _order(self, kind: CredentialType, form: Form, claims: Mapping[str, object], request: web.Request) -> offers.Order | None:
        words = translator(request)
        reference = form.value("reference")
        if len(reference) > offers.MAX_REFERENCE:
            form.error("reference", words("Your reference must have 200 characters or fewer"))
        until = self._valid_until(form, request)
        opening = self._opening(form, request)
        if form.wrong:
            return None
        return offers.Order(
            type=kind.id,
            claims=claims,
            reference=reference or None,
            needs_code=form.value("code") == "yes",
            valid_until=until,
            opening=opening,
        )

    def _opening(self, form: Form, request: web.Request) -> Opening:
        """What else than the invitation is to open the document."""
        words, text = translator(request), form.date("birth")
        try:
            if text:
                people.check_birth_date(text, self._office.clock())
        except Malformed:
            form.error("birth", words("The date of birth must be a real date"), anchor="birth.day")
        account = form.value("account") if self._office.settings.login_issuer else ""
        if len(account) > people.MAX_ACCOUNT:
            form.error("account", words("The name of an account has 255 characters or fewer"))
        return Opening(birth_date=text or None, account=account or None)

    def _valid_until(self, form: Form, request: web.Request) -> int | None:
        words, text = translator(request), form.date("until")
        if not text:
            return None
        try:
            end = after(dt.date.fromisoformat(text))
        except ValueError:
            form.error("until", words("The last day must be a real date"), anchor="until.day")
            return None
        if end < self._office.clock() + DAY:
            form.error("until", words("The last day must be in the future"), anchor="until.day")
        return end

    async def _show_form(self, request: web.Request, kind: CredentialType, form: Form) -> web.StreamResponse:
        locale, words = locale_of(request), translator(request)
        defaults = {"detail.issuing_authority": self._office.settings.name}
        return await render(
            request,
            "console/form.html",
            form=form,
            kind=kind,
            title=kind.title.in_(locale),
            sections=questions.sections(kind, locale, defaults, words),
            fresh=not form.value("step"),
            login=self._office.settings.login_name if self._office.settings.login_issuer else "",
        )

    async def _show_answers(self, request: web.Request, kind: CredentialType, form: Form, order: offers.Order) -> web.StreamResponse:
        locale, words = locale_of(request), translator(request)
        return await render(
            request,
            "console/answers.html",
            form=form,
            kind=kind,
            title=kind.title.in_(locale),
            told=questions.answers(kind, order.claims, locale, words),
            order=order,
            hidden=[(name, value) for name, value in form.sent() if name not in _PLUMBING],
            sent_again=Again("answers", request.path, "step", "check"),
        )
