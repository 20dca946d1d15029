"""What holders say is wrong: the list of those that wait, one of them, and the answer: correct the document, or say why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from issuer import corrections
from issuer.claims import details
from issuer.corrections import key_of
from issuer.office import Office
from issuer.operator_api import number
from issuer.pages import form as questions
from issuer.pages import words as phrases
from issuer.pages.desk import actor, seated
from issuer.records import corrections as records
from issuer.records import documents, donors
from issuer.records.corrections import OPEN, Correction
from issuer.sessions import Document, Standing
from shared.corrections import MAX_WORDS, REFUSALS
from shared.credentials import Claim, CredentialType
from shared.storage import Tx
from shared.web import auth
from shared.web.finding import page_of, wanted_of
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator

PATH: Final = "/console/corrections"
BY_HAND: Final = "/console/documents/{id}/wrong"
PAGE: Final = 25
REASONS: Final = {
    "record-agrees": N_("Our record says the same as the document"),
    "not-ours": N_("Another body keeps this record"),
    "not-enough": N_("We need more to go on"),
    "no-such-detail": N_("The document does not say this"),
}
ENDINGS: Final = {
    "cancelled": N_("The document was cancelled before anybody answered. The holder’s wallet is told so."),
    "expired": N_("The document ran out before anybody answered. The holder’s wallet is told so."),
}
STATES: Final = {records.CORRECTED: N_("Corrected"), records.REFUSED: N_("Stays as it is"), records.ENDED: N_("The document is over")}


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Corrections(office)
    app.router.add_get(PATH, seated(part.find))
    app.router.add_get(f"{PATH}/{{reference}}", seated(part.show))
    app.router.add_post(f"{PATH}/{{reference}}", seated(part.refuse))
    app.router.add_get(f"{PATH}/{{reference}}/note", seated(part.note))
    app.router.add_get(BY_HAND, seated(part.ask))
    app.router.add_post(BY_HAND, seated(part.write_down))


class Corrections:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def find(self, request: web.Request) -> web.StreamResponse:
        """Those that wait, the most urgent first; with ``q`` by their number or the document's, answered ones too."""
        wanted = wanted_of(request.query)
        name = "".join(char for char in wanted if char.isalnum()).upper()
        page, at = page_of(request.query.get("page", "")), self._office.clock()

        async def unit(tx: Tx) -> tuple[list[Correction], int, int]:
            states = records.STATES if name else (OPEN,)
            total = sum([await records.count(tx, state=state, name=name) for state in states])
            pages = max(1, -(-total // PAGE))
            start = (min(page, pages) - 1) * PAGE
            found = [each for state in states for each in await records.page(tx, state=state, name=name, offset=start, limit=PAGE)]
            return found, total, pages

        found, total, pages = await self._office.storage.read(unit)
        rows = [
            {
                "reference": each.reference,
                "number": phrases.spaced(each.reference),
                "title": self._title(request, each.type),
                "detail": self._label(each, locale_of(request)),
                "answer_by": each.answer_by,
                "late": each.state == OPEN and each.answer_by <= at,
                "state": each.state,
                "became": _became(request, each),
            }
            for each in found
        ]
        page = min(page, pages)
        return await render(
            request, "console/corrections.html", form=Form({"q": wanted}), rows=rows, wanted=wanted, total=total, page=page, pages=pages
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, Form())

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        reference, locale, words = request.match_info["reference"], locale_of(request), translator(request)

        async def unit(tx: Tx) -> tuple[Correction, Document, Document]:
            known = await records.get(tx, reference)
            about = await donors.representation_of(tx, known.document)
            return known, await documents.get(tx, known.document), await documents.get(tx, about or known.document)

        known, document, to_correct = await self._office.storage.read(unit)
        kind = self._office.find_type(known.type)
        said, held = await corrections.said(self._office, known), None if kind is None else await details(self._office, document)
        claim = None if kind is None else _claim(kind, known.detail)
        return await render(
            request,
            "console/correction.html",
            form=form,
            known=known,
            number=phrases.spaced(known.reference),
            document=document,
            document_number=phrases.spaced(document.id),
            title=self._title(request, known.type),
            detail=self._label(known, locale),
            said=None if said is None else said.words,
            shown=_plain(() if said is None or claim is None else [questions.said(claim, value, locale, words) for value in said.values]),
            now=_plain(
                ()
                if held is None or claim is None or kind is None
                else [questions.said(claim, value, locale, words) for value in corrections.values_of(kind, held, known.detail)]
            ),
            held=held is not None,
            late=known.state == OPEN and known.answer_by <= self._office.clock(),
            waits=known.reason_code == records.WAITS,
            to_correct=to_correct,
            can_correct=kind is not None and to_correct.standing is Standing.IN_FORCE,
            reasons=[{"value": code, "text": words(REASONS[code])} for code in REFUSALS],
            became=_became(request, known),
            why=words(REASONS[known.reason_code]) if known.reason_code in REASONS else "",
            ended=words(ENDINGS[known.reason_code]) if known.reason_code in ENDINGS else "",
            most=MAX_WORDS,
        )

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """The detail stays: a reason, and words for the holder."""
        form, words = Form(await auth.read_form(request)), translator(request)
        code = form.need("reason", words("Choose a reason"))
        if code and code not in REFUSALS:
            form.error("reason", words("Choose a reason"))
        told = form.need("words", words("Say it in words for the holder"))
        if len(told) > MAX_WORDS:
            form.error("words", words("Use 1,000 characters or fewer"))
        if form.wrong:
            return await self._show(request, form)
        reference = request.match_info["reference"]
        await corrections.refuse(self._office, reference, code=code, words=told.replace("\r", ""), actor=actor(request))
        raise web.HTTPSeeOther(f"{PATH}/{reference}")

    async def note(self, request: web.Request) -> web.StreamResponse:
        """A sheet for the holder, with the number and the day."""
        known = await self._office.storage.read(lambda tx: records.get(tx, request.match_info["reference"]))
        said = await corrections.said(self._office, known)
        return await render(
            request,
            "console/correction_note.html",
            known=known,
            number=phrases.spaced(known.reference),
            title=self._title(request, known.type),
            detail=self._label(known, locale_of(request)),
            said="" if said is None else said.words,
            office=self._office.settings.name,
            contest=self._office.settings.how_to_contest,
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        return await self._ask(request, Form())

    async def _ask(self, request: web.Request, form: Form) -> web.StreamResponse:
        """Somebody at the counter says that a detail is wrong."""
        name, locale = number(request), locale_of(request)
        document = await self._office.storage.read(lambda tx: documents.get(tx, name))
        kind = self._office.type(document.type)
        return await render(
            request,
            "console/correction_by_hand.html",
            form=form,
            document=document,
            number=phrases.spaced(document.id),
            title=kind.title.in_(locale),
            details=[{"value": key_of(claim.path), "text": claim.label.in_(locale)} for claim in corrections.disputable(kind)],
            most=MAX_WORDS,
        )

    async def write_down(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        detail, said = form.need("detail", words("Choose the detail")), form.need("words", words("Write down what the holder says"))
        if len(said) > MAX_WORDS:
            form.error("words", words("Use 1,000 characters or fewer"))
        if form.wrong:
            return await self._ask(request, form)
        made = await corrections.write_down(
            self._office, number(request), detail=detail, words=said.replace("\r", ""), actor=actor(request)
        )
        raise web.HTTPSeeOther(f"{PATH}/{made.reference}")

    def _title(self, request: web.Request, type_id: str) -> str:
        """A kind that is made no longer keeps its name: the list goes on with the rest."""
        kind = self._office.find_type(type_id)
        return type_id if kind is None else kind.title.in_(locale_of(request))

    def _label(self, known: Correction, locale: str) -> str:
        kind = self._office.find_type(known.type)
        claim = None if kind is None else _claim(kind, known.detail)
        return known.detail if claim is None else claim.label.in_(locale)


def _became(request: web.Request, known: Correction) -> str:
    return translator(request)(STATES[known.state]) if known.state in STATES else ""


def _claim(kind: CredentialType, detail: str) -> Claim | None:
    return next((claim for claim in kind.claims if key_of(claim.path) == detail), None)


def _plain(values: Sequence[str]) -> str | list[str]:
    """One value by itself, several as a list."""
    return values[0] if len(values) == 1 else list(values)
