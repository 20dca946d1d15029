"""What the federation says of this wallet service: what each of those above it says, as it was last heard. It is the same for all wallets here."""

from __future__ import annotations

from aiohttp import web

from shared.web.granted_view import said_of_us
from shared.web.pages import render
from wallet.pages.desk import Desk


class AbovePages:
    """``/settings/federation``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: web.Application) -> None:
        """Register the page."""
        app.router.add_get("/settings/federation", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        await self._desk.sitting(request)
        words = self._desk.words(request)
        said = await said_of_us(self._desk.entity, words.locale, words._)
        return await render(request, "wallet/federation.html", above=said, entity=self._desk.entity.entity)
