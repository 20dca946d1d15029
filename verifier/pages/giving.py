"""Giving a record of an authority at the desk: what it will say, what is still needed, then the square code to collect it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from shared.codec import qr
from shared.credentials import by_id
from shared.errors import Conflict, Malformed, Missing, Unavailable
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.dates import day_words
from shared.web.entrance import OPERATOR, seated
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from verifier import giving, inbox_desk
from verifier.desk import Desk
from verifier.details import details
from verifier.facts import fact_of
from verifier.giving import MANDATE, Draft, Offer
from verifier.material import Store
from verifier.pages import seen
from verifier.sessions import Answered
from verifier.settle import Opened

_PATH = "/desk/requests/{id}/record"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Giving(desk)
    app.router.add_get(_PATH, seated(part.show))
    app.router.add_post(_PATH, seated(part.give))
    app.router.add_get(f"{_PATH}/qr.svg", seated(part.code))


async def show_offer(request: web.Request, desk: Desk, offer: Offer, *, here: str, back_to: str, slip: str = "") -> web.Response:
    """The invitation to a document that was given, on the screen, or as two sheets on paper for somebody without a phone.

    ``slip``: where there is one for somebody without a wallet.
    """
    locale = locale_of(request)
    title, day = by_id(offer.kind).title.in_(locale), day_words(offer.expires_at[:10], locale)
    return await render(
        request, "desk/given.html", offer=offer, here=here, back_to=back_to, slip=slip, title=title, office=desk.settings.name, day=day
    )


class Giving:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The form, or the invitation once it is there."""
        offer = await self._offer(request)
        if offer is not None:
            back_to = f"/desk/requests/{request.match_info['id']}"
            return await show_offer(request, self._desk, offer, here=request.path, back_to=back_to)
        answered, opened = await self._accepted(request)
        return await self._form(request, Form(), giving.draft(self._desk, answered, opened))

    async def _accepted(self, request: web.Request) -> tuple[Answered, Opened]:
        exchange, opened = await seen.decided(self._desk, request)
        if not isinstance(exchange, Answered) or opened is None:
            raise Missing("nothing was decided here, or its details were deleted")
        return exchange, opened

    async def _form(self, request: web.Request, form: Form, wanted: Draft) -> web.Response:
        kind, locale = by_id(MANDATE), locale_of(request)
        needed: list[dict[str, Any]] = []
        for name in wanted.missing:
            claim = kind.claim(tuple(name.split(".")))
            needed.append({"name": name, "label": name if claim is None else claim.label.in_(locale)})
        rows = [
            {"label": row.label, "value": list(row.values) if len(row.values) > 1 else row.values[0]}
            for row in details(kind, wanted.claims, locale)
        ]
        return await render(
            request, "desk/give.html", form=form, id=request.match_info["id"], title=kind.title.in_(locale), rows=rows, needed=needed
        )

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Ordered once: a second click finds the first one's invitation."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        answered, opened = await self._accepted(request)
        wanted = giving.draft(self._desk, answered, opened)
        for name in wanted.missing:
            form.need(name, _("Enter this name as you know it"))
        if len(form.value("case_ref")) > 60:
            form.error("case_ref", _("Use at most 60 characters"))
        if form.wrong:
            return await self._form(request, form, wanted)
        said = {name: form.value(name) for name in (*wanted.missing, "case_ref")}
        try:
            fact = await fact_of(self._desk, answered.asked, opened.verdict["credentials"])
            whole = giving.completed(wanted, said)
            await giving.give(self._desk, request.config_dict[FETCHER], answered.asked.id, whole, fact=fact)
        except (Malformed, Conflict) as error:
            form.error("case_ref", _("Our own issuer did not make it: %(reason)s") % {"reason": error.detail})
        except Unavailable:
            form.error("case_ref", _("Our own issuer does not answer now. Try again: nothing is made twice."))
        if form.wrong:
            return await self._form(request, form, wanted)
        raise web.HTTPSeeOther(f"/desk/requests/{answered.asked.id}/record")

    async def _offer(self, request: web.Request) -> Offer | None:
        """It outlasts the decision."""
        await inbox_desk.check(self._desk, request[OPERATOR], request.match_info["id"])
        return await giving.offer_of(self._desk, request.match_info["id"], MANDATE)

    async def code(self, request: web.Request) -> web.StreamResponse:
        """The link as a square code."""
        offer = await self._offer(request)
        if offer is None:
            raise Missing("nothing was given after this decision")
        return web.Response(text=qr.svg(offer.link), content_type="image/svg+xml")
