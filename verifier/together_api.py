"""The part of the organisation's API for acts that several people have to agree to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict
from shared.web.openapi import Reply, Route
from verifier import request as asking
from verifier.acts import Standing
from verifier.desk import SCOPES, Desk
from verifier.sessions import Asked
from verifier.webhook_api import moment

_CREATE = SCOPES[0]


class Together(Struct, frozen=True):
    """How many people have agreed, how many must, and until when they can."""

    agreed: Annotated[int, Meta(ge=1)]
    needed: Annotated[int, Meta(ge=1)]
    until: dt.datetime


def told(standing: Standing | None) -> Together | None:
    """For programs."""
    return None if standing is None else Together(standing.agreed, standing.needed, moment(standing.until))


def routes(desk: Desk, out: type[Any], answer: Callable[[Asked], Reply]) -> list[Route]:
    """Asking the next person; ``answer`` tells of a new request, as ``out``."""

    async def ask(request: web.Request) -> Reply:
        exchange = await asking.find(desk, request.match_info["id"])
        return answer(await asking.make_next(desk, exchange, made_by="program"))

    return [
        Route(
            "POST",
            "/api/presentation-requests/{id}/next",
            ask,
            out=out,
            status=201,
            scope=_CREATE,
            errors=(Conflict,),
            summary="Ask the next of several people who have to agree to the same",
            description="While the answer is undecided for `needs_more_attorneys`, for 7 days. Of an answer to a question that was not for acting "
            "together it makes one that is, for the first of them.",
        )
    ]
