"""Telling organisations, for a holder's own programs: a part of the JSON API (``wallet.holder_api``)."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from shared.codec import base64url
from shared.errors import AccessDenied, Conflict, InvalidRequest, Malformed, Missing
from shared.web.auth import require_session
from shared.web.openapi import IDEMPOTENCY, Param, Reply, Route, idempotency_key
from wallet import replies, resend, telling
from wallet.cards import lines, type_of
from wallet.keep import Vault
from wallet.means import Means
from wallet.outbox import Outbox
from wallet.records import DOCUMENTS, TELLINGS, Item
from wallet.sent import Body, Sent, Telling, key_of, state_of
from wallet.sessions import Document
from wallet.telling import MOST, Choice, Part, Picked, Plan
from wallet.unlocked import Unlocked

_ONCE = Param(
    IDEMPOTENCY,
    description="A value of your own for this one agreement: the same request with it tells nobody twice, and gets how that agreement stands.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
)
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Entity = Annotated[str, Meta(min_length=1, max_length=2_000)]


class Whom(Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation by its identifier, and the name of one of its registered uses."""

    entity: Entity
    use: Name


class TellWish(Struct, frozen=True, forbid_unknown_fields=True):
    """``seen`` is that of the look before. With ``about``, the name of a document (often the same one), those who were shown that are told that
    it was cancelled, or what is right now, each about the copy that they had.
    """

    document: Name
    to: Annotated[tuple[Whom, ...], Meta(min_length=1, max_length=MOST)]
    seen: str | None = None
    about: Name | None = None


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """``document`` is the one to tell; ``q`` are words of names."""

    document: Name
    q: Annotated[str, Meta(max_length=200)] = ""


class BodyOut(Struct, frozen=True):
    """``needs`` are labels of what it would be shown, ``lacks`` of what it needs and the document does not say. ``way`` is inbox or by-hand.
    Of those who were shown the document before, ``told_at`` is when, and ``stale`` whether something else is right now.
    """

    entity: str
    use: str
    name: str
    title: str
    purpose: str
    needs: tuple[str, ...]
    lacks: tuple[str, ...]
    keeps_days: int | None
    way: str
    told_at: int = 0
    stale: bool = False


class BodiesOut(Struct, frozen=True):
    """By name."""

    bodies: tuple[BodyOut, ...]


class PartOut(Struct, frozen=True):
    """``learns`` are label and value of each detail. ``able`` is false where nothing in the wallet answers it."""

    entity: str
    use: str
    able: bool
    learns: tuple[tuple[str, str], ...]


class PlanOut(Struct, frozen=True):
    """What agreeing would do, and its name (``seen``). ``copies_left`` can go to somebody new; each letter takes one."""

    document: str
    word: str
    seen: str
    copies_left: int
    parts: tuple[PartOut, ...]


class LetterOut(Struct, frozen=True):
    """``state`` is no-copy, never, by-hand, carried, waiting, sent, accepted, refused, called-back, undecided, unanswered, misfit or undelivered;
    called-back is the answer of who was told that it was cancelled, and has seen so.

    ``copy`` names the copy that was made out (``/api/addressed``), ``receipt`` is the newest answer, ``problem`` what is wrong with it,
    ``reason`` an error code.
    """

    entity: str
    use: str
    name: str
    state: str
    copy: str = ""
    answer_by: int = 0
    reason: str = ""
    receipt: str = ""
    problem: str = ""
    fault: str = ""


class TellingOut(Struct, frozen=True):
    """One agreement and what came of it. ``word`` is empty, cancelled or corrected."""

    id: str
    at: int
    document: str
    word: str
    letters: tuple[LetterOut, ...]


class TellingsOut(Struct, frozen=True):
    """Newest first."""

    tellings: tuple[TellingOut, ...]


