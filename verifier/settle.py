"""What follows from a decision: its line in the log, the sealed verdict, the receipt. All of it in one unit of work, or none.

What was shown is kept sealed for minutes; the log keeps names of details and keyed digests (domain rule R6). A receipt is signed when it
is handed out: everything in it lies in the verdict and in the log, so a crash between the two loses nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.formats import Binding, Handover
from shared.jose import jwe
from shared.jose.jwk import thumbprint
from shared.keys import sign
from shared.receipts import LogHead, Receipt, bind_presentation, prepare_receipt, presentation_bytes
from shared.status.memory import StatusMemory
from shared.storage import Tx
from shared.verify import Decision, allowed_age, render_verdict, replayed, shown_again
from shared.web import log
from verifier.desk import LOG, STORAGE, Desk
from verifier.details import details, names_seen
from verifier.facts import count_again, fact_of
from verifier.granting import granted, kept_until
from verifier.inherited import may_use
from verifier.records import events, exchanges, knowledge, permissions, watched
from verifier.records.exchanges import Ended
from verifier.registering import days_kept
from verifier.sessions import Answered, Asked, Terms
from verifier.telling import decided
from verifier.watching import to_watch

_LIFE: Final = 16 * DAY  # seconds after which no presentation can be good any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decision that was kept. ``receipt`` is ``None`` where nothing says whose receipt it would be."""

    decision: Decision
    answered: Answered
    receipt: str | None = None
    response_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A sealed verdict, opened: the rendered verdict, what the receipt needs, and what came, as long as nothing is decided.

    ``key`` is the private key that opened the answer: a device may have made its proof with it (ISO/IEC 18013-5 section 9.1.3.5).
    ``statuses`` say where the status stands of what was accepted, for documents that follow it. ``posted`` is the keyed digest of the answer
    as it was posted, by which the same bytes are known when they come again.
    """

    verdict: Mapping[str, Any]
    receipt: Mapping[str, Any] | None
    response_code: str
    vp_token: Mapping[str, Sequence[str]]
    format: str
    bound: Mapping[str, str] = field(default_factory=dict)
    key: Mapping[str, str] = field(default_factory=dict, repr=False)
    statuses: Sequence[Mapping[str, Any]] = ()
    posted: str = ""

    @property
    def binding(self) -> Binding:
        """For whom an answer was, as far as that has to be known to check it once more."""
        key = self.bound.get("key_thumbprint", "")
        handover = Handover(response_uri=self.bound["response_uri"], key_thumbprint=base64url.decode(key) if key else None)
        return sharing(Binding(audience=self.bound["audience"], nonce=self.bound["nonce"], handover=handover), self.key)


def sharing(binding: Binding, key: Mapping[str, str]) -> Binding:
    """``binding`` where a device may share a secret with the private ``key`` that its answer was locked for; empty where it was not."""
    if not key or binding.handover is None:
        return binding
    return replace(binding, handover=replace(binding.handover, agree=partial(jwe.agree, key)))


Take = Callable[[Tx, Ended], Awaitable[bool]]
Put = Callable[[Tx, Ended, LogHead], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What came: presentations by name, and the nonce in the holder's signature, empty where it is not known.

    ``format`` is that of a copy; an answer's follows from what was asked, and ``binding`` is for whom it was, ``key`` the private key that opened it.
    ``response_code`` goes with an answer that is looked at again, ``basis`` is what a receipt for it was bound to before (``bind``).
    ``posted`` is as in ``Opened``.
    """

    vp_token: Mapping[str, Sequence[str]]
    nonce: str
    format: str = ""
    response_code: str = ""
    basis: Mapping[str, Any] | None = None
    binding: Binding | None = None
    key: Mapping[str, str] = field(default_factory=dict, repr=False)
    standing: Mapping[str, int] = field(default_factory=dict)
    posted: str = ""


class _SeenBeforeError(Exception):
    """Another exchange has relied on the same presentation; the unit of work is given up."""


