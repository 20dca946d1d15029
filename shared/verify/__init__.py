"""May I rely on what was shown to me? One flow, whatever the format and wherever the answers come from.

The ten checks, in this order; ``CHECKS`` names them and every verdict has one line for each:

0. ``time``            one instant for everything; not before the newest checking pack (S18)
1. ``parse``           the bytes have the form of the format that was asked for
2. ``issuer_trust``    a pinned anchor lets this entity say this type at that time (S14)
3. ``signature``       by the key that check 2 found
4. ``validity``        the copy is in force
5. ``disclosures``     digests and disclosures fit (RFC 9901 section 7.1)
6. ``holder_binding``  audience, nonce, freshness and purpose, signed by the holder's key (S2); replay is the caller's store, see ``replayed``
7. ``status``          neither cancelled nor on hold, by a list young enough; only after 4 (Token Status List section 8.3)
8. ``type_rules``      limits in clear (S3), and the type's own check for this use; an unknown type is never looked up (S21)
9. ``request``         everything asked for, and of a live presentation nothing more; several documents that name their holder name the same

A line is passed, failed or unchecked. One failed: rejected. Otherwise one unchecked that is needed: undecided. A check that comes after
a failed one stays unchecked; it never counts as passed. Offline is not another code path: only the driver of the flow differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..clock import DAY
from ..codec import strict_json
from ..codec.reader import pointer
from ..dcql import check_satisfied
from ..errors import ClockBehind, OverDisclosed, Rejected, Replayed, RequestNotSatisfied, TooLarge, VcError
from ..flow import Flow
from ..formats import BearerType
from ._agreed import check_agreed
from ._examine import Presentation, check_issuer, check_said, examine, of_error, unreached
from ._groups import check_groups
from ._heirs import find_heir
from ._model import (
    CHECKS,
    NOT_REACHED,
    Agreed,
    Asked,
    Check,
    Decision,
    Expectation,
    Keeper,
    Level,
    Material,
    Outcome,
    VerifiedCredential,
    level_of,
)
from ._one_holder import check_one_holder
from ._status import DEFAULT_AGE, Knowledge, allowed_age, check_status_of
from ._together import Mark, find_mark, is_another
from ._verdict import VERDICT_SCHEMA, render_verdict

__all__ = [
    "CHECKS",
    "COPY_SEEN",
    "DEFAULT_AGE",
    "VERDICT_SCHEMA",
    "Agreed",
    "Asked",
    "Check",
    "Decision",
    "Expectation",
    "Keeper",
    "Knowledge",
    "Level",
    "Mark",
    "Material",
    "VerifiedCredential",
    "allowed_age",
    "check_issuer",
    "check_said",
    "check_status_of",
    "decide_error",
    "find_heir",
    "find_mark",
    "is_another",
    "level_of",
    "render_verdict",
    "replayed",
    "ruled_out",
    "shown_again",
    "verify",
]

MAX_PRESENTATIONS: Final = 16

COPY_SEEN: Final = "copy_seen"
"""A remark: this very copy of a document was shown here before, by another presentation."""


def verify(
    vp_token: Mapping[str, Sequence[str]],
    expectation: Expectation,
    material: Material,
    *,
    at: int,
    stapled: Sequence[str] = (),
) -> Flow[Decision]:
    """The decision about 1..n presentations (``query id -> [presentation, …]``, OpenID4VP section 8.1).

    Never raises for what a stranger sent. Yields one ``Fetch`` a status list, after the document that names it proved genuine; a driver
    should answer from what it already holds, or the list's host learns that the document was used (S21). ``stapled`` are status list
    tokens that came along: further answers, never the last word (S19). ``at`` is the clock's own reading.
    """
    known = Knowledge(material=material, staples=stapled, at=max(at, material.floor))
    shown = [
        (query_id, pointer(pointer("", query_id), index), wire) for query_id, wires in vp_token.items() for index, wire in enumerate(wires)
    ]
    seen: list[Presentation] = []
    for query_id, where, wire in shown[:MAX_PRESENTATIONS]:
        one = Presentation(query_id=query_id, where=where)
        yield from examine(one, wire, expectation, known)
        seen.append(one)
    _check_distinct(seen)
    checks = (
        _check_time(at, material.floor),
        *(_worst(name, seen) for name in CHECKS[1:9]),
        _check_request(expectation, material, vp_token, seen, surplus=len(shown) > MAX_PRESENTATIONS),
    )
    outcome, code = _outcome(checks)
    return Decision(
        decision=outcome,
        code=code,
        checks=checks,
        level=level_of(expectation.binding),
        at=known.at,
        credentials=() if outcome == "rejected" else _credentials(seen),
        status_iat=None if known.oldest is None else known.oldest.iat,
        status_freshness=known.freshness,
        source=material.source,
        replay_keys=_replay_keys(expectation, seen),
        learnt=known.learnt,
        agreed=() if outcome == "rejected" else _agreed(expectation, seen),
        genuine=_credentials(seen),
    )


def _agreed(expectation: Expectation, seen: Sequence[Presentation]) -> tuple[str, ...]:
    """By which documents; nothing while one of them is not known to be genuine."""
    known = [(one.query_id, one.claims) for one in seen if one.claims is not None]
    if not expectation.agreed or len(known) < len(seen):
        return ()
    return check_agreed(expectation.agreed, {name: [claims for query_id, claims in known if query_id == name] for name, _ in known})


def _replay_keys(expectation: Expectation, seen: Sequence[Presentation]) -> tuple[bytes, ...]:
    """Of what a holder signed (S9). A document for bearers is the same for everybody, as often as it is shown."""
    if isinstance(expectation.binding, BearerType):
        return ()
    return tuple(dict.fromkeys(one.claims.signing_input_digest for one in seen if one.claims is not None))


def replayed(decision: Decision) -> Decision:
    """The decision once the caller's store has found one of ``replay_keys`` in it: rejected, whatever else was right."""
    return ruled_out(decision, Replayed("this presentation was shown before"))


