"""Whom the organisation knows already (domain sheet C22): nobody has to start again, and nobody is greeted before they show that they are known.

Somebody who wants to be known gets a document by the organisation's own issuer with a reference that is random, and of this organisation alone.
What they filled in is kept sealed under a keyed digest of that reference. It comes back once they show the document, or hand over a slip of paper
with the reference where they have no wallet, and only then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.clock import DAY
from shared.codec import base64url, strict_json
from shared.credentials import by_id
from shared.errors import Malformed, VcError
from shared.storage import Tx
from shared.web import log
from verifier import facts, giving, own_issuer
from verifier.desk import LOG, STORAGE, Desk
from verifier.giving import LONGEST, Draft, Offer
from verifier.own_issuer import Send
from verifier.records import given, known
from verifier.records.given import Given
from verifier.sessions import Answered
from verifier.settle import Opened

KNOWN: Final = "known-here"
SLIP: Final = "known-slip"
"""The kind of what the log says where somebody is known by a slip."""
FIELDS: Final = ("name", "address", "telephone", "email", "how")
"""What somebody fills in, each a text; ``how`` is anything that helps them."""
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISTAKEN: Final = str.maketrans("OIL", "011")
_MAX: Final = 500

logger = logging.getLogger("muniment.verifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What somebody has told before. ``fields`` are by ``FIELDS``; ``language`` and ``adjustments`` are codes of ``known-here``.

    ``document`` is the number of what was given to them, and ``given`` after what it was. ``fact`` is the key of what was recorded then.
    """

    since: str
    fields: Mapping[str, str] = field(repr=False)
    language: str = ""
    adjustments: tuple[str, ...] = ()
    document: str = ""
    given: str = ""
    fact: str = field(default="", repr=False)


def check(fields: Mapping[str, str]) -> dict[str, str]:
    """As it is kept; ``Malformed`` with a pointer for what is too long."""
    told = {name: " ".join(fields.get(name, "").split()) for name in FIELDS}
    for name, text in told.items():
        if len(text) > _MAX:
            raise Malformed("this is too long", where=f"/{name}")
    return told


async def make_known(desk: Desk, send: Send, identifier: str, customer: Customer, *, after: tuple[Answered, Opened] | None = None) -> Offer:
    """The invitation to collect the document; ``identifier`` names the wish, so that the same one again is the same document.

    ``after`` is the decision that it follows, if one does: what was shown then is asked for again no more. Errors as ``giving.give``.
    """
    at, reference = desk.clock(), await reference_of(desk, identifier)
    last_day = giving.day_of(at + LONGEST * DAY)
    claims: dict[str, Any] = {"known_since": customer.since, "case_ref": reference, **giving.made_by(desk)}
    if customer.language:
        claims["preferred_language"] = customer.language
    if customer.adjustments:
        claims["adjustments"] = list(customer.adjustments)
    by_id(KNOWN).check(claims)
    fact = None if after is None else await facts.fact_of(desk, after[0].asked, after[1].verdict["credentials"])
    offer = await giving.give(desk, send, identifier, Draft(kind=KNOWN, claims=claims, last_day=last_day), fact=fact)
    kept = await _sealed(desk, reference, replace(customer, document=offer.number, given=identifier, fact=_text(fact)))
    key, until = await _key(desk, reference), giving.end_of(last_day)
    await desk.storage.write(lambda tx: known.keep(tx, key, kept, until), point="known")
    return offer


def reference_in(desk: Desk, answered: Answered, opened: Opened | None) -> str:
    """The reference in a document that this organisation's own issuer gave, if one was just accepted; else empty."""
    if opened is None or answered.decision != "accepted" or answered.withheld or not own_issuer.is_named(desk):
        return ""
    vct, own = by_id(KNOWN).vct, desk.settings.own_issuer.rstrip("/")
    shown = next((each for each in opened.verdict["credentials"] if each["vct"] == vct and each["issuer"].rstrip("/") == own), None)
    return "" if shown is None else str(shown["claims"].get("case_ref", ""))


async def find(desk: Desk, reference: str) -> Customer | None:
    """What somebody has told before; ``None`` where nothing is kept under that reference."""
    at, key = desk.clock(), await _key(desk, reference)
    sealed = await desk.storage.read(lambda tx: known.find(tx, key, at))
    if sealed is None:
        return None
    doc = strict_json.load_object(await desk.custodian.unseal(STORAGE, sealed, context=_context(reference)))
    return Customer(**(doc | {"adjustments": tuple(doc["adjustments"])}))