async def settle(
    desk: Desk,
    asked: Asked,
    decision: Decision,
    shown: Shown,
    known: StatusMemory,
    *,
    take: Take,
    put: Put,
    tell: bool = True,
    collected: bool = False,
    keep: int = 0,
) -> Outcome | None:
    """Keep ``decision``; ``None`` if ``take`` finds that the exchange was answered in the meantime.

    A presentation that was relied upon before is ``replayed``, whatever else was right about it. ``tell``: by webhook too, where one is set.
    ``collected``: the number of the answer was brought, where it went with an earlier decision. ``keep`` is for how many seconds what was
    shown is kept; 0 for as long as the desk keeps what it is shown.
    """
    try:
        return await _settle(desk, asked, decision, shown, known, take=take, put=put, tell=tell, collected=collected, keep=keep)
    except _SeenBeforeError:
        return await _settle(desk, asked, replayed(decision), shown, known, take=take, put=put, tell=tell, collected=collected, keep=keep)


async def _settle(
    desk: Desk,
    asked: Asked,
    decision: Decision,
    shown: Shown,
    known: StatusMemory,
    *,
    take: Take,
    put: Put,
    tell: bool,
    collected: bool,
    keep: int,
) -> Outcome | None:
    at = desk.clock()
    keys = [await _mac(desk, "replay", key) for key in decision.replay_keys] if decision.decision == "accepted" else []
    copies = await _copies(desk, decision)
    if copies and await desk.storage.read(lambda tx: exchanges.first_seen(tx, copies)) is not None:
        decision = shown_again(decision)
    keep_until = at + (keep or desk.settings.keep_minutes * 60)
    opened = _opened(desk, asked, decision, shown)
    sealed = await desk.custodian.seal(STORAGE, _render(opened), context=_context(asked.id))
    basis = await _seal_basis(desk, asked, opened)
    ended = Ended(at=at, decision=decision.decision, code=decision.code, sealed=sealed, keep_until=keep_until, basis=basis)
    record = _record(desk, asked, decision, at) | {
        "receipt_id": (opened.receipt or {}).get("receipt_id", ""),
        "presentation_mac": base64url.encode(await _mac(desk, "presentation", presentation_bytes(shown.vp_token))),
        "retain_until": at + desk.settings.log_days * DAY,
    }
    teaches = knowledge.teaches(known, decision.learnt)
    fact = await fact_of(desk, asked, opened.verdict["credentials"]) if decision.decision == "accepted" else None
    watch = await to_watch(desk, asked.id, decision)
    permitted = await granted(desk, asked, decision, shown.vp_token, shown.nonce)
    event = decided(desk, asked, opened.verdict, at) if tell and (collected or not _awaits_number(asked, decision)) else None

    async def unit(tx: Tx) -> LogHead | None:
        if not await take(tx, ended):
            return None
        if not await exchanges.mark_seen(tx, keys, at, at + _LIFE):
            raise _SeenBeforeError
        for copy, until in copies.items():
            await exchanges.mark_seen(tx, [copy], at, until)
        if teaches:
            await knowledge.learn(tx, decision.learnt, at)
        head = await log.append(tx, record, at=at, keep_until=int(str(record["retain_until"])), entropy=desk.entropy)
        await put(tx, ended, head)
        for kept in permitted:
            await permissions.add(tx, kept)
        await count_again(tx, fact, asked.terms.purpose_id, at)
        if event is not None:
            await events.add(tx, event)
        await watched.add(tx, watch)
        return head

    head = await desk.storage.write(unit, point="answer")
    if head is None:
        return None
    answered = Answered(
        asked=asked,
        at=at,
        decision=ended.decision,
        code=ended.code,
        keep_until=keep_until,
        log_head=head,
        sealed=sealed,
        basis=basis,
        collected=collected,
    )
    return Outcome(
        decision=decision, answered=answered, receipt=await sign_receipt(desk, answered, opened), response_code=opened.response_code
    )


async def _copies(desk: Desk, decision: Decision) -> dict[bytes, int]:
    """What copies of documents are known by when they come again, for as long as they are good: their holder key, keyed."""
    if decision.decision != "accepted":
        return {}
    bound = [(each.claims.holder, each.claims.expires_at) for each in decision.credentials if each.claims.holder is not None]
    return {await _mac(desk, "copy", thumbprint(key).encode()): until for key, until in bound}


def _awaits_number(asked: Asked, decision: Decision) -> bool:
    """Nobody is told of a good answer before it is known in whose session it was given."""
    return asked.terms.same_device and decision.decision != "rejected"


