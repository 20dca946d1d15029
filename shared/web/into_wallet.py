"""The page behind a link or a square code that anybody may open: the ways from there into a wallet.

Opening the page changes nothing and tells nothing about the person. Redirects of forms to other sites are blocked by the browser's
policy (``form-action``), so the way into a wallet is a link on a page of our own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from ..codec import qr
from ..errors import VcError
from ..urls import LOOPBACK, check_identifier
from . import auth
from .context import SETTINGS, settings
from .forms import Form
from .pages import translator

WALLET_COOKIE = "muniment-wallet-address"
_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class IntoWallet:
    """``page`` answers with the page, given a form and the address of a wallet or nothing; ``link`` is what the square code holds.

    The page shows the way with the macros of ``into_wallet.html``.
    """

    page: Callable[[web.Request, Form, str], Awaitable[web.Response]]
    link: Callable[[web.Request], Awaitable[str]]

    def add_to(self, app: web.Application, path: str) -> None:
        """Routes of the page at ``path``, which is below the path of ``public_url``."""
        page = urlsplit(app[SETTINGS].public_url).path + path
        app.router.add_get(page, self.show)
        app.router.add_post(page, self.choose_wallet)
        app.router.add_get(f"{page}/qr.svg", self.svg)
        app.router.add_get(f"{page}/qr.png", self.png)

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self.page(request, Form(), _remembered(request))

    async def choose_wallet(self, request: web.Request) -> web.StreamResponse:
        """Remember the address that was typed and show the way there."""
        form, _ = Form(await auth.read_form(request, signed_in=False)), translator(request)
        typed = form.value("wallet").rstrip("/")
        try:
            wallet = _check(request, typed if "://" in typed else f"{_scheme(request, typed)}://{typed}")
        except VcError:
            form.error("wallet", _("Enter the address of your wallet, such as wallet.example"))
            return await self.page(request, form, "")
        response = await self.page(request, Form(), wallet)
        secure = settings(request).secure
        response.set_cookie(WALLET_COOKIE, wallet, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure, path="/")
        return response

    async def svg(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=qr.svg(await self.link(request)), content_type="image/svg+xml")

    async def png(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=qr.png(await self.link(request)), content_type="image/png")


def _scheme(request: web.Request, typed: str) -> str:
    """What is left out in front of an address: https, but for this machine's own names where the service itself has no TLS."""
    return "http" if not settings(request).secure and typed.partition(":")[0] in LOOPBACK else "https"


def _check(request: web.Request, address: str) -> str:
    """https, or plain http on this machine where the service itself is."""
    return check_identifier(address, plain_http=() if settings(request).secure else LOOPBACK)


def _remembered(request: web.Request) -> str:
    try:
        return _check(request, request.cookies.get(WALLET_COOKIE, ""))
    except VcError:
        return ""
