"""Whom the desk knows already: the form filled in from before, once its holder has shown the document; and becoming known.

There is no list and no search: nobody is found here before they show that they are known.
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from shared.codec import qr
from shared.credentials import Claim, by_id
from shared.errors import Conflict, Malformed, Missing, Unavailable
from shared.web import auth
from shared.web.context import FETCHER
from shared.web.dates import day_words
from shared.web.entrance import seated
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import locale_of, render, translator
from verifier import giving, known, own_issuer
from verifier.desk import Desk
from verifier.known import FIELDS, KNOWN, Customer
from verifier.material import Store
from verifier.pages import seen
from verifier.pages.giving import show_offer
from verifier.sessions import Answered
from verifier.settle import Opened

_NEW: Final = "/desk/known/new"
_ONE: Final = "/desk/known/{id}"
_SLIP: Final = "/desk/known/slip"
_SHOWN: Final = "/desk/requests/{id}/known"
_DOES: Final = frozenset({"", "keep", "forget"})
LABELS: Final = {
    "name": N_("Name"),
    "address": N_("Address"),
    "telephone": N_("Telephone"),
    "email": N_("E-mail"),
    "how": N_("How best to deal with them"),
}


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Knowing(desk)
    app.router.add_get(_NEW, seated(part.form))
    app.router.add_post(_NEW, seated(part.make))
    app.router.add_get(_SLIP, seated(part.ask_slip))
    app.router.add_post(_SLIP, seated(part.open_slip))
    app.router.add_get(_ONE, seated(part.given))
    app.router.add_get(f"{_ONE}/slip", seated(part.slip))
    app.router.add_get(f"{_ONE}/qr.svg", seated(part.code))
    app.router.add_get(_SHOWN, seated(part.show))
    app.router.add_post(_SHOWN, seated(part.change))
    app.router.add_post(f"{_SHOWN}/forget", seated(part.forget))


class Knowing:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- becoming known

    async def form(self, request: web.Request) -> web.StreamResponse:
        """Empty: what is known of nobody in particular."""
        return await self._new(request, Form({"wish": self._desk.secret(), "after": request.query.get("after", "")[:64]}))

    async def _new(self, request: web.Request, form: Form) -> web.Response:
        if not own_issuer.is_named(self._desk):
            raise Missing("this desk has no issuer of its own")
        return await render(request, "desk/known_new.html", form=form, **self._fields(request, form))

    def _fields(self, request: web.Request, form: Form) -> dict[str, Any]:
        locale, kind, _ = locale_of(request), by_id(KNOWN), translator(request)
        language, adjustments = kind.claim(("preferred_language",)), kind.claim(("adjustments", None))
        return {
            "fields": [{"name": name, "label": _(LABELS[name])} for name in FIELDS],
            "spoken": _items(language, [form.value("language")], locale),
            "adjustments": _items(adjustments, form.values("adjustment"), locale),
        }

    async def make(self, request: web.Request) -> web.StreamResponse:
        """The same form sent twice makes one document."""
        form, _ = Form(await auth.read_form(request)), translator(request)
        wish = form.value("wish")
        if not 16 <= len(wish) <= 64:
            raise Malformed("this form is not ours", where="wish")
        form.need("name", _("Enter a name"))
        customer = self._customer(form, request, since=giving.day_of(self._desk.clock()).isoformat())
        if customer is None or form.wrong:
            return await self._new(request, form)
        try:
            after = await self._after(request, form.value("after"))
            await known.make_known(self._desk, request.config_dict[FETCHER], wish, customer, after=after)
        except Conflict as error:
            form.error("name", _("Our own issuer did not make it: %(reason)s") % {"reason": error.detail})
        except Unavailable:
            form.error("name", _("Our own issuer does not answer now. Try again: nothing is made twice."))
        if form.wrong:
            return await self._new(request, form)
        raise web.HTTPSeeOther(f"/desk/known/{wish}")

    async def _after(self, request: web.Request, identifier: str) -> tuple[Answered, Opened] | None:
        """The decision that led here, as long as it is kept."""
        if not identifier:
            return None
        exchange, opened = await seen.decided(self._desk, request, identifier)
        return (exchange, opened) if isinstance(exchange, Answered) and opened is not None and exchange.decision == "accepted" else None

    def _customer(self, form: Form, request: web.Request, *, since: str) -> Customer | None:
        _ = translator(request)
        try:
            fields = known.check({name: form.value(name) for name in FIELDS})
        except Malformed as error:
            form.error(error.where.strip("/"), _("Use at most 500 characters"))
            return None
        kind = by_id(KNOWN)
        language, adjustments = kind.claim(("preferred_language",)), kind.claim(("adjustments", None))
        return Customer(
            since=since,
            fields=fields,
            language=form.value("language") if _knows(language, form.value("language")) else "",
            adjustments=tuple(dict.fromkeys(one for one in form.values("adjustment") if _knows(adjustments, one))),
        )

    async def given(self, request: web.Request) -> web.StreamResponse:
        """The invitation to collect the document."""
        identifier = request.match_info["id"]
        offer = await self._offer(identifier)
        here = f"/desk/known/{identifier}"
        return await show_offer(request, self._desk, offer, here=here, back_to="/desk/", slip=f"{here}/slip")

    async def _offer(self, identifier: str) -> giving.Offer:
        offer = await giving.offer_of(self._desk, identifier, KNOWN)
        if offer is None:
            raise Missing("nothing was given here")
        return offer

    async def code(self, request: web.Request) -> web.StreamResponse:
        """The link as a square code."""
        return web.Response(text=qr.svg((await self._offer(request.match_info["id"])).link), content_type="image/svg+xml")

    # --- without a wallet

    async def slip(self, request: web.Request) -> web.StreamResponse:
        """To print: the reference of whoever was just made known."""
        identifier = request.match_info["id"]
        await self._offer(identifier)
        reference = await known.reference_of(self._desk, identifier)
        office, here = self._desk.settings.name, f"/desk/known/{identifier}"
        return await render(request, "desk/known_slip.html", reference=reference, office=office, back_to=here)

    async def ask_slip(self, request: web.Request) -> web.StreamResponse:
        return await self._ask_slip(request, Form())

    async def _ask_slip(self, request: web.Request, form: Form) -> web.Response:
        if not own_issuer.is_named(self._desk):
            raise Missing("this desk has no issuer of its own")
        return await render(request, "desk/known_ask.html", form=form)

    async def open_slip(self, request: web.Request) -> web.StreamResponse:
        """What they told before, for a clerk who has their slip and has made sure who they are; ``do``: keep what they say now, or forget it all.

        Whichever it is, the log says that the slip was used. A slip that is no longer good, or was never given, is told the same of.
        """
        form, _ = Form(await auth.read_form(request)), translator(request)
        do = form.value("do")
        if do not in _DOES:
            raise Malformed("this form is not ours", where="do")
        reference = known.read_reference(form.need("reference", _("Enter the reference on the slip"))[:100])
        if not form.value("sure"):
            form.error("sure", _("First make sure who it is"))
        before = None if form.wrong else await known.open_slip(self._desk, reference)
        if before is None:
            if not form.wrong:
                form.error("reference", _("Nothing is kept for this slip. Look at the letters again, or fill the form in anew."))
            return await self._ask_slip(request, form)
        if do == "forget":
            return await self._forget(request, reference, before)
        if do == "keep":
            before = await self._keep(request, form, reference, before)
        return await self._known(request, form, reference, before)

    # --- being known

    async def _shown(self, request: web.Request) -> tuple[str, Customer]:
        """The reference that was just shown, and what is kept under it; ``Missing`` before."""
        exchange, opened = await seen.decided(self._desk, request)
        reference = known.reference_in(self._desk, exchange, opened) if isinstance(exchange, Answered) else ""
        customer = await known.find(self._desk, reference) if reference else None
        if customer is None:
            raise Missing("nobody who is known here has shown it")
        return reference, customer

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Everything that they filled in before."""
        reference, customer = await self._shown(request)
        return await self._known(request, Form(), reference, customer)

    async def _known(self, request: web.Request, form: Form, reference: str, customer: Customer) -> web.Response:
        locale, kind, _ = locale_of(request), by_id(KNOWN), translator(request)
        language, adjustments = kind.claim(("preferred_language",)), kind.claim(("adjustments", None))
        sent = form.wrong
        return await render(
            request,
            "desk/known.html",
            form=form,
            path=request.path,
            by_slip=request.path == _SLIP,
            reference=reference,
            since=day_words(customer.since, locale),
            fields=[
                {"name": name, "label": _(LABELS[name]), "value": form.value(name) if sent else customer.fields.get(name, "")}
                for name in FIELDS
            ],
            spoken=_items(language, [form.value("language") if sent else customer.language], locale),
            adjustments=_items(adjustments, form.values("adjustment") if sent else customer.adjustments, locale),
        )

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Keep what they say now."""
        form = Form(await auth.read_form(request))
        reference, before = await self._shown(request)
        await self._keep(request, form, reference, before)
        if form.wrong:
            return await self._known(request, form, reference, before)
        raise web.HTTPSeeOther(request.path)

    async def _keep(self, request: web.Request, form: Form, reference: str, before: Customer) -> Customer:
        """What is kept from now on: as it was before where the form is not right."""
        now = self._customer(form, request, since=before.since)
        if now is None or form.wrong:
            return before
        now = known.of_before(before, now)
        await known.change(self._desk, reference, now)
        return now

    async def forget(self, request: web.Request) -> web.StreamResponse:
        """On request, at once."""
        await auth.read_form(request)
        return await self._forget(request, *await self._shown(request))

    async def _forget(self, request: web.Request, reference: str, customer: Customer) -> web.Response:
        ended = await known.forget(self._desk, request.config_dict[FETCHER], reference, customer)
        return await render(request, "desk/forgotten.html", late=not ended, number=customer.document)


def _knows(claim: Claim | None, code: str) -> bool:
    return claim is not None and claim.choice(code) is not None


def _items(claim: Claim | None, ticked: Any, locale: str) -> list[dict[str, Any]]:
    choices = () if claim is None else claim.choices
    return [{"value": each.value, "text": each.label.in_(locale), "checked": each.value in ticked} for each in choices]
