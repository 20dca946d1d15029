"""Locked links for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict, Missing
from shared.web.auth import require_session
from shared.web.openapi import Route
from shared.web.sealed_page import page
from wallet import locking
from wallet.keep import Vault
from wallet.links import LockedLink
from wallet.means import Means
from wallet.records import Item
from wallet.unlocked import Unlocked
from wallet.views import MAX_USES, View, Views

SHOWN = "/view/"
OPENER = "/locked"


class LockWish(Struct, frozen=True, forbid_unknown_fields=True):
    """With ``uses`` this service shows the copy that many times at most, for seven words; without, it is to be sent. It is then locked for the key
    that the organisation has registered, and only else with seven words, or where ``words`` asks for them.
    """

    uses: Annotated[int, Meta(ge=0, le=MAX_USES)] = 0
    words: bool = False


class Looked(Struct, frozen=True):
    """Somebody had the words; ``organisation`` is what they typed, proved by nothing."""

    at: int
    organisation: str


class LinkOut(Struct, frozen=True):
    """``words`` are there once, when the link is made; with ``keyed`` there are none: the organisation’s own key opens it. ``html`` is the page to
    be sent, ``link`` the same as an address where it is short enough; of a view there is only its address in ``link``. ``state`` is open, closed,
    withdrawn or over.
    """

    id: str
    to: str
    to_name: str
    expires_at: int
    state: str
    shown_here: bool
    keyed: bool
    link: str
    html: str = ""
    words: str = ""
    tries_left: int = 0
    uses_left: int = 0
    looked: tuple[Looked, ...] = ()


class LinksOut(Struct, frozen=True):
    """Newest first."""

    links: tuple[LinkOut, ...]


def address_of(link: LockedLink, public_url: str) -> str:
    """What can be pasted into a message; empty where it is too long for that, or withdrawn."""
    if link.view:
        return f"{public_url}{SHOWN}{link.view}"
    return f"{public_url}{OPENER}#{link.token}" if 0 < len(link.token) <= locking.MAX_ADDRESS else ""


class LockedLinks:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, unlocked: Unlocked, views: Views, public_url: str) -> None:
        self._means = means
        self._unlocked = unlocked
        self._views = views
        self._url = public_url

    def routes(self, scope: str) -> list[Route]:
        one = "/api/locked-links/{id}"
        return [
            Route("POST", "/api/addressed/{id}/locked-links", self.lock, body=LockWish, out=LinkOut, status=201, scope=scope, summary="Lock a copy for the organisation's own key, or with seven words, which are answered this once", errors=(Conflict, Missing)),
            Route("GET", "/api/locked-links", self.all, out=LinksOut, scope=scope, summary="Locked copies, and who looked at those that this service shows"),
            Route("GET", one, self.show, out=LinkOut, scope=scope, summary="One locked copy", errors=(Missing,)),
            Route("POST", f"{one}/withdraw", self.withdraw, out=LinkOut, scope=scope, summary="Close what this service shows; what was sent cannot be called back", errors=(Missing,)),
        ]  # fmt: skip

    async def _vault(self, request: web.Request) -> Vault:
        return self._unlocked.get((await require_session(request)).key).vault

    async def _out(self, item: Item[LockedLink], *, words: str = "", html: bool = True) -> LinkOut:
        return self._told(item, await locking.who_looked(self._views, item.value), words=words, html=html)

    def _told(self, item: Item[LockedLink], view: View | None, *, words: str, html: bool) -> LinkOut:
        link = item.value
        return LinkOut(
            id=item.id,
            to=link.entity,
            to_name=link.name,
            expires_at=link.expires_at,
            state=locking.state_of(link, view, self._means.clock()),
            shown_here=bool(link.view),
            keyed=link.keyed,
            link=address_of(link, self._url),
            html=page(link.token) if html and link.token else "",
            words=words,
            tries_left=0 if view is None else view.tries_left,
            uses_left=0 if view is None else view.uses_left,
            looked=() if view is None else tuple(Looked(one.at, one.organisation) for one in view.openings),
        )

    async def lock(self, request: web.Request, *, body: LockWish) -> LinkOut:
        name, by_words = request.match_info["id"], True if body.words else None
        made = await locking.lock(self._means, await self._vault(request), self._views, name, uses=body.uses, words=by_words)
        return await self._out(made.item, words=made.words)

    async def all(self, request: web.Request) -> LinksOut:
        items = await locking.all_links(self._means, await self._vault(request))
        return LinksOut(tuple([await self._out(item, html=False) for item in items]))

    async def show(self, request: web.Request) -> LinkOut:
        return await self._out(await locking.get(self._means, await self._vault(request), request.match_info["id"]))

    async def withdraw(self, request: web.Request) -> LinkOut:
        item = await locking.withdraw(self._means, await self._vault(request), self._views, request.match_info["id"])
        return await self._out(item)
