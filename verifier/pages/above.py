"""What the federation says of us: what each of those above this organisation says, as it was last heard."""

from __future__ import annotations

from aiohttp import web

from shared.web.entrance import seated
from shared.web.granted_view import said_of_us
from shared.web.pages import locale_of, render, translator
from verifier.desk import Desk
from verifier.material import Store
from verifier.opening import entity_of

PATH = "/desk/trust/above"


def add_to(app: web.Application, desk: Desk, store: Store) -> None:
    """The page."""
    del store

    async def show(request: web.Request) -> web.StreamResponse:
        said = await said_of_us(entity_of(desk), locale_of(request), translator(request))
        return await render(request, "desk/federation.html", above=said, entity=desk.entity)

    app.router.add_get(PATH, seated(show))