def shown_again(decision: Decision) -> Decision:
    """The decision once the caller's store has found the holder key of one of its documents in it: nothing changes but a remark.

    A wallet shows each copy to one party, and to the same again only where none is left (domain rule R7).
    """
    known = [each if each.name != "holder_binding" or each.state != "passed" else replace(each, code=COPY_SEEN) for each in decision.checks]
    return replace(decision, checks=tuple(known))


def ruled_out(decision: Decision, error: Rejected) -> Decision:
    """The decision once the caller has found what only it can know: rejected, whatever else was right."""
    line = of_error(error.check, error)
    checks = tuple(line if each.name == line.name else each for each in decision.checks)
    outcome, code = _outcome(checks)
    return replace(decision, decision=outcome, code=code, checks=checks, credentials=())


def decide_error(error: VcError, *, at: int, level: Level = Level.ADDRESSED) -> Decision:
    """The decision where something failed before ``verify`` could begin: a file that is no presentation, a checking pack too old."""
    name = getattr(error, "check", "parse")
    checks = tuple(of_error(each, error, error.where) if each == name else unreached(each) for each in CHECKS)
    outcome, code = _outcome(checks)
    return Decision(decision=outcome, code=code, checks=checks, level=level, at=at)


def _credentials(seen: Sequence[Presentation]) -> tuple[VerifiedCredential, ...]:
    return tuple(
        VerifiedCredential(
            query_id=one.query_id, format=one.format, claims=one.claims, issuer_name=one.issuer.subject, succeeded_by=one.keeper
        )
        for one in seen
        if one.claims is not None and one.issuer is not None
    )


def _check_time(at: int, floor: int) -> Check:
    """Check 0. A clock that lags a little is overruled by the newest pack's date; one that lags a day has to be put right."""
    if floor - at > DAY:
        return of_error("time", ClockBehind("this clock is more than a day behind the newest checking pack"))
    return Check("time", "passed", code="clock_behind" if at < floor else "")


def _check_distinct(seen: Sequence[Presentation]) -> None:
    """One copy may answer two queries (OpenID4VP section 6.4), but twice under one query it is no second document.

    What counts is what the issuer signed: a holder who signs again, for the same transaction, makes no other copy of it.
    """
    used: set[tuple[str, bytes]] = set()
    for one in seen if len(seen) > 1 else ():
        if one.claims is not None:
            key = (one.query_id, strict_json.dumps(one.signed))
            if key in used:
                one.stop("holder_binding", Replayed("the same document is there twice"))
            used.add(key)


def _worst(name: str, seen: Sequence[Presentation]) -> Check:
    """One line for all presentations: the one that a person must know of."""
    if not seen:
        return unreached(name)
    return min([one.lines.get(name) or unreached(name, one.where) for one in seen], key=_rank)


def _rank(line: Check) -> int:
    if line.state == "failed":
        return 0
    if line.state == "unchecked":
        return 3 if not line.needed else 2 if line.code == NOT_REACHED else 1
    return 4 if line.code else 5


def _check_request(
    expectation: Expectation, material: Material, vp_token: Mapping[str, Sequence[str]], seen: Sequence[Presentation], *, surplus: bool
) -> Check:
    """Check 9. What nobody asked for fails even where nothing else could be checked."""
    query = expectation.query
    try:
        if surplus:
            raise TooLarge(f"more than {MAX_PRESENTATIONS} presentations")
        if not seen:
            raise RequestNotSatisfied("nothing was shown")
        if expectation.asked:
            return _check_asked(expectation, material, seen)
        if query is None:
            return Check("request", "unchecked", code="not_asked", detail="nothing was asked for beforehand", needed=False)
        for query_id in vp_token:
            if query.credential(query_id) is None:
                raise OverDisclosed("a document came that was not asked for", where=pointer("", query_id))
        presented = {query_id: [one.claims for one in seen if one.query_id == query_id and one.claims is not None] for query_id in vp_token}
        if any(one.claims is None for one in seen):
            return unreached("request")
        # Nobody asks for a copy made out to somebody: its holder may put in more, but not less than the purpose needs.
        check_satisfied(query, presented, or_more=level_of(expectation.binding) is Level.ADDRESSED)
        check_agreed(expectation.agreed, presented)
        check_one_holder(
            [claims for each in presented.values() for claims in each], material.types, same_person=expectation.use.get("same_person")
        )
    except VcError as error:
        return of_error("request", error, error.where)
    return Check("request", "passed")


def _check_asked(expectation: Expectation, material: Material, seen: Sequence[Presentation]) -> Check:
    or_more = level_of(expectation.binding) is Level.ADDRESSED
    for one in seen:
        if one.claims is not None:
            check_groups(expectation.asked, one.claims, material.types, or_more=or_more)
    same_person = expectation.use.get("same_person")
    check_one_holder([one.claims for one in seen if one.claims is not None], material.types, same_person=same_person)
    return unreached("request") if any(one.claims is None for one in seen) else Check("request", "passed")


def _outcome(checks: Sequence[Check]) -> tuple[Outcome, str]:
    """One failed: rejected. Else one unchecked that is needed: undecided, for the first reason that is one. Else accepted."""
    failed = [line.code for line in checks if line.state == "failed"]
    if failed:
        return "rejected", failed[0]
    open_ = [line.code for line in checks if line.state == "unchecked" and line.needed]
    if open_:
        return "undecided", next((code for code in open_ if code != NOT_REACHED), NOT_REACHED)
    return "accepted", ""
