"""The list of documents, one document with its history, its invitation and letter, and changing its standing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from issuer import offers, revoke
from issuer.office import Office, reference_mac
from issuer.operator_api import number
from issuer.pages import words as phrases
from issuer.pages.desk import actor, may, seated, title_of
from issuer.records import documents, donors, listing, statuses
from issuer.records.listing import Listed
from issuer.revoke import Wish
from issuer.sessions import Action, Approval, Event, Standing, can_change, holds, lost_last, state_of
from shared.clock import DAY
from shared.codec import qr
from shared.credentials import CredentialType, Reason
from shared.credentials._reports import TAG
from shared.errors import Conflict, Malformed, Missing
from shared.storage import Tx
from shared.web import auth
from shared.web.entrance import OPERATOR
from shared.web.finding import number_in, page_of
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

PAGE = 20


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Documents(office)
    one = "/console/documents/{id}"
    for method, path, handler in (
        ("GET", "/console/documents", part.find),
        ("GET", one, part.show),
        ("GET", f"{one}/made", part.made),
        ("GET", f"{one}/state", part.state),
        ("GET", f"{one}/invitation", part.invitation),
        ("GET", f"{one}/code", part.code),
        ("GET", f"{one}/letter", part.letter),
        ("GET", f"{one}/qr.svg", part.picture),
        ("GET", f"{one}/sign-in-letter", part.sign_in_letter),
        ("GET", f"{one}/sign-in.svg", part.sign_in_picture),
        ("GET", f"{one}/invite", part.ask_invite),
        ("POST", f"{one}/invite", part.invite),
        ("GET", f"{one}/{{action:cancel|hold|reinstate}}", part.ask_change),
        ("POST", f"{one}/{{action:cancel|hold|reinstate}}", part.change),
    ):
        app.router.add_route(method, path, seated(handler))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What all pages about one document show."""

    listed: Listed
    title: str
    state: str
    copies: int
    history: list[Event]

    @property
    def held(self) -> list[str]:
        """The reasons for which it is on hold, the latest last."""
        return [each.reason for each in holds(self.history)]

    @property
    def lost(self) -> bool:
        """Whether the copies made so far were on a phone or wallet that was lost."""
        return lost_last(self.history)


