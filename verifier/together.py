"""Acts that several people have to agree to, one after the other (security rule S26, ADR 0010).

The first answer is undecided, and kept sealed for a week under the transaction that it was signed for. Whoever answers for the same
transaction, with a document of the same instrument and as another person, adds to it. Once they are enough, every answer is checked whole
once more, told how many they are: only what still holds then counts. What cannot be told at that moment, because lists are too old for
instance, is neither a yes nor a no: it stays, and is looked at again by the clock (``look_again``). The earlier answers are told afterwards
(``finish``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import msgspec

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.errors import NeedsMoreAttorneys, OtherInstrument, Replayed
from shared.formats import NOTHING
from shared.openid4vp import JOINT
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision, Mark, find_mark, is_another, ruled_out
from verifier import registering, settle
from verifier.acts import Act, Part, Standing
from verifier.deciding import decide_again
from verifier.desk import LOG, STORAGE, Desk
from verifier.material import Picture, Store
from verifier.records import exchanges, letters
from verifier.records import together as records
from verifier.records.exchanges import Ended
from verifier.records.together import Kept
from verifier.sessions import Answered, Asked, render_terms, transactions
from verifier.settle import Outcome, Put, Shown, Take

WAIT: Final = 7 * DAY
_TRIES: Final = 8
Judge = Callable[[Mapping[str, Any]], Decision]
"""Decides about what came, told this much more of the use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """The decision with what the others said; ``kept`` is what is to be remembered of it, ``None`` for nothing new, and ``others`` are theirs."""

    decision: Decision
    kept: Kept | None = None
    others: tuple[Part, ...] = ()
    standing: Standing | None = None


class _ChangedError(Exception):
    """Somebody else answered for the same transaction meanwhile; the unit of work is given up."""


# --- the answer of one person --------------------------------------------------------------------------------------------------------------


async def conclude(
    desk: Desk,
    picture: Picture,
    asked: Asked,
    judge: Judge,
    shown: Shown,
    *,
    take: Take,
    put: Put,
    more: Mapping[str, Any] = NOTHING,
    tell: bool = True,
    collected: bool = False,
    came_at: int | None = None,
    keep: Callable[[Decision], int] = lambda _: 0,
) -> Outcome | None:
    """Decide and keep the decision, as ``settle``; where several have to agree, with what the others have answered.

    ``more`` is what is known beyond the question, ``came_at`` when the answer came, if that was before now; ``keep`` is asked how long what was
    shown is kept.
    """
    for _ in range(_TRIES):
        weighed = await _weigh(desk, picture, asked, judge, shown, more=more, came_at=came_at)
        try:
            outcome = await settle.settle(
                desk,
                asked,
                weighed.decision,
                replace(shown, standing=_told(weighed.standing)),
                picture.material.memory,
                take=take,
                put=_with(weighed, put, desk.clock(), asked),
                tell=tell,
                collected=collected,
                keep=keep(weighed.decision),
            )
        except _ChangedError:
            continue
        if outcome is not None and outcome.decision.decision == "rejected":
            await _leave_out(desk, asked)
        return outcome
    return None


async def _leave_out(desk: Desk, asked: Asked) -> None:
    """What was shown with an answer that a person refused lies no longer with what the others showed."""
    if not asked.terms.together:
        return
    key, at = await _key(desk, asked), desk.clock()
    for _ in range(_TRIES):
        kept = await desk.storage.read(lambda tx: records.find(tx, key, at))
        if kept is None:
            return
        act = await _open(desk, kept)
        left = msgspec.structs.replace(act, parts=await _open_parts(desk, act.parts), before=await _open_parts(desk, act.before))
        known = replace(kept, version=kept.version + 1, sealed=await _seal(desk, key, left))
        if left == act or await desk.storage.write(partial(records.keep, kept=known, at=at), point="together"):
            return


