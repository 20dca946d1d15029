"""Telling another body something by a holder's permission: only what it allows, only as often, and never after it was withdrawn.

Each time is written down, also what was refused: by name of what was to be told, never its contents. It is counted in the same unit of work
(failpoint ``permission-use``), and the same ``reference`` again is the same use, so that a program that dies in between tells nothing twice; it is
judged again, for what was withdrawn or has ended since is not to be told any more.
Its giver gets a receipt for each (domain sheet C04, rule R6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared import asks
from shared.asks import Ask, Told, read_ask
from shared.clock import DAY
from shared.codec import base64url
from shared.errors import Conflict, Missing, OutsidePermission, VcError
from shared.jose.jwk import parse_public_jwk
from shared.keys import sign
from shared.openid4vp import limits_of, permission_kind
from shared.receipts import LogHead, Receipt, bind_presentation, prepare_receipt
from shared.storage import Tx
from shared.web import log
from verifier import granting
from verifier import request as requests
from verifier.desk import Desk
from verifier.granting import Wish
from verifier.material import Store
from verifier.ordering import Order
from verifier.records import events, permissions
from verifier.records.permissions import Kept, Use
from verifier.sessions import Asked
from verifier.telling import withdrawn
from verifier.watching import standing_of

KIND: Final = "disclosure"
WITHDRAWN: Final = "withdrawal"
PURPOSE: Final = "disclosure-permission"
_TRIES: Final = 8
Unit = Callable[[Tx], Awaitable[Use]]
State = Literal["in-force", "withdrawn", "used-up", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """What is to be told: ``categories`` are codes. ``recipient`` is whom, by identifier; empty means whom the permission names.

    ``reference`` is the caller's own name for this time, ``made_by`` a role: ``desk`` or ``program``.
    """

    categories: Sequence[str]
    recipient: str = ""
    reference: str = ""
    made_by: str = "program"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
    """When it was judged, how many uses there were before, and what the receipt for this one is bound to."""

    at: int
    before: int
    receipt: Mapping[str, Any]


class _ChangedError(Exception):
    """It was used or withdrawn at the same moment; the unit of work is given up."""


async def ask(desk: Desk, wish: Wish, *, type_id: str, query_id: str, made_by: str) -> Asked:
    """A request whose answer is the permission. ``InvalidRequest``, ``Malformed`` or ``UnknownCredentialType`` with a pointer."""
    order = Order(type=type_id, query=query_id, transactions=[granting.entry(desk, wish, desk.type(type_id))])
    return await requests.make(desk, order, made_by=made_by)


async def find(desk: Desk, identifier: str) -> tuple[Kept, list[Use]]:
    """A permission with its uses; ``Missing`` if there is none of that number any more."""
    at = desk.clock()

    async def unit(tx: Tx) -> tuple[Kept | None, list[Use]]:
        return await permissions.find(tx, identifier, at), await permissions.uses(tx, identifier)

    kept, uses = await desk.storage.read(unit)
    if kept is None:
        raise Missing("there is no such permission, or its time is over")
    return kept, uses


def state_of(desk: Desk, kept: Kept, at: int) -> State:
    """One word for lists and programs."""
    if kept.withdrawn_at is not None:
        return "withdrawn"
    if kept.used >= kept.permission.max_uses:
        return "used-up"
    return "over" if granting.today(desk, at) > kept.permission.expires else "in-force"


async def tell(desk: Desk, store: Store, identifier: str, wanted: Tell) -> Use:
    """Count and write down that something is told now. ``OutsidePermission`` if it is not allowed, which is written down as well.

    Nor is it while the document with which it was given is on hold, or once that was cancelled, as far as the kept lists say, or has run out.
    ``Conflict`` where the reference was used for something else.
    """
    for _ in range(_TRIES):
        at, (kept, before) = desk.clock(), await find(desk, identifier)
        earlier = next((use for use in before if wanted.reference and use.reference == wanted.reference), None)
        if earlier is not None:
            _check_same(earlier, wanted)
        inside = await granting.opened(desk, kept)
        used = kept.used if earlier is None else kept.used - 1  # counted already
        fault = _fault(desk, kept, wanted, used, at) or await _rests_on(desk, store, inside, at)
        if earlier is not None and fault is None:
            return earlier
        basis = _Basis(at=at, before=len(before), receipt=_basis(desk, inside))
        try:
            use = await desk.storage.write(_unit(desk, kept, wanted, fault, basis), point="permission-use")
        except _ChangedError:
            continue
        if fault is not None:
            raise fault
        return use
    raise Conflict("it is used by several at the same moment; try again")


def _check_same(earlier: Use, wanted: Tell) -> None:
    """Whom it was told stands in the permission: anybody else is refused as such."""
    if earlier.categories != tuple(wanted.categories):
        raise Conflict("this reference was used for something else", where="/reference")
    if earlier.code:
        raise OutsidePermission("this was refused before", where=earlier.place)


def _fault(desk: Desk, kept: Kept, wanted: Tell, used: int, at: int) -> VcError | None:
    """Why it may not be told after ``used`` others, by the rules of the kind of document that a permission is."""
    limits = kept.permission
    if kept.withdrawn_at is not None:
        return OutsidePermission("it was withdrawn", where="/withdrawn")
    use = {
        "discloser": desk.entity,
        "recipient": wanted.recipient or limits.recipient.id,
        "categories": list(wanted.categories),
        "today": granting.today(desk, at),
        "used": used,
    }
    try:
        permission_kind().judge(limits_of(limits), use)
    except VcError as fault:
        return fault
    return None


async def _rests_on(desk: Desk, store: Store, inside: Mapping[str, Any], at: int) -> VcError | None:
    """What has become of the document with which it was given; once that has run out nobody can tell any more, and it has to be asked for again."""
    if inside["follows_until"] <= at:
        return OutsidePermission("the document with which it was given has run out: ask for it again", where="/authority")
    if inside["follows"] is None:
        return None
    became = await standing_of(desk, await store.picture(), inside["follows"])
    if became not in {"on-hold", "cancelled"}:
        return None
    words = {
        "on-hold": "the document with which it was given is on hold",
        "cancelled": "the document with which it was given was cancelled",
    }
    return OutsidePermission(words[became], where="/authority")


def _basis(desk: Desk, inside: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the receipt for its giver is bound to."""
    salt, digest = bind_presentation(base64url.decode(inside["presentation"]), entropy=desk.entropy)
    return {
        "receipt_id": desk.secret(),
        "salt": base64url.encode(salt),
        "presentation_digest": base64url.encode(digest),
        "nonce": inside["nonce"],
    }


