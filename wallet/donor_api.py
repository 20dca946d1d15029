"""Both sides of a power of attorney for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from shared.donor import Told
from shared.errors import Conflict, Missing, Refused, Unavailable, VcError
from shared.web.auth import require_session
from shared.web.openapi import Route
from wallet import at_office, reported, reporting
from wallet.cards import type_of
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document
from wallet.unlocked import Unlocked
from wallet.upkeep import check_status


class DonorWish(Struct, frozen=True, forbid_unknown_fields=True):
    """``hold`` stops for now, ``reinstate`` ends such a hold, ``end`` is for good."""

    ask: Annotated[Literal["hold", "reinstate", "end"], Meta(description="What the donor wants.")]


class SidesOut(Struct, frozen=True):
    """``standing`` is what the office last said (empty before it was asked), with a ``reason`` where the document does not count, and where to
    turn. ``donor``: the document is the donor's own, and ``uses`` what was reported to her. Of an attorney's document ``reported`` uses were told,
    the next at ``next_report_at``. Instants are seconds since the epoch.
    """

    donor: bool
    standing: str = ""
    reason: str = ""
    since: int = 0
    contest: str = ""
    uses: tuple[Told, ...] = ()
    last_report_at: int = 0
    reported: int = 0
    next_report_at: int = 0


class BothSides:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means = means
        self._unlocked = unlocked

    def routes(self, scope: str) -> list[Route]:
        path = "/api/cards/{id}/donor"
        return [
            Route("GET", path, self.show, out=SidesOut, scope=scope, summary="What was reported of the use of a power of attorney, and why it does not count", errors=(Missing,)),
            Route("POST", path, self.ask, body=DonorWish, out=SidesOut, scope=scope, summary="Stop, let go on, or end what a donor's document is about", errors=(Missing, Conflict, Refused, Unavailable)),
        ]  # fmt: skip

    async def _item(self, request: web.Request) -> tuple[Vault, Item[Document]]:
        vault = self._unlocked.get((await require_session(request)).key).vault
        return vault, await self._means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, request.match_info["id"]))

    async def show(self, request: web.Request) -> SidesOut:
        vault, item = await self._item(request)
        return await self._out(vault, item)

    async def _out(self, vault: Vault, item: Item[Document]) -> SidesOut:
        standing = await at_office.standing_of(self._means, vault, item.id)
        told = await reported.state_of(self._means, vault, item.id)
        state = await reporting.state_of(self._means, vault, item.id)
        return SidesOut(
            donor=type_of(item.value).private,
            standing="" if standing is None else standing.standing,
            reason="" if standing is None else standing.reason,
            since=0 if standing is None else standing.since,
            contest="" if standing is None else standing.contest,
            uses=() if told is None else told.uses,
            last_report_at=0 if told is None else told.last_at,
            reported=0 if state is None else state.told,
            next_report_at=0 if state is None or state.ended else state.next_at,
        )

    async def ask(self, request: web.Request, *, body: DonorWish) -> SidesOut:
        vault, item = await self._item(request)
        if not type_of(item.value).private:
            raise Conflict("only a donor's own document stops anything")
        await at_office.ask(self._means, vault, item, body.ask)
        item = await self._means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, item.id))
        with suppress(VcError):  # the next round looks again
            await check_status(self._means, vault, item)
        return await self._out(vault, item)