class Tellings:
    """The handlers, and what they work with."""

    def __init__(self, means: Means, unlocked: Unlocked, outbox: Outbox) -> None:
        self._means = means
        self._unlocked = unlocked
        self._outbox = outbox

    def routes(self, scope: str) -> list[Route]:
        known = (AccessDenied, Conflict, Malformed, Missing)
        return [
            Route("GET", "/api/organisations", self.bodies, query=Wanted, out=BodiesOut, scope=scope, summary="Who has registered to be told what a document says", errors=(Missing,)),
            Route("POST", "/api/organisations/look", self.look, body=TellWish, out=PlanOut, scope=scope, summary="What each of them would learn", errors=known),
            Route("POST", "/api/tell", self.tell, body=TellWish, out=TellingOut, status=201, scope=scope, summary="Agree, and tell them", errors=(*known, InvalidRequest), params=(_ONCE,)),
            Route("GET", "/api/tell", self.all, out=TellingsOut, scope=scope, summary="Everybody who was told, and their answers"),
            Route("POST", "/api/tell/{id}/stop", self.stop, out=TellingOut, scope=scope, summary="Tell no more of them than were told", errors=(Missing,)),
            Route("GET", "/api/tell/{id}", self.show, out=TellingOut, scope=scope, summary="How the letters of one agreement stand", errors=(Missing,)),
        ]  # fmt: skip

    async def _vault(self, request: web.Request) -> Vault:
        return self._unlocked.get((await require_session(request)).key).vault

    async def bodies(self, request: web.Request, *, query: Wanted) -> BodiesOut:
        vault = await self._vault(request)
        item = await self._means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, query.document))
        found = await telling.choices(self._means, item.value)
        told = {one.key: one for one in await resend.told_of(self._means, vault, item.id)}
        return BodiesOut(tuple(_body(each, item.value, told.get(each.key)) for each in found if each.fits(query.q)))

    async def _picked(self, vault: Vault, wish: TellWish) -> Picked:
        keys = [key_of(each.entity, each.use) for each in wish.to]
        if wish.about is None:
            return Picked(document=wish.document, keys=keys)
        return await resend.again(self._means, vault, wish.about, keys, by=wish.document)

    async def look(self, request: web.Request, *, body: TellWish) -> PlanOut:
        vault = await self._vault(request)
        return plan_out(await telling.look(self._means, vault, await self._picked(vault, body)))

    async def tell(self, request: web.Request, *, body: TellWish) -> Reply:
        vault, key = await self._vault(request), idempotency_key(request)
        name = vault.tag("telling", key) if key else base64url.encode(self._means.entropy(16))
        wish = sha256(msgspec.json.encode(body)).digest() if key else b""
        made = await self._made(vault, name, wish)
        if made is None:
            made = await telling.tell(self._means, vault, self._outbox, name, await self._picked(vault, body), seen=body.seen, wish=wish)
        return Reply(await telling_out(self._means, vault, made), headers={"Location": f"/api/tell/{name}"})

    async def _made(self, vault: Vault, name: str, wish: bytes) -> Item[Telling] | None:
        """What was agreed to by this key before: who was told already could not be picked in the same way again."""
        found = await self._means.storage.read(lambda tx: TELLINGS.find(tx, vault, name))
        if found is not None and found.value.wish != wish:
            raise Conflict("this key was used for something else", where=IDEMPOTENCY)
        return found and await telling.carry_on(self._means, vault, self._outbox, name)

    async def all(self, request: web.Request) -> TellingsOut:
        vault = await self._vault(request)
        await replies.collect(self._means, vault, self._outbox)
        items = await telling.tellings(self._means, vault)
        return TellingsOut(tuple([await telling_out(self._means, vault, item) for item in items]))

    async def stop(self, request: web.Request) -> TellingOut:
        vault = await self._vault(request)
        return await telling_out(self._means, vault, await telling.stop(self._means, vault, request.match_info["id"]))

    async def show(self, request: web.Request) -> TellingOut:
        vault = await self._vault(request)
        await replies.collect(self._means, vault, self._outbox)
        return await telling_out(self._means, vault, await telling.get(self._means, vault, request.match_info["id"]))


def _body(choice: Choice, document: Document, told: resend.Told | None) -> BodyOut:
    said = {line.name: line.label for line in lines(type_of(document), document.claims)}
    return BodyOut(
        entity=choice.party.entity,
        use=choice.use.id,
        name=choice.party.name.en,
        title=choice.use.title.en,
        purpose=choice.use.purpose.en,
        needs=tuple(said[name] for name in choice.claims),
        lacks=tuple(label.en for label in choice.lacks),
        keeps_days=choice.use.retention_days,
        way="by-hand" if choice.inbox is None else "inbox",
        told_at=0 if told is None else told.at,
        stale=told is not None and told.stale,
    )


def plan_out(plan: Plan) -> PlanOut:
    """What agreeing would do, for programs."""

    def part(one: Part) -> PartOut:
        learns = () if one.offer is None else tuple((line.label, line.value) for line in one.offer.shown(()))
        return PartOut(one.choice.party.entity, one.choice.use.id, able=one.offer is not None, learns=learns)

    return PlanOut(
        document=plan.document.id,
        word=plan.word,
        seen=plan.seen,
        copies_left=plan.fresh,
        parts=tuple(part(one) for one in plan.parts),
    )


async def telling_out(means: Means, vault: Vault, item: Item[Telling]) -> TellingOut:
    """How an agreement stands, for programs."""
    at = means.clock()
    letters = tuple(_letter(body, sent, item.value, at) for body, sent in await telling.letters(means, vault, item))
    return TellingOut(id=item.id, at=item.value.at, document=item.value.document, word=item.value.word, letters=letters)


def _letter(body: Body, sent: Item[Sent] | None, agreed: Telling, at: int) -> LetterOut:
    if sent is None:
        state = state_of(None, at, given_up=agreed.given_up)
        return LetterOut(body.entity, body.use, body.name, state, fault=agreed.faults.get(body.key, ""))
    value = sent.value
    return LetterOut(
        entity=body.entity,
        use=body.use,
        name=body.name,
        state=state_of(value, at),
        copy=value.copy,
        answer_by=value.answer_by,
        reason=value.reason,
        receipt=value.receipt,
        problem=value.problem,
        fault=value.fault,
    )
