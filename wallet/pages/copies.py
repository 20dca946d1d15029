"""Copies made out to one organisation: choose, look at what it would show, make, and take along as file, picture or print."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from shared.credentials import all_types
from shared.credentials._joint import TAG, is_joint
from shared.errors import AccessDenied, Malformed, TooLarge
from shared.trust.relying_party import RpCertificate
from shared.web.auth import read_form
from shared.web.finding import fits, wanted_of
from shared.web.forms import Form
from shared.web.pages import Again, render
from wallet import history, locking, register, share
from wallet.acting import acting_words
from wallet.cards import Card, card, type_of
from wallet.consent import hidden_label
from wallet.keepers import asks
from wallet.links import LockedLink
from wallet.pages.desk import Desk, Words, see
from wallet.pages.who import fits_party
from wallet.records import ADDRESSED, DOCUMENTS, Item
from wallet.sessions import Addressed, Document
from wallet.share import Wish

DAYS = (1, 3, 7, 14)
ON_FORM = 10
"""Registered organisations on the form; of more of them some are found by a search."""
OTHER = "other"
"""Chosen for an organisation that is written by hand."""


class CopyPages:
    """``/copies``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/copies", self.list)
        app.router.add_get("/copies/new", self.show_form)
        app.router.add_post("/copies/new", self.make)
        app.router.add_get("/copies/{id}", self.show)
        app.router.add_get("/copies/{id}/file", self.file)
        app.router.add_get("/copies/{id}/qr.svg", self.drawing)
        app.router.add_get("/copies/{id}/qr.png", self.picture)

    async def list(self, request: web.Request) -> web.StreamResponse:
        vault, at = (await self._desk.sitting(request)).vault, self._desk.means.clock()
        items = await self._desk.means.storage.read(lambda tx: ADDRESSED.all(tx, vault))
        living = sorted((item for item in items if item.value.expires_at > at), key=lambda item: -item.value.at)
        locked = await locking.all_links(self._desk.means, vault)
        wanted, locale = wanted_of(request.query), self._desk.words(request).locale
        called = await register.calling(self._desk.means, locale)
        purposes = {item.id: _purpose(item.value.purpose_id, locale) for item in items}
        return await render(
            request,
            "wallet/copies.html",
            copies=[item for item in living if fits(wanted, [*_names(item.value, called), purposes[item.id]])],
            locked=[item for item in locked if fits(wanted, [*_names(item.value, called), purposes.get(item.value.copy, "")])],
            called=called,
            total=len(living) + len(locked),
            wanted=wanted,
        )

    async def _registered(self) -> dict[str, RpCertificate]:
        """The organisations of the register, by identifier."""
        known, at = (await register.register(self._desk.means)).certificates, self._desk.means.clock()
        return {entity: one for entity, one in known.items() if at < one.expires_at}

    async def _form_page(self, request: web.Request, form: Form) -> web.StreamResponse:
        vault, at, words = (await self._desk.sitting(request)).vault, self._desk.means.clock(), self._desk.words(request)
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, vault))
        lines = await self._desk.means.storage.read(lambda tx: history.read(tx, vault))
        parties = {
            line.entry.interacting_party_identifier.identifier: line.entry.interacting_party_name
            for line in lines
            if line.entry.transaction_type in {"presentation", "addressed-copy"} and line.entry.interacting_party_identifier.type == "uri"
        }
        known, wanted = await self._registered(), "" if form.value("do") == "all" else wanted_of({"q": form.value("q")})
        cards: list[Card] = [card(item.value, at=at, locale=words.locale) for item in items]
        return await render(
            request,
            "wallet/copy_form.html",
            form=form,
            cards=cards,
            questions=questions(
                words.locale, {each.type for each in cards}, {item.value.type for item in items if shares_mark(item.value)}
            ),
            parties={entity: name for entity, name in parties.items() if entity not in known},
            by_hand=(form.value("party") or (OTHER if form.value("to_name") or form.value("to") else "")) == OTHER,
            wanted=wanted,
            **_listed(known, wanted, form.value("party"), parties, words.locale),
            days=DAYS,
            together=any(shares_mark(item.value) for item in items),
            chosen=request.query.get("document", ""),
            sent_again=Again("again", "/copies/new", "do", "find") if request.method == "POST" else None,
        )

    async def show_form(self, request: web.Request) -> web.StreamResponse:
        return await self._form_page(request, Form())

    async def make(self, request: web.Request) -> web.StreamResponse:
        """Find an organisation, or look, then make: the first answer to the whole form shows what the copy would show."""
        form, words = Form(await read_form(request)), self._desk.words(request)
        vault = (await self._desk.sitting(request)).vault
        named = any(form.value(each) for each in ("party", "to_name", "to"))
        if form.value("do") in {"find", "all"} or (form.value("q") != form.value("found") and not form.value("do") and not named):
            return await self._form_page(request, form)  # also for the Return key where somebody was to be found
        wish = _wish(form, words, await self._registered())
        if form.wrong or wish is None:
            return await self._form_page(request, form)
        try:
            offer = await share.preview(self._desk.means, vault, wish)
            looked_at = offer.seen(offer.sample)
            if form.value("step") == "make" and form.value("seen") == looked_at and not form.value("again"):
                made = await share.make_out(self._desk.means, vault, replace(wish, seen=looked_at))
                see(f"/copies/{made.id}")
        except AccessDenied:
            form.error("question", words._("No document in your wallet can answer this question. Choose another one."))
            return await self._form_page(request, form)
        except Malformed as error:
            _tell(form, words, error)
            return await self._form_page(request, form)
        called = await register.calling(self._desk.means, words.locale)
        shown, everything = offer.shown((), words.locale), offer.everything(words.locale)
        seen = {line.same for line in shown}
        return await render(
            request,
            "wallet/copy_look.html",
            wish=wish,
            name=called(wish.entity, wish.name),
            posted=form,
            document=offer.document.id,
            looked_at=looked_at,
            changed=form.value("step") == "make" and form.value("seen") != looked_at,
            shown=shown,
            hidden=list(dict.fromkeys(hidden_label(line) for line in everything if line.same not in seen)),
            reused=offer.copy.shown_at if offer.copy and offer.reused else 0,
            usable=offer.copy is not None,
            keeper=asks(self._desk.means, offer.document),
            acting=acting_words(type_of(offer.document), offer.document.claims, words._, words.locale),
            sent_again=Again("look", "/copies/new"),
        )

    async def _copy(self, request: web.Request) -> Item[Addressed]:
        vault = (await self._desk.sitting(request)).vault
        return await share.get_copy(self._desk.means, vault, request.match_info["id"])

    async def show(self, request: web.Request) -> web.StreamResponse:
        item, words = await self._copy(request), self._desk.words(request)
        vault, at = (await self._desk.sitting(request)).vault, self._desk.means.clock()
        document = await self._desk.means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, item.value.document))
        lines = await self._desk.means.storage.read(lambda tx: history.read(tx, vault))
        made = (one.entry for one in lines if one.entry.transaction_type == "addressed-copy")
        try:
            _, strength = share.qr_of(item.value)
        except TooLarge:
            strength = None
        name = (await register.calling(self._desk.means, words.locale))(item.value.entity, item.value.name)
        return await render(
            request,
            "wallet/copy.html",
            copy=item.value,
            name=name,
            id=item.id,
            strength=strength,
            about=None if document is None else card(document.value, at=at, locale=words.locale),
            purpose=_purpose(item.value.purpose_id, words.locale),
            sentence=share.sentence(item.value, name=name, translate=words._, dates=words.dates),
            reference=share.grouped(item.value.together),
            seq=next((one.seq for one in made if vault.tag("addressed", one.transaction_identifier) == item.id), 0),
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        item = await self._copy(request)
        return _download(item.value.file.encode(), "application/vnd.muniment.addressed+json", "copy.json")

    async def picture(self, request: web.Request) -> web.StreamResponse:
        item = await self._copy(request)
        return _download(share.qr_png(item.value), "image/png", "copy.png")

    async def drawing(self, request: web.Request) -> web.StreamResponse:
        item = await self._copy(request)
        return web.Response(text=share.qr_svg(item.value), content_type="image/svg+xml")


def _download(body: bytes, media: str, name: str) -> web.Response:
    return web.Response(body=body, content_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def shares_mark(document: Document) -> bool:
    """Whether its holder can act together with others."""
    return str(TAG[0]) in document.claims


def questions(locale: str, held: Collection[str], together: Collection[str]) -> list[dict[str, str]]:
    """The ready questions of the types that are held (of all where none is), for a choice: ``type/query``.

    What is asked of several people is there only for the types of which ``together`` says that their holder can act so.
    """
    return [
        {"key": f"{kind.id}/{ready.id}", "title": ready.title.in_(locale), "purpose": ready.purpose.in_(locale)}
        for kind in all_types().values()
        if not held or kind.id in held
        for ready in kind.queries
        if kind.id in together or not is_joint(ready)
    ]


def _names(one: Addressed | LockedLink, called: Callable[[str, str], str]) -> tuple[str, ...]:
    """By what somebody finds it."""
    return one.name, called(one.entity, one.name), one.entity


def _listed(known: Mapping[str, RpCertificate], wanted: str, picked: str, dealt: Collection[str], locale: str) -> dict[str, Any]:
    """Those to choose from: whom the holder has ``dealt`` with first, then by name, as many as the form has room for; and always who is ``picked``."""
    fitting = sorted(
        (one for one in known.values() if fits_party(one, wanted)),
        key=lambda one: (one.entity not in dealt, one.name.in_(locale).casefold(), one.entity),
    )
    shown = fitting[:ON_FORM]
    shown = [one for one in known.values() if one.entity == picked and one not in shown] + shown
    return {
        "organisations": [{"entity": one.entity, "name": one.name.in_(locale)} for one in shown],
        "registered": len(known),
        "more": max(0, len(fitting) - ON_FORM),
        "fitting": len(fitting),
        "on_form": ON_FORM,
    }


def _purpose(purpose_id: str, locale: str) -> str:
    """The words of the ready question of that name; else the organisation's own word."""
    ready = (kind.query(purpose_id) for kind in all_types().values())
    return next((one.title.in_(locale) for one in ready if one is not None), purpose_id)


def _picked(form: Form, words: Words, known: Mapping[str, RpCertificate]) -> tuple[str, str]:
    """Whom the copy is for, chosen from the list: identifier and name."""
    entity = form.value("party")
    if entity not in known:
        form.error("party", words._("Choose from this list: somebody is no longer registered"))
        return entity, ""
    name = known[entity].name
    same = form.value("to") in {"", entity} and form.value("to_name").casefold() in {"", name.en.casefold(), name.cy.casefold()}
    if not same:
        form.error("party", words._("Choose one from the list or write another one, not both"))
    return entity, name.en


def _written(form: Form, words: Words, known: Mapping[str, RpCertificate]) -> tuple[str, str]:
    """The same, written by hand. A registered organisation needs no address where one alone is called that, and has its registered name whatever
    was typed.
    """
    typed = form.value("to_name").casefold()
    named = [party.entity for party in known.values() if typed in {party.name.en.casefold(), party.name.cy.casefold()}]
    entity = form.value("to") or (named[0] if len(named) == 1 else "")
    if known and not (form.value("party") or typed or entity):
        form.error("party", words._("Choose who the copy is for"))
        return "", ""
    if not entity:
        form.need("to", words._("Enter the address that the organisation uses as its name, such as https://bank.example"))
    return entity, known[entity].name.en if entity in known else form.need("to_name", words._("Enter the organisation’s name"))


def _wish(form: Form, words: Words, known: Mapping[str, RpCertificate]) -> Wish | None:
    entity, name = _picked(form, words, known) if form.value("party") not in {"", OTHER} else _written(form, words, known)
    question = form.need("question", words._("Choose what the copy is for"))
    days = form.value("days") or "7"
    if form.wrong or "/" not in question or not (days.isascii() and days.isdigit() and len(days) <= 4):
        return None
    kind, _, query = question.partition("/")
    return Wish(
        entity=entity,
        name=name,
        purpose_id=form.value("purpose_id") or query,
        type=kind,
        query=query,
        document=form.value("document") or None,
        days=int(days),
        together=form.value("together"),
    )


def _tell(form: Form, words: Words, error: Malformed) -> None:
    said = {
        "to": words._("This is not an organisation’s address. Ask the organisation for the one that it uses as its name."),
        "purpose_id": words._("The organisation’s word for the purpose has at most 200 characters"),
        "days": words._("A copy can be used for at most 14 days"),
        "together": words._("Leave this empty, or choose what is for acting together and enter the reference as you were given it"),
    }
    form.error(error.where if error.where in said else "question", said.get(error.where, words._("Choose what the copy is for")))
