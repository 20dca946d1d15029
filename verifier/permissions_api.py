"""Permissions for programs and for wallets: ask how they stand, tell by them; and what whoever gave one asks with the key that gave it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from shared.credentials import Text
from shared.errors import Conflict, InvalidRequest, OutsidePermission, UnknownCredentialType
from shared.openid4vp import Body, Permission
from shared.web.app import bound_body
from shared.web.openapi import Reply, Route
from shared.web.problem import PROBLEM, speak
from verifier import granting, permissions
from verifier.ask_api import Word
from verifier.desk import SCOPES, Desk
from verifier.granting import Wish
from verifier.material import Store
from verifier.permissions import Tell
from verifier.records import permissions as records
from verifier.records.permissions import Kept
from verifier.records.permissions import Use as UseRow
from verifier.sessions import Asked
from verifier.webhook_api import Limit, moment

_CREATE, _READ = SCOPES[:2]
_MAX_ASK = 65_536  # bytes


class Permit(Struct, frozen=True, forbid_unknown_fields=True):
    """A permission to tell another organisation something, which the holder signs with the document that answers `query`. You are who tells."""

    type: Annotated[str, Meta(max_length=64, description="Kind of document.", examples=["representation"])]
    query: Annotated[str, Meta(max_length=64, description="Ready question of that kind, see `/api/uses`.", examples=["social-care"])]
    recipient: Annotated[str, Meta(min_length=1, max_length=500, description="Identifier of the organisation that is to be told.")]
    recipient_name: Annotated[str, Meta(min_length=1, max_length=120)]
    categories: Annotated[list[Word], Meta(min_length=1, max_length=16, description="Codes of what is to be told (docs/types.md).")]
    purpose: Annotated[str, Meta(min_length=1, max_length=300, description="Why, such as “so that her Pension Credit is right”.")]
    until: Annotated[dt.date, Meta(description="Last day; half a year from now at most.")]
    purpose_cy: Annotated[str, Meta(max_length=300, description="The same in Welsh; empty repeats the English.")] = ""
    max_uses: Annotated[int, Meta(ge=1, le=1_000, description="How often it may be told.")] = 1


class Use(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that you are about to tell. Ask first, tell afterwards, and never after a refusal."""

    categories: Annotated[list[Word], Meta(min_length=1, max_length=16, description="Codes of everything that your message holds.")]
    recipient: Annotated[str, Meta(max_length=500, description="Whom you tell, by identifier; empty means whom it names.")] = ""
    reference: Annotated[
        str,
        Meta(max_length=200, description="Your own name for this message: with the same one it is counted once, however often you ask."),
    ] = ""


class Told(Struct, frozen=True):
    """One use; `code` and `where` say why it was refused, empty for what may be told."""

    number: int
    at: dt.datetime
    categories: list[str]
    reference: str
    code: str
    where: str


class Given(Struct, frozen=True):
    """A permission. `request` is that in answer to which it was given."""

    id: str
    state: Literal["in-force", "withdrawn", "used-up", "over"]
    request: str
    recipient: str
    recipient_name: str
    categories: list[str]
    purpose: str
    not_before: dt.date
    expires: dt.date
    max_uses: int
    used: int
    given_at: dt.datetime
    withdrawn_at: dt.datetime | None
    uses: Annotated[list[Told], Meta(description="Oldest first; in a list of permissions empty.")] = []


class Permissions(Struct, frozen=True):
    """Newest first."""

    items: list[Given]


def routes(desk: Desk, store: Store, asked: type[Struct], told: Callable[[Asked], Reply]) -> list[Route]:
    """What the organisation's own programs do with permissions; ``told`` renders a request as ``asked``."""

    async def ask_permission(_: web.Request, *, body: Permit) -> Reply:
        wish = Wish(
            recipient=Body(id=body.recipient, name=body.recipient_name),
            categories=body.categories,
            purpose=Text(body.purpose, body.purpose_cy or body.purpose),
            until=body.until,
            max_uses=body.max_uses,
        )
        return told(await permissions.ask(desk, wish, type_id=body.type, query_id=body.query, made_by="program"))

    async def permissions_given(_: web.Request, *, query: Limit) -> Permissions:
        at = desk.clock()
        found = await desk.storage.read(lambda tx: records.recent(tx, at, query.limit))
        return Permissions([_given(desk, each, at) for each in found])

    async def permission(request: web.Request) -> Given:
        kept, uses = await permissions.find(desk, request.match_info["id"])
        return _given(desk, kept, desk.clock(), uses)

    async def use(request: web.Request, *, body: Use) -> Reply:
        wanted = Tell(categories=body.categories, recipient=body.recipient, reference=body.reference)
        return Reply(_told(await permissions.tell(desk, store, request.match_info["id"], wanted)))

    one = "/api/permissions/{id}"
    return [
        Route(
            "POST", "/api/permission-requests", ask_permission, body=Permit, out=asked, status=201, scope=_CREATE,
            errors=(InvalidRequest, UnknownCredentialType), summary="Ask for a permission to tell another organisation something",
            description="A request like every other; once it is accepted, `agreed` names the permission by its `reference`.",
        ),
        Route("GET", "/api/permissions", permissions_given, query=Limit, out=Permissions, scope=_READ, summary="Permissions to tell others something"),
        Route("GET", one, permission, out=Given, scope=_READ, summary="How a permission stands, and what was told by it"),
        Route(
            "POST", f"{one}/uses", use, body=Use, out=Told, status=201, scope=_CREATE, errors=(OutsidePermission, Conflict),
            summary="Tell something by a permission",
            description="Counts and writes down that you tell it now. `outside_permission` says that you may not: `where` names the limit.",
        ),
    ]  # fmt: skip


def _given(desk: Desk, kept: Kept, at: int, uses: list[UseRow] | None = None) -> Given:
    limits: Permission = kept.permission
    return Given(
        id=kept.id,
        state=permissions.state_of(desk, kept, at),
        request=kept.exchange,
        recipient=limits.recipient.id,
        recipient_name=limits.recipient.name,
        categories=list(limits.categories),
        purpose=limits.purpose.en,
        not_before=dt.date.fromisoformat(limits.not_before),
        expires=dt.date.fromisoformat(limits.expires),
        max_uses=limits.max_uses,
        used=kept.used,
        given_at=moment(kept.given_at),
        withdrawn_at=None if kept.withdrawn_at is None else moment(kept.withdrawn_at),
        uses=[_told(each) for each in uses or ()],
    )


def _told(use: UseRow) -> Told:
    return Told(
        number=use.number, at=moment(use.at), categories=list(use.categories), reference=use.reference, code=use.code, where=use.place
    )


def add_to(app: web.Application, desk: Desk) -> None:
    """The one address that wallets call: what they ask is signed, and nothing of it stands in the address."""
    path = granting.path(desk)

    async def ask(request: web.Request) -> web.Response:
        return web.json_response(await permissions.answer(desk, await request.read()), headers={"Cache-Control": "no-store"})

    app.router.add_post(path, ask)
    bound_body(app, path, _MAX_ASK)
    speak(app, PROBLEM, path)