def bind(desk: Desk, vp_token: Mapping[str, Sequence[str]], nonce: str) -> dict[str, str]:
    """What a receipt is bound to: a number of its own, a salted digest of what was shown, and the nonce in the holder's signature."""
    salt, digest = bind_presentation(presentation_bytes(vp_token), entropy=desk.entropy)
    return {
        "receipt_id": desk.secret(),
        "salt": base64url.encode(salt),
        "presentation_digest": base64url.encode(digest),
        "nonce": nonce,
    }


def _opened(desk: Desk, asked: Asked, decision: Decision, shown: Shown) -> Opened:
    receipt = shown.basis or bind(desk, shown.vp_token, shown.nonce)
    return Opened(
        verdict=render_verdict(decision)
        | ({"together": dict(shown.standing)} if shown.standing and decision.decision != "rejected" else {}),
        receipt=receipt if shown.nonce else None,
        response_code=shown.response_code or (desk.secret() if asked.terms.redirect_uri else ""),
        vp_token=shown.vp_token if decision.decision == "undecided" else {},
        format=shown.format,
        bound=bound_of(shown.binding) if decision.decision == "undecided" else {},
        key=shown.key if decision.decision == "undecided" else {},
        statuses=_statuses(decision) if decision.decision == "accepted" else (),
        posted=shown.posted,
    )


def _statuses(decision: Decision) -> list[dict[str, Any]]:
    shown = [credential.claims for credential in decision.credentials]
    return [
        {"vct": claims.vct, "issuer": claims.issuer, "uri": claims.status.uri, "idx": claims.status.idx}
        for claims in shown
        if claims.status is not None and not claims.status.purpose
    ]


def bound_of(binding: Binding | None) -> dict[str, str]:
    """``Opened.bound``."""
    if binding is None or binding.handover is None or binding.nonce is None:
        return {}
    key = binding.handover.key_thumbprint
    return {
        "audience": binding.audience,
        "nonce": binding.nonce,
        "response_uri": binding.handover.response_uri,
        "key_thumbprint": "" if key is None else base64url.encode(key),
    }


def _record(desk: Desk, asked: Asked, decision: Decision, at: int) -> dict[str, Any]:
    """The decision record of the log: names of details, never values."""
    shown = [credential.claims for credential in decision.credentials]
    return {
        "time": at,
        "kind": asked.terms.kind,
        "level": decision.level.value,
        "intendedUseIdentifier": asked.terms.purpose_id,
        "vct": sorted({claims.vct for claims in shown}),
        # in an order of their own: that of a copy's disclosures is the copy's, and would tell it from others
        "claim_paths": sorted({name for one in shown for name in names_seen(desk.types.get(one.vct), one.claims, one.disclosed)}),
        "decision": decision.decision,
        "reason_code": decision.code,
        "status_list_iat": decision.status_iat,
        "staff_role": asked.made_by,
    }


async def _mac(desk: Desk, purpose: str, data: bytes) -> bytes:
    """Keyed, so that nobody can try out what was shown (security rule S9)."""
    return await desk.custodian.mac(LOG, purpose.encode() + b"\0" + data)


def _context(identifier: str) -> bytes:
    return f"verdict:{identifier}".encode()


def _render(opened: Opened) -> bytes:
    return strict_json.dumps({name: getattr(opened, name) for name in Opened.__dataclass_fields__})


async def open_verdict(desk: Desk, answered: Answered) -> Opened | None:
    """What was sealed; ``None`` once its time is over, and where it was given to a body before us for a purpose that was not handed over."""
    if answered.sealed is None or not await may_use(desk, answered.asked):
        return None
    plain = await desk.custodian.unseal(STORAGE, answered.sealed, context=_context(answered.asked.id))
    doc = strict_json.load_object(plain, max_bytes=16_000_000)
    return Opened(**doc)


def basis_context(identifier: str) -> bytes:
    """Of what ``Answered.basis`` seals: an ``Opened`` without anything that was shown."""
    return f"receipt:{identifier}".encode()