def _with(weighed: _Weighed, put: Put, at: int, asked: Asked) -> Put:
    """What is remembered goes into the same unit of work as the answer."""
    kept = weighed.kept
    if kept is None:
        return put

    async def both(tx: Tx, ended: Ended, head: LogHead) -> None:
        await put(tx, ended, head)
        if ended.decision == "rejected":  # it was relied upon elsewhere in the meantime
            return
        if not await _keep(tx, kept, weighed.others, at):
            raise _ChangedError
        await exchanges.remember(tx, asked.id, kept.until)

    return both


async def _keep(tx: Tx, kept: Kept, parts: Sequence[Part], at: int) -> bool:
    """Keep what was found with the answers ``parts``; false if a person refused one of them meanwhile, or somebody else was first."""
    return all([await exchanges.is_undecided(tx, each.exchange) for each in parts]) and await records.keep(tx, kept, at)


async def _weigh(
    desk: Desk, picture: Picture, asked: Asked, judge: Judge, shown: Shown, *, more: Mapping[str, Any], came_at: int | None
) -> _Weighed:
    decision, at = judge(more), desk.clock()
    mark = find_mark(decision.credentials, desk.types) if decision.code == NeedsMoreAttorneys.code else None
    if mark is None or not asked.terms.together:
        return _Weighed(decision=decision)
    key = await _key(desk, asked)
    kept = await desk.storage.read(lambda tx: records.find(tx, key, at))
    act = None if kept is None else await _open(desk, kept)
    if act is not None:
        act = msgspec.structs.replace(act, parts=await _open_parts(desk, act.parts))
    kept = kept or Kept(key=key, version=0, sealed=b"", done=False, told=False, until=at + WAIT)
    if act is None or not act.parts:  # where nobody of it is left, it is that of whoever answers now
        act = Act(**_instrument(mark))
    try:
        if kept.done:
            raise Replayed("enough have agreed to this already")
        is_another(mark, act.marks())  # of the same instrument, whoever of them still stands
    except (OtherInstrument, Replayed) as error:
        return _Weighed(decision=ruled_out(decision, error))
    found = _standing_by(desk, picture, act)
    again = tuple(each for each, said in found if said == "undecided" and each.number == mark.number)
    others, holding = tuple(each for each, _ in found if each not in again), _count(found)
    if not is_another(mark, msgspec.structs.replace(act, parts=others).marks()):
        return _Weighed(decision=decision, standing=_standing(act, kept))
    part = _part(asked, mark, shown, more, at if came_at is None else came_at)
    both = msgspec.structs.replace(act, parts=(*others, part), before=(*act.before, *again))
    enough = holding + 1 >= both.needed
    if enough:
        decision = judge({**more, "attorneys": holding + 1})
        if decision.decision != "accepted":
            return _Weighed(decision=decision, standing=_standing(act, kept))
    changed = replace(
        kept, version=kept.version + 1, sealed=await _seal(desk, key, both), done=enough, unsure=_is_unsure(both, holding + 1)
    )
    return _Weighed(decision=decision, kept=changed, standing=_standing(both, changed), others=others)


async def _open_parts(desk: Desk, parts: Sequence[Part]) -> tuple[Part, ...]:
    """Those that are undecided still: no person has refused them since."""

    async def unit(tx: Tx) -> tuple[Part, ...]:
        return tuple([each for each in parts if await exchanges.is_undecided(tx, each.exchange)])

    return await desk.storage.read(unit)


def _standing_by(desk: Desk, picture: Picture, act: Act) -> list[tuple[Part, str]]:
    """Those earlier answers that are no no by now, each with what it would be if enough agreed: ``accepted``, or what nobody can tell now."""
    found = [(each, _decide(desk, picture, each, act).decision) for each in act.parts if each.entity == desk.entity]
    return [(each, said) for each, said in found if said != "rejected"]


def _count(found: Sequence[tuple[Part, str]]) -> int:
    return sum(said == "accepted" for _, said in found)


def _is_unsure(act: Act, holding: int) -> bool:
    """Whether it may be done already, as far as can be told."""
    return holding < act.needed <= len(act.parts)


def _decide(desk: Desk, picture: Picture, part: Part, act: Act) -> Decision:
    return decide_again(desk, picture, part.asked, part.opened, came_at=part.at, more={**part.more, "attorneys": act.needed})


