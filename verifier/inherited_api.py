"""The part of the organisation's API about bodies that it took over from: what may go on, and what was deleted."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.trust.deletion import peek_deletion
from shared.web.openapi import Route
from verifier.desk import SCOPES, Desk
from verifier.inherited import Kept, before_us
from verifier.material import Store
from verifier.records import deletions
from verifier.webhook_api import moment

_READ = SCOPES[1]


class Predecessor(Struct, frozen=True):
    """A body whose records are ours now, as superiors in pinned federations publish it."""

    entity: str
    name: str
    successor: Annotated[str, Meta(description="Who took over from it: we, or a body that we took over from.")]
    since: dt.datetime
    uses: Annotated[
        list[str], Meta(description="Purposes that may go on, each with what was received for it. Delete in your own records all else.")
    ]
    statement: Annotated[str, Meta(description="Names the statement that says so: SHA-256, base64url.")]


class Deleted(Struct, frozen=True):
    """Answers that were deleted here because their purpose was not handed over. `use` is empty for what was received for no registered one."""

    outgoing: str
    use: str
    count: int
    at: dt.datetime
    record: Annotated[str, Meta(description="The signed record of it (`deletion-record+jwt`), as in the public register.")]


class Inheritance(Struct, frozen=True):
    items: list[Predecessor]
    deleted: list[Deleted]


def routes(desk: Desk, store: Store) -> list[Route]:
    """What came from others."""

    async def show_inherited(_: web.Request) -> Inheritance:
        found = before_us(await store.federation(), desk.entity, desk.clock())
        records = await desk.storage.read(deletions.everything)
        return Inheritance([_told(each) for each in found], [_deleted(each) for each in records])

    words = "Bodies that this organisation took over from"
    return [Route("GET", "/api/inherited", show_inherited, out=Inheritance, scope=_READ, summary=words)]


def _told(kept: Kept) -> Predecessor:
    succession = kept.succession
    return Predecessor(
        entity=succession.outgoing,
        name=kept.outgoing.en,
        successor=succession.successor,
        since=moment(succession.since),
        uses=list(kept.uses),
        statement=succession.name,
    )


def _deleted(record: str) -> Deleted:
    found = peek_deletion(record)
    return Deleted(outgoing=found.outgoing, use=found.use, count=found.count, at=moment(found.at), record=record)
