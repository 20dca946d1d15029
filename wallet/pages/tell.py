"""Telling organisations: pick a document, pick who is to know, look at what each would learn, agree once, and follow what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from shared.codec import base64url
from shared.errors import AccessDenied, Conflict, Malformed
from shared.web.auth import read_form
from shared.web.finding import fits, page_of, wanted_of
from shared.web.forms import Form
from shared.web.pages import Again, render
from wallet import history, register, replies, resend, telling
from wallet.acting import acting_words
from wallet.cards import Card, card, type_of
from wallet.consent import hidden_label
from wallet.keep import Vault
from wallet.keepers import asks
from wallet.pages.asking import DECISIONS
from wallet.pages.desk import Desk, Words, see
from wallet.pages.tell_words import STATES, TITLES, letter_view
from wallet.records import DOCUMENTS, Item
from wallet.sent import ENDED, Telling, state_of
from wallet.sessions import Document
from wallet.telling import MOST, Choice, Part, Picked

PER_PAGE = 50
ON_PAGE = 20  # of what was told so far


class TellPages:
    """``/tell``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/tell", self.all)
        app.router.add_get("/tell/new", self.show_form)
        app.router.add_post("/tell/new", self.choose)
        app.router.add_post("/tell/agree", self.agree)
        app.router.add_post("/tell/{id}/stop", self.stop)
        app.router.add_get("/tell/{id}", self.show)
        app.router.add_get("/tell/{id}/state", self.state)

    async def _documents(self, vault: Vault) -> list[Item[Document]]:
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, vault))
        return sorted(items, key=lambda item: -item.value.received_at)

    # --- what was told already

    async def all(self, request: web.Request) -> web.StreamResponse:
        vault, words = (await self._desk.sitting(request)).vault, self._desk.words(request)
        await replies.collect(self._desk.means, vault, self._desk.outbox)
        at = self._desk.means.clock()
        cards = {item.id: card(item.value, at=at, locale=words.locale) for item in await self._documents(vault)}
        wanted, page = wanted_of(request.query), page_of(request.query.get("page", ""))
        told, called = await telling.tellings(self._desk.means, vault), await register.calling(self._desk.means, words.locale)
        found = [
            item
            for item in told
            if fits(wanted, [telling.reference_of(vault, item.id), *_texts(item.value, cards.get(item.value.document), called, words)])
        ]
        pages = max(1, -(-len(found) // ON_PAGE))
        page, rows = min(page, pages), []
        for item in found[(page - 1) * ON_PAGE : page * ON_PAGE]:
            states = await self._states(vault, item.id)
            counted = Counter(states)
            rows.append(
                {
                    "id": item.id,
                    "reference": telling.reference_of(vault, item.id),
                    "at": item.value.at,
                    "document": cards.get(item.value.document),
                    "count": len(states),
                    "title": words._(TITLES[item.value.word]),
                    "counts": [(words._(STATES[state][0]), STATES[state][1], counted[state]) for state in STATES if counted[state]],
                }
            )
        return await render(request, "wallet/tell.html", rows=rows, total=len(told), wanted=wanted, page=page, pages=pages)

    async def _states(self, vault: Vault, name: str) -> Sequence[str]:
        item, at = await telling.get(self._desk.means, vault, name), self._desk.means.clock()
        found = await telling.letters(self._desk.means, vault, item)
        return [state_of(None if sent is None else sent.value, at, given_up=item.value.given_up) for _, sent in found]

    # --- choosing

    async def show_form(self, request: web.Request) -> web.StreamResponse:
        vault = (await self._desk.sitting(request)).vault
        document, about = request.query.get("document", ""), request.query.get("about", "")
        if not document:
            return await self._pick_document(request, vault)
        form = Form({"document": document, "about": about})
        told = await resend.told_of(self._desk.means, vault, about, by=document) if about else []
        chosen = [one.key for one in told if one.stale]  # whom she tells stands in no address, so that no log and no browser keeps it
        return await self._form_page(request, form, chosen)

    async def _pick_document(self, request: web.Request, vault: Vault) -> web.StreamResponse:
        at, locale = self._desk.means.clock(), self._desk.words(request).locale
        found = []
        for item in await self._documents(vault):
            count = len(await telling.choices(self._desk.means, item.value))
            found.append((card(item.value, at=at, locale=locale), count))
        if len([count for _, count in found if count]) == 1:
            see(f"/tell/new?document={next(one.id for one, count in found if count)}")
        return await render(request, "wallet/tell_document.html", found=found)

    async def _form_page(self, request: web.Request, form: Form, chosen: Sequence[str]) -> web.StreamResponse:
        vault, words, means = (await self._desk.sitting(request)).vault, self._desk.words(request), self._desk.means
        name, about = form.value("document"), form.value("about")
        item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, name))
        found, far = await self._able(vault, item.value, about, words.locale)
        wanted = form.value("q")
        keys = {one.key for one in found}
        ticked = [key for key in dict.fromkeys(chosen) if key in keys]
        fitting = [one for one in found if one.fits(wanted)]
        shown = fitting[:PER_PAGE]
        return await render(
            request,
            "wallet/tell_choose.html",
            form=form,
            document=card(item.value, at=means.clock(), locale=words.locale),
            about=about,
            word=resend.word_for(item.value) if about else "",
            choices=[_choice(one, words) for one in shown],
            chosen=ticked,
            kept=[key for key in ticked if key not in {one.key for one in shown}],
            total=len(found),
            more=max(0, len(fitting) - PER_PAGE),
            wanted=wanted,
            far=far,
            most=MOST,
            sent_again=Again("again", "/tell/new", "do", "change") if request.method == "POST" else None,
        )

    async def _able(self, vault: Vault, document: Document, about: str, locale: str) -> tuple[list[Choice], list[str]]:
        """Who can be told by a letter or a copy; and the names of those that were told and cannot be told in this way."""
        if not about:
            return await telling.choices(self._desk.means, document), []
        told = await resend.told_of(self._desk.means, vault, about, by=document.id)
        called = await register.calling(self._desk.means, locale)
        return [one.choice for one in told if one.choice is not None], [called(one.entity, one.name) for one in told if one.choice is None]

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """Every button of the form: find, all, none, and look at it."""
        form, words = Form(await read_form(request)), self._desk.words(request)
        vault, means = (await self._desk.sitting(request)).vault, self._desk.means
        chosen, does, name = [*form.values("kept"), *form.values("body")], form.value("do"), form.value("document")
        if does == "none":
            return await self._form_page(request, form, [])
        if does == "all":
            item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, name))
            found, _ = await self._able(vault, item.value, form.value("about"), words.locale)
            chosen += [one.key for one in found if one.fits(form.value("q"))]
        if does != "look":
            return await self._form_page(request, form, chosen)
        if not 1 <= len(dict.fromkeys(chosen)) <= MOST:
            form.error(
                "body", words._("Choose at least one organisation") if not chosen else words._("Choose at most 100 organisations at once")
            )
            return await self._form_page(request, form, chosen)
        return await self._look_page(request, vault, form, chosen)

    # --- looking and agreeing

    async def _picked(self, vault: Vault, form: Form, chosen: Sequence[str]) -> Picked:
        document, about = form.value("document"), form.value("about")
        if about:
            return await resend.again(self._desk.means, vault, about, list(dict.fromkeys(chosen)), by=document)
        return Picked(document=document, keys=chosen)

    async def _look_page(
        self, request: web.Request, vault: Vault, form: Form, chosen: Sequence[str], *, changed: bool = False
    ) -> web.StreamResponse:
        words, means = self._desk.words(request), self._desk.means
        try:
            plan = await telling.look(means, vault, await self._picked(vault, form, chosen))
        except Malformed:
            form.error("body", words._("Choose from this list: somebody is no longer registered"))
            return await self._form_page(request, form, [])
        able, keys = [part for part in plan.parts if part.offer is not None], [part.choice.key for part in plan.parts]
        document = plan.document.value
        return await render(
            request,
            "wallet/tell_look.html",
            plan=plan,
            name=base64url.encode(means.entropy(16)),
            about=form.value("about"),
            keys=keys,
            groups=_alike([_part(part, words) for part in plan.parts]),
            able=len(able),
            short=max(0, len(able) - plan.fresh),
            changed=changed,
            document=card(document, at=means.clock(), locale=words.locale),
            acting=acting_words(type_of(document), document.claims, words._, words.locale),
            keeper=asks(means, document),
            sent_again=Again("look", "/tell/new", "do", "look"),
        )

    async def agree(self, request: web.Request) -> web.StreamResponse:
        """Once for all of them. Where somebody would learn something else than was looked at, it is looked at again."""
        form = Form(await read_form(request))
        vault, chosen, name = (await self._desk.sitting(request)).vault, form.values("body"), form.value("name")
        try:
            picked = await self._picked(vault, form, chosen)
            made = await telling.tell(self._desk.means, vault, self._desk.outbox, _name(name), picked, seen=form.value("seen"))
        except (AccessDenied, Conflict, Malformed):
            return await self._look_page(request, vault, form, chosen, changed=True)
        return see(f"/tell/{made.id}")

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Those who were not told yet are not told any more."""
        await read_form(request)
        vault = (await self._desk.sitting(request)).vault
        item = await telling.stop(self._desk.means, vault, request.match_info["id"])
        return see(f"/tell/{item.id}")

    # --- what comes of it

    async def show(self, request: web.Request) -> web.StreamResponse:
        vault, words, means = (await self._desk.sitting(request)).vault, self._desk.words(request), self._desk.means
        await replies.collect(means, vault, self._desk.outbox)
        item = await telling.get(means, vault, request.match_info["id"])
        document = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, item.value.document))
        found, given_up = await telling.letters(means, vault, item), item.value.given_up
        faults = item.value.faults if document is not None else {body.key: "document" for body in item.value.bodies}
        called = await register.calling(means, words.locale)
        letters = [
            letter_view(body, sent, means.clock(), words, given_up=given_up, fault=faults.get(body.key, ""))
            | {"name": called(body.entity, body.name)}
            for body, sent in found
        ]
        states = [one["state"] for one in letters]
        lines = await means.storage.read(lambda tx: history.read(tx, vault))
        return await render(
            request,
            "wallet/telling.html",
            id=item.id,
            reference=telling.reference_of(vault, item.id),
            at=item.value.at,
            word=item.value.word,
            title=words._(TITLES[item.value.word]),
            letters=letters,
            lines={line.entry.transaction_identifier: line.entry.seq for line in lines if line.entry.transaction_type == "addressed-copy"},
            document=None if document is None else card(document.value, at=means.clock(), locale=words.locale),
            state=_summary(states),
            said=_said(states, words),
            over=set(states) <= ENDED,
            left="no-copy" in states,
            decisions=DECISIONS,
        )

    async def state(self, request: web.Request) -> web.StreamResponse:
        """For the page that is open: it is drawn anew when something has changed."""
        vault, name = (await self._desk.sitting(request)).vault, request.match_info["id"]
        await replies.collect(self._desk.means, vault, self._desk.outbox)
        states = await self._states(vault, name)
        now = _summary(states)
        if request.query.get("was", "") != now:
            return web.json_response({"state": now, "href": f"/tell/{name}"})
        return web.json_response({"state": now, "text": _said(states, self._desk.words(request))})


def _name(text: str) -> str:
    """The name that the page gave the agreement, so that of two clicks the second finds what the first did."""
    if not 16 <= len(text) <= 64 or not text.replace("-", "").replace("_", "").isalnum() or not text.isascii():
        raise Malformed("this form was not made here", where="name")
    return text


def _summary(states: Sequence[str]) -> str:
    """One word for all states; it changes with any of them."""
    order = list(STATES)
    return "".join(chr(ord("a") + order.index(state)) for state in states)


def _said(states: Sequence[str], words: Words) -> str:
    counted = Counter(states)
    return ", ".join(f"{counted[state]} {words._(STATES[state][0])}" for state in STATES if counted[state])


def _texts(value: Telling, about: Card | None, called: Callable[[str, str], str], words: Words) -> list[str]:
    """What somebody finds it by: what was told, of which document, and who was told."""
    document = [] if about is None else [about.title, about.subtitle, about.about, about.issuer_name]
    return [
        words._(TITLES[value.word]),
        *document,
        *(text for body in value.bodies for text in (body.name, body.entity, called(body.entity, body.name))),
    ]


def _choice(one: Choice, words: Words) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.party.name.in_(words.locale),
        "title": one.use.title.in_(words.locale),
        "entity": one.party.entity,
        "inbox": one.inbox is not None,
    }


def _alike(parts: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Those who would learn the same stand together, so that what it is stands there once."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        groups.setdefault(part["told"], []).append(part)
    return list(groups.values())


def _part(part: Part, words: Words) -> dict[str, Any]:
    choice, offer = part.choice, part.offer
    shown = () if offer is None else offer.shown((), words.locale)
    seen = {line.same for line in shown}
    everything = () if offer is None else offer.everything(words.locale)
    return {
        "name": choice.party.name.in_(words.locale),
        "title": choice.use.title.in_(words.locale),
        "purpose": choice.use.purpose.in_(words.locale).rstrip(". "),
        "keeps": choice.use.retention_days,
        "inbox": choice.inbox is not None,
        "lacks": [label.in_(words.locale) for label in choice.lacks],
        "shown": shown,
        "hidden": list(dict.fromkeys(hidden_label(line) for line in everything if line.same not in seen)),
        "able": offer is not None,
        "told": part.told,
        "more": part.more,
        "about_at": part.about_at,
    }