def _standing(act: Act, kept: Kept) -> Standing:
    agreed = act.needed if kept.done else min(len(act.parts), act.needed - 1)  # of some it may not be known whether they still hold
    return Standing(agreed=agreed, needed=act.needed, until=kept.until)


def _told(standing: Standing | None) -> dict[str, int]:
    return {} if standing is None else {"agreed": standing.agreed, "needed": standing.needed, "until": standing.until}


def _instrument(mark: Mark) -> dict[str, Any]:
    return {"vct": mark.vct, "issuer": mark.issuer, "tag": mark.tag, "needed": mark.needed}


def _part(asked: Asked, mark: Mark, shown: Shown, more: Mapping[str, Any], at: int) -> Part:
    return Part(
        exchange=asked.id,
        entity=asked.entity,
        terms=render_terms(asked.terms),
        made_by=asked.made_by,
        made_at=asked.made_at,
        expires_at=asked.expires_at,
        at=at,
        number=mark.number,
        holder=mark.holder,
        nonce=shown.nonce,
        format=shown.format,
        vp_token={name: tuple(wires) for name, wires in shown.vp_token.items()},
        bound=settle.bound_of(shown.binding),
        key=dict(shown.key),
        response_code=shown.response_code,
        more=dict(more),
        basis=dict(shown.basis or {}),
    )


# --- sealed ----------------------------------------------------------------------------------------------------------------------------------


async def _key(desk: Desk, asked: Asked) -> str:
    """Nobody who reads the row learns for which transaction it is. Whoever signed other words for it, or none, is in another act."""
    terms = asked.terms
    signed = [each.raw for each in transactions(terms) if each.type != JOINT]
    beside = [terms.instrument, signed] if terms.instrument or signed else []
    named = strict_json.dumps([terms.purpose_id, terms.together, *beside])
    return base64url.encode(await desk.custodian.mac(LOG, b"together\0" + named))


async def asking(desk: Desk, asked: Asked) -> Callable[[Tx], Awaitable[None]] | None:
    """What is to be written with a question to several: that the name of the act is ours, however long it takes until the first answer."""
    if not asked.terms.together or asked.terms.instrument:
        return None
    return partial(records.ask, key=await _key(desk, asked), until=asked.expires_at + WAIT)


async def apart(desk: Desk, asked: Asked, decision: Decision) -> Asked:
    """A copy whose holder made the name of the act up: theirs is the act of their instrument. One that was asked for here has a name of ours."""
    mark = find_mark(decision.credentials, desk.types)
    if mark is None or not asked.terms.together or await _is_ours(desk, asked):
        return asked
    named = strict_json.dumps([asked.terms.purpose_id, asked.terms.together, mark.vct, mark.issuer, mark.tag])
    instrument = base64url.encode(await desk.custodian.mac(LOG, b"instrument\0" + named))
    return replace(asked, terms=replace(asked.terms, instrument=instrument))


async def _is_ours(desk: Desk, asked: Asked) -> bool:
    key, at = await _key(desk, asked), desk.clock()
    return await desk.storage.read(lambda tx: records.is_asked(tx, key, at))


async def _seal(desk: Desk, key: str, act: Act) -> bytes:
    return await desk.custodian.seal(STORAGE, msgspec.json.encode(act), context=f"together:{key}".encode())


async def _open(desk: Desk, kept: Kept) -> Act:
    return msgspec.json.decode(await desk.custodian.unseal(STORAGE, kept.sealed, context=f"together:{kept.key}".encode()), type=Act)


async def standing_of(desk: Desk, asked: Asked) -> Standing | None:
    """How many have agreed to the transaction of ``asked`` by now; ``None`` where nobody has, or nobody is to."""
    if not asked.terms.together:
        return None
    key, at = await _key(desk, asked), desk.clock()
    kept = await desk.storage.read(lambda tx: records.find(tx, key, at))
    return None if kept is None else _standing(await _open(desk, kept), kept)


