"""Getting a document without an invitation: the address of an issuer, what it makes, and on to the sign-in there."""

from __future__ import annotations

from aiohttp import web

from shared.errors import AddressRefused, Malformed, Refused, Rejected, Unavailable, VcError
from shared.web.auth import read_form
from shared.web.forms import Form
from shared.web.pages import render
from wallet import invite
from wallet.pages.desk import Desk, Words, see


class IssuerPages:
    """``/issuers``: type the address, then choose."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/issuers", self.show)
        app.router.add_post("/issuers", self.look)
        app.router.add_post("/issuers/choose", self.choose)

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._desk.sitting(request)
        return await render(request, "wallet/issuers.html")

    async def look(self, request: web.Request) -> web.StreamResponse:
        """Fetched because the holder typed an address and sent it, and for no other reason."""
        form, words = Form(await read_form(request)), self._desk.words(request)
        kinds = await self._kinds(form, words)
        if kinds is None:
            return await render(request, "wallet/issuers.html", form=form)
        return await render(request, "wallet/issuer.html", form=form, kinds=kinds)

    async def _kinds(self, form: Form, words: Words) -> invite.Kinds | None:
        means = self._desk.means
        typed = form.need("issuer", words._("Enter the address of the office"))
        if form.wrong:
            return None
        try:
            return await invite.look_at(means, invite.address_of(typed, tuple(means.plain_http)), locale=words.locale)
        except (Malformed, Refused, Rejected, Unavailable, AddressRefused) as error:
            form.error("issuer", _words_for(error, words))
            return None

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """An invitation of one's own making; its page says where the sign-in is."""
        form, words, means = Form(await read_form(request)), self._desk.words(request), self._desk.means
        vault = (await self._desk.sitting(request)).vault
        kinds = await self._kinds(form, words)
        if kinds is None:
            return await render(request, "wallet/issuers.html", form=form)
        if form.value("type") not in kinds.titles:
            form.error("type", words._("Choose a document"))
            return await render(request, "wallet/issuer.html", form=form, kinds=kinds)
        item = await invite.choose(means, vault, kinds.issuer, form.value("type"), locale=words.locale)
        return see(f"/receive/{item.id}")


def _words_for(error: VcError, words: Words) -> str:
    """Why nothing can be got there, for people."""
    match error:
        case Unavailable():
            return words._("Nobody answered at this address. Check it, or try again in a while.")
        case Refused():
            return words._("This office makes nothing that your wallet can keep, or signs people in in a way that is not safe.")
        case _:
            return words._("There is no office at this address that gives documents to wallets. Check the address.")
