"""What bodies below this office are to be granted: filled in, checked, and sent to a second person; and what an end does, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from issuer.federation import enrol, terms_form
from issuer.federation.admission import MAX_NAME
from issuer.federation.terms import Terms, parse_terms
from issuer.office import Office
from issuer.pages import federated
from issuer.pages.deciding import Deciding, reason_of
from issuer.pages.desk import actor, seated
from issuer.pages.form import version_of
from issuer.records import subordinates
from issuer.records.subordinates import State, Subordinate
from shared.credentials import all_types
from shared.errors import Conflict, Malformed
from shared.web import auth
from shared.web.forms import Form
from shared.web.granted_view import KINDS
from shared.web.pages import locale_of, render, translator

PATH = "/console/federation"
SEND, CHANGE = "send", "change"
_OWN: Final = {"form_token", "step"}


@dataclass(frozen=True, slots=True)
class Granting:
    """``deciding`` shows a body that was changed since somebody looked, and publishes."""

    office: Office
    deciding: Deciding[str]

    def add_to(self, app: web.Application) -> None:
        """Routes of this part."""
        for path, ask, answer in (
            ("invite", self.ask_invitation, self.invite),
            ("propose", self.ask_terms, self.propose),
            ("end", self.ask_end, self.end),
        ):
            app.router.add_get(f"{PATH}/{path}", seated(ask, role="approver"))
            app.router.add_post(f"{PATH}/{path}", seated(answer, role="approver"))

    # --- an invitation

    async def ask_invitation(self, request: web.Request) -> web.StreamResponse:
        return await self._form(request, Form(), Terms())

    async def invite(self, request: web.Request) -> web.StreamResponse:
        """Filled in, checked, then the code, which is shown once."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        entity = form.need("entity", _("Enter the identifier of the body, an https address")).rstrip("/")
        name = form.need("name", _("Enter what the body is called"))
        if len(name) > MAX_NAME:
            form.error("name", _("A name has 120 characters or fewer"))
        try:
            enrol.check_invited(self.office, entity)
        except (Malformed, Conflict):
            form.error("entity", _("This cannot be the identifier of a body below this office"))
        terms = terms_form.read(form, Terms(), self.office.clock(), _)
        if form.wrong or terms is None or form.value("step") == CHANGE:
            return await self._form(request, form, Terms())
        if form.value("step") != SEND:
            return await self._check(request, form, terms, Terms(), name=name, entity=entity)
        try:
            code = await enrol.invite(self.office, entity, name, terms, actor(request))
        except (Malformed, Conflict):
            form.error("entity", _("There are too many bodies below this office already, or too much of this one has ended"))
            return await self._form(request, form, Terms())
        url = self.office.settings.public_url
        return await render(request, "console/federation_invited.html", code=code, name=name, entity=entity, url=url)

    # --- other terms

    async def ask_terms(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request.query.get("entity", ""))
        return await self._form(request, Form(), parse_terms(body.wanted_terms or body.terms), body)

    async def propose(self, request: web.Request) -> web.StreamResponse:
        form, _ = Form(await auth.read_form(request)), translator(request)
        entity, version = form.value("entity"), version_of(form.value("version"))
        body = await self._body(entity)
        if body.version != version:
            return await self.deciding.again(request, entity, Conflict("it was changed since", where="/version"))
        before = parse_terms(body.terms)
        terms = terms_form.read(form, before, self.office.clock(), _)
        if form.wrong or terms is None or form.value("step") == CHANGE:
            return await self._form(request, form, before, body)
        if form.value("step") != SEND:
            return await self._check(request, form, terms, before, name=body.name, entity=entity, body=body)
        try:
            await enrol.propose(self.office, entity, terms, actor(request), version=version)
        except Malformed:
            form.error("says", _("Too much has ended already for so much to be granted anew"))
            return await self._form(request, form, before, body)
        except Conflict as error:
            return await self.deciding.again(request, entity, error)
        return await self.deciding.done(entity)

    async def _body(self, entity: str) -> Subordinate:
        return await self.office.storage.read(lambda tx: subordinates.get(tx, entity))

    async def _form(self, request: web.Request, form: Form, terms: Terms, body: Subordinate | None = None) -> web.StreamResponse:
        locale = locale_of(request)
        return await render(
            request,
            "console/federation_terms.html",
            form=form,
            posted=bool(form.sent()),
            body=body,
            filled=terms_form.fill(terms, self.office.clock()),
            types={each.vct: each.title.in_(locale) for each in all_types().values()},
            kinds=KINDS,
        )

    async def _check(
        self, request: web.Request, form: Form, terms: Terms, before: Terms, *, name: str, entity: str, body: Subordinate | None = None
    ) -> web.StreamResponse:
        """Everything once more, in words, and what would end."""
        words, locale, at = translator(request), locale_of(request), self.office.clock()
        granted, limits = federated.view(terms, locale, words)
        ends, _ = federated.view(terms_form.ending(before, terms, at), locale, words)
        return await render(
            request,
            "console/federation_check.html",
            name=name,
            entity=entity,
            body=body,
            granted=granted,
            limits=limits,
            ends=ends,
            hidden=[(field, value) for field, value in form.sent() if field not in _OWN],
        )

    # --- an end

    async def ask_end(self, request: web.Request) -> web.StreamResponse:
        return await self._end(request, await self._body(request.query.get("entity", "")), Form())

    async def end(self, request: web.Request) -> web.StreamResponse:
        """One person does it, who has seen what it does."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        entity, reason = form.value("entity"), reason_of(form, "why_end", _("Say why"), _)
        if form.wrong or form.value("step") != SEND:
            return await self._end(request, await self._body(entity), form)
        await enrol.end(self.office, entity, reason, actor(request), compromised=form.value("compromised") == "yes")
        return await self.deciding.done(entity)

    async def _end(self, request: web.Request, body: Subordinate, form: Form) -> web.StreamResponse:
        words, locale, at = translator(request), locale_of(request), self.office.clock()
        said, ended = bool(form.value("why_end")) and not form.wrong, body.state is State.ENDED
        compromised = form.value("compromised") == "yes" or ended  # what has ended can only end more
        ends, _ = federated.view(terms_form.ending(parse_terms(body.terms), Terms(), at), locale, words)
        return await render(
            request, "console/federation_end.html", form=form, body=body, ends=ends, said=said, compromised=compromised, ended=ended
        )
