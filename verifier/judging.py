"""The second judge (security rule S11): what a desk was shown, verified here once more with the service's own knowledge.

The page shows whichever verdict is stricter, so nothing here can raise a level. Nonces and the memory of what was seen are shared by all
desks through the database: an answer that was taken before is ``replayed``, never something lesser (S6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from shared.cose import CHALLENGE, DESK_CERTIFICATE, verify_sign1
from shared.errors import Malformed, PurposeMismatch, Untrusted, VcError, WrongAudience
from shared.flow import run
from shared.formats import Binding
from shared.ovp.answer import asked_of, code_binding, live_binding, parse_answer
from shared.ovp.challenge import Challenge, parse_challenge
from shared.ovp.code import SECONDS, parse_code
from shared.ovp.envelope import parse_text
from shared.receipts import LogHead
from shared.storage import Tx
from shared.trust.relying_party import Want, check_in_force
from shared.verify import Decision, Expectation, Level, decide_error, render_verdict, replayed, verify
from verifier import copies, keys, settle
from verifier.answers import used_up
from verifier.desk import LOG, Desk
from verifier.material import Picture, Store
from verifier.records import scan as records
from verifier.records.exchanges import Ended
from verifier.records.scan import ScanDesk
from verifier.scan import handle_of, key_of
from verifier.sessions import Asked, Terms
from verifier.uses import Use, wants_of

GRACE: Final = 60  # seconds that a desk may take to post what it was shown in time
_FORGOTTEN: Final = 3_600  # seconds after which an answered challenge or code needs no remembering: it ran out long ago


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a desk was shown, opened. ``answer`` is the text of a code, ``challenge`` the bytes that it answers, ``code`` ten digits.

    ``told`` is what a person at the desk has read or seen.
    """

    mode: Literal["live", "code", "copy"]
    answer: str = field(repr=False)
    challenge: bytes = b""
    code: str = ""
    use: str = ""
    told: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, as far as it proved to be ours. ``until`` is when its answer needs no remembering.

    ``before`` are bindings to keys that signed until lately: a wallet may not have heard of the one that does.
    """

    use: Use
    wants: tuple[Want, ...]
    binding: Binding
    nonce: bytes
    until: int
    before: tuple[Binding, ...] = ()


async def judge(desk: Desk, store: Store, caller: ScanDesk, shown: Shown) -> dict[str, Any]:
    """The verdict; never raises for what a stranger wrote."""
    if shown.mode == "copy":
        outcome = await copies.bring(desk, store, shown.answer.encode(), made_by="desk", more=shown.told)
        return render_verdict(outcome.decision)
    level = Level.LIVE if shown.mode == "live" else Level.RELAYABLE
    try:
        question = await (_live(desk, caller, shown) if shown.mode == "live" else _code(desk, shown))
        answer = parse_answer(*parse_text(shown.answer))
    except VcError as error:
        return render_verdict(decide_error(error, at=desk.clock(), level=level))
    picture = await store.picture()
    expectation = Expectation(
        query=None,
        asked=asked_of(question.wants, desk.types),
        binding=question.binding,
        use={**question.use.query.use, **shown.told},
        format=answer.format,
    )
    token = {question.use.query.id: [answer.wire]}
    decision = run(verify(token, expectation, picture.material, at=desk.clock()), picture.answer)
    for binding in question.before:
        if decision.code == WrongAudience.code:
            other = replace(expectation, binding=binding)
            decision = run(verify(token, other, picture.material, at=desk.clock()), picture.answer)
    return render_verdict(await _keep(desk, question, decision, token, picture))


async def _live(desk: Desk, caller: ScanDesk, shown: Shown) -> Question:
    """The challenge has to be this desk's own, signed with its key under our certificate, and of this minute."""
    challenge = parse_challenge(shown.challenge)
    at, public = desk.clock(), (await keys.answered(desk)).get(challenge.desk.kid)
    if challenge.desk.entity != desk.entity or public is None:
        raise Untrusted("this question is not by a desk of ours")
    verify_sign1(challenge.desk.sign1, public, typ=DESK_CERTIFICATE)
    if challenge.desk.public != key_of(caller) or challenge.aud != handle_of(caller):
        raise WrongAudience("this question is another desk's, or would have the answer made out to one")
    verify_sign1(challenge.sign1, challenge.desk.public, typ=CHALLENGE)
    check_in_force(challenge.desk.issued_at, challenge.desk.expires_at, at=at)
    check_in_force(challenge.issued_at, challenge.issued_at + challenge.ttl + GRACE, at=at)
    return Question(
        use=_use(desk, challenge.use, challenge),
        wants=challenge.wants,
        binding=live_binding(challenge),
        nonce=challenge.digest,
        until=at + _FORGOTTEN,
    )


async def _code(desk: Desk, shown: Shown) -> Question:
    use = _use(desk, shown.use)
    code, known = parse_code(shown.code, entity=desk.entity, use=use.query.id), await keys.answered(desk)
    bindings = [code_binding(code, entity=desk.entity, use=use.query.id, public=public) for public in known.values()]
    binding = bindings[0] if bindings else None
    if binding is None or binding.nonce is None:
        raise Malformed("a code has a nonce")
    return Question(
        use=use,
        wants=(wants_of(use, by_code=True),),
        binding=binding,
        nonce=binding.nonce.encode(),
        until=desk.clock() + SECONDS + _FORGOTTEN,
        before=tuple(bindings[1:]),
    )


def _use(desk: Desk, name: str, challenge: Challenge | None = None) -> Use:
    """A use that is served here; a challenge asks for no more than that."""
    for use in desk.uses():
        if use.query.id == name and (challenge is None or challenge.wants == (wants_of(use),)):
            return use
    raise PurposeMismatch("it was made for a purpose that is not served here")


async def _keep(desk: Desk, question: Question, decision: Decision, token: Mapping[str, Any], picture: Picture) -> Decision:
    """In the log, by name of details only; nothing that was shown is kept. One answer to a question, whichever desk posts it."""
    at, use = desk.clock(), question.use
    terms = Terms(
        kind="request", type=use.type.id, ready=use.query.id, purpose_id=use.query.id, purpose=use.query.purpose, use=use.query.use
    )
    asked = Asked(id=desk.secret(), entity=desk.entity, terms=terms, made_by="desk", made_at=at, expires_at=at)
    key = await desk.custodian.mac(LOG, b"question\0" + hashlib.sha256(question.nonce).digest())

    async def take(tx: Tx, _ended: Ended) -> bool:
        if used_up(decision):
            return await records.use_nonce(tx, key, question.until)
        return not await records.nonce_used(tx, key)

    async def put(_tx: Tx, _ended: Ended, _head: LogHead) -> None:
        """Nothing: the desk shows it, and forgets it with the next customer."""

    shown = settle.Shown(vp_token=token, nonce="")
    outcome = await settle.settle(desk, asked, decision, shown, picture.material.memory, take=take, put=put, tell=False)
    return replayed(decision) if outcome is None else outcome.decision
