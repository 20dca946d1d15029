"""Correcting a document: the form with what the office still holds, the answers to check, and the document has other details."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web
from multidict import MultiDictProxy

from issuer import replace
from issuer.claims import details, faults
from issuer.office import Office
from issuer.operator_api import number
from issuer.pages import form as questions
from issuer.pages import words as phrases
from issuer.pages.desk import actor, seated
from issuer.portrait import MAX_BYTES
from issuer.records import documents, donors
from issuer.sessions import Document, Standing
from shared.credentials import CredentialType
from shared.errors import Conflict
from shared.web import auth
from shared.web.app import bound_body
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH = "/console/documents/{id}/correct"
_PLUMBING = {"form_token", "step", "version", "correction"}


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Correcting(office)
    app.router.add_get(PATH, seated(part.ask))
    app.router.add_post(PATH, seated(part.answer))
    bound_body(app, PATH, 2 * MAX_BYTES)


class Correcting:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def _document(self, request: web.Request) -> tuple[Document, CredentialType]:
        name = number(request)
        document = await self._office.storage.read(lambda tx: documents.get(tx, name))
        if await self._office.storage.read(lambda tx: donors.representation_of(tx, name)) is not None:
            raise web.HTTPSeeOther(f"/console/documents/{name}")  # which names the attorney's, whose details it says
        if document.standing is not Standing.IN_FORCE:
            raise Conflict("a document can be corrected while it is in force")
        return document, self._office.type(document.type)

    async def _version(self, document: Document) -> int:
        """That of the details. Asked for before they are read: they are no older."""
        return await self._office.storage.read(lambda tx: documents.written(tx, document.id))

    async def ask(self, request: web.Request) -> web.StreamResponse:
        document, kind = await self._document(request)
        version = await self._version(document)
        held = await details(self._office, document)
        fields = questions.fill_in(kind, held or {})
        fields.add("version", str(version))
        fields.add("correction", request.query.get("correction", ""))  # what its holder said was wrong
        return await self._show_form(request, document, kind, Form(MultiDictProxy(fields)), held=held is not None)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """``step`` is check (from the form), change (back to it) or make. Nothing is made of a form that was opened before another
        correction: the answers are shown beside the details as they are now.
        """
        document, kind = await self._document(request)
        posted, files = await auth.read_files(request)
        words = translator(request)
        form = await asyncio.to_thread(questions.take_pictures, kind, posted, files, words)
        if form.value("step") == "change":
            return await self._show_form(request, document, kind, form)
        claims = questions.read_claims(kind, form)
        questions.put_errors(kind, form, faults(kind, claims), locale_of(request), words)
        reason = form.need("reason", words("Say what was wrong"))
        if len(reason) > replace.MAX_REASON:
            form.error("reason", words("Use 300 characters or fewer"))
        if not form.wrong and questions.version_of(form.value("version")) == await self._version(document):
            await self._put_nothing_changed(request, document, kind, form, claims)
        if form.wrong:
            return await self._show_form(request, document, kind, form)
        if form.value("step") != "make":
            return await self._show_answers(request, document, kind, form, claims)
        version = questions.version_of(form.value("version"))
        try:
            correction = form.value("correction")
            await replace.replace(
                self._office, document.id, claims, reason=reason, actor=actor(request), version=version, correction=correction
            )
        except Conflict as error:
            if error.where != "/version":
                raise
            return await self._show_answers(request, document, kind, form, claims)
        raise web.HTTPSeeOther(f"/console/documents/{document.id}")

    async def _put_nothing_changed(
        self, request: web.Request, document: Document, kind: CredentialType, form: Form, claims: Mapping[str, object]
    ) -> None:
        """The error at the detail that should differ; where nothing does, at the first."""
        words = translator(request)
        fault = await replace.fault_of(self._office, document, kind, claims, correction=form.value("correction"))
        if fault is not None and fault.pointer:
            questions.put_errors(kind, form, [fault], locale_of(request), words)
        elif fault is not None:
            form.error("detail", words("Nothing differs from what the document says now"), anchor=questions.anchor(kind.claims[0]))

    async def _show_form(
        self, request: web.Request, document: Document, kind: CredentialType, form: Form, *, held: bool = True
    ) -> web.StreamResponse:
        locale, words = locale_of(request), translator(request)
        return await render(
            request,
            "console/correct.html",
            form=form,
            correction=form.value("correction"),
            version=form.value("version"),
            document=document,
            number=phrases.spaced(document.id),
            title=kind.title.in_(locale),
            sections=questions.sections(kind, locale, {}, words),
            held=held,
        )

    async def _show_answers(
        self, request: web.Request, document: Document, kind: CredentialType, form: Form, claims: dict[str, object]
    ) -> web.StreamResponse:
        locale, words, version = locale_of(request), translator(request), await self._version(document)
        changed = version != questions.version_of(form.value("version"))
        held = await details(self._office, document)
        return await render(
            request,
            "console/correct_answers.html",
            status=409 if changed else 200,
            form=form,
            correction=form.value("correction"),
            version=version,
            changed=changed,
            document=document,
            number=phrases.spaced(document.id),
            title=kind.title.in_(locale),
            told=questions.answers(kind, claims, locale, words),
            changes=None if held is None else questions.changes(kind, held, claims, locale, words),
            reason=form.value("reason"),
            hidden=[(name, value) for name, value in form.sent() if name not in _PLUMBING],
        )