# --- the earlier answers -----------------------------------------------------------------------------------------------------------------------


async def look_again(desk: Desk, store: Store) -> None:
    """Decide acts to which enough had answered while of some it could not be told whether they still held, then ``finish``."""
    at = desk.clock()
    for kept in await _in_turn(desk, lambda tx: records.unsure(tx, at)):
        act, picture = await _open(desk, kept), await store.picture()
        act = msgspec.structs.replace(act, parts=await _open_parts(desk, act.parts))
        found = _standing_by(desk, picture, act)
        others, holding = tuple(each for each, _ in found), _count(found)
        act, enough = msgspec.structs.replace(act, parts=others), holding >= act.needed
        if enough or not _is_unsure(act, holding):
            known = replace(kept, version=kept.version + 1, sealed=await _seal(desk, kept.key, act), done=enough, unsure=False)
            await desk.storage.write(
                partial(_keep, kept=known, parts=others, at=at), point="together"
            )  # else it is looked at in the next round
    await finish(desk, store)


async def _in_turn(desk: Desk, find: Callable[[Tx], Awaitable[list[Kept]]]) -> list[Kept]:
    """The next acts to look at. Where there may be more, these wait until the others had their turn, so that none that hangs stands before them."""
    found = await desk.storage.read(find)
    if len(found) >= records.AT_ONCE:
        await desk.storage.write(partial(records.look, found=found, at=desk.clock()), point="together-look")
    return found


async def finish(desk: Desk, store: Store) -> int:
    """Tell the answers of acts to which enough have agreed; how many were told. What was cut off is gone on with here.

    An answer of which nothing can be told now waits; what is left for the rest of the week says only that this was agreed to.
    """
    told = 0
    for kept in await _in_turn(desk, records.finished):
        act, picture = await _open(desk, kept), await store.picture()
        left, parts = [], (*act.parts, *act.before)
        for part in await _open_parts(desk, parts):  # the last one was decided with the act itself, if it was not by the clock
            decision = _decide(desk, picture, part, act)
            if decision.decision == "undecided":
                left.append(part)
            else:
                told += await _tell(desk, picture, part, act, decision)
        if left and len(left) == len(parts):
            continue
        known = replace(
            kept,
            version=kept.version + 1,
            sealed=await _seal(desk, kept.key, msgspec.structs.replace(act, parts=tuple(left), before=())),
            told=not left,
        )
        await desk.storage.write(partial(records.keep, kept=known, at=desk.clock()), point="together")
    return told


async def _tell(desk: Desk, picture: Picture, part: Part, act: Act, decision: Decision) -> bool:
    """Once, however often it is tried: an answer that was told is not undecided any more."""
    at = desk.clock()
    before = await desk.storage.read(lambda tx: exchanges.find(tx, part.exchange, at))
    if not isinstance(before, Answered):
        return False

    async def take(tx: Tx, ended: Ended) -> bool:
        del ended
        return await exchanges.agree(tx, part.exchange)

    terms = part.asked.terms

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        await exchanges.keep_answer(tx, part.exchange, ended, head)
        if ended.decision != "undecided":
            await letters.decided_with_others(tx, part.exchange, ended.at, decision.status_iat)

    accepted, opened, still = decision.decision == "accepted", part.opened, await settle.open_verdict(desk, before)
    keep = registering.seconds_kept(desk.directory, desk.settings, terms.purpose_id, accepted=accepted) if terms.kind == "letter" else 0
    shown = Shown(
        vp_token=opened.vp_token,
        nonce=part.nonce,
        format=opened.format,
        response_code=opened.response_code,
        basis=part.basis or None,
        binding=opened.binding if opened.bound else None,
        key=opened.key,
        standing=_told(Standing(agreed=act.needed, needed=act.needed, until=at)),
        posted="" if still is None else still.posted,
    )
    outcome = await settle.settle(
        desk,
        part.asked,
        decision,
        shown,
        picture.material.memory,
        take=take,
        put=put,
        collected=before.collected,
        keep=keep,
    )
    return outcome is not None
