"""Receipts that desks gave without a network: told here in the desk's next round, entered in the log once, and confirmed for whoever brings one.

A desk's receipt is provisional (security rule S10). What confirms it is an ordinary receipt by the organisation's own key, bound to the same
salt, digest and nonce (S25), which names the head of the log with its line. Nothing that says what was shown comes here (R6), and nobody is
asked for anything because a receipt was given or brought (S21).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.clock import DAY
from shared.codec import base64url
from shared.cose import DESK_CERTIFICATE, DESK_RECEIPT, verify_sign1
from shared.errors import Missing, NotYetValid, Untrusted, VcError
from shared.keys import PublicKey, sign
from shared.ovp.receipt import LEEWAY, DeskReceipt, parse_desk_receipt
from shared.receipts import Receipt, prepare_receipt
from shared.storage import Tx
from shared.trust.relying_party import check_in_force
from shared.verify import Level
from shared.web import log
from verifier import keys
from verifier.desk import Desk
from verifier.details import names_of
from verifier.records import desk_receipts as records
from verifier.records.scan import ScanDesk
from verifier.registering import days_kept
from verifier.scan import key_of

KIND: Final = "desk-receipt"
"""Of its line in the log, beside those of what was judged here."""
LEVELS: Final = {"live": Level.LIVE, "code": Level.RELAYABLE, "copy": Level.ADDRESSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One receipt as its desk tells it: ``mode`` as the desk asked, ``vct`` and ``claim_paths`` what was shown, by name alone; nothing where it
    was refused.
    """

    receipt: bytes = field(repr=False)
    mode: str
    vct: str = ""
    claim_paths: tuple[str, ...] = ()


async def take(desk: Desk, caller: ScanDesk, given: Sequence[Given]) -> list[bool]:
    """Enter each in the log, once; false for one that is not by this desk, and never will be. Told again it is the same."""
    known = await keys.answered(desk)
    return [await _take(desk, caller, one, known) for one in given]


async def _take(desk: Desk, caller: ScanDesk, given: Given, known: dict[bytes, PublicKey]) -> bool:
    at = desk.clock()
    try:
        receipt = parse_desk_receipt(given.receipt)
        _check(desk, caller, receipt, known, at)
    except VcError:
        return False
    retain = at + desk.settings.log_days * DAY
    identifier, receipt_id = _id(receipt), desk.secret()
    record = _record(desk, given, receipt, at) | {"receipt_id": receipt_id, "presentation_mac": "", "retain_until": retain}

    async def unit(tx: Tx) -> None:
        if not await records.begin(tx, identifier, receipt_id=receipt_id, at=at, forget_at=retain):
            return
        head = await log.append(tx, record, at=at, keep_until=retain, entropy=desk.entropy)
        await records.entered(tx, identifier, head)

    await desk.storage.write(unit, point="desk-receipt")
    return True


def _check(desk: Desk, caller: ScanDesk, receipt: DeskReceipt, known: dict[bytes, PublicKey], at: int) -> None:
    """By this desk, under a certificate of ours that was in force when it was given."""
    public = known.get(receipt.desk.kid)
    if receipt.desk.entity != desk.entity or public is None or receipt.desk.public != key_of(caller):
        raise Untrusted("this receipt is not by this desk")
    verify_sign1(receipt.desk.sign1, public, typ=DESK_CERTIFICATE)
    verify_sign1(receipt.sign1, receipt.desk.public, typ=DESK_RECEIPT)
    check_in_force(receipt.desk.issued_at, receipt.desk.expires_at, at=receipt.issued_at)
    if receipt.issued_at > at + LEEWAY:
        raise NotYetValid("the receipt is from the future")


def _id(receipt: DeskReceipt) -> bytes:
    """Over what was signed: (r, n - s) is as good as (r, s), and a signature names nothing."""
    return hashlib.sha256(receipt.sign1.signing_input).digest()


def _record(desk: Desk, given: Given, receipt: DeskReceipt, at: int) -> dict[str, Any]:
    """As ``settle`` writes one: names of details that the kind of document has, never values, and of a refusal nothing."""
    kind = None if receipt.decision == "rejected" else desk.types.get(given.vct)
    names = set() if kind is None else {*names_of([claim.path for claim in kind.claims])} & {*given.claim_paths}
    return {
        "time": at,
        "kind": KIND,
        "level": LEVELS[given.mode].value,
        "intendedUseIdentifier": receipt.use,
        "vct": [] if kind is None else [kind.vct],
        "claim_paths": sorted(names),
        "decision": receipt.decision,
        "reason_code": receipt.code,
        "status_list_iat": None,
        "staff_role": "desk",
        "given_at": receipt.issued_at,
    }


async def confirm(desk: Desk, data: bytes) -> str:
    """The receipt that confirms a desk's, for whoever has that; ``Missing`` before its desk told it, and once its time is over.

    It is dated when it was entered: by that instant wallets put the heads of a log in order.
    """
    receipt = parse_desk_receipt(data)
    told = await desk.storage.read(lambda tx: records.find(tx, _id(receipt)))
    if told is None:
        raise Missing("no desk of ours has told us of this receipt: try again later")
    settings, accepted = desk.settings, receipt.decision == "accepted"
    days = days_kept(desk.directory, settings, receipt.use)
    own = settings.claims_kept if days and receipt.decision != "rejected" else ()
    kept = days * DAY if days > 0 and receipt.decision != "rejected" else 0
    made = Receipt(
        receipt_id=told.receipt_id,
        entity=desk.entity,
        received_at=told.at,
        decision=receipt.decision,
        reason_code=receipt.code,
        effective_from=receipt.issued_at if accepted else None,
        purpose_id=receipt.use,
        claims_kept=own,
        retain_until=None if days < 0 and own else receipt.issued_at + kept,
        contact=settings.contact or None,
        how_to_complain=settings.how_to_complain or None,
        salt=receipt.salt,
        presentation_digest=receipt.digest,
        nonce=base64url.encode(receipt.nonce),
        bundle_digest=receipt.pack,
        log_head=told.head,
    )
    unsigned = prepare_receipt(made, key=desk.signer.key, x5c=desk.x5c, at=told.at, alg=desk.alg)
    return await sign(unsigned, desk.custodian)
