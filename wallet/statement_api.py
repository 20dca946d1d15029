"""The statement for a year for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.web.auth import require_session
from shared.web.openapi import Route
from wallet import cut_off, logs
from wallet.means import Means
from wallet.statement import Statement, make, year_of
from wallet.unlocked import Unlocked


class YearOf(Struct, frozen=True, forbid_unknown_fields=True):
    """The calendar year, UTC; this year where none is named."""

    year: Annotated[int, Meta(ge=0, le=9_999)] = 0


class Statements:
    """The handler, and what it works with."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means = means
        self._unlocked = unlocked

    def routes(self, scope: str) -> list[Route]:
        words = "Who asked in a year and for what, who asked for more than is registered, and who still keeps what until when"
        return [Route("GET", "/api/statement", self.show, query=YearOf, out=Statement, scope=scope, summary=words)]

    async def show(self, request: web.Request, *, query: YearOf) -> Statement:
        sitting, at = self._unlocked.get((await require_session(request)).key), self._means.clock()
        lines, intact = await cut_off.read_checked(self._means, sitting.vault)
        known = await logs.seen(self._means, sitting.vault)
        return make(lines, holder=sitting.holder, year=query.year or year_of(at), at=at, intact=intact, logs=known)
