"""The part of the organisation's API that looks after its webhook: what was told, and a test."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict
from shared.web.context import FETCHER
from shared.web.openapi import Route
from verifier import webhooks
from verifier.desk import SCOPES, Desk
from verifier.records import events
from verifier.records.events import Event

_READ, _TEST = SCOPES[1], SCOPES[5]


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Told(Struct, frozen=True):
    """An event for your own program. `state` is `waiting` while it will be tried again, for a day."""

    id: Annotated[str, Meta(description="`jti` of the event, the same for every try.")]
    event: str
    request: Annotated[str, Meta(description="The request or copy; empty for a test.")]
    state: Literal["waiting", "taken", "given up"]
    fault: Annotated[str, Meta(description="Why the last try failed: an error code of ours, or `http_` and the status of the answer.")]
    tries: int
    at: dt.datetime


class Events(Struct, frozen=True):
    """Newest first."""

    items: list[Told]


def routes(desk: Desk) -> list[Route]:
    """What was told, and the test."""

    async def recent(_: web.Request, *, query: Limit) -> Events:
        return Events([_told(each) for each in await desk.storage.read(lambda tx: events.recent(tx, query.limit))])

    async def test(request: web.Request) -> Told:
        return _told(await webhooks.test(desk, request.config_dict[FETCHER]))

    return [
        Route("GET", "/api/webhook/events", recent, query=Limit, out=Events, scope=_READ, summary="What your own program was told"),
        Route(
            "POST", "/api/webhook/test", test, out=Told, scope=_TEST, errors=(Conflict,), summary="Send a test event to your own program"
        ),
    ]


def _told(event: Event) -> Told:
    """How telling of one event went."""
    return Told(
        id=event.id,
        event=event.name,
        request=event.exchange,
        state="waiting" if event.done_at is None else "given up" if event.fault else "taken",
        fault=event.fault,
        tries=event.tries,
        at=moment(event.made_at),
    )


def moment(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)
