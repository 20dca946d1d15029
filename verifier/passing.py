"""No wrong door (domain sheet C22): any counter takes a sealed letter for another body, cannot read it, gives a receipt and passes it on.

Whose it is says the name of the key in its header, which the register knows. What that body decides, whoever sent it asks there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from shared import inbox
from shared.clock import DAY
from shared.codec import base64url
from shared.credentials import Text
from shared.errors import AddressRefused, Conflict, Missing, Untrusted, VcError
from shared.flow import Fetch, Fetched
from shared.inbox import Inbox
from shared.keys import sign
from shared.receipts import Receipt, prepare_receipt
from shared.storage import Tx
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.policy import Policy
from shared.trust.registrars import registered
from shared.trust.relying_party import Register, RpCertificate
from shared.web import heard, log
from verifier.desk import Desk
from verifier.records import passed
from verifier.records.passed import Passed
from verifier.settle import bind

KIND: Final = "passed"
_TRIES: Final = (60, 300, 1_800, 7_200, 21_600)  # seconds between tries, then a day
_LEASE: Final = 300
_PATIENCE: Final = 14 * DAY  # seconds after which no copy is good any more
_LISTED: Final = 31 * DAY
_FOR_GOOD: Final = frozenset({400, 404, 409, 410, 413, 415})
_MAX_ANSWER: Final = 200_000

Send = Callable[[Fetch], Awaitable[Fetched]]


async def bodies(desk: Desk) -> dict[str, RpCertificate]:
    """Everybody who is registered, as far as was heard here, by entity."""
    trust, at = desk.trust, desk.clock()
    known = await desk.storage.read(lambda tx: heard.heard(tx, trust))
    own = Register.of(known.of(RP_CERTIFICATE), trust, at=at)
    found = registered(Policy(trust, known.snapshots, federation=known.federation), own, at=at)
    return {**own.certificates, **{entity: each.certificate for entity, each in found.items()}}


async def whose(desk: Desk, token: str) -> tuple[RpCertificate, Inbox]:
    """The body that can open a letter, and where its inbox is.

    ``Untrusted`` where nobody who is registered has that key; or several say so, for nobody proves that they have the private half.
    """
    kid, known = inbox.peek_kid(token), (await bodies(desk)).values()
    inboxes = ((one, found) for one in known for found in (one.inbox, *(use.inbox for use in one.uses)) if found is not None)
    named = [(one, found) for one, found in inboxes if kid and found.kid == kid]
    if not named or len({one.entity for one, _ in named}) > 1:
        raise Untrusted("nobody whom we know can open this letter, or several say so", where="/kid")
    return named[0]


async def take(desk: Desk, token: str) -> Passed:
    """Keep a letter until it has arrived; the same one handed in again is the same, and goes anew if it was lost. Errors as ``whose``."""
    one, found = await whose(desk, token)
    at, digest = desk.clock(), inbox.digest(token)
    basis = bind(desk, presented(token), base64url.encode(digest))
    retain = at + desk.settings.log_days * DAY
    record = _record(one.entity, basis["receipt_id"], at, retain)

    async def unit(tx: Tx) -> Passed:
        before = await passed.same(tx, digest)
        if before is not None and not before.lost:
            return before
        if before is not None:
            await passed.drop(tx, before.id)
        head = await log.append(tx, record, at=at, keep_until=retain, entropy=desk.entropy)
        new = Passed(
            id=desk.secret() if before is None else before.id,
            digest=digest,
            letter=token,
            basis=basis,
            head=head,
            entity=one.entity,
            url=found.url,
            taken_at=at,
            next_at=at,
            forget_at=at + _LISTED,
        )
        await passed.add(tx, new)
        return new

    return await desk.storage.write(unit, point="letter-passed")


def presented(token: str) -> dict[str, list[str]]:
    """What the receipt is over: the letter as it was handed in, which whoever sealed it has too."""
    return {"letter": [token]}


def _record(entity: str, reference: str, at: int, retain: int, *, reason: str = inbox.PASSED_ON) -> dict[str, Any]:
    return {
        "time": at,
        "kind": KIND,
        "level": "addressed",
        "intendedUseIdentifier": entity,
        "vct": [],
        "claim_paths": [],
        "decision": "undecided",
        "reason_code": reason,
        "status_list_iat": None,
        "staff_role": "desk",
        "receipt_id": reference,
        "presentation_mac": "",
        "retain_until": retain,
    }


async def receipt_of(desk: Desk, one: Passed) -> str:
    """That it was taken here and is passed on; nobody here knows what is in it."""
    settings, basis = desk.settings, one.basis
    receipt = Receipt(
        receipt_id=basis["receipt_id"],
        entity=desk.entity,
        received_at=one.taken_at,
        decision="undecided",
        reason_code=inbox.PASSED_ON,
        purpose_id=inbox.PASSED_ON,
        retain_until=one.forget_at,
        contact=settings.contact or None,
        how_to_complain=settings.how_to_complain or None,
        salt=base64url.decode(basis["salt"]),
        presentation_digest=base64url.decode(basis["presentation_digest"]),
        nonce=basis["nonce"],
        log_head=one.head,
    )
    unsigned = prepare_receipt(receipt, key=desk.signer.key, x5c=desk.x5c, at=one.taken_at, alg=desk.alg)
    return await sign(unsigned, desk.custodian)


async def find(desk: Desk, identifier: str) -> Passed:
    found = await desk.storage.read(lambda tx: passed.find(tx, identifier))
    if found is None:
        raise Missing("there is no such letter, or its time is over")
    return found


async def deal_with(desk: Desk, identifier: str) -> None:
    """Somebody has seen to a letter that never will arrive: they told whoever brought it, or cannot. Said again it changes nothing.

    ``Missing``; ``Conflict`` for one that is on its way, or has arrived.
    """
    one, at = await find(desk, identifier), desk.clock()
    if not one.lost:
        raise Conflict("it is still on its way, or has arrived")
    retain = at + desk.settings.log_days * DAY
    record = _record(one.entity, one.basis["receipt_id"], at, retain, reason=inbox.NOT_DELIVERED)

    async def unit(tx: Tx) -> None:
        if await passed.deal_with(tx, identifier, at):
            await log.append(tx, record, at=at, keep_until=retain, entropy=desk.entropy)

    await desk.storage.write(unit, point="letter-dealt-with")


async def name_of(desk: Desk, entity: str) -> Text:
    """What the body is called, as far as it is still known."""
    one = (await bodies(desk)).get(entity)
    return Text(entity, entity) if one is None else one.name


# --- on its way --------------------------------------------------------------------------------------------------------------------------


async def deliver(desk: Desk, send: Send) -> int:
    """Post what is due; how many have arrived."""
    at = desk.clock()
    if not await desk.storage.read(lambda tx: passed.is_due(tx, at)):
        return 0
    due = await desk.storage.write(lambda tx: passed.take_due(tx, at, _LEASE), point="letter-due")
    return sum(await asyncio.gather(*(_try(desk, send, each) for each in due)))  # an inbox that hangs is in nobody's way


async def _try(desk: Desk, send: Send, one: Passed) -> bool:
    fault, final = await _send(send, one)
    at = desk.clock()
    wait = _TRIES[one.tries - 1] if one.tries <= len(_TRIES) else DAY

    async def unit(tx: Tx) -> None:
        if not fault or final or at + wait >= one.taken_at + _PATIENCE:
            await passed.done(tx, one.id, at, fault)
        else:
            await passed.failed(tx, one.id, fault, at + wait)

    await desk.storage.write(unit, point="letter-arrived")
    return not fault


async def _send(send: Send, one: Passed) -> tuple[str, bool]:
    """Why it did not arrive, empty if it did; and whether trying again is of no use. What the other body says of it is not for us."""
    headers = {"content-type": inbox.MEDIA_TYPE}
    try:
        got = await send(Fetch(url=one.url, method="POST", headers=headers, body=one.letter.encode(), max_bytes=_MAX_ANSWER))
    except AddressRefused as error:
        return error.code, True
    except VcError as error:
        return error.code, False
    return ("", True) if got.status in {200, 202} else (f"http_{got.status}", got.status in _FOR_GOOD)
