"""The part of the organisation's API that gives documents after a decision."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict, Unavailable
from shared.web.auth import require_scope
from shared.web.context import FETCHER
from shared.web.openapi import Reply, Route
from verifier import giving
from verifier import request as asking
from verifier.desk import SCOPES, Desk
from verifier.facts import fact_of
from verifier.same_device import collect
from verifier.sessions import Answered
from verifier.settle import open_verdict

_CREATE, _READ = SCOPES[:2]
_Name = Annotated[str, Meta(max_length=200)]


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """What you know beside what was shown. Names are needed where they were not shown, and otherwise not looked at."""

    represented_given_name: _Name = ""
    represented_family_name: _Name = ""
    proxy_given_name: _Name = ""
    proxy_family_name: _Name = ""
    case_ref: Annotated[str, Meta(max_length=60, description="Your own reference, shown only where its holder chooses to.")] = ""
    response_code: Annotated[str, Meta(max_length=64, description="As when asking how the request stands.")] = ""


class Offer(Struct, frozen=True):
    """An invitation by your own issuer. Link and code reach the holder by different ways."""

    type: str
    id: Annotated[str, Meta(description="The document's number at your issuer.")]
    invitation_link: str
    code: str
    expires_at: dt.datetime


def routes(desk: Desk) -> list[Route]:
    """Giving a record of an authority."""

    async def record(request: web.Request, *, body: Record) -> Reply:
        await require_scope(request, _READ)  # it says what was shown
        exchange = await asking.find(desk, request.match_info["id"])
        opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) else None
        if not isinstance(exchange, Answered) or opened is None:
            raise Conflict("nothing was decided here, or its details were deleted")
        answered = await collect(desk, exchange, opened, body.response_code)
        said = {
            "represented.given_name": body.represented_given_name,
            "represented.family_name": body.represented_family_name,
            "proxy.given_name": body.proxy_given_name,
            "proxy.family_name": body.proxy_family_name,
            "case_ref": body.case_ref,
        }
        wanted = giving.completed(giving.draft(desk, answered, opened), said)
        fact = await fact_of(desk, answered.asked, opened.verdict["credentials"])
        return Reply(_told(await giving.give(desk, request.config_dict[FETCHER], answered.asked.id, wanted, fact=fact)))

    return [
        Route(
            "POST",
            "/api/presentation-requests/{id}/record",
            record,
            body=Record,
            out=Offer,
            status=201,
            scope=_CREATE,
            errors=(Conflict, Unavailable),
            summary="Give a record of the authority that was accepted",
            description="Your own issuer makes a `mandate-receipt` (setting `own_issuer`). Repeated, it gives the same invitation. The key needs "
            "the scope `requests:read` as well.",
        )
    ]


def _told(offer: giving.Offer) -> Offer:
    return Offer(
        type=offer.kind,
        id=offer.number,
        invitation_link=offer.link,
        code=offer.code,
        expires_at=dt.datetime.fromisoformat(offer.expires_at),
    )
