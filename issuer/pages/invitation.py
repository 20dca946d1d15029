"""What anybody sees who opens an invitation: that it is one, the square code, and the ways into a wallet."""

from __future__ import annotations

from aiohttp import web

from issuer import offers
from issuer.office import Office
from shared.openid4vci import OfferReference, offer_links
from shared.web.forms import Form
from shared.web.into_wallet import IntoWallet
from shared.web.pages import locale_of, render


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    part = Invitation(office)
    IntoWallet(part.page, part.link).add_to(app, "/offer/{token}")


class Invitation:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def page(self, request: web.Request, form: Form, wallet: str) -> web.Response:
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
            signs_in=offer.authorization_code is not None,
            links=links,
            wallet=wallet,
            way=offer_links(reference, f"{wallet}/offer").https if wallet else "",
        )

    async def link(self, request: web.Request) -> str:
        token = request.match_info["token"]
        await offers.offer_of(self._office, token)
        return offers.links(self._office, token).https
