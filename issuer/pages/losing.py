"""``/console/documents/{id}/lost``: a lost phone or wallet at the counter, in one step."""

from __future__ import annotations

from aiohttp import web

from issuer.lost import can_be_collected, replace_lost
from issuer.office import Office
from issuer.operator_api import number
from issuer.pages import words as phrases
from issuer.pages.desk import actor, seated
from issuer.records import documents, people
from issuer.sessions import Document, Standing
from shared.errors import Conflict
from shared.storage import Tx
from shared.web import auth
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH = "/console/documents/{id}/lost"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Losing(office)
    app.router.add_get(PATH, seated(part.ask))
    app.router.add_post(PATH, seated(part.answer))


class Losing:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        name = number(request)
        document, others = await self._office.storage.read(lambda tx: _with_others(tx, name))
        if document.standing is Standing.CANCELLED:
            raise Conflict("this document is cancelled, and all its copies with it")
        return await render(
            request,
            "console/lost.html",
            form=form,
            document=document,
            title=self._title(request, document),
            number=phrases.spaced(document.id),
            invites=can_be_collected(self._office, document),
            made_still=self._office.find_type(document.type) is not None,
            on_hold=document.standing is Standing.ON_HOLD,
            others=None
            if others is None
            else [{"id": each.id, "text": f"{self._title(request, each)} {phrases.spaced(each.id)}".strip()} for each in others],
        )

    def _title(self, request: web.Request, document: Document) -> str:
        """Empty for a kind that this office makes no longer: its number is enough."""
        kind = self._office.find_type(document.type)
        return "" if kind is None else kind.title.in_(locale_of(request))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Nothing is asked but whether it is the holder: not where the copies were used, nor by whom."""
        form, words = Form(await auth.read_form(request)), translator(request)
        if form.value("known") != "yes":
            form.error("known", words("First make sure that it is the holder"))
            return await self._show(request, form)
        name = number(request)
        made = await replace_lost(self._office, name, actor=actor(request))
        raise web.HTTPSeeOther(f"/console/documents/{name}" + ("" if made is None else "/invitation"))


async def _with_others(tx: Tx, number: str) -> tuple[Document, list[Document] | None]:
    """The document and what else of its holder's may have been on the phone; ``None`` where no holder of it is known here."""
    holder = await people.holder_of(tx, number)
    numbers = [] if holder is None else await people.documents_of(tx, holder)
    others = [await documents.get(tx, each) for each in numbers if each != number]
    counting = [each for each in others if each.standing is not Standing.CANCELLED]
    return await documents.get(tx, number), None if holder is None else counting
