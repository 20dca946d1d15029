"""The donor at the counter: her document, what was reported to her, and stopping what her attorney does; and a hold to keep her safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from issuer import donors, holder_asks, reports, revoke
from issuer.holder_asks import WISHES
from issuer.office import Office
from issuer.operator_api import number
from issuer.pages import words as phrases
from issuer.pages.desk import actor, may, seated
from issuer.records import documents
from issuer.records import donors as records
from issuer.revoke import Wish
from issuer.sessions import BY_DONOR, Action, Document, Standing
from shared.credentials._reports import TAG
from shared.donor import Told
from shared.errors import Conflict, Missing
from shared.storage import Tx
from shared.web import auth
from shared.web.entrance import OPERATOR
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PATH: Final = "/console/documents/{id}/donor"
_LONGEST: Final = 400
_SAFE: Final = "investigation"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Donors(office)
    for method, path, handler, role in (
        ("GET", PATH, part.show, "clerk"),
        ("POST", f"{PATH}/make", part.make, "clerk"),
        ("POST", f"{PATH}/sheet", part.sheet, "clerk"),
        ("POST", f"{PATH}/read", part.read, "clerk"),
        ("POST", f"{PATH}/ask", part.ask, "clerk"),
        ("GET", "/console/documents/{id}/safeguard", part.ask_safeguard, "approver"),
        ("POST", "/console/documents/{id}/safeguard", part.safeguard, "approver"),
    ):
        app.router.add_route(method, path, seated(handler, role=role))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The attorney's document, and the donor's where there is one; ``takes_reports`` once she has left a key to lock them with.

    ``can_hold``: it can be put on hold to keep her safe, also where she has stopped it herself. ``held``: for what it is, the latest last.
    """

    document: Document
    granted: Document | None
    tag: bytes
    takes_reports: bool
    can_hold: bool
    held: list[str]


class Donors:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def _view(self, request: web.Request) -> View:
        """``Missing`` for documents that nobody gave."""
        name = number(request)
        tag = await donors.mark_of(self._office, name)

        async def unit(tx: Tx) -> View:
            document, beside, box = await documents.get(tx, name), await records.granted_for(tx, name), await records.box(tx, tag)
            granted = None if beside is None else await documents.get(tx, beside)
            can_hold = await revoke.able(tx, document, Action.HOLD, _SAFE)
            takes_reports, held = box is not None and bool(box.recipient), await documents.held(tx, document)
            return View(document=document, granted=granted, tag=tag, takes_reports=takes_reports, can_hold=can_hold, held=held)

        view = await self._office.storage.read(unit)
        if self._office.type(view.document.type).claim(TAG) is None:
            raise Missing("there is no donor's side to this document")
        return view

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, await self._view(request), Form())

    async def _show(self, request: web.Request, view: View, form: Form, *, uses: Sequence[Told] | None = None) -> web.StreamResponse:
        words = translator(request)
        return await render(
            request,
            "console/donor.html",
            form=form,
            document=view.document,
            granted=view.granted,
            takes_reports=view.takes_reports,
            title=self._office.type(view.document.type).title.in_(locale_of(request)),
            number=phrases.spaced(view.document.id),
            granted_number="" if view.granted is None else phrases.spaced(view.granted.id),
            can=_can(view),
            asks={ask: phrases.donor_ask(ask, words) for ask in WISHES},
            may_safeguard=may(request[OPERATOR], "approver") and view.can_hold,
            makes_them=donors.makes_them(self._office),
            can_make=(view.granted is None or not donors.can_be_collected(view.granted))
            and view.document.standing is Standing.IN_FORCE
            and view.document.has_claims,
            uses=uses,
        )

    # --- her document, and her reports

    async def make(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        made = await donors.make(self._office, (await self._view(request)).document.id, actor=actor(request))
        raise web.HTTPSeeOther(f"/console/documents/{made.document}/made")

    async def sheet(self, request: web.Request) -> web.StreamResponse:
        """The page is the sheet: its words are shown this once, to whoever made sure that it is she."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        view = await self._view(request)
        if form.value("known_sheet") != "yes":
            form.error("known_sheet", _("First make sure that it is the donor who asks"))
            return await self._show(request, view, form)
        words = await reports.new_sheet(self._office, view.document.id, view.tag, actor(request))
        return await render(
            request,
            "console/donor_sheet.html",
            document=view.document,
            number=phrases.spaced(view.document.id),
            words=words,
            office=self._office.settings.name,
            at=self._office.clock(),
        )

    async def read(self, request: web.Request) -> web.StreamResponse:
        """With the words of her sheet, to be read to her."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        view, typed = await self._view(request), form.need("words", _("Type the seven words of the donor’s sheet"))
        if form.wrong:
            return await self._show(request, view, form)
        uses = await reports.read_aloud(self._office, view.tag, typed[:_LONGEST])
        bare = Form()  # the words belong on no page
        if uses is None:
            bare.error("words", _("These words open none of the reports. Look at the sheet again."))
        return await self._show(request, view, bare, uses=uses)

    # --- stopping

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """What she asks for at the counter, once somebody has made sure that it is she."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        view, wanted = await self._view(request), form.need("ask", _("Choose what the donor asks for"))
        if form.value("known") != "yes":
            form.error("known", _("First make sure that it is the donor who asks"))
        if form.wrong or wanted not in _can(view):
            return await self._show(request, view, form)
        await holder_asks.change(self._office, view.document.id, replace(WISHES[wanted], actor=actor(request)))
        raise web.HTTPSeeOther(f"/console/documents/{view.document.id}")

    async def ask_safeguard(self, request: web.Request) -> web.StreamResponse:
        view = await self._view(request)
        if not view.can_hold:
            raise Conflict("this document cannot be put on hold now")
        title = self._office.type(view.document.type).title.in_(locale_of(request))
        return await render(request, "console/safeguard.html", document=view.document, number=phrases.spaced(view.document.id), title=title)

    async def safeguard(self, request: web.Request) -> web.StreamResponse:
        """There is no field for who asked, nor for why: what nobody writes down nobody can find out (T-AG-3)."""
        await auth.read_form(request)
        view = await self._view(request)
        await revoke.change_one(self._office, view.document.id, Wish(action=Action.HOLD, reason=_SAFE, actor=actor(request)))
        raise web.HTTPSeeOther(f"/console/documents/{view.document.id}")


def _can(view: View) -> tuple[str, ...]:
    """What the donor can ask for. She lets go on what she stopped herself, unless the office has held it since."""
    if view.document.standing is Standing.CANCELLED:
        return ()
    if BY_DONOR not in view.held:
        return ("hold", "end")
    return ("reinstate", "end") if view.held[-1] == BY_DONOR else ("end",)
