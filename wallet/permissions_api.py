"""Permissions for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Missing
from shared.web.auth import require_session
from shared.web.openapi import Route
from wallet import permissions
from wallet.keep import Vault
from wallet.means import Means
from wallet.permitted import Permitted, State
from wallet.records import Item
from wallet.unlocked import Unlocked


class PermittedOut(Struct, frozen=True):
    """That `entity` may tell `recipient` something, in the words that were signed. `receipts` are signed, one for each time."""

    id: str
    entity: str
    name: str
    recipient: str
    statement: str
    statement_cy: str
    expires: Annotated[str, Meta(description="The last day.")]
    max_uses: int
    state: State
    given_at: int
    withdrawn_at: Annotated[int, Meta(description="When they heard that it is over; 0 where they have not.")]
    receipts: list[str]
    problem: Annotated[str, Meta(description="What was not right when the wallet last asked; empty where all was.")]


class PermissionsOut(Struct, frozen=True):
    """Newest first."""

    items: list[PermittedOut]


class GivenPermissions:
    """The operations of one wallet service."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means, self._unlocked = means, unlocked

    def routes(self, holder: str) -> list[Route]:
        """``holder`` is the scope of an open wallet."""
        one = "/api/permissions/{id}"
        return [
            Route("GET", "/api/permissions", self.list, out=PermissionsOut, scope=holder, summary="Permissions that were given"),
            Route(
                "POST", f"{one}/withdraw", self.withdraw, out=PermittedOut, scope=holder, errors=(Missing,),
                summary="Take a permission back; what is not heard is said again by itself",
            ),
            Route("POST", f"{one}/look", self.look, out=PermittedOut, scope=holder, errors=(Missing,), summary="Ask what was told by it"),
        ]  # fmt: skip

    async def _vault(self, request: web.Request) -> Vault:
        return self._unlocked.get((await require_session(request)).key).vault

    async def list(self, request: web.Request) -> PermissionsOut:
        return PermissionsOut([_out(item) for item in await permissions.given(self._means, await self._vault(request))])

    async def withdraw(self, request: web.Request) -> PermittedOut:
        return _out(await permissions.withdraw(self._means, await self._vault(request), request.match_info["id"]))

    async def look(self, request: web.Request) -> PermittedOut:
        return _out(await permissions.look(self._means, await self._vault(request), request.match_info["id"]))


def _out(item: Item[Permitted]) -> PermittedOut:
    value = item.value
    said = {one.lang: one.content for one in value.statement}
    return PermittedOut(
        id=item.id,
        entity=value.entity,
        name=value.name,
        recipient=value.recipient,
        statement=said["en"],
        statement_cy=said["cy"],
        expires=value.expires,
        max_uses=value.max_uses,
        state=value.state,
        given_at=value.at,
        withdrawn_at=value.withdrawn_at,
        receipts=list(value.receipts),
        problem=value.problem,
    )