def _unit(desk: Desk, kept: Kept, wanted: Tell, fault: VcError | None, basis: _Basis) -> Unit:
    at = basis.at

    async def unit(tx: Tx) -> Use:
        if len(await permissions.uses(tx, kept.id)) != basis.before or (fault is None and not await permissions.spend(tx, kept)):
            raise _ChangedError
        head = await _write(tx, desk, kept, at, kind=KIND, names=wanted.categories, made_by=wanted.made_by, fault=fault)
        use = Use(
            permission=kept.id,
            number=basis.before + 1,
            at=at,
            reference=wanted.reference,
            categories=tuple(wanted.categories),
            code="" if fault is None else fault.code,
            place="" if fault is None else fault.where,
            receipt=basis.receipt if fault is None else {},
            head=head,
        )
        await permissions.add_use(tx, use)
        return use

    return unit


async def _write(
    tx: Tx, desk: Desk, kept: Kept, at: int, *, kind: str, names: Sequence[str], made_by: str, fault: VcError | None = None
) -> LogHead:
    """A line of the log of decisions: names of what was told, and nothing about anybody."""
    keep_until = at + desk.settings.log_days * DAY
    record = {
        "time": at,
        "kind": kind,
        "intendedUseIdentifier": PURPOSE,
        "permission": kept.id,
        "recipient": kept.permission.recipient.id,
        "vct": [permission_kind().vct],
        "claim_paths": list(names),
        "decision": "accepted" if fault is None else "rejected",
        "reason_code": "" if fault is None else fault.code,
        "where": "" if fault is None else fault.where,
        "staff_role": made_by,
        "retain_until": keep_until,
    }
    return await log.append(tx, record, at=at, keep_until=keep_until, entropy=desk.entropy)


# --- what its giver asks -------------------------------------------------------------------------------------------------------------------


async def answer(desk: Desk, data: bytes) -> dict[str, Any]:
    """Withdraw a permission, for whoever signs with the key that gave it; say what was told by it, for whoever has what was shown then as well.

    How it stands, and a receipt a use.

    ``Missing`` if there is no such permission, or somebody else asks: nobody learns which. ``Malformed`` for what is no ask.
    """
    ask = read_ask(data)
    try:
        kept, uses = await find(desk, ask.about)
        inside = await granting.opened(desk, kept)
        if isinstance(ask, Told):
            asks.check_told(ask, presentation=base64url.decode(inside["presentation"]))
        else:
            asks.check_ask(ask, entity=desk.entity, holder=parse_public_jwk(inside["holder"]), at=desk.clock())
    except VcError as error:
        raise Missing("there is no such permission of yours") from error
    if isinstance(ask, Ask):
        kept = await withdraw(desk, kept, made_by="program")
    receipts = [await _receipt(desk, kept, use) for use in uses if not use.code]
    ended = {} if kept.withdrawn_at is None else {"withdrawn_at": kept.withdrawn_at}
    return {"state": state_of(desk, kept, desk.clock()), "used": kept.used, **ended, "receipts": receipts}


async def withdraw(desk: Desk, kept: Kept, *, made_by: str) -> Kept:
    """From now on; asked again it stays as it was. ``made_by``: ``desk`` where its giver said so there, without the key that gave it."""
    at = desk.clock()
    event = withdrawn(desk, kept.id, kept.exchange, at)

    async def unit(tx: Tx) -> Kept | None:
        if await permissions.withdraw(tx, kept.id, at):
            await _write(tx, desk, kept, at, kind=WITHDRAWN, names=(), made_by=made_by)
            if event is not None:
                await events.add(tx, event)
        return await permissions.find(tx, kept.id, at)

    return await desk.storage.write(unit, point="permission-withdrawn") or kept


async def _receipt(desk: Desk, kept: Kept, use: Use) -> str:
    """Signed when it is handed out; it says the same however often it is asked for."""
    receipt = Receipt(
        receipt_id=use.receipt["receipt_id"],
        entity=desk.entity,
        received_at=use.at,
        decision="accepted",
        effective_from=use.at,
        purpose_id=PURPOSE,
        retain_until=kept.keep_until,
        contact=desk.settings.contact or None,
        how_to_complain=desk.settings.how_to_complain or None,
        salt=base64url.decode(use.receipt["salt"]),
        presentation_digest=base64url.decode(use.receipt["presentation_digest"]),
        nonce=use.receipt["nonce"],
        recipient=kept.permission.recipient.id,
        told=use.categories,
        log_head=use.head,
    )
    unsigned = prepare_receipt(receipt, key=desk.signer.key, x5c=desk.x5c, at=use.at, alg=desk.alg)
    return await sign(unsigned, desk.custodian)
