"""What somebody of the office decides about news that name nobody for certain, and about documents that ended by a mistake.

Where a second person approves documents of a kind, a second person confirms that they end. What comes back is a new document each: nothing
that was cancelled is ever in force again (security rule S19). Its invitation is there like any other's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from issuer import donors, following, offers, revoke
from issuer.approval import check_decides
from issuer.claims import details, source
from issuer.following import AGAIN, apply, context, ended_by
from issuer.office import STORAGE, Office
from issuer.records import documents, news
from issuer.records import donors as boxes
from issuer.records.news import Concerned, News
from issuer.sessions import PAST, SERVICE, Action, Actor, Document
from shared.clock import DAY
from shared.codec import strict_json
from shared.credentials import CredentialType
from shared.errors import Conflict, CredentialRequestDenied, Forbidden, Malformed
from shared.storage import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One document that the news may be about, with its details where they are still held."""

    concerned: Concerned
    document: Document
    kind: CredentialType
    details: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that somebody needs to decide. ``shown`` is what was told of the person, while it is held.

    ``doubted``: a list has said since, or says now, that what was shown counts no longer. It may be cancelled, or only corrected.
    """

    news: News
    doubted: bool
    shown: Mapping[str, Any] | None
    compared: Sequence[Compared]


async def case(office: Office, identifier: str) -> Case:
    """``Missing`` if there are no such news."""

    async def unit(tx: Tx) -> tuple[News, bool, bytes | None, list[tuple[Concerned, Document]]]:
        found, doubted = await news.concerned(tx, identifier), await news.counts_no_longer(tx, identifier)
        pairs = [(each, await documents.get(tx, each.document)) for each in found]
        return await news.get(tx, identifier), doubted, await news.sealed_claims(tx, identifier), pairs

    found, doubted, sealed, pairs = await office.storage.read(unit)
    kinds = {kind.id: kind for kind in office.types}
    shown = None if sealed is None else strict_json.load_object(await office.custodian.unseal(STORAGE, sealed, context=context(identifier)))
    compared = [
        Compared(concerned=each, document=document, kind=kinds[document.type], details=await details(office, document))
        for each, document in pairs
        if document.type in kinds
    ]
    return Case(news=found, doubted=doubted, shown=shown, compared=compared)


async def decide(office: Office, identifier: str, chosen: Collection[str], actor: Actor, *, version: int) -> News:
    """These documents end, wait or come back, and none of the others. ``Malformed`` for one that is not among them.

    ``Conflict`` if nothing is to be decided, with ``/version`` if somebody decided since ``version`` was looked at.
    """

    async def unit(tx: Tx) -> News:
        found = await _look(tx, identifier, "open", version)
        listed = [each for each in await news.concerned(tx, identifier) if each.outcome == "open"]
        if not set(chosen) <= {each.document for each in listed}:
            raise Malformed("this is none of the documents that may be meant", where="/documents")
        taken = [each for each in listed if each.document in chosen]
        for each in listed:
            if each not in taken:
                await news.note(tx, identifier, replace(each, outcome="left"))  # with its details, in case it is offered anew
        if any([await following.needs_second(tx, office, each) for each in taken]):
            for each in taken:
                await news.note(tx, identifier, replace(each, outcome="chosen"))
            await news.settle(tx, found, "second", first_by=actor.name)
        else:
            await _carry_out(tx, office, found, taken, actor)
        return await news.get(tx, identifier)

    decided = await office.storage.write(unit, point="news-decided")
    return await finish(office, decided)


async def confirm(office: Office, identifier: str, actor: Actor, *, version: int) -> News:
    """The second person agrees. ``Forbidden`` for the first one, a clerk or a program; ``Conflict`` as for ``decide``."""
    check_decides(actor)

    async def unit(tx: Tx) -> News:
        found = await _second(tx, identifier, actor, version)
        await _carry_out(tx, office, found, await _chosen(tx, identifier), actor)
        return await news.get(tx, identifier)

    return await office.storage.write(unit, point="news-decided")


async def send_back(office: Office, identifier: str, actor: Actor, *, version: int) -> News:
    """The second person does not agree: it is to be decided again. Else as ``confirm``."""
    check_decides(actor)

    async def unit(tx: Tx) -> News:
        await following.reopen(tx, await _second(tx, identifier, actor, version))
        return await news.get(tx, identifier)

    return await office.storage.write(unit, point="news-decided")


async def mistake(office: Office, identifier: str) -> News:
    """What ended by these news was not to end: offer to make it again. ``Conflict`` if nothing ended, or that was offered already."""
    at, number = office.clock(), office.number()

    async def unit(tx: Tx) -> News:
        found = await news.get(tx, identifier)
        back = await ended_by(tx, office, found)
        again = await news.known(tx, _mistake_of(identifier))
        if not back or again is not None:
            raise Conflict("nothing that ended by these news is left to be made again")
        new = news.NewNews(
            id=number, digest=_mistake_of(identifier), request=None, at=at, vct=found.vct, became="cancelled", state="open",
            claims=None, keep_until=found.keep_until,
        )  # fmt: skip
        await news.add(tx, new, back)
        return await news.get(tx, number)

    return await office.storage.write(unit, point="news")


def _mistake_of(identifier: str) -> bytes:
    return f"mistake {identifier}".encode()


async def finish(office: Office, decided: News) -> News:
    """Make what comes back, one after the other; each is made once, however often this is done."""
    if decided.state != "making":
        return decided
    for each in await office.storage.read(lambda tx: _chosen(tx, decided.id)):
        made = await _make_again(office, decided, each)

        async def unit(tx: Tx, each: Concerned = each, made: str = made) -> None:
            await news.note(tx, decided.id, replace(each, outcome="changed" if made else "gone", claims=None, made=made))

        await office.storage.write(unit, point="news-made")

    async def settle(tx: Tx) -> News:
        found = await news.get(tx, decided.id)
        if found.state == "making":
            await news.settle(tx, found, "settled")
        return await news.get(tx, decided.id)

    return await office.storage.write(settle, point="news-decided")


async def tend(office: Office, waits: Gauge) -> None:
    """Go on with what was interrupted, and count what somebody has to decide."""
    for each in await office.storage.read(lambda tx: news.page(tx, open_only=True, offset=0, limit=200)):
        await finish(office, each)
    counts = await office.storage.read(news.counts)
    waits.set(sum(counts.get(state, 0) for state in news.OPEN))


def gauge(registry: CollectorRegistry) -> Gauge:
    """For ``/metrics``: how many news wait for a person."""
    return Gauge("muniment_news_open", "What this office was told and somebody has to decide.", registry=registry)


async def _make_again(office: Office, decided: News, each: Concerned) -> str:
    """The number of the new document; empty where its details are not held any more, or its time is over. What the donor held beside it is made
    again with it.
    """

    async def look(tx: Tx) -> tuple[Document, bytes | None, bool]:
        return await documents.get(tx, each.document), await documents.reference_of(tx, each.document), await _ended_beside(tx, each)

    before, under, beside = await office.storage.read(look)
    kind = office.type(before.type)
    try:
        claims = await source(office, kind).give(each.claims, before)
    except CredentialRequestDenied:
        return ""
    if before.valid_until is not None and before.valid_until < office.clock() + DAY:
        return ""
    order = offers.Order(type=kind.id, claims=claims, valid_until=before.valid_until)
    made = await offers.make(office, order, actor=SERVICE, idempotency_key=f"news {decided.id} {each.document}", under=under)
    if beside:
        with suppress(Conflict):  # she has it since an earlier try, or there can be none now
            await donors.make(office, made.document, actor=SERVICE)
    return made.document


async def _ended_beside(tx: Tx, each: Concerned) -> bool:
    """Whether a donor's document ended with it, and not by itself before."""
    hers = await boxes.granted_for(tx, each.document)
    events = [] if hers is None else await documents.history(tx, hers)
    return any((event.kind, event.reason) == (PAST[Action.CANCEL], each.reason) for event in events)


