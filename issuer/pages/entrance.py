"""The first page of the console, and the door before it."""

from __future__ import annotations

from aiohttp import web

from issuer.office import Office, keyed
from issuer.pages.desk import may, seated
from issuer.records import corrections, listing, news
from shared.web.entrance import OPERATOR, Entrance
from shared.web.i18n import N_
from shared.web.pages import render
from shared.web.ways import Ways

ENTRANCE = Entrance(
    home="/console/",
    base="console/base.html",
    back="/console/settings",
    lead=N_(
        "For people who make documents at this office. If you were invited to collect a document, open the link in your invitation instead."
    ),
    roles={"clerk": N_("clerk"), "approver": N_("approver"), "admin": N_("admin")},
)


def ways_in(office: Office) -> Ways:
    """How operators may sign in; ``ConfigError``."""
    return ENTRANCE.ways(
        office.settings, office.directory, name=office.settings.name, mac=lambda text: keyed(office, "operator account", text)
    )


def add_to(app: web.Application, office: Office) -> None:
    """Routes of this part."""
    ENTRANCE.add_to(app, ways_in(office))

    async def home(request: web.Request) -> web.StreamResponse:
        """What waits to be done, and the ways on."""
        operator = request[OPERATOR]
        return await render(
            request,
            "console/home.html",
            counts=await office.storage.read(listing.counts),
            operator=operator,
            office=office.settings.name,
            waiting=await office.storage.read(listing.waiting_count),
            told=sum(count for state, count in (await office.storage.read(news.counts)).items() if state in news.OPEN),
            follows=any(each.follows for each in office.types),
            wrong=await office.storage.read(lambda tx: corrections.counted(tx, office.clock(), since=office.clock())),
            may_many=may(operator, "approver"),
        )

    app.router.add_get(ENTRANCE.home, seated(home))
