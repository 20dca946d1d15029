"""The webhook at the desk: where to, what goes along, how the last tries went, and a button that sends a test."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from shared.errors import Conflict
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.pages import render, translator
from shared.web.seat import check_admin
from verifier import webhooks
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages.seat import spoken
from verifier.records import events
from verifier.records.events import Event
from verifier.telling import DECIDED, DECLINED, OFFERED, WITHDRAWN
from verifier.watching import CHANGED
from verifier.words import N_, Spoken

_PATH: Final = "/desk/webhook"
_SHOWN: Final = 20
_EVENTS: Final = {
    DECIDED: N_("A decision"),
    DECLINED: N_("Somebody said no, or had nothing to show"),
    OFFERED: N_("A document was given"),
    CHANGED: N_("A document that was accepted has changed"),
    WITHDRAWN: N_("A permission was withdrawn"),
    webhooks.TEST: N_("Test"),
}
_TAKEN, _WAITING, _GIVEN_UP = (N_("taken"), "green"), (N_("will be tried again"), "yellow"), (N_("not taken"), "red")


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Webhook(desk)
    app.router.add_get(_PATH, seated(part.show, check=check_admin))
    app.router.add_post(_PATH, seated(part.test, check=check_admin))


class Webhook:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form())

    async def _page(self, request: web.Request, form: Form, sent: Event | None = None) -> web.Response:
        settings, talk = self._desk.settings, spoken(request)
        recent = await self._desk.storage.read(lambda tx: events.recent(tx, _SHOWN))
        return await render(
            request,
            "desk/webhook.html",
            form=form,
            url=settings.webhook_url,
            details=settings.webhook_details,
            sent=None if sent is None else _row(sent, talk),
            rows=[_row(each, talk) for each in recent],
        )

    async def test(self, request: web.Request) -> web.StreamResponse:
        """One event that means nothing, sent once."""
        await auth.read_form(request)
        form, _ = Form(), translator(request)
        try:
            sent = await webhooks.test(self._desk, request.config_dict[FETCHER])
        except Conflict:
            form.error("webhook", _("No address is set"))
            return await self._page(request, form)
        return await self._page(request, form, sent)


def _row(event: Event, talk: Spoken) -> dict[str, Any]:
    state, colour = _WAITING if event.done_at is None else _GIVEN_UP if event.fault else _TAKEN
    return {
        "name": talk.translate(_EVENTS[event.name]),
        "exchange": event.exchange,
        "id": event.id,
        "moment": talk.moment(event.made_at),
        "state": talk.translate(state),
        "colour": colour,
        "fault": event.fault,
        "tries": event.tries,
    }
