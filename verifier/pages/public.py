"""What anybody sees who opens the link or scans the square code: who asks for what and why, and the ways into a wallet."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from shared.errors import Forbidden, Missing
from shared.openid4vp import request_links
from shared.web.forms import Form
from shared.web.into_wallet import IntoWallet
from shared.web.pages import locale_of, render
from shared.web.security import leave_for
from verifier import request as requests
from verifier import same_device
from verifier.desk import Desk
from verifier.material import Store
from verifier.ordering import LOCKED
from verifier.pages.own_browser import cookie_of, set_cookie
from verifier.sessions import Answered, Asked, Exchange, Expired, state_of


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store
    part = Public(desk)
    IntoWallet(part.page, part.link).add_to(app, "/request/{id}")
    app.router.add_get(urlsplit(desk.settings.public_url).path + "/request/{id}/return", part.come_back)


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
        asked, locale, fresh = exchange.asked, locale_of(request), ""
        if asked.terms.same_device and not isinstance(exchange, Answered | Expired):
            try:
                fresh = await same_device.enter(self._desk, exchange, cookie_of(request, asked))
            except Forbidden:
                return await self._elsewhere(request)
        response = await render(
            request,
            "request.html",
            form=form,
            path=request.path,
            organisation=self._desk.settings.name,
            entity=self._desk.entity,
            purpose=asked.terms.purpose.in_(locale),
            asks=self._asks(asked, locale),
            use=requests.intended_use(self._desk, asked.terms),
            state=state_of(exchange),
            links=requests.links(self._desk, asked),
            wallet=wallet,
            way=self._way(asked, wallet) if wallet else "",
            same_device=asked.terms.same_device,
            digital=asked.terms.response_mode == LOCKED,
        )
        if fresh:
            set_cookie(request, response, asked, fresh)
        return response

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return await render(request, "elsewhere.html", status=403, organisation=self._desk.settings.name)

    async def come_back(self, request: web.Request) -> web.StreamResponse:
        """The holder's browser, after the answer."""
        exchange, code = await self._find(request), request.query.get("response_code", "")[:64]
        try:
            cookie = cookie_of(request, exchange.asked)
            asked = (await same_device.come_back(self._desk, exchange.asked.id, cookie, code)).asked
        except Forbidden:
            return await self._elsewhere(request)
        raise leave_for(same_device.onwards(asked.terms.redirect_uri, code))

    def _way(self, asked: Asked, wallet: str) -> str:
        """The wallet's own page for requests, with everything that it needs in the address."""
        uri = self._desk.url(f"/vp/request/{asked.id}")
        return request_links(page=f"{wallet}/authorize", client_id=asked.terms.client_id, request_uri=uri).https

    def _asks(self, asked: Asked, locale: str) -> list[tuple[str, list[str]]]:
        """For each kind of document its name, empty where there is but one, and the details that are asked for."""
        uses = self._desk.uses_of(asked.terms.type, asked.terms.ready)
        return [(use.type.title.in_(locale) if len(uses) > 1 else "", use.labels(use.query.paths, locale)) for use in uses]

    async def link(self, request: web.Request) -> str:
        """What the square code holds; a request that belongs to one browser has none."""
        asked = (await self._find(request)).asked
        if asked.terms.same_device:
            raise Missing("this request has no square code")
        return requests.links(self._desk, asked).https