# --- inside a unit of work -------------------------------------------------------------------------------------------------------------


async def _look(tx: Tx, identifier: str, state: str, version: int) -> News:
    found = await news.get(tx, identifier)
    if found.version != version:
        raise Conflict("somebody decided since you looked: look again", where="/version")
    if found.state != state:
        raise Conflict("there is nothing of the kind to be decided")
    return found


async def _second(tx: Tx, identifier: str, actor: Actor, version: int) -> News:
    found = await _look(tx, identifier, "second", version)
    if found.first_by == actor.name:
        raise Forbidden("somebody else than the one who decided first looks at this")
    return found


async def _chosen(tx: Tx, identifier: str) -> list[Concerned]:
    return [each for each in await news.concerned(tx, identifier) if each.outcome == "chosen"]


async def _still(tx: Tx, office: Office, found: News, each: Concerned) -> bool:
    """Whether there is a way for it yet. What was heard before a hold is no reason to end that hold."""
    document, action = await documents.get(tx, each.document), Action(each.action)
    hold = await revoke.hold_before(tx, document, each.reason) if action is Action.REINSTATE else None
    alike = await revoke.began_alike(tx, office, document, action, each.reason)
    return alike and (hold is None or hold.at <= found.at) and await revoke.able(tx, document, action, each.reason)


async def _carry_out(tx: Tx, office: Office, found: News, taken: Sequence[Concerned], actor: Actor) -> None:
    """What was meanwhile changed otherwise stays as it is."""
    back = [each for each in taken if each.action == AGAIN]
    able = [replace(each, outcome="changed") for each in taken if each.action != AGAIN and await _still(tx, office, found, each)]
    kept = [await following.with_details(tx, office, each) for each in able]
    await apply(tx, office, able, actor, office.clock())
    changed = {each.document for each in able}
    for each in kept:
        await news.note(tx, found.id, each)
    for each in taken:
        if each.document not in changed:
            await news.note(tx, found.id, replace(each, outcome="chosen" if each in back else "left"))
    await news.settle(tx, found, "making" if back else "settled")
