"""A second person looks at what somebody else made: the list of those that wait, one with all its details, yes, or back with a reason."""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from issuer import approval
from issuer.claims import details
from issuer.office import Office, reference_mac
from issuer.operator_api import number
from issuer.pages import form as questions
from issuer.pages import words as phrases
from issuer.pages.deciding import reason_of
from issuer.pages.desk import actor, seated, title_of
from issuer.records import documents, listing
from issuer.sessions import Approval, Document, Event
from shared.errors import Conflict
from shared.storage import Tx
from shared.web import auth
from shared.web.finding import fits, number_in, page_of, wanted_of
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH = "/console/waiting"
PAGE = 20


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Approving(office)
    one = "/console/documents/{id}"
    for method, path, handler in (
        ("GET", PATH, part.find),
        ("GET", f"{one}/decide", part.ask),
        ("POST", f"{one}/approve", part.approve),
        ("POST", f"{one}/send-back", part.send_back),
    ):
        app.router.add_route(method, path, seated(handler, role="approver"))


class Approving:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def find(self, request: web.Request) -> web.StreamResponse:
        """Those that wait, oldest first; with ``q`` those of that number, under that reference or of a kind that is called so."""
        page, looked, wanted = page_of(request.query.get("page", "")), None, wanted_of(request.query)
        if wanted:
            kinds = [each.id for each in self._office.types if fits(wanted, [each.title.in_(locale_of(request))])]
            mac = await reference_mac(self._office, wanted)
            looked = listing.Wanted(number=number_in(wanted), reference=mac, types=kinds)

        async def unit(tx: Tx) -> tuple[list[listing.Listed], int, int]:
            total = await listing.waiting_count(tx, looked)
            pages = max(1, -(-total // PAGE))
            return await listing.waiting(tx, offset=(min(page, pages) - 1) * PAGE, limit=PAGE, wanted=looked), total, pages

        waiting, total, pages = await self._office.storage.read(unit)
        rows = [
            {
                "id": each.document.id,
                "number": phrases.spaced(each.document.id),
                "title": title_of(request, self._office, each.document.type),
                "made_at": each.document.made_at,
            }
            for each in waiting
        ]
        return await render(request, "console/waiting.html", rows=rows, total=total, wanted=wanted, page=min(page, pages), pages=pages)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return await self._ask(request, Form())

    async def _ask(self, request: web.Request, form: Form, *, changed: bool = False) -> web.StreamResponse:
        name, locale, words = number(request), locale_of(request), translator(request)

        async def unit(tx: Tx) -> tuple[Document, int, list[Event], bool]:
            own = await approval.wrote(tx, name, actor(request))
            return await documents.get(tx, name), await documents.written(tx, name), await documents.history(tx, name), own

        document, version, history, own = await self._office.storage.read(unit)
        if document.approval is not Approval.WAITING:
            raise Conflict("this document does not wait for a second person")
        kind = self._office.find_type(document.type)
        if kind is None:  # made no longer: nobody can say what its details mean
            raise web.HTTPSeeOther(f"/console/documents/{name}")
        claims = await details(self._office, document)
        return await render(
            request,
            "console/decide.html",
            status=409 if changed else 200,
            form=form,
            changed=changed,
            document=document,
            version=version,
            number=phrases.spaced(document.id),
            title=kind.title.in_(locale),
            told=[] if claims is None else questions.answers(kind, claims, locale, words),
            lines=[phrases.line(event, {}, words) for event in history if event.kind in approval.WRITES],
            own=own,
        )

    async def approve(self, request: web.Request) -> web.StreamResponse:
        form = Form(await auth.read_form(request))
        version = questions.version_of(form.value("version"))
        return await self._settle(request, form, approval.approve(self._office, number(request), actor(request), version=version))

    async def send_back(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        reason = reason_of(form, "reason", words("Say what is to be put right"), words)
        if form.wrong:
            return await self._ask(request, form)
        version = questions.version_of(form.value("version"))
        return await self._settle(request, form, approval.refuse(self._office, number(request), reason, actor(request), version=version))

    async def _settle(self, request: web.Request, form: Form, settling: Awaitable[Document]) -> web.StreamResponse:
        """Whoever looked at details that were changed meanwhile looks again."""
        try:
            document = await settling
        except Conflict as error:
            if error.where != "/version":
                raise
            return await self._ask(request, form, changed=True)
        raise web.HTTPSeeOther(f"/console/documents/{document.id}")
