"""The documents: all cards, one card with where it was shown, new copies by hand, and taking one away."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from aiohttp import web

from shared.credentials import CredentialType, all_types
from shared.errors import Conflict, Missing, VcError
from shared.storage import Tx
from shared.web.auth import current_session, read_form
from shared.web.finding import fits, wanted_of
from shared.web.forms import Form
from shared.web.pages import render
from wallet import both_sides, history, phone, register, resend
from wallet.acting import acting_words
from wallet.cards import Card, card, type_of
from wallet.cut_off import stop_showing
from wallet.deliveries import Lost, Told
from wallet.entries import Sealed
from wallet.keep import Vault
from wallet.keepers import acknowledge, keeper_of
from wallet.pages.corrections import said_of
from wallet.pages.desk import Desk, see
from wallet.pages.donor import sides
from wallet.phone_api import BatchLine, batch_line
from wallet.records import COPIES, DOCUMENTS, RECEIVING, Item
from wallet.sessions import Document, Promised
from wallet.upkeep import check_status, renew


class DocumentPages:
    """``/`` and ``/cards/…``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/", self.home)
        app.router.add_get("/cards/{id}", self.show)
        app.router.add_post("/cards/{id}/phones/{batch}/lost", self.lost)
        app.router.add_post("/cards/{id}/keeper", self.know_keeper)
        app.router.add_get("/cards/{id}/renew", self.ask_renew)
        app.router.add_post("/cards/{id}/renew", self.renew)
        app.router.add_get("/cards/{id}/remove", self.ask_remove)
        app.router.add_post("/cards/{id}/remove", self.remove)

    async def home(self, request: web.Request) -> web.StreamResponse:
        if await current_session(request) is None:
            return await render(request, "wallet/welcome.html", open_to_all=self._desk.settings.open_to_all)
        sitting = await self._desk.sitting(request)
        items = await self._desk.means.storage.read(lambda tx: DOCUMENTS.all(tx, sitting.vault))
        wanted = wanted_of(request.query)
        cards = [self._card(request, item) for item in sorted(items, key=lambda item: -item.value.received_at)]
        found = [one for one in cards if _fits(one, wanted)]
        promised = await self._desk.means.storage.read(lambda tx: RECEIVING.all(tx, sitting.vault))
        waiting = [item for item in promised if isinstance(item.value.state, Promised)]
        return await render(
            request, "wallet/home.html", cards=found, total=len(cards), wanted=wanted, holder=sitting.holder, waiting=waiting
        )

    def _card(self, request: web.Request, item: Item[Document]) -> Card:
        at, means = self._desk.means.clock(), self._desk.means
        keeper = keeper_of(means.trust(), item.value, at)
        return card(item.value, at=at, locale=self._desk.words(request).locale, keeper=keeper)

    async def _item(self, request: web.Request) -> tuple[Vault, Item[Document]]:
        vault = (await self._desk.sitting(request)).vault
        return vault, await self._desk.means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, request.match_info["id"]))

    async def show(self, request: web.Request) -> web.StreamResponse:
        vault, item = await self._item(request)
        lines = await self._desk.means.storage.read(lambda tx: history.read(tx, vault))
        words = self._desk.words(request)
        told, called = await resend.told_of(self._desk.means, vault, item.id), await register.calling(self._desk.means, words.locale)
        return await render(
            request,
            "wallet/card.html",
            stale=[called(one.entity, one.name) for one in told if one.stale],
            successors=await resend.successors(self._desk.means, vault, item.value) if told else [],
            card=self._card(request, item),
            document=item.value,
            own_house=self._desk.runs(item.value.issuer),
            kind=type_of(item.value),
            groups=_grouped(self._card(request, item)),
            shown=_shown(lines, item.id),
            phones=await self._phones(vault, item.id),
            counts=await self._counts(vault, item.id, [Told(word) for word in request.query.getall("told", []) if word in set(Told)]),
            new="new" in request.query,
            wrong=await said_of(self._desk, request, vault, item),
            asked=request.query.get("asked", ""),
            sides=await sides(self._desk.means, vault, item, words.locale),
            about=type_of(item.value).description.in_(words.locale),
            acting=acting_words(type_of(item.value), item.value.claims, words._, words.locale),
            ends=[text.in_(words.locale) for text in type_of(item.value).cancelled_by],
            follows=_follows(type_of(item.value), words.locale),
        )

    async def know_keeper(self, request: web.Request) -> web.StreamResponse:
        """The holder says to know who keeps the record now, as the page told it."""
        form = Form(await read_form(request))
        vault, item = await self._item(request)
        await acknowledge(self._desk.means, vault, item.id, form.value("statement"))
        see(f"/cards/{item.id}")

    async def _phones(self, vault: Vault, document: str) -> list[BatchLine]:
        """The batches that phones keep of this document."""
        batches = [batch_line(item, "") for item in await phone.of_document(self._desk.means, vault, document)]
        return [batch for batch in batches if batch.state == "on-phone"]

    async def _counts(self, vault: Vault, document: str, told: Collection[Told]) -> dict[str, int]:
        """What the office has heard of copies on lost phones; what it has not heard yet is said for as long as that is so."""
        waiting = [each for each in await phone.of_document(self._desk.means, vault, document) if isinstance(each.value.state, Lost)]
        return {word.value: len([each for each in told if each is word]) for word in Told} | {Told.LATER.value: len(waiting)}

    async def lost(self, request: web.Request) -> web.StreamResponse:
        """The holder says that a phone is lost: the office is asked to put its copies on hold, and the page says whether it has heard."""
        await read_form(request)
        vault, item = await self._item(request)
        batch = await phone.get(self._desk.means, vault, request.match_info["batch"])
        if batch.value.document != item.id:
            raise Missing("there is no such batch of this document")
        told = await phone.lost(self._desk.means, vault, batch.id)
        see(f"/cards/{item.id}" + (f"?told={told}" if told else ""))

    async def ask_renew(self, request: web.Request) -> web.StreamResponse:
        _, item = await self._item(request)
        return await render(request, "wallet/renew.html", card=self._card(request, item))

    async def renew(self, request: web.Request) -> web.StreamResponse:
        """By the holder's own wish, at an hour that the page warned about."""
        await read_form(request)
        vault, item = await self._item(request)
        if item.value.renewal is None:
            raise Conflict("the sender gives no new copies for this document; ask for a new invitation")
        renewed = await renew(self._desk.means, vault, item)
        with suppress(VcError):  # the next round looks again
            await check_status(self._desk.means, vault, renewed)
        see(f"/cards/{item.id}")

    async def ask_remove(self, request: web.Request) -> web.StreamResponse:
        vault, item = await self._item(request)
        return await self._ask_remove(request, vault, item, [])

    async def _ask_remove(self, request: web.Request, vault: Vault, item: Item[Document], told: Collection[Told]) -> web.StreamResponse:
        counts = await self._counts(vault, item.id, told)
        return await render(request, "wallet/remove.html", card=self._card(request, item), counts=counts)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Nobody can tell the office of copies on phones afterwards: where it has not heard, the holder is told first."""
        form = Form(await read_form(request))
        vault, item = await self._item(request)
        batches = await phone.of_document(self._desk.means, vault, item.id)
        told = [one for batch in batches if (one := await phone.lost(self._desk.means, vault, batch.id)) is not None]
        if set(told) - {Told.HEARD} and form.value("told") != "yes":
            return await self._ask_remove(request, vault, item, told)
        vault, item = await self._item(request)
        entry = history.removed(item.value, at=self._desk.means.clock())

        async def drop(tx: Tx) -> None:
            for copy in item.value.copies:
                await COPIES.drop(tx, vault, copy.id)
            await DOCUMENTS.drop(tx, vault, item.id)
            await both_sides.forget(tx, self._desk.means, vault, item)
            await history.append(tx, vault, entry, entropy=self._desk.means.entropy)

        await self._desk.means.storage.write(drop, point="remove")
        await stop_showing(self._desk.means, vault, item.id)
        await self._desk.means.storage.checkpoint()
        return see("/")


def _fits(one: Card, wanted: str) -> bool:
    return fits(wanted, [one.title, one.subtitle, one.about, one.issuer_name, *(line.value for line in one.details if not line.picture)])


def _grouped(one: Card) -> list[tuple[str, list[dict[str, Any]]]]:
    """Details by group in the type's order; the elements of one list stand together."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for line in one.details:
        rows = groups.setdefault(line.group, {})
        row = rows.setdefault(line.name, {"label": line.label, "value": [], "hint": "", "key": line.key})
        row["value"].append(line.value)
    sections: list[tuple[str, list[dict[str, Any]]]] = []
    for group, rows in groups.items():
        plain = [row | {"value": row["value"][0] if len(row["value"]) == 1 else row["value"]} for row in rows.values()]
        if len(plain) > 1 or not sections:
            sections.append((group, plain))
        else:  # a heading over a single line would say the same twice
            sections[-1][1].extend(plain)
    return sections


def _follows(kind: CredentialType, locale: str) -> list[str]:
    """What the document changes with: the other kind of document, and what happens then, in the type's own words."""
    titles = {vct: each.title.in_(locale) for vct, each in all_types().items()}
    labels = {reason.value: reason.label.in_(locale) for reason in kind.reasons}
    return [f"{titles[each.vct]}: {labels[each.reason]}" for each in kind.follows if each.vct in titles]


def _shown(lines: list[Sealed], document: str) -> list[Sealed]:
    """Where this document was shown, newest first."""
    kinds = {"presentation", "addressed-copy"}
    return [line for line in reversed(lines) if document in line.entry.documents and line.entry.transaction_type in kinds]
