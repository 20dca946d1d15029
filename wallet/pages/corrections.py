"""A detail is wrong: what the office that made the document would see, the holder's words, and what became of it."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from shared.corrections import MAX_WORDS
from shared.errors import Conflict, Malformed, Missing
from shared.web.auth import read_form
from shared.web.forms import Form
from shared.web.i18n import N_
from shared.web.pages import render
from wallet import corrections
from wallet.cards import card
from wallet.keep import Vault
from wallet.pages.desk import Desk, see
from wallet.records import CORRECTIONS, DOCUMENTS, Item
from wallet.said_wrong import Correction
from wallet.sessions import Document
from wallet.upkeep import ask_now

STATES: Final = {
    "waiting": (N_("Not sent yet"), "yellow"),
    "unsent": (N_("Not taken"), "red"),
    "open": (N_("The office is looking at it"), "yellow"),
    "corrected": (N_("Corrected"), "green"),
    "refused": (N_("Stays as it is"), "grey"),
    "ended": (N_("The document is over"), "grey"),
    "forgotten": (N_("No answer can be had any more"), "red"),
}
REASONS: Final = {
    "record-agrees": N_("Their record says the same as your document."),
    "not-ours": N_("Another body keeps this record: ask there."),
    "not-enough": N_("They need more to go on."),
    "no-such-detail": N_("The document does not say this."),
    "cancelled": N_("They cancelled the document before they answered. Organisations that check it no longer rely on it."),
    "expired": N_("The document ran out before they answered."),
}


class CorrectionPages:
    """``/cards/…/wrong``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/cards/{id}/wrong", self.show_form)
        app.router.add_post("/cards/{id}/wrong", self.say)
        app.router.add_get("/cards/{id}/wrong/{name}", self.show)
        app.router.add_post("/cards/{id}/wrong/{name}/ask", self.ask)

    async def _item(self, request: web.Request) -> tuple[Vault, Item[Document]]:
        vault = (await self._desk.sitting(request)).vault
        return vault, await self._desk.means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, request.match_info["id"]))

    async def show_form(self, request: web.Request) -> web.StreamResponse:
        return await self._form(request, Form({"detail": request.query.get("detail", "")}))

    async def _form(self, request: web.Request, form: Form) -> web.StreamResponse:
        vault, item = await self._item(request)
        words, means = self._desk.words(request), self._desk.means
        if not form.value("detail"):
            see(f"/cards/{item.id}#says")
        look, no_copy = None, False
        try:
            look = await corrections.preview(means, vault, item.id, form.value("detail"), locale=words.locale)
        except Conflict:
            no_copy = True
        return await render(
            request,
            "wallet/wrong.html",
            form=form,
            card=card(item.value, at=means.clock(), locale=words.locale),
            look=look,
            no_copy=no_copy,
            most=MAX_WORDS,
        )

    async def say(self, request: web.Request) -> web.StreamResponse:
        """It is made, kept and sent; a copy goes to the office with it."""
        form, words = Form(await read_form(request)), self._desk.words(request)
        said = form.need("words", words._("Say what is wrong"))
        if len(said) > MAX_WORDS:
            form.error("words", words._("Use 1,000 characters or fewer"))
        if form.wrong:
            return await self._form(request, form)
        vault, item = await self._item(request)
        try:
            made = await corrections.say_wrong(self._desk.means, vault, item.id, form.value("detail"), said)
        except Malformed:
            form.error("words", words._("Use letters that can be read"))
            return await self._form(request, form)
        raise web.HTTPSeeOther(f"/cards/{item.id}/wrong/{made.id}")

    async def show(self, request: web.Request) -> web.StreamResponse:
        vault, item = await self._item(request)
        one = await self._one(request, vault, item)
        locale, words = self._desk.words(request).locale, self._desk.words(request)._
        return await render(
            request,
            "wallet/wrong_sent.html",
            card=card(item.value, at=self._desk.means.clock(), locale=locale),
            one=one,
            changed=corrections.is_changed(item.value, one.value),
            detail=corrections.label_of(item.value, one.value.detail, locale),
            reference="-".join(one.value.reference[at : at + 4] for at in range(0, len(one.value.reference), 4)),
            state=_state(one.value, words),
            reason=words(REASONS[one.value.reason]) if one.value.reason in REASONS else "",
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Send it, or ask what became of it, at an hour of the holder's own."""
        await read_form(request)
        vault, item = await self._item(request)
        one = await self._one(request, vault, item)
        await ask_now(self._desk.means, vault, one.id)
        see(f"/cards/{item.id}/wrong/{one.id}")

    async def _one(self, request: web.Request, vault: Vault, item: Item[Document]) -> Item[Correction]:
        one = await self._desk.means.storage.read(lambda tx: CORRECTIONS.get(tx, vault, request.match_info["name"]))
        if one.value.document != item.id:
            raise Missing("nothing of that name was said of this document")
        return one


async def said_of(desk: Desk, request: web.Request, vault: Vault, item: Item[Document]) -> list[dict[str, Any]]:
    """What the holder said is wrong in a document, for its own page."""
    words = desk.words(request)
    return [
        {
            "id": one.id,
            "detail": corrections.label_of(item.value, one.value.detail, words.locale),
            "state": _state(one.value, words._),
            "at": one.value.at,
        }
        for one in await corrections.of_document(desk.means, vault, item.id)
    ]


def _state(value: Correction, words: Any) -> dict[str, str]:
    text, colour = STATES[value.state]
    return {"text": words(text), "colour": colour}
