"""Whom this office trusts to vouch for wallets, changed by an admin at a page."""

from __future__ import annotations

from aiohttp import web

from issuer import config
from issuer.office import Office
from issuer.pages.desk import actor, may, seated
from issuer.pages.settings import PATH as SETTINGS_PATH
from shared.keys import Role
from shared.web.entrance import OPERATOR
from shared.web.i18n import N_
from shared.web.trust_pages import TrustPages

PATH = "/console/trust"


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""

    async def allowed(request: web.Request) -> bool:
        return OPERATOR in request and may(request[OPERATOR], "admin")

    TrustPages(
        path=PATH,
        title=N_("Whose wallets we trust"),
        base="console/base.html",
        back=SETTINGS_PATH,
        file=config.trust(office.directory),
        roles=(Role.WALLET_PROVIDER,),
        guard=lambda handler: seated(handler, role="admin"),
        may=allowed,
        who=lambda request: actor(request).name,
    ).add_to(app)
