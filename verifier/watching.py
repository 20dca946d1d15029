"""What becomes of documents that were accepted: found in lists that are fetched anyway, and told to the organisation's own program.

Nothing is fetched for it: lists come by the clock, all of them, for everybody (security rule S21). What is told is the number of the request,
the kind of document, and what it has become; that is how an office ends what rested on it, without anybody in the middle.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from shared.codec import strict_json
from shared.errors import StatusUnknown, VcError
from shared.status.freshness import check_current
from shared.status.token_status_list import INVALID, SUSPENDED, VALID, VerifiedStatusToken, parse_token, status_at
from shared.storage import Tx
from shared.verify import Decision
from verifier.desk import STORAGE, Desk
from verifier.material import Picture, Store, verify_list
from verifier.records import events, watched
from verifier.records.events import Event
from verifier.records.watched import Watched

CHANGED: Final = "presentation.changed"
KeptList = tuple[str, str, int]
"""Issuer and address of a list, and its date."""
_WORDS: Final = {VALID: "valid", SUSPENDED: "on-hold", INVALID: "cancelled"}


async def to_watch(desk: Desk, exchange: str, decision: Decision) -> list[Watched]:
    """What of a decision is to be watched: nothing where nobody wants to be told."""
    if not desk.settings.webhook_url or decision.decision != "accepted":
        return []
    found = []
    for each in decision.credentials:
        claims, status = each.claims, each.claims.status
        if status is not None and not status.purpose:
            name = desk.secret()
            place = strict_json.dumps({"query": each.query_id, "idx": status.idx})
            sealed = await desk.custodian.seal(STORAGE, place, context=_context(exchange, name))
            found.append(
                Watched(
                    exchange=exchange,
                    name=name,
                    vct=claims.vct,
                    issuer=claims.issuer,
                    uri=status.uri,
                    sealed=sealed,
                    became="valid",
                    ends_at=claims.expires_at,
                )
            )
    return found


def _context(exchange: str, name: str) -> bytes:
    return f"watched:{exchange}:{name}".encode()


async def _place(desk: Desk, each: Watched) -> tuple[str, int]:
    """Which question it answered, and its index in the list."""
    if not each.sealed:
        return each.name, each.idx
    doc = strict_json.load_object(await desk.custodian.unseal(STORAGE, each.sealed, context=_context(each.exchange, each.name)))
    return str(doc["query"]), int(doc["idx"])


async def look(desk: Desk, store: Store) -> int:
    """Look up everything in lists that are newer than those of the last time; how many of them have become something else."""
    if not desk.settings.webhook_url:
        return 0
    behind: dict[KeptList, list[Watched]] = defaultdict(list)
    for each, iat in await desk.storage.read(partial(watched.behind, at=desk.clock())):
        behind[each.issuer, each.uri, iat].append(each)
    if not behind:
        return 0
    picture = await store.picture()
    return sum([await _look_up(desk, picture, kept, found) for kept, found in behind.items()])


async def _look_up(desk: Desk, picture: Picture, kept: KeptList, behind: Sequence[Watched]) -> int:
    """Nothing is told by a list that is no longer genuine, or whose time is over, but a cancelling, which is final (S19)."""
    at, (issuer, uri, iat) = desk.clock(), kept
    try:
        found = await asyncio.to_thread(_read, picture, issuer, uri, sorted({each.vct for each in behind}), at)
    except VcError:
        return 0
    places = {each: await _place(desk, each) for each in behind}
    changes = {each: became for each, (_, idx) in places.items() if (became := _became(found, idx, at)) is not None}

    async def unit(tx: Tx) -> int:
        told = 0
        for each, became in changes.items():
            if await watched.look(tx, each, became, iat) and became != each.became:
                await events.add(tx, _event(desk, each, places[each][0], became, at))
                told += 1
        return told

    return await desk.storage.write(unit, point="watched")


async def standing_of(desk: Desk, picture: Picture, place: Mapping[str, Any]) -> str | None:
    """What the kept list says of a document whose status stands at ``place`` (vct, issuer, uri, idx); ``None`` where nobody can tell."""
    issuer, uri = str(place["issuer"]), str(place["uri"])
    try:
        found = await asyncio.to_thread(_read, picture, issuer, uri, [str(place["vct"])], desk.clock())
    except VcError:
        return None
    return _became(found, int(place["idx"]), desk.clock())


def _read(picture: Picture, issuer: str, uri: str, vcts: Sequence[str], at: int) -> VerifiedStatusToken:
    """``StatusUnknown`` where it was not fetched; else as ``verify_list``: its issuer has to be the one that the document names."""
    if uri not in picture.lists:
        raise StatusUnknown("this list was not fetched in advance")
    token = parse_token(picture.lists[uri])
    return verify_list(token, issuer, vcts, picture.material.policy, x5c=token.x5c, at=at)


def _became(found: VerifiedStatusToken, idx: int, at: int) -> str | None:
    try:
        value = status_at(found, idx)
        if value != INVALID:
            check_current(found, at=at)
    except VcError:
        return None
    return _WORDS.get(value)


def _event(desk: Desk, each: Watched, query: str, became: str, at: int) -> Event:
    documents = [{"id": query, "type": each.vct, "issuer": each.issuer}]
    data = {"request": each.exchange, "became": became, "documents": documents}
    return Event(id=desk.secret(), name=CHANGED, exchange=each.exchange, data=data, made_at=at, next_at=at)
