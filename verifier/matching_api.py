"""The part of the organisation's API that says which of its own records is meant."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from shared.errors import Conflict
from shared.web.auth import require_scope
from shared.web.openapi import Route
from verifier import matching
from verifier import request as asking
from verifier.desk import SCOPES, Desk
from verifier.matching import MAX_RECORDS, Told
from verifier.same_device import collect
from verifier.sessions import Answered
from verifier.settle import open_verdict

_READ = SCOPES[1]
_Word = Annotated[str, Meta(max_length=200)]


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """One that could be meant. Nothing of it is kept, and only its `reference` comes back."""

    reference: Annotated[str, Meta(min_length=1, max_length=200)]
    given_name: _Word
    family_name: _Word
    also_known_as: Annotated[list[_Word], Meta(max_length=8)] = []
    birthdate: Annotated[_Word, Meta(description="ISO 8601; may be known in part.")] = ""
    postal_code: _Word = ""


class Candidates(Struct, frozen=True, forbid_unknown_fields=True):
    """Records of your own that could be meant, and what the person told you beside what was shown."""

    records: Annotated[list[Record], Meta(min_length=1, max_length=MAX_RECORDS)]
    told_postal_code: _Word = ""
    told_reference: _Word = ""
    response_code: Annotated[str, Meta(max_length=64, description="As when asking how the request stands.")] = ""


class Meant(Struct, frozen=True):
    """`reference` only where exactly one is meant; else `code` is `ambiguous_match`: ask for one more item, and change none of them."""

    outcome: Literal["one", "ambiguous", "none"]
    reference: str | None
    code: str


def routes(desk: Desk) -> list[Route]:
    """Matching."""

    async def find(request: web.Request, *, body: Candidates) -> Meant:
        await require_scope(request, _READ)
        exchange = await asking.find(desk, request.match_info["id"])
        opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) else None
        if not isinstance(exchange, Answered) or opened is None or exchange.decision != "accepted":
            raise Conflict("nothing was accepted here, or its details were deleted")
        await collect(desk, exchange, opened, body.response_code)
        records = [matching.described(msgspec.to_builtins(each)) for each in body.records]
        told = Told(postal_code=body.told_postal_code, reference=body.told_reference)
        found = await asyncio.to_thread(matching.find, opened, desk.types, records, told)
        return msgspec.convert({"outcome": found.outcome, "reference": found.reference or None, "code": found.code}, Meant)

    return [
        Route(
            "POST", "/api/presentation-requests/{id}/match", find, body=Candidates, out=Meant, scope=_READ, errors=(Conflict,),
            summary="Which of your own records is meant",
            description="Names and dates of birth are shared by strangers: they never decide alone. Nothing of the records is kept.",
        )
    ]  # fmt: skip