class Documents:
    def __init__(self, office: Office) -> None:
        self._office = office

    # --- the list ------------------------------------------------------------------------------------------------------------------

    async def find(self, request: web.Request) -> web.StreamResponse:
        """All, a page at a time, or those under a reference, or the one with a number."""
        reference = request.query.get("reference", "").strip()[: offers.MAX_REFERENCE]
        page = page_of(request.query.get("page", "1"))
        mac = await reference_mac(self._office, reference) if reference else None

        async def unit(tx: Tx) -> tuple[list[Listed], int, int]:
            if mac is None:
                total = await listing.count(tx)
                pages = max(1, -(-total // PAGE))
                return await listing.page(tx, offset=(min(page, pages) - 1) * PAGE, limit=PAGE), total, pages
            found = await listing.by_reference(tx, mac)
            with suppress(Missing):
                found = [*found, await listing.listed(tx, number_in(reference))]
            return found, len(found), 1

        rows, total, pages = await self._office.storage.read(unit)
        lines = [self._line(request, listed) for listed in rows]
        return await render(request, "console/list.html", rows=lines, total=total, page=min(page, pages), pages=pages, reference=reference)

    def _line(self, request: web.Request, listed: Listed) -> dict[str, object]:
        document = listed.document
        return {
            "id": document.id,
            "number": phrases.spaced(document.id),
            "title": title_of(request, self._office, document.type),
            "made_at": document.made_at,
            "state": state_of(document, listed.invitation),
            "tag": phrases.tag(state_of(document, listed.invitation), translator(request)),
        }

    # --- one document ----------------------------------------------------------------------------------------------------------------

    async def _view(self, request: web.Request) -> View:
        identifier, at = number(request), self._office.clock()

        async def unit(tx: Tx) -> tuple[Listed, int, list[Event]]:
            return (
                await listing.listed(tx, identifier),
                await statuses.live_copies(tx, identifier, at),
                await documents.history(tx, identifier),
            )

        listed, copies, history = await self._office.storage.read(unit)
        state = state_of(listed.document, listed.invitation)
        return View(listed=listed, title=title_of(request, self._office, listed.document.type), state=state, copies=copies, history=history)

    async def show(self, request: web.Request) -> web.StreamResponse:
        view, words = await self._view(request), translator(request)
        document = view.listed.document
        kind = self._office.find_type(document.type)  # of one that is made no longer there are copies still
        actions = [
            {"href": f"/console/documents/{document.id}/{action.value}", "text": phrases.action(action, words), "action": action.value}
            for action in (Action.HOLD, Action.REINSTATE, Action.CANCEL)
            if kind is not None and _reasons(kind, view, action)
        ]
        reasons = {} if kind is None else {reason.value: reason.label.in_(locale_of(request)) for reason in kind.reasons}

        async def of_donor(tx: Tx) -> tuple[str | None, Approval]:
            return await donors.representation_of(tx, document.id), await donors.approval_of(tx, document)

        about, waits_for = await self._office.storage.read(of_donor)
        return await render(
            request,
            "console/document.html",
            view=view,
            document=document,
            number=phrases.spaced(document.id),
            stand=phrases.tag(view.state if waits_for.clears or view.state != "invited" else waits_for, words),
            actions=actions,
            last_day=None if document.valid_until is None else document.valid_until - DAY,
            waits=kind is not None and document.approval is Approval.WAITING,
            second_person=phrases.approval(document.approval, words),
            may_decide=may(request[OPERATOR], "approver"),
            donor_side=kind is not None and kind.claim(TAG) is not None,
            about=about,
            can_correct=kind is not None and document.standing is Standing.IN_FORCE,
            can_invite=kind is not None and document.standing is Standing.IN_FORCE and document.has_claims,
            can_lose=document.standing is not Standing.CANCELLED,
            has_invitation=view.state == "invited" and await offers.secrets_of(self._office, document.id) is not None,
            has_letter=await self._has_letter(document.id),
            lines=[phrases.line(event, reasons, words) for event in reversed(view.history)],
        )

    async def made(self, request: web.Request) -> web.StreamResponse:
        view = await self._view(request)
        document = view.listed.document
        return await render(
            request,
            "console/made.html",
            view=view,
            document=document,
            number=phrases.spaced(document.id),
            has_letter=await self._has_letter(document.id),
        )

    async def _has_letter(self, number: str) -> bool:
        found = await offers.secrets_of(self._office, number)
        return found is not None and found.secrets.activation is not None

    async def state(self, request: web.Request) -> web.StreamResponse:
        """For the live line on the invitation's page."""
        view = await self._view(request)
        return web.json_response({"state": view.state, "text": phrases.waiting(view.state, translator(request))})

    # --- invitation ------------------------------------------------------------------------------------------------------------------

    async def _open_invitation(self, request: web.Request) -> offers.Made:
        """One that was used, has lapsed or was replaced has no pages any more: the document's own page says what became of it."""
        made = await offers.secrets_of(self._office, number(request))
        if made is None:
            raise web.HTTPSeeOther(f"/console/documents/{number(request)}")
        return made

    async def invitation(self, request: web.Request) -> web.StreamResponse:
        view, made = await self._view(request), await self._open_invitation(request)
        return await render(
            request,
            "console/invitation.html",
            view=view,
            document=view.listed.document,
            number=phrases.spaced(made.document),
            made=made,
            link=offers.links(self._office, made.secrets.token),
            waiting=phrases.waiting(view.state, translator(request)),
        )

    async def code(self, request: web.Request) -> web.StreamResponse:
        """The collection code, on a page of its own: who photographs the one does not get the other."""
        made = await self._open_invitation(request)
        return await render(
            request, "console/code.html", made=made, number=phrases.spaced(made.document), code=phrases.grouped(made.secrets.code)
        )

    async def letter(self, request: web.Request) -> web.StreamResponse:
        """Two sheets: the invitation, and a slip with the code for another envelope."""
        view, made = await self._view(request), await self._open_invitation(request)
        return await render(
            request,
            "console/letter.html",
            view=view,
            document=view.listed.document,
            number=phrases.spaced(made.document),
            made=made,
            code=phrases.grouped(made.secrets.code),
            link=offers.links(self._office, made.secrets.token),
            office=self._office.settings.name,
        )

    async def picture(self, request: web.Request) -> web.StreamResponse:
        made = await self._open_invitation(request)
        return web.Response(text=qr.svg(offers.links(self._office, made.secrets.token).https), content_type="image/svg+xml")

    async def _open_letter(self, request: web.Request) -> offers.Made:
        made = await self._open_invitation(request)
        if made.secrets.activation is None:
            raise web.HTTPSeeOther(f"/console/documents/{made.document}")
        return made

    async def sign_in_letter(self, request: web.Request) -> web.StreamResponse:
        """One sheet with the activation code. Its square code and address hold nothing secret."""
        view, made = await self._view(request), await self._open_letter(request)
        return await render(
            request,
            "console/sign_in_letter.html",
            view=view,
            document=view.listed.document,
            number=phrases.spaced(made.document),
            made=made,
            code=phrases.spaced(made.secrets.activation or ""),
            link=self._office.url(f"/offer/{offers.issuer_state(made.secrets.token)}"),
            office=self._office.settings.name,
        )

    async def sign_in_picture(self, request: web.Request) -> web.StreamResponse:
        made = await self._open_letter(request)
        return web.Response(text=qr.svg(offers.letter_links(self._office, made.secrets.token).https), content_type="image/svg+xml")

    async def ask_invite(self, request: web.Request) -> web.StreamResponse:
        view = await self._view(request)
        return await render(
            request, "console/invite.html", view=view, document=view.listed.document, number=phrases.spaced(view.listed.document.id)
        )

    async def invite(self, request: web.Request) -> web.StreamResponse:
        await auth.read_form(request)
        made = await offers.invite_again(self._office, number(request), actor=actor(request))
        raise web.HTTPSeeOther(f"/console/documents/{made.document}/invitation")

    # --- standing -----------------------------------------------------------------------------------------------------------------------

    async def ask_change(self, request: web.Request) -> web.StreamResponse:
        return await self._ask(request, Form())

    async def _ask(self, request: web.Request, form: Form) -> web.StreamResponse:
        view, action, words = await self._view(request), Action(request.match_info["action"]), translator(request)
        document = view.listed.document
        reasons = _reasons(self._office.type(document.type), view, action)
        if not reasons:
            raise Conflict("this document cannot be changed in that way now")
        return await render(
            request,
            "console/change.html",
            form=form,
            view=view,
            document=document,
            number=phrases.spaced(document.id),
            action=action.value,
            question=phrases.question(action, words),
            consequence=phrases.consequence(action, words),
            confirm=phrases.action(action, words),
            reasons=[{"value": reason.value, "text": reason.label.in_(locale_of(request))} for reason in reasons],
        )

    async def change(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        action, identifier = Action(request.match_info["action"]), number(request)
        reason = form.need("reason", words("Choose a reason"))
        if form.wrong:
            return await self._ask(request, form)
        try:
            await revoke.change_one(self._office, identifier, Wish(action=action, reason=reason, actor=actor(request)))
        except Malformed:
            form.error("reason", words("Choose a reason"))
            return await self._ask(request, form)
        raise web.HTTPSeeOther(f"/console/documents/{identifier}")


def _reasons(kind: CredentialType, view: View, action: Action) -> list[Reason]:
    """Those for which there is a way for that now."""
    standing = view.listed.document.standing
    return [each for each in kind.reasons_for(action.value) if can_change(standing, action, each.value, view.held)]
