"""Documents that the organisation gives after a decision: that it has recorded an authority (domain sheet C03), that it knows somebody (C22).

What was shown decides what they say; nothing else of it is copied. Its own issuer makes them. What is to be made is kept before the issuer
is asked (failpoint ``given-ordered``), and its answer afterwards (``given-made``): a desk that dies in between asks for the same once more, so that
nobody gets two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.clock import DAY
from shared.codec import strict_json
from shared.credentials import by_id
from shared.credentials._joint import acts_alone
from shared.errors import Conflict, Malformed
from shared.storage import Tx
from verifier import own_issuer
from verifier.desk import STORAGE, Desk
from verifier.own_issuer import Send
from verifier.records import events, given
from verifier.records import known as recorded
from verifier.records.given import Given
from verifier.sessions import Answered
from verifier.settle import Opened
from verifier.telling import offered

MANDATE: Final = "mandate-receipt"
LONGEST: Final = 365  # days
_AUTHORITY: Final = "representation"
_NAMES: Final = (("represented", "given_name"), ("represented", "family_name"), ("proxy", "given_name"), ("proxy", "family_name"))
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a document would say. ``missing`` are details that it needs and that were not shown, as ``represented.given_name``.

    ``last_day`` is the last on which it is good; ``follows`` says where the status stands of what it rests on.
    """

    kind: str
    claims: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    last_day: dt.date
    follows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An invitation to collect a document: the link and, on another way, the code."""

    kind: str
    number: str
    link: str
    code: str = field(repr=False)
    expires_at: str


def may_give(desk: Desk, answered: Answered, opened: Opened) -> bool:
    """Whether an authority was accepted here that can be recorded."""
    shown = _authority(answered, opened)
    return own_issuer.is_named(desk) and shown is not None and acts_alone(shown["claims"])


def draft(desk: Desk, answered: Answered, opened: Opened) -> Draft:
    """The record of the authority that was shown: who may do what here and since when. ``Conflict`` if there is none to record."""
    shown = _authority(answered, opened)
    if shown is None:
        raise Conflict("no authority was accepted here that could be recorded")
    if not acts_alone(shown["claims"]):  # a record has no room for that limit, which nothing may hide (rule R1)
        raise Conflict("several have to agree each time: a record for one of them would say that they may act alone")
    at, claims = desk.clock(), shown["claims"]
    last_day = day_of(min(int(shown["expires_at"]) - 1, at + LONGEST * DAY))
    if last_day <= day_of(at):
        raise Conflict("what was shown is good for less than a day")
    names = {path: found for path in _NAMES if (found := claims.get(path[0], {}).get(path[1]))}
    postcode = claims.get("represented", {}).get("address", {}).get("postal_code")
    said: dict[str, Any] = {
        "accepted_by": desk.settings.name,
        "decision": "accepted",
        "received_at": day_of(answered.at).isoformat(),
        "effective_from": day_of(answered.at).isoformat(),
        "scope": _scope(answered, claims),
        "review_on": last_day.isoformat(),
        **made_by(desk),
    }
    for (who, name), value in names.items():
        said.setdefault(who, {})[name] = value
    if postcode:
        said.setdefault("represented", {})["address"] = {"postal_code": postcode}
    missing = tuple(".".join(path) for path in _NAMES if path not in names)
    follows = tuple(each for each in opened.statuses if each["vct"] == shown["vct"])
    return Draft(kind=MANDATE, claims=said, missing=missing, last_day=last_day, follows=follows)


def completed(wanted: Draft, said: Mapping[str, str]) -> Draft:
    """With what the desk knows beside: the names that were not shown, and its own ``case_ref``. ``Malformed`` with a pointer."""
    claims = {name: dict(value) if isinstance(value, Mapping) else value for name, value in wanted.claims.items()}
    for name in wanted.missing:
        who, _, part = name.partition(".")
        claims.setdefault(who, {})[part] = _text(said, name)
    if said.get("case_ref"):
        claims["case_ref"] = _text(said, "case_ref")
    whole = replace(wanted, claims=claims, missing=())
    by_id(whole.kind).check(claims)
    return whole


def _text(said: Mapping[str, str], name: str) -> str:
    text = " ".join(said.get(name, "").split())
    if not 1 <= len(text) <= _MAX_TEXT:
        raise Malformed("this detail is needed: it was not shown", where="/" + name.replace(".", "/"))
    return text


def made_by(desk: Desk) -> dict[str, str]:
    """Who makes it, and under which law."""
    law = desk.settings.own_jurisdiction
    return {"issuing_authority": desk.settings.name, "issuing_country": law.partition("-")[0], "issuing_jurisdiction": law}


def day_of(at: int) -> dt.date:
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


def _authority(answered: Answered, opened: Opened) -> Mapping[str, Any] | None:
    if answered.decision != "accepted" or answered.withheld:
        return None
    kind = by_id(_AUTHORITY).vct
    return next((each for each in opened.verdict["credentials"] if each["vct"] == kind), None)


def _scope(answered: Answered, claims: Mapping[str, Any]) -> list[str]:
    """What it was accepted for; else the powers that were shown."""
    needed = answered.asked.terms.use.get("powers") or claims.get("powers") or ()
    return list(dict.fromkeys(needed))


# --- making ----------------------------------------------------------------------------------------------------------------------------


async def give(desk: Desk, send: Send, exchange: str, wanted: Draft, *, fact: bytes | None = None) -> Offer:
    """The invitation to collect what is wanted; the first one that was ordered after this decision stands.

    ``fact`` is what need not be asked for any more while the document is good.

    ``Conflict`` if the issuer refuses it: then something else may be ordered. ``Unavailable`` and ``ConfigError`` as ``own_issuer.make``.
    """
    at = desk.clock()
    body = {"type": wanted.kind, "claims": wanted.claims, "valid_until": wanted.last_day.isoformat()}
    sealed = await seal(desk, exchange, wanted.kind, {"order": body, "follows": list(wanted.follows)})
    fresh = Given(
        exchange=exchange,
        kind=wanted.kind,
        state="ordered",
        standing="valid",
        sealed=sealed,
        made_at=at,
        keep_until=end_of(wanted.last_day),
    )
    ordered = await desk.storage.write(lambda tx: given.order(tx, fresh), point="given-ordered")
    known = await open_given(desk, ordered)
    if ordered.state == "ending":
        raise Conflict("whoever got it asked to be forgotten")
    if ordered.state != "ordered":
        return _offer(ordered.kind, known["made"])
    try:
        answer = await own_issuer.make(desk, send, known["order"], key=f"{exchange} {ordered.kind}")
    except Conflict:
        await desk.storage.write(lambda tx: given.drop(tx, ordered), point="given-refused")
        raise
    made = {"number": answer["id"], "link": answer["invitation_link"], "code": answer["code"], "expires_at": answer["expires_at"]}
    sealed = await seal(desk, exchange, ordered.kind, {"made": made, "follows": known["follows"]})
    event = offered(desk, exchange, ordered.kind, at)

    async def unit(tx: Tx) -> None:
        if await given.made(tx, ordered, sealed) and event is not None:
            await events.add(tx, event)
        await recorded.record(tx, [] if fact is None else [fact], ordered.keep_until)

    await desk.storage.write(unit, point="given-made")
    return _offer(ordered.kind, made)


async def offer_of(desk: Desk, exchange: str, kind: str) -> Offer | None:
    """The invitation that was given after a decision; ``None`` if none was."""
    found = await desk.storage.read(lambda tx: given.find(tx, exchange, kind))
    if found is None or found.state != "made" or found.keep_until <= desk.clock():
        return None
    return _offer(kind, (await open_given(desk, found))["made"])


def _offer(kind: str, made: Mapping[str, Any]) -> Offer:
    return Offer(kind=kind, number=made["number"], link=made["link"], code=made["code"] or "", expires_at=made["expires_at"])


def end_of(day: dt.date) -> int:
    """The first second after that day."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) + DAY


def _context(exchange: str, kind: str) -> bytes:
    return f"given:{exchange}:{kind}".encode()


async def seal(desk: Desk, exchange: str, kind: str, doc: Mapping[str, Any]) -> bytes:
    return await desk.custodian.seal(STORAGE, strict_json.dumps(doc), context=_context(exchange, kind))


async def open_given(desk: Desk, found: Given) -> Mapping[str, Any]:
    """What was sealed: the ``order``, or what was ``made``, and what it ``follows``."""
    return strict_json.load_object(await desk.custodian.unseal(STORAGE, found.sealed, context=_context(found.exchange, found.kind)))
