"""Telling the organisation's own program what was decided: a signed event, sent until it is taken, for a day.

An event is a JWS (`webhook+jwt`) by the key that signs requests. It names documents, decisions and details; contents go with it only of
details that the setting ``webhook_details`` names, and only while they are kept anyway; and the way to a document that was given. The queue holds neither them nor any secret: each
try is put together and signed anew, under the same ``jti``, by which a receiver knows an event that it was told before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from shared.clock import DAY
from shared.errors import Conflict, VcError
from shared.flow import Fetch, Fetched
from shared.jose.jwt import prepare_jwt
from shared.keys import sign
from shared.storage import Tx
from shared.x509 import x5c_header
from verifier import giving
from verifier.desk import Desk
from verifier.records import events, exchanges
from verifier.records.events import Event
from verifier.sessions import Answered
from verifier.settle import open_verdict
from verifier.telling import OFFERED

TYP: Final = "webhook+jwt"
TEST: Final = "test"
PATIENCE: Final = DAY  # seconds after which an event is given up
_LEASE: Final = 300  # seconds after which a try that nobody finished is made again
_FIRST, _FACTOR, _LONGEST = 10, 3, 3_600  # seconds between tries
_MAX_ANSWER: Final = 65_536

Send = Callable[[Fetch], Awaitable[Fetched]]


async def deliver(desk: Desk, send: Send) -> int:
    """Send what is due; how many were taken."""
    if not desk.settings.webhook_url:
        return 0
    due = await desk.storage.write(lambda tx: events.take_due(tx, desk.clock(), _LEASE), point="webhook")
    return sum([await _try(desk, send, event) == "" for event in due])


async def _try(desk: Desk, send: Send, event: Event) -> str:
    """One try, and what follows from it; empty if the receiver took it."""
    fault = await _send(desk, send, event)
    at = desk.clock()
    wait = min(_LONGEST, _FIRST * _FACTOR ** min(event.tries - 1, 8))

    async def unit(tx: Tx) -> None:
        if not fault:
            await events.taken(tx, event.id, at)
        elif at + wait >= event.made_at + PATIENCE:
            await events.given_up(tx, event.id, fault, at)
        else:
            await events.failed(tx, event.id, fault, at + wait)

    await desk.storage.write(unit, point="webhook-told")
    return fault


async def _send(desk: Desk, send: Send, event: Event) -> str:
    """Why it was not taken: our own code, or the status of the answer."""
    token = await _signed(desk, event)
    headers = {"content-type": "application/jwt", "webhook-id": event.id}
    try:
        got = await send(Fetch(url=desk.settings.webhook_url, method="POST", headers=headers, body=token.encode(), max_bytes=_MAX_ANSWER))
    except VcError as error:
        return error.code
    return "" if 200 <= got.status < 300 else f"http_{got.status}"


async def _signed(desk: Desk, event: Event) -> str:
    claims = {
        "iss": desk.entity,
        "aud": desk.settings.webhook_url,
        "iat": desk.clock(),
        "jti": event.id,
        "event": event.name,
        "at": event.made_at,
        "data": {**event.data, **await _contents(desk, event)},
    }
    unsigned = prepare_jwt(claims, typ=TYP, key=desk.signer.key, alg=desk.alg, header={"x5c": x5c_header(desk.x5c)})
    return await sign(unsigned, desk.custodian)


async def _contents(desk: Desk, event: Event) -> dict[str, Any]:
    """The contents that the receiver asked for by setting; nothing once they were deleted here."""
    if event.name == OFFERED:
        return await _offer(desk, event)
    names = desk.settings.webhook_details
    if not names or not event.exchange:
        return {}
    found = await desk.storage.read(lambda tx: exchanges.find(tx, event.exchange, desk.clock()))
    opened = await open_verdict(desk, found) if isinstance(found, Answered) else None
    if opened is None:
        return {}
    return {"contents": {each["query_id"]: prune(each["claims"], names) for each in opened.verdict["credentials"]}}


async def _offer(desk: Desk, event: Event) -> dict[str, Any]:
    """The way to the document that was given, while there is one."""
    offer = await giving.offer_of(desk, event.exchange, event.data["type"])
    if offer is None:
        return {}
    return {"offer": {"link": offer.link, "code": offer.code, "expires_at": offer.expires_at}}


def prune(claims: Mapping[str, Any], names: Collection[str], above: str = "") -> dict[str, Any]:
    """What of a claim tree has one of ``names``, written as the log does: ``represented/given_name``."""
    kept: dict[str, Any] = {}
    for member, value in claims.items():
        name = f"{above}{member}"
        if name in names:
            kept[member] = value
        elif isinstance(value, Mapping) and (inside := prune(value, names, f"{name}/")):
            kept[member] = inside
    return kept


async def test(desk: Desk, send: Send) -> Event:
    """Send an event that means nothing, once; ``Conflict`` if no address is set."""
    if not desk.settings.webhook_url:
        raise Conflict("no address is set to tell: webhook_url")
    at = desk.clock()
    event = Event(id=desk.secret(), name=TEST, exchange="", data={}, made_at=at, tries=1, next_at=at + PATIENCE)
    await desk.storage.write(lambda tx: events.add(tx, event))
    fault = await _send(desk, send, event)

    async def unit(tx: Tx) -> None:
        if fault:
            await events.given_up(tx, event.id, fault, desk.clock())
        else:
            await events.taken(tx, event.id, desk.clock())

    await desk.storage.write(unit, point="webhook")
    return Event(id=event.id, name=TEST, exchange="", data={}, made_at=at, tries=1, done_at=desk.clock(), fault=fault)
