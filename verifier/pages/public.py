"""What anybody sees who opens the link or scans the square code: who asks for what and why, and the ways into a wallet.

Opening the page changes nothing and tells nothing about the person. Redirects of forms to other sites are blocked by the browser's
policy (``form-action``), so the way into a wallet is a link on a page of our own.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from shared.codec import qr
from shared.errors import Missing, VcError
from shared.openid4vp import request_links
from shared.urls import LOOPBACK, check_identifier
from shared.web import auth
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator
from verifier import request as requests
from verifier.desk import Desk
from verifier.material import Store
from verifier.sessions import Asked, Exchange, state_of

WALLET_COOKIE = "muniment-wallet-address"
_YEAR = 365 * 86_400


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part, below the path of ``public_url``."""
    del store
    part = Public(desk)
    page = f"{urlsplit(desk.settings.public_url).path}/request/{{id}}"
    app.router.add_get(page, part.show)
    app.router.add_post(page, part.choose_wallet)
    app.router.add_get(f"{page}/qr.svg", part.svg)
    app.router.add_get(f"{page}/qr.png", part.png)


class Public:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, Form(), self._remembered(request))

    async def choose_wallet(self, request: web.Request) -> web.StreamResponse:
        """Remember the address that was typed and show the way there."""
        form, words = Form(await auth.read_form(request, signed_in=False)), translator(request)
        typed = form.value("wallet").rstrip("/")
        try:
            wallet = self._check(typed if "://" in typed else f"{self._scheme(typed)}://{typed}")
        except VcError:
            form.error("wallet", words("Enter the address of your wallet, such as wallet.example"))
            return await self._page(request, form, "")
        response = await self._page(request, Form(), wallet)
        secure = self._desk.settings.secure
        response.set_cookie(WALLET_COOKIE, wallet, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure, path="/")
        return response

    def _scheme(self, typed: str) -> str:
        """What is left out in front of an address: https, but for this machine's own names where the desk itself has no TLS."""
        return "http" if not self._desk.settings.secure and typed.partition(":")[0] in LOOPBACK else "https"

    def _check(self, address: str) -> str:
        return check_identifier(address, plain_http=() if self._desk.settings.secure else LOOPBACK)

    def _remembered(self, request: web.Request) -> str:
        try:
            return self._check(request.cookies.get(WALLET_COOKIE, ""))
        except VcError:
            return ""

    async def _find(self, request: web.Request) -> Exchange:
        exchange = await requests.find(self._desk, request.match_info["id"])
        if exchange.asked.terms.kind != "request":
            raise Missing("there is no such request")
        return exchange

    async def _page(self, request: web.Request, form: Form, wallet: str) -> web.Response:
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

    async def svg(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=qr.svg(await self._link(request)), content_type="image/svg+xml")

    async def png(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=qr.png(await self._link(request)), content_type="image/png")

    async def _link(self, request: web.Request) -> str:
        return requests.links(self._desk, (await self._find(request)).asked).https
