"""What anybody sees who opens the link or scans the square code: who asks for what and why, and the ways into a wallet."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Missing
from shared.openid4vp import request_links
from shared.web.forms import Form
from shared.web.into_wallet import IntoWallet
from shared.web.pages import locale_of, render
from verifier import request as requests
from verifier.desk import Desk
from verifier.material import Store
from verifier.sessions import Asked, Exchange, state_of


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Public(desk)
    IntoWallet(part.page, part.link).add_to(app, "/request/{id}")


class Public:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def _find(self, request: web.Request) -> Exchange:
        exchange = await requests.find(self._desk, request.match_info["id"])
        if exchange.asked.terms.kind != "request":
            raise Missing("there is no such request")
        return exchange

    async def page(self, request: web.Request, form: Form, wallet: str) -> web.Response:
        exchange = await self._find(request)
        asked, locale = exchange.asked, locale_of(request)
        return await render(
            request,
            "request.html",
            form=form,
            path=request.path,
            organisation=self._desk.settings.name,
            entity=self._desk.entity,
            purpose=asked.terms.purpose.in_(locale),
            details=self._labels(asked, locale),
            use=requests.intended_use(self._desk, asked.terms),
            state=state_of(exchange),
            links=requests.links(self._desk, asked),
            wallet=wallet,
            way=self._way(asked, wallet) if wallet else "",
        )

    def _way(self, asked: Asked, wallet: str) -> str:
        """The wallet's own page for requests, with everything that it needs in the address."""
        uri = self._desk.url(f"/vp/request/{asked.id}")
        return request_links(page=f"{wallet}/authorize", client_id=asked.terms.client_id, request_uri=uri).https

    def _labels(self, asked: Asked, locale: str) -> list[str]:
        use = self._desk.use_of(asked.terms.type, asked.terms.ready)
        return [] if use is None else use.labels(use.query.paths, locale)

    async def link(self, request: web.Request) -> str:
        return requests.links(self._desk, (await self._find(request)).asked).https