async def _seal_basis(desk: Desk, asked: Asked, opened: Opened) -> bytes | None:
    """What the receipt of a copy is made of, for whoever handed in paper and asks for it later; a letter keeps its own."""
    if asked.terms.kind != "copy" or opened.receipt is None:
        return None
    verdict, receipt = opened.verdict, opened.receipt
    if opened.vp_token and "together" in verdict:  # undecided: the receipt names all of it
        receipt = {**receipt, "shown": labels_of(desk, verdict)}
    verdict = {name: verdict[name] for name in ("status", "together") if name in verdict}
    bare = replace(opened, verdict=verdict, receipt=receipt, response_code="", vp_token={}, bound={}, key={}, statuses=())
    return await desk.custodian.seal(STORAGE, _render(bare), context=basis_context(asked.id))


async def sign_receipt(desk: Desk, answered: Answered, opened: Opened, *, answer_by: int | None = None) -> str | None:
    """The receipt for the holder (domain section 0.3, security rule S25); the same one however often it is asked for."""
    told, settings = opened.receipt, desk.settings
    if told is None:
        return None
    status = opened.verdict["status"]
    refused = answered.decision == "rejected"  # nothing of it goes into the organisation's own records, or lies sealed here
    use = answered.asked.terms.purpose_id or told.get("purpose_id", "")
    days = days_kept(desk.directory, settings, use)
    silent = days < 0 and bool(settings.claims_kept) and not refused  # how long its own records last is said nowhere
    proof = _proof(answered, opened)
    shown = told.get("shown") or (labels_of(desk, opened.verdict) if proof else ())
    receipt = Receipt(
        receipt_id=told["receipt_id"],
        entity=desk.entity,
        received_at=answered.at,
        decision=answered.decision,
        reason_code=answered.code,
        effective_from=answered.at if answered.decision == "accepted" else None,
        purpose_id=use,
        claims_kept=() if refused or days == 0 else tuple(dict.fromkeys((*shown, *settings.claims_kept))),
        # 0 days: nothing goes into the records, but this desk had it until then
        retain_until=None if silent else max(answered.keep_until, proof, 0 if refused else answered.at + days * DAY),
        contact=settings.contact or None,
        how_to_complain=settings.how_to_complain or None,
        status_list_iat=None if status is None else status["as_of"],
        status_max_age=behind(desk, answered, status),
        salt=base64url.decode(told["salt"]),
        presentation_digest=base64url.decode(told["presentation_digest"]),
        nonce=told["nonce"],
        answer_by=answer_by,
        log_head=answered.log_head,
    )
    unsigned = prepare_receipt(receipt, key=desk.signer.key, x5c=desk.x5c, at=answered.at, alg=desk.alg)
    return await sign(unsigned, desk.custodian)


def _proof(answered: Answered, opened: Opened) -> int:
    """Until when all that was shown is kept beyond the desk's minutes: a permission is proved by it, and others may have to agree; 0 where not."""
    if answered.decision == "accepted":
        return kept_until(answered.asked)
    return int(opened.verdict.get("together", {}).get("until", 0)) if answered.decision == "undecided" else 0


def labels_of(desk: Desk, verdict: Mapping[str, Any]) -> list[str]:
    """What people call the details that a rendered verdict holds, each once, as their kind registered it in English."""
    shown = [(desk.types[each["vct"]], each["claims"]) for each in verdict.get("credentials", ()) if each["vct"] in desk.types]
    rows = [row for kind, claims in shown for row in details(kind, claims)]
    return list(dict.fromkeys(row.label for row in sorted(rows, key=lambda row: row.limit)))


def behind(desk: Desk, answered: Answered, status: Mapping[str, Any] | None) -> int | None:
    """Seconds that a list may be old for what was decided; ``None`` where nothing rests on one, or on none that was still good then."""
    age = None if status is None or answered.decision == "rejected" else list_age(desk, answered.asked.terms)
    if age is None or status is None:
        return None
    return age if answered.decision == "accepted" or status["as_of"] + age > answered.at else None


def list_age(desk: Desk, terms: Terms) -> int | None:
    """Seconds that a list of cancelled documents may be old for what was asked; ``None`` where that is no ready question."""
    limit = desk.settings.max_status_hours * 3_600 or None
    return min((allowed_age(use.type, terms.use, limit) for use in desk.uses_of(terms.type, terms.ready)), default=None)


async def verify_decisions(desk: Desk, heads: Sequence[LogHead] = ()) -> LogHead:
    """The head of the log, if no entry was changed, and it once had all ``heads``; ``HistoryRewritten`` otherwise."""
    return await log.check(desk.storage, heads)
