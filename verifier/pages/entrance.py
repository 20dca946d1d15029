"""The first page of the desk and the door before it, the list of requests, and what a check cannot tell."""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from shared.storage import Tx
from shared.web.entrance import OPERATOR, Entrance, seated
from shared.web.finding import fits, page_of, wanted_of
from shared.web.i18n import N_
from shared.web.pages import render
from shared.web.ways import Ways
from verifier import inbox_desk
from verifier.again import READ_FIRST
from verifier.desk import LOG, Desk
from verifier.material import Store
from verifier.pages.listing import rows_of
from verifier.pages.seat import spoken
from verifier.pages.trusting import knowledge_of
from verifier.records import exchanges, passed, scan
from verifier.sessions import Exchange

ENTRANCE = Entrance(
    home="/desk/",
    base="desk/base.html",
    back="/desk/",
    lead=N_(
        "For staff who check documents. If you were asked to show one, open the link or scan the square code that you were given instead."
    ),
    roles={"clerk": N_("clerk"), "admin": N_("admin")},
    leaves=scan.end_all_of,
)
_RECENT, _PAGE = 10, 50
_SEARCHED = 500  # requests and copies that a list goes through


def ways_in(desk: Desk) -> Ways:
    """How staff may sign in; ``ConfigError``."""

    def mac(text: str) -> Awaitable[bytes]:
        return desk.custodian.mac(LOG, f"operator account\0{text}".encode())

    return ENTRANCE.ways(desk.settings, desk.directory, name=desk.settings.name, mac=mac)


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    part = Home(desk, store)
    ENTRANCE.add_to(app, ways_in(desk))
    app.router.add_get(ENTRANCE.home, seated(part.home))
    app.router.add_get("/desk/requests", seated(part.requests))
    app.router.add_get("/limits", part.limits)


class Home:
    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def home(self, request: web.Request) -> web.StreamResponse:
        """What waits for a person, the ways on, what was asked lately, and how old the knowledge is."""
        desk, at = self._desk, self._desk.clock()

        async def unit(tx: Tx) -> tuple[list[Exchange], int, tuple[int, int]]:
            recent = await exchanges.recent(tx, at, _RECENT)
            return recent, await exchanges.count_undecided(tx, at, READ_FIRST), await passed.count_open(tx, at)

        recent, to_read, (under_way, lost) = await desk.storage.read(unit)
        return await render(
            request,
            "desk/home.html",
            organisation=desk.settings.name,
            operator=request[OPERATOR],
            rows=rows_of(recent, desk, spoken(request)),
            known=await knowledge_of(desk, self._store, spoken(request)),
            post=await inbox_desk.count_open(desk, request[OPERATOR]),
            to_read=to_read,
            under_way=under_way,
            lost=lost,
        )

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """Everything that is still on the list; with ``q`` what says it in its use or how it stands. Nobody is found by what they showed (T-CE-2)."""
        at, wanted, page = self._desk.clock(), wanted_of(request.query), page_of(request.query.get("page", ""))
        recent = await self._desk.storage.read(lambda tx: exchanges.recent(tx, at, _SEARCHED))
        talk, found = spoken(request), recent
        if wanted:
            rows = zip(rows_of(recent, self._desk, talk), recent, strict=True)
            found = [each for row, each in rows if fits(wanted, [row.title, row.kind, row.tag])]
        pages = max(1, -(-len(found) // _PAGE))
        page = min(page, pages)
        return await render(
            request,
            "desk/requests.html",
            rows=rows_of(found[(page - 1) * _PAGE : page * _PAGE], self._desk, talk),
            hours=self._desk.settings.request_hours,
            total=len(recent),
            wanted=wanted,
            looked=_SEARCHED if len(recent) == _SEARCHED else 0,
            page=page,
            pages=pages,
        )

    async def limits(self, request: web.Request) -> web.StreamResponse:
        """What remains true when everything works: linked from every verdict."""
        return await render(request, "desk/limits.html", minutes=self._desk.settings.keep_minutes)
