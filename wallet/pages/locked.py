"""Locking a copy for the organisation's own key or with seven words: to be sent, or shown by this service; what became of it, withdrawing it."""

from __future__ import annotations

from aiohttp import web

from shared.web.auth import read_form
from shared.web.forms import Form
from shared.web.pages import render
from shared.web.sealed_page import page
from wallet import locking, register, share
from wallet.links import LockedLink
from wallet.links_api import address_of
from wallet.pages.desk import Desk, see
from wallet.records import Item
from wallet.sessions import Addressed
from wallet.views import MAX_USES, TRIES

_USES = (1, 5, MAX_USES)


class LockedPages:
    """``/copies/{id}/lock`` and ``/locked-copies``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the pages."""
        app.router.add_get("/copies/{id}/lock", self.show_form)
        app.router.add_post("/copies/{id}/lock", self.lock)
        app.router.add_get("/locked-copies/{id}", self.show)
        app.router.add_get("/locked-copies/{id}/file", self.file)
        app.router.add_post("/locked-copies/{id}/withdraw", self.withdraw)

    async def _page(self, request: web.Request, form: Form, item: Item[Addressed], keyed: str) -> web.StreamResponse:
        return await render(
            request, "wallet/lock.html", form=form, id=item.id, name=await self._called(request, item.value), uses=_USES, keyed=keyed
        )

    async def _copy(self, request: web.Request) -> tuple[Item[Addressed], str]:
        """The copy, and whose registered key could lock it; empty where there is none."""
        vault = (await self._desk.sitting(request)).vault
        item = await share.get_copy(self._desk.means, vault, request.match_info["id"])
        keyed = await locking.key_for(self._desk.means, item.value)
        return item, "" if keyed is None else keyed.name.in_(self._desk.words(request).locale)

    async def _called(self, request: web.Request, one: Addressed | LockedLink) -> str:
        """For whom it is, as the register calls them in the reader's language."""
        return (await register.calling(self._desk.means, self._desk.words(request).locale))(one.entity, one.name)

    async def show_form(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form(), *await self._copy(request))

    async def lock(self, request: web.Request) -> web.StreamResponse:
        """The words stand on this answer and nowhere else."""
        form, words = Form(await read_form(request)), self._desk.words(request)
        vault, (item, keyed) = (await self._desk.sitting(request)).vault, await self._copy(request)
        ways = {"send", "show", *(["key"] if keyed else [])}
        way, uses = form.need("way", words._("Choose how the organisation gets it")), form.value("uses", "5")
        if not form.wrong and (way not in ways or uses not in map(str, _USES)):
            form.error("way", words._("Choose how the organisation gets it"))
        if form.wrong:
            return await self._page(request, form, item, keyed)
        wanted = int(uses) if way == "show" else 0
        made = await locking.lock(self._desk.means, vault, self._desk.views, item.id, uses=wanted, words=way != "key")
        if not made.words:
            see(f"/locked-copies/{made.item.id}")
        name = await self._called(request, made.item.value)
        return await render(request, "wallet/locked_words.html", words=made.words.split("-"), name=name, id=made.item.id)

    async def show(self, request: web.Request) -> web.StreamResponse:
        vault, at = (await self._desk.sitting(request)).vault, self._desk.means.clock()
        item = await locking.get(self._desk.means, vault, request.match_info["id"])
        view = await locking.who_looked(self._desk.views, item.value)
        state = locking.state_of(item.value, view, at)
        address = address_of(item.value, self._desk.settings.public_url) if state == "open" else ""
        return await render(
            request,
            "wallet/locked.html",
            link=item.value,
            name=await self._called(request, item.value),
            id=item.id,
            view=view,
            tries=TRIES,
            state=state,
            address=address,
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        vault = (await self._desk.sitting(request)).vault
        link = (await locking.get(self._desk.means, vault, request.match_info["id"])).value
        if not link.token:
            see(f"/locked-copies/{request.match_info['id']}")
        html = page(link.token, locale=self._desk.words(request).locale)
        headers = {"Content-Disposition": 'attachment; filename="locked-copy.html"'}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        vault, name = (await self._desk.sitting(request)).vault, request.match_info["id"]
        await locking.withdraw(self._desk.means, vault, self._desk.views, name)
        see(f"/locked-copies/{name}")
