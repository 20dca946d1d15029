"""The keys of documents, and the worst day: what a key signed since some moment, calling it in, and saying that a key is in other hands."""

from __future__ import annotations

import datetime as dt
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from issuer import recall
from issuer.init import keyring_of
from issuer.office import Office
from issuer.pages import words as phrases
from issuer.pages.desk import actor, seated
from issuer.recall import Found
from issuer.records.recalls import Recall, Signed
from issuer.replace import MAX_REASON
from issuer.sessions import Standing
from shared.errors import ConfigError, Conflict
from shared.trust.snapshot import KeyHistory, KeyState
from shared.web import auth
from shared.web.dates import instant
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.keyring_view import NEXT
from shared.web.pages import locale_of, render, translator

PATH: Final = "/console/keys"
ONE: Final = f"{PATH}/{{kid:[A-Za-z0-9_-]{{11,43}}}}"
STATES: Final = {
    KeyState.CREATED: (N_("Told ahead, signs later"), "blue"),
    KeyState.ACTIVE: (N_("Signs documents"), "green"),
    KeyState.VERIFY_ONLY: (N_("Signs no more; what it signed counts"), "yellow"),
    KeyState.ENDED: (N_("Over"), "grey"),
    KeyState.COMPROMISED: (N_("In other hands: nothing by it counts"), "red"),
}
_LATEST: Final = 2**32  # what pages can show as a moment
_STANDINGS: Final = {Standing.IN_FORCE: "collected", Standing.ON_HOLD: "on_hold", Standing.CANCELLED: "cancelled"}


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, for admins alone."""
    part = Keys(office)
    for method, path, handler in (
        ("GET", PATH, part.show_all),
        ("GET", f"{PATH}/next", part.ask_next),
        ("POST", f"{PATH}/next", part.go_on),
        ("GET", ONE, part.show),
        ("GET", f"{ONE}/state", part.state),
        ("GET", f"{ONE}/compromised", part.ask_report),
        ("POST", f"{ONE}/compromised", part.report),
        ("GET", f"{ONE}/recall", part.ask_recall),
        ("POST", f"{ONE}/recall", part.recall),
    ):
        app.router.add_route(method, path, seated(handler, role="admin"))


class Keys:
    def __init__(self, office: Office) -> None:
        self._office = office

    # --- what is ---------------------------------------------------------------------------------------------------------------------

    async def show_all(self, request: web.Request) -> web.StreamResponse:
        words = translator(request)
        known = [{"key": each, "state": _state(each, words)} for each in reversed(await recall.keys(self._office))]
        coming = await keyring_of(self._office).outlook()
        return await render(
            request,
            "console/keys.html",
            known=known,
            signs=not self._office.signing.is_stopped,
            coming=coming,
            next=NEXT.get(coming.coming, ""),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        """One key and what it signed, from a moment on that three boxes and a time say, or the address."""
        form, words = Form(request.query), translator(request)
        if any(form.value(f"since.{part}") for part in ("day", "month", "year")):
            since = self._moment(form, words)
            if since is not None:
                raise web.HTTPSeeOther(_address(request, since=since))
        return await self._show(request, form)

    def _moment(self, form: Form, words: phrases.Words) -> int | None:
        try:
            day = dt.date.fromisoformat(form.date("since"))
            clock = dt.time.fromisoformat(form.value("clock", "00:00") or "00:00")
        except ValueError:
            form.error("since", words("Enter a real day, and a time such as 14:30"), anchor="since.day")
            return None
        since = instant(day, clock.replace(tzinfo=None), self._office.settings.time_zone)
        if not 0 < since <= self._office.clock():
            form.error("since", words("Enter a moment that is over"), anchor="since.day")
        return None if form.wrong else since

    async def _look(self, request: web.Request, form: Form) -> Found:
        page = max(1, _number(form.value("page")))
        return await recall.look(self._office, request.match_info["kid"], since=_since(form), search=form.value("search"), page=page)

    async def _show(self, request: web.Request, form: Form) -> web.StreamResponse:
        words, since, found = translator(request), _since(form), await self._look(request, form)
        page, search = max(1, _number(form.value("page"))), form.value("search")
        return await render(
            request,
            "console/key.html",
            form=form,
            found=found,
            state=_state(found.key, words),
            path=f"{PATH}/{found.key.kid}",
            since=since,
            search=search,
            page=page,
            newer=_address(request, since=since, search=search, page=page - 1),
            older=_address(request, since=since, search=search, page=page + 1),
            recall_href=f"{PATH}/{found.key.kid}/recall?{urlencode({'since': since})}",
            kinds=[{"title": self._title(request, each.type), "kind": each} for each in found.kinds],
            rows=[self._row(request, each, words) for each in found.rows],
            recalls=[{"recall": each, "text": _progress(each, words)} for each in found.recalls],
            signs=found.key.state is KeyState.ACTIVE,
            compromised=found.key.state is KeyState.COMPROMISED,
        )

    def _row(self, request: web.Request, each: Signed, words: phrases.Words) -> dict[str, object]:
        return {
            "id": each.document,
            "number": phrases.spaced(each.document),
            "title": self._title(request, each.type),
            "signed": each,
            "tag": phrases.tag(_STANDINGS[each.standing], words),
        }

    def _title(self, request: web.Request, type_id: str) -> str:
        return next((each.title.in_(locale_of(request)) for each in self._office.types if each.id == type_id), type_id)

    async def state(self, request: web.Request) -> web.StreamResponse:
        """For the live line while something is called in."""
        kid = request.match_info["kid"]
        now = await recall.newest(self._office, kid)
        if now is None or now.ended_at is not None:
            return web.json_response({"state": "done", "href": f"{PATH}/{kid}"})
        return web.json_response({"state": "under-way", "text": _progress(now, translator(request))})

    # --- another key -----------------------------------------------------------------------------------------------------------------

    async def ask_next(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "console/key_next.html", form=Form())

    async def go_on(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        try:
            await recall.sign_with_another(self._office, actor(request))
        except ConfigError:
            form.error("next", words("The anchor’s keys are kept elsewhere: bring them back for this"), anchor="main-content")
            return await render(request, "console/key_next.html", status=409, form=form)
        raise web.HTTPSeeOther(PATH)

    # --- in other hands --------------------------------------------------------------------------------------------------------------

    async def ask_report(self, request: web.Request) -> web.StreamResponse:
        return await self._ask_report(request, Form())

    async def _ask_report(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = await recall.look(self._office, request.match_info["kid"], since=0)
        return await render(request, "console/key_compromised.html", form=form, found=found, path=f"{PATH}/{found.key.kid}")

    async def report(self, request: web.Request) -> web.StreamResponse:
        form, words = Form(await auth.read_form(request)), translator(request)
        kid, reason = request.match_info["kid"], _reason(form, words)
        if form.wrong:
            return await self._ask_report(request, form)
        await recall.report(self._office, kid, reason=reason, actor=actor(request))
        raise web.HTTPSeeOther(f"{PATH}/{kid}")

    # --- called in -------------------------------------------------------------------------------------------------------------------

    async def ask_recall(self, request: web.Request) -> web.StreamResponse:
        return await self._ask_recall(request, Form(request.query))

    async def _ask_recall(self, request: web.Request, form: Form) -> web.StreamResponse:
        found = await self._look(request, form)
        since = _since(form)
        return await render(
            request,
            "console/key_recall.html",
            form=form,
            found=found,
            kinds=[{"title": self._title(request, each.type), "kind": each} for each in found.kinds],
            since=since,
            path=f"{PATH}/{found.key.kid}",
            back_href=_address(request, since=since),
        )

    async def recall(self, request: web.Request) -> web.StreamResponse:
        """Settled here, with the first batch; the clock does the others."""
        form, words = Form(await auth.read_form(request)), translator(request)
        kid, since, reason = request.match_info["kid"], _since(form), _reason(form, words)
        typed = _number(form.value("count").replace(",", "").replace(" ", ""))
        if form.wrong:
            return await self._ask_recall(request, form)
        try:
            await recall.begin(self._office, kid, since=since, reason=reason, actor=actor(request), confirm_count=typed)
        except Conflict as error:
            if error.where == "/confirm_count":
                form.error("count", words("Type the number of documents shown above to confirm"))
            else:
                form.error("count", words("This key was changed in the meantime: go back and look again"))
            return await self._ask_recall(request, form)
        await recall.step(self._office)
        raise web.HTTPSeeOther(f"{PATH}/{kid}")


def _state(key: KeyHistory, words: phrases.Words) -> phrases.Tag:
    text, colour = STATES[key.state]
    return phrases.Tag(words(text), colour)


def _progress(each: Recall, words: phrases.Words) -> str:
    text = words("Documents done: %(done)s of %(documents)s. Copies cancelled: %(copies)s")
    return text % {"done": f"{each.done:,}", "documents": f"{each.documents:,}", "copies": f"{each.copies:,}"}


def _reason(form: Form, words: phrases.Words) -> str:
    reason = form.need("reason", words("Say why"))
    if len(reason) > MAX_REASON:
        form.error("reason", words("Use 300 characters or fewer"))
    return reason


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def _since(form: Form) -> int:
    since = _number(form.value("since"))
    return since if since < _LATEST else 0


def _address(request: web.Request, **query: str | int) -> str:
    asked = {name: value for name, value in query.items() if value}
    return f"{PATH}/{request.match_info['kid']}" + (f"?{urlencode(asked)}" if asked else "")
