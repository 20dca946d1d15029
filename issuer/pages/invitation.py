"""What anybody sees who opens an invitation: that it is one, the square code, and the ways into a wallet.

Opening the page changes nothing and tells nothing about the person. Redirects of forms to other sites are blocked by the browser's
policy (``form-action``), so the way into a wallet is a link on a page of our own.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from issuer import offers
from issuer.office import Office
from shared.codec import qr
from shared.errors import VcError
from shared.openid4vci import OfferReference, offer_links
from shared.urls import LOOPBACK, check_identifier
from shared.web import auth
from shared.web.forms import Form
from shared.web.pages import locale_of, render, translator

WALLET_COOKIE = "muniment-wallet-address"
_YEAR = 365 * 86_400


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part, below the path of ``public_url``."""
    part = Invitation(office)
    page = f"{urlsplit(office.settings.public_url).path}/offer/{{token}}"
    app.router.add_get(page, part.show)
    app.router.add_post(page, part.choose_wallet)
    app.router.add_get(f"{page}/qr.svg", part.svg)
    app.router.add_get(f"{page}/qr.png", part.png)


class Invitation:
    def __init__(self, office: Office) -> None:
        self._office = office

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
        secure = self._office.settings.secure
        response.set_cookie(WALLET_COOKIE, wallet, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure, path="/")
        return response

    def _scheme(self, typed: str) -> str:
        """What is left out in front of an address: https, but for this machine's own names where the office itself has no TLS."""
        return "http" if not self._office.settings.secure and typed.partition(":")[0] in LOOPBACK else "https"

    def _check(self, address: str) -> str:
        """https, or plain http on this machine where the office itself is."""
        return check_identifier(address, plain_http=() if self._office.settings.secure else LOOPBACK)

    def _remembered(self, request: web.Request) -> str:
        try:
            return self._check(request.cookies.get(WALLET_COOKIE, ""))
        except VcError:
            return ""

    async def _page(self, request: web.Request, form: Form, wallet: str) -> web.Response:
        token = request.match_info["token"]
        offer, document = await offers.offer_of(self._office, token)
        links = offers.links(self._office, token)
        kind = self._office.type(document.type)
        reference = OfferReference(self._office.url(f"/credential-offer/{token}"))
        return await render(
            request,
            "offer.html",
            form=form,
            token=token,
            path=request.path,
            office=self._office.settings.name,
            title=kind.title.in_(locale_of(request)),
            about=kind.description.in_(locale_of(request)),
            needs_code=offer.pre_authorized is not None and offer.pre_authorized.tx_code is not None,
            links=links,
            wallet=wallet,
            way=offer_links(reference, f"{wallet}/offer").https if wallet else "",
        )

    async def svg(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=qr.svg(await self._link(request)), content_type="image/svg+xml")

    async def png(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=qr.png(await self._link(request)), content_type="image/png")

    async def _link(self, request: web.Request) -> str:
        token = request.match_info["token"]
        await offers.offer_of(self._office, token)
        return offers.links(self._office, token).https
