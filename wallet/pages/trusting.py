"""Whom this wallet service trusts, changed by the holder who looks after it: for all of its wallets at once."""

from __future__ import annotations

from aiohttp import web

from shared.errors import Forbidden, SignInRequired
from shared.keys import Role
from shared.web.i18n import N_
from shared.web.seat import Handler
from shared.web.trust_pages import TrustPages
from wallet.keep import check_name
from wallet.pages.desk import Desk
from wallet.unlocked import Sitting

PATH = "/settings/trust"


def looks_after(desk: Desk, sitting: Sitting) -> bool:
    """Whether the settings name the holder of this wallet. Case and spaces do not matter, as in all names of wallets."""
    return sitting.holder.casefold() in {check_name(each).casefold() for each in desk.settings.looked_after_by}


def pinning(desk: Desk) -> TrustPages:
    """The pages. What is kept of who changed it is no name: names of wallets are never written down in the clear."""

    async def may(request: web.Request) -> bool:
        try:
            return looks_after(desk, await desk.sitting(request))
        except SignInRequired:
            return False

    def guard(handler: Handler) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if not looks_after(desk, await desk.sitting(request)):
                raise Forbidden("the settings name others who look after this service")
            return await handler(request)

        return serve

    return TrustPages(
        path=PATH,
        title=N_("Who we trust"),
        base="wallet/base.html",
        back="/settings",
        file=desk.trust_file,
        roles=(Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY),
        guard=guard,
        may=may,
        who=lambda _: "",
    )
