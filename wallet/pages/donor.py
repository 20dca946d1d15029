"""Both sides of a power of attorney: what the donor was told and can stop, and what the attorney is told of that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from aiohttp import web

from shared.donor import Told
from shared.errors import Missing, Unavailable, VcError
from shared.web.auth import read_form
from shared.web.forms import Form
from shared.web.pages import render
from wallet import at_office, register, reported, reporting
from wallet.at_office import Standing
from wallet.cards import card, type_of
from wallet.keep import Vault
from wallet.means import Means
from wallet.pages.desk import Desk
from wallet.records import DOCUMENTS, Item
from wallet.reported import Reported
from wallet.reporting import Reporting
from wallet.sessions import Document
from wallet.upkeep import check_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What the page of a document says about the other side. ``donor``: it is the donor's own, and ``can`` names what she can ask for.

    ``uses`` is what she was told, newest first, in the reader's language as far as the organisations have registered it so. ``why`` is the office's reason, in the reader's language, for a document that does not count; ``contest`` its words about where to turn.
    """

    donor: bool
    can: tuple[str, ...] = ()
    told: Reported | None = None
    uses: tuple[Told, ...] = ()
    reporting: Reporting | None = None
    why: str = ""
    since: int = 0
    contest: str = ""
    stopped: bool = False  # by the donor herself


async def sides(means: Means, vault: Vault, item: Item[Document], locale: str) -> Sides:
    """For the page of a document; most have no other side."""
    kind, standing = type_of(item.value), await at_office.standing_of(means, vault, item.id)
    fits = standing is not None and standing.seen == item.value.status.value and standing.standing not in {"", "valid"}
    stopped = standing is not None and fits and standing.reason == "donor-asked"
    told = await reported.state_of(means, vault, item.id) if kind.private else None
    return Sides(
        donor=kind.private,
        can=_can(item.value, stopped=stopped) if kind.private else (),
        told=told,
        uses=() if told is None else await _in_words(means, told.uses, locale),
        reporting=await reporting.state_of(means, vault, item.id),
        why=_words(standing, locale) if fits and standing is not None else "",
        since=standing.since if fits and standing is not None else 0,
        contest=standing.contest if fits and standing is not None else "",
        stopped=stopped,
    )


async def _in_words(means: Means, uses: Sequence[Told], locale: str) -> tuple[Told, ...]:
    called, purposes = await register.calling(means, locale), await register.purposes(means, locale)
    return tuple(replace(use, name=called(use.entity, use.name), purpose=purposes(use.entity, use.purpose)) for use in reversed(uses))


def _words(standing: Standing, locale: str) -> str:
    return standing.words_cy if locale == "cy" else standing.words_en


def _can(document: Document, *, stopped: bool) -> tuple[str, ...]:
    if document.status.value == "invalid":
        return ()
    if document.status.value != "suspended":
        return ("hold", "end")
    return ("reinstate", "end") if stopped else ("end",)


class DonorPages:
    """``/cards/{id}/donor/…``: a donor stops for now, lets go on, or ends, each after a page that says what will happen."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        path = "/cards/{id}/donor/{ask:hold|reinstate|end}"
        app.router.add_get(path, self.ask)
        app.router.add_post(path, self.do)
        app.router.add_post("/cards/{id}/donor/reports", self.take_back)

    async def _item(self, request: web.Request) -> tuple[Vault, Item[Document]]:
        vault = (await self._desk.sitting(request)).vault
        item = await self._desk.means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, request.match_info["id"]))
        if not type_of(item.value).private:
            raise Missing("only a donor can ask for this")
        return vault, item

    async def ask(self, request: web.Request) -> web.StreamResponse:
        _, item = await self._item(request)
        return await self._show(request, item, Form())

    async def _show(self, request: web.Request, item: Item[Document], form: Form) -> web.StreamResponse:
        shown = card(item.value, at=self._desk.means.clock(), locale=self._desk.words(request).locale)
        status = 409 if form.wrong else 200
        return await render(request, "wallet/donor_ask.html", status=status, card=shown, ask=request.match_info["ask"], form=form)

    async def do(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        vault, item = await self._item(request)
        try:
            await at_office.ask(self._desk.means, vault, item, request.match_info["ask"])
        except VcError as error:
            form, words = Form(), self._desk.words(request)
            refused = words._("The office did not do it. Look at the document again, or ask the office.")
            unheard = words._("The office did not answer. It may have done it. Ask again: it is done only once.")
            form.error("ask", unheard if isinstance(error, Unavailable) else refused)
            return await self._show(request, item, form)
        await self._look_again(vault, item.id)
        raise web.HTTPSeeOther(f"/cards/{item.id}?asked={request.match_info['ask']}")

    async def take_back(self, request: web.Request) -> web.StreamResponse:
        """Reports are locked for this wallet again."""
        await read_form(request)
        vault, item = await self._item(request)
        await reported.take_back(self._desk.means, vault, item)
        raise web.HTTPSeeOther(f"/cards/{item.id}")

    async def _look_again(self, vault: Vault, name: str) -> None:
        """The office knows that she has just asked."""
        means = self._desk.means
        item = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, name))
        with suppress(VcError):  # the next round looks again
            await at_office.look(means, vault, await check_status(means, vault, item))
