"""Details that the holder says are wrong, for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from shared.corrections import MAX_WORDS
from shared.errors import Conflict, Malformed, Missing, Unavailable
from shared.web.auth import require_session
from shared.web.openapi import Reply, Route
from wallet import corrections
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import Item
from wallet.said_wrong import Correction
from wallet.unlocked import Unlocked
from wallet.upkeep import ask_now


class Wrong(Struct, frozen=True, forbid_unknown_fields=True):
    """``detail`` is the key of a detail as on the card (``represented/birthdate``, ``powers/0``), ``words`` say what is wrong with it."""

    detail: Annotated[str, Meta(min_length=1, max_length=200)]
    words: Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]


class CorrectionOut(Struct, frozen=True):
    """``state`` is waiting (to be sent), unsent (not taken), open (an answer comes by ``answer_by``), corrected, refused,
    ended (the document is over) or forgotten (no answer comes any more).

    ``reason`` and ``told`` are the office's of a refusal or an end, ``answer`` is what it signed, ``problem`` the error code of the last try.
    """

    id: str
    document: str
    detail: str
    words: str
    at: int
    state: str
    reference: str
    answer_by: int
    answered_at: int
    reason: str
    told: str
    how_to_complain: str
    answer: str
    problem: str


class CorrectionsOut(Struct, frozen=True):
    """Newest first."""

    corrections: tuple[CorrectionOut, ...]


class Corrections:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, unlocked: Unlocked) -> None:
        self._means = means
        self._unlocked = unlocked

    def routes(self, scope: str) -> list[Route]:
        known = (Conflict, Malformed, Missing, Unavailable)
        return [
            Route(
                "POST", "/api/cards/{id}/corrections", self.say, body=Wrong, out=CorrectionOut, status=201, scope=scope,
                summary="Say to the office that made a document that a detail is wrong", errors=known,
            ),
            Route("GET", "/api/cards/{id}/corrections", self.all, out=CorrectionsOut, scope=scope, summary="What was said, and what became of it"),
            Route("POST", "/api/corrections/{id}/ask", self.ask, out=CorrectionOut, scope=scope, summary="Ask for the answer now", errors=(Missing,)),
        ]  # fmt: skip

    async def _vault(self, request: web.Request) -> Vault:
        return self._unlocked.get((await require_session(request)).key).vault

    async def say(self, request: web.Request, *, body: Wrong) -> Reply:
        vault = await self._vault(request)
        made = await corrections.say_wrong(self._means, vault, request.match_info["id"], body.detail, body.words)
        return Reply(_out(made), headers={"Location": f"/api/cards/{made.value.document}/corrections"})

    async def all(self, request: web.Request) -> CorrectionsOut:
        found = await corrections.of_document(self._means, await self._vault(request), request.match_info["id"])
        return CorrectionsOut(tuple(_out(each) for each in found))

    async def ask(self, request: web.Request) -> CorrectionOut:
        vault, name = await self._vault(request), request.match_info["id"]
        return _out(await ask_now(self._means, vault, name))


def _out(item: Item[Correction]) -> CorrectionOut:
    value = item.value
    return CorrectionOut(
        id=item.id,
        document=value.document,
        detail=value.detail,
        words=value.words,
        at=value.at,
        state=value.state,
        reference=value.reference,
        answer_by=value.answer_by,
        answered_at=value.answered_at,
        reason=value.reason,
        told=value.told,
        how_to_complain=value.how_to_complain,
        answer=value.answer,
        problem=value.problem,
    )
