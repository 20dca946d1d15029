"""Where several people have to agree: how many have, and asking the next of them."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from shared.credentials._joint import TOGETHER
from shared.errors import Conflict, NeedsMoreAttorneys
from shared.web.entrance import seated
from verifier import request as requests
from verifier import together
from verifier.desk import Desk
from verifier.material import Store
from verifier.pages import seen
from verifier.sessions import Answered

_PATH = "/desk/requests/{id}/next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """What a page says of it. ``agreed`` is 0 where only one was asked who may not act alone; ``more``: the others can still be asked."""

    agreed: int
    needed: int
    until: int
    more: bool


async def acting(desk: Desk, answered: Answered) -> Acting | None:
    """``None`` where nobody has to act together, or that cannot be asked here."""
    terms, waits = answered.asked.terms, answered.code == NeedsMoreAttorneys.code
    standing = await together.standing_of(desk, answered.asked)
    if standing is not None and answered.decision != "rejected":
        return Acting(agreed=standing.agreed, needed=standing.needed, until=standing.until, more=waits)
    begin = waits and bool(terms.ready) and not terms.together and bool(desk.uses_of(terms.type, terms.ready + TOGETHER))
    return Acting(agreed=0, needed=0, until=0, more=True) if begin else None


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """Routes of this part."""
    del store

    async def ask(request: web.Request) -> web.StreamResponse:
        """The page of the new request shows its square code."""
        identifier = request.match_info["id"]
        exchange = await seen.find(desk, request)
        try:
            asked = await requests.make_next(desk, exchange, made_by="desk")
        except Conflict:
            raise web.HTTPSeeOther(f"/desk/requests/{identifier}") from None
        raise web.HTTPSeeOther(f"/desk/requests/{asked.id}")

    app.router.add_post(_PATH, seated(ask))