async def open_slip(desk: Desk, reference: str) -> Customer | None:
    """As ``find``, for a clerk with a slip: nothing that anybody signed proves that its owner is there, so the log of decisions says that it was done."""
    customer, at = await find(desk, reference), desk.clock()
    if customer is None:
        return None
    keep_until = at + desk.settings.log_days * DAY
    record = {
        "time": at,
        "kind": SLIP,
        "intendedUseIdentifier": KNOWN,
        "vct": [by_id(KNOWN).vct],
        "claim_paths": [name for name in FIELDS if customer.fields.get(name)],
        "decision": "accepted",
        "reason_code": "",
        "staff_role": "desk",
        "retain_until": keep_until,
    }

    async def unit(tx: Tx) -> None:
        await log.append(tx, record, at=at, keep_until=keep_until, entropy=desk.entropy)

    await desk.storage.write(unit, point="known-slip")
    return customer


async def change(desk: Desk, reference: str, customer: Customer) -> None:
    """Keep what they say now, as long as from now on."""
    kept, key = await _sealed(desk, reference, customer), await _key(desk, reference)
    until = giving.end_of(giving.day_of(desk.clock() + LONGEST * DAY))
    await desk.storage.write(lambda tx: known.keep(tx, key, kept, until), point="known")


def of_before(before: Customer, now: Customer) -> Customer:
    """``now``, with the document that was given before."""
    return replace(now, document=before.document, given=before.given, fact=before.fact)


async def forget(desk: Desk, send: Send, reference: str, customer: Customer) -> bool:
    """What is kept goes at once, then the document ends; false where our issuer did not take that yet, which is told again (``finish``)."""
    key, sealed = await _key(desk, reference), await giving.seal(desk, customer.given, KNOWN, {"number": customer.document})

    async def unit(tx: Tx) -> Given | None:
        await known.forget(tx, key)
        await known.unrecord(tx, base64url.decode(customer.fact))
        await given.ending(tx, customer.given, KNOWN, sealed)
        return await given.find(tx, customer.given, KNOWN)

    ending = await desk.storage.write(unit, point="forget")
    return ending is None or await _end(desk, send, ending)


async def finish(desk: Desk, send: Send) -> bool:
    """Tell our issuer again of documents that have to end because somebody asked to be forgotten; whether it took all of it."""
    return all([await _end(desk, send, each) for each in await desk.storage.read(given.to_end)])


async def _end(desk: Desk, send: Send, ending: Given) -> bool:
    number = (await giving.open_given(desk, ending))["number"]
    try:
        await own_issuer.change(desk, send, number, "cancel", "asked-to-delete")
    except VcError as error:
        logger.warning("our own issuer was not told that a document has to end: %s", error.detail)
        return False
    await desk.storage.write(lambda tx: given.forget(tx, ending.exchange, ending.kind), point="forgotten")
    return True


def _text(fact: bytes | None) -> str:
    return "" if fact is None else base64url.encode(fact)


async def reference_of(desk: Desk, identifier: str) -> str:
    """80 bits that follow from the wish, and that only this organisation can work out: nothing of it is the same anywhere else."""
    digest = await desk.custodian.mac(LOG, b"case\0" + identifier.encode())
    number = int.from_bytes(digest[:10], "big")
    text = "".join(_LETTERS[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def read_reference(text: str) -> str:
    """As it was typed off a slip: in any letters, with or without what parts them, and with the three that are easily mistaken."""
    typed = "".join(each for each in text.upper().translate(_MISTAKEN) if each in _LETTERS)
    return "-".join(typed[start : start + 4] for start in range(0, len(typed), 4))


async def _key(desk: Desk, reference: str) -> bytes:
    return await desk.custodian.mac(LOG, b"known\0" + reference.encode())


def _context(reference: str) -> bytes:
    return f"known:{reference}".encode()


async def _sealed(desk: Desk, reference: str, customer: Customer) -> bytes:
    doc = {name: getattr(customer, name) for name in Customer.__dataclass_fields__}
    return await desk.custodian.seal(
        STORAGE, strict_json.dumps(doc | {"adjustments": list(customer.adjustments)}), context=_context(reference)
    )
