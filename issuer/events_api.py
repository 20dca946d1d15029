"""The part of the API where this office hears what was shown to it, and what a register says of its own documents."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from issuer.listening import PATH, listen
from issuer.office import Office
from shared.errors import BadSignature, Expired, Untrusted
from shared.web.openapi import Route

_MAX = 262_144


class HeardOf(Struct, frozen=True):
    """What came of one document."""

    id: Annotated[str, Meta(description="Its number on the page *What others ended*.")]
    state: Annotated[
        str,
        Meta(
            description="`nothing`: nobody of ours is meant; `blank`: it came without the details to compare; `done`; `open`, `second`: somebody has "
            "to decide, or a second person; `making`, `settled`: decided."
        ),
    ]
    changed: Annotated[int, Meta(description="Documents of this office that ended, wait or are in force again.")]
    waits: Annotated[int, Meta(description="Documents that somebody of the office has to look at.")]


class HeardAll(Struct, frozen=True):
    """One for each document that the event is about; none for an event about something else."""

    items: list[HeardOf]


def routes(office: Office) -> list[Route]:
    """Where the webhook of this office's own verifier leads."""

    async def hear_event(_: web.Request, *, body: bytes) -> HeardAll:
        heard = await listen(office, body.decode("ascii", "replace"))
        return HeardAll([HeardOf(each.id, each.state, each.changed, each.waits) for each in heard])

    return [
        Route(
            "POST", PATH, hear_event, raw=("application/jwt",), out=HeardAll, errors=(BadSignature, Untrusted, Expired), max_body=_MAX,
            summary="What this office's own verifier was shown",
            description="Takes no API key: the event is signed by a key that the setting `listens_to` names.",
        ),
    ]  # fmt: skip
