"""Copies that were brought in: a file, a picture, a pasted text. Decided at once, with the same memory as everything else here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from shared.addressed import AddressedPresentation, transaction_of
from shared.credentials import Text
from shared.credentials._joint import is_joint
from shared.errors import Conflict, Malformed, Rejected, Unavailable, VcError
from shared.ovp.answer import Answer, Peeked, peek_answer
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision, decide_error
from verifier import together
from verifier.check import Judged, judge_copy, read_copy
from verifier.desk import Desk
from verifier.inbox_keys import opening
from verifier.locked import key_named, unlock
from verifier.material import Picture, Store
from verifier.records import exchanges
from verifier.records.exchanges import Ended
from verifier.sessions import Asked, Kind, Terms
from verifier.settle import Outcome, Shown, settle
from verifier.uses import DIED_BY, WHOLE_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """How a copy that came by post is kept: with which decision, what was shown for how many seconds (``keep``), and with which row beside it.

    ``basis`` is what its receipts are bound to; ``joins``: it counts with what others agree to, and the decision is made with theirs.
    """

    decision: Decision
    joins: bool
    keep: Callable[[Decision], int]
    forget_at: int
    basis: Mapping[str, Any] = field(repr=False)
    put: Callable[[Tx, Ended], Awaitable[None]]


async def bring(
    desk: Desk,
    store: Store,
    data: bytes,
    *,
    made_by: str,
    words: str | None = None,
    more: Mapping[str, Any] | None = None,
    filing: Callable[[Judged, Asked], Awaitable[Filing]] | None = None,
) -> Outcome:
    """The decision about a copy, kept like that about an answer; never raises for what a stranger wrote.

    A copy that was relied upon here before is ``replayed``. ``more`` is added to what the kind's own check is told. With ``words`` it is a
    locked link, and they are empty where a key opens it: ``Malformed`` where it does not open (at ``words``, or ``/kid`` for a key that is not
    here), for then there is nothing to decide about; also at ``/died_by`` where ``more`` is about a date of death that the copy's use does not ask
    for: nobody relies on a condition that nothing was held against, and the copy is not used up. ``filing`` says how one is kept that came by post; what it raises is raised.
    """
    at = desk.clock()
    copy = await _read(store, data) if words is None else await _unlock(desk, store, data, words, at)
    picture = await store.picture()
    judged = _judge(desk, picture, copy, at=at, more=more or {})
    if judged.decision.decision != "rejected" and {DIED_BY, WHOLE_DAY} & {*(more or {})} and not (judged.use and judged.use.asks_date()):
        raise Malformed("what this copy is for does not ask when somebody died", where=f"/{DIED_BY}")
    kind: Kind = "copy" if filing is None else "letter"
    asked = Asked(id=desk.secret(), entity=desk.entity, terms=_terms(judged, kind, more or {}), made_by=made_by, made_at=at, expires_at=at)
    asked = await together.apart(desk, asked, judged.decision)
    filed = None if filing is None else await filing(judged, asked)

    async def take(_tx: Tx, _ended: Ended) -> bool:
        return True

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        forget_at = at + desk.settings.request_hours * 3_600 if filed is None else filed.forget_at
        await exchanges.add_copy(tx, asked, ended, head, forget_at=forget_at)
        if filed is not None:
            await filed.put(tx, ended)

    shown = Shown(
        vp_token={} if judged.copy is None else judged.copy.vp_token,
        nonce=nonce_of(judged),
        format="" if judged.copy is None else judged.copy.format,
        basis=None if filed is None else filed.basis,
    )
    if filed is not None and not filed.joins:
        memory, decision = picture.material.memory, filed.decision
        outcome = await settle(desk, asked, decision, shown, memory, take=take, put=put, keep=filed.keep(decision))
    else:

        def judge(told: Mapping[str, Any]) -> Decision:
            return _judge(desk, picture, copy, at=at, more=told).decision

        keep = _no_time if filed is None else filed.keep
        outcome = await together.conclude(desk, picture, asked, judge, shown, take=take, put=put, more=more or {}, keep=keep)
        await together.finish(desk, store)
    if outcome is None and filed is not None:
        raise Unavailable("others agreed to the same at this very moment: post it again")
    if outcome is None:
        raise Conflict("others agreed to the same at this very moment: bring it again")
    return outcome


def _no_time(_decision: Decision) -> int:
    """For as long as the desk keeps what it is shown."""
    return 0


async def _read(store: Store, data: bytes) -> AddressedPresentation | VcError:
    """Off the event loop, for a picture takes its time; one at a time, for it takes memory."""
    try:
        async with store.reading:
            return await asyncio.to_thread(read_copy, data)
    except VcError as error:
        return error


async def _unlock(desk: Desk, store: Store, data: bytes, words: str, at: int) -> AddressedPresentation | Rejected:
    """As ``_read``: it is as dear. Who was not meant, or comes too late, gets no copy."""
    try:
        async with store.reading:
            kid = await asyncio.to_thread(key_named, data, entity=desk.entity)
            secret = words if kid is None else await opening(desk, kid)
            return await asyncio.to_thread(unlock, data, secret, entity=desk.entity, at=at)
    except Rejected as error:
        return error


def _judge(desk: Desk, picture: Picture, copy: AddressedPresentation | VcError, *, at: int, more: Mapping[str, Any]) -> Judged:
    if isinstance(copy, VcError):
        return Judged(decision=decide_error(copy, at=at))
    return judge_copy(copy, entity=desk.entity, uses=desk.uses(), material=picture.material, answer=picture.answer, at=at, more=more)


def _terms(judged: Judged, kind: Kind, more: Mapping[str, Any]) -> Terms:
    """What a stranger wrote as the purpose is not repeated where it is none of ours. Of ``more`` what is asked of a date of death is kept."""
    use = judged.use
    if use is None:
        return Terms(kind=kind, purpose_id="", purpose=Text("", ""))
    named = use.query
    of_date = {name: more[name] for name in (DIED_BY, WHOLE_DAY) if name in more} if use.asks_date() else {}
    asked = {**named.use, **of_date}
    act = _transaction(judged) if is_joint(named) else ""
    return Terms(kind=kind, type=use.type.id, ready=named.id, purpose_id=named.id, purpose=named.purpose, use=asked, together=act)


def _transaction(judged: Judged) -> str:
    """What its holder agreed to together with others."""
    return next((transaction_of(each.claims.binding_claims) for each in judged.decision.credentials), "")


def nonce_of(judged: Judged) -> str:
    """The nonce that the holder signed; only of a copy that proved to be the holder's is there a receipt to give, also where it was refused."""
    for credential in judged.decision.credentials:
        nonce = credential.claims.binding_claims.get("nonce")
        if isinstance(nonce, str):
            return nonce
    if judged.copy is None or judged.decision.line("holder_binding").state != "passed":
        return ""
    said = signed(judged.copy)
    return "" if said is None else said.nonce


def signed(copy: AddressedPresentation) -> Peeked | None:
    """What the holder signed beside the document, as the copy says itself; ``None`` where it says nothing of the kind."""
    for wire in (wire for wires in copy.vp_token.values() for wire in wires):
        with suppress(VcError):
            return peek_answer(Answer(copy.format, wire))
    return None
