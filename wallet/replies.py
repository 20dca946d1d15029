"""Answers to letters, checked while the wallet is open: each receipt against what was really sent and what was seen before (S25)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from shared.clock import DAY
from shared.errors import Replayed, Undecided, VcError
from shared.receipts import Exchange, Receipt
from shared.storage import Tx
from wallet import history
from wallet.entries import Entry, Party
from wallet.keep import Vault
from wallet.means import Means
from wallet.outbox import Got, Outbox, Row, promised
from wallet.receipted import verify_of
from wallet.records import SENT, Item
from wallet.sent import Sent

log = logging.getLogger("muniment.wallet")

_WAIT = 7 * DAY  # seconds for which a receipt waits until it can be said who signed it


@dataclass(frozen=True, slots=True)
class _Heard:
    got: Got
    receipt: Receipt | None
    problem: str


async def collect(means: Means, vault: Vault, outbox: Outbox) -> None:
    """Fetch from the outbox what came for this wallet. One letter that fails does not keep the others."""
    for item in await means.storage.read(lambda tx: SENT.all(tx, vault)):
        if not item.value.row:
            continue
        async with means.locks.of(f"{vault.wallet}/sent/{item.id}"):
            try:
                await _collect(means, vault, outbox, item.id)
            except VcError as error:
                log.info("the answer to a letter: %s", error.code)


async def _collect(means: Means, vault: Vault, outbox: Outbox, name: str) -> None:
    item = await means.storage.read(lambda tx: SENT.get(tx, vault, name))
    if not item.value.row:
        return
    row = await outbox.find(item.value.row, but=item.value.stamp)
    if row is not None:
        await _take(means, vault, outbox, item, row)
    elif not await outbox.exists(item.value.row):
        fault = item.value.fault or ("" if item.value.receipt else "lost")
        over = msgspec.structs.replace(item.value, row="", stamp=b"", fault=fault)
        await means.storage.write(lambda tx: SENT.replace(tx, vault, item, over, entropy=means.entropy), point="letter-over")


async def _take(means: Means, vault: Vault, outbox: Outbox, item: Item[Sent], row: Row) -> None:
    """First into the wallet, then out of the outbox: who is interrupted in between finds the same answers once more."""
    sent, post = item.value, row.post
    heard = await _check_all(means, vault, sent, row)
    if heard is None:
        return
    value = msgspec.structs.replace(
        sent,
        stamp=row.stamp,
        tries=post.tries,
        taken_at=post.taken_at,
        carried_at=post.carried_at,
        answers=(*sent.answers, *(_digest(each.got) for each in heard)),
    )
    for each in heard:
        value = _after(value, each)
    if post.done:
        value = msgspec.structs.replace(value, stamp=b"", fault="" if value.receipt else post.fault, presentation=b"")
    given_up = bool(post.fault) and not sent.fault
    lines = [_line(sent, each) for each in heard] + ([_undelivered(sent, post.fault, means.clock())] if given_up else [])

    async def unit(tx: Tx) -> None:
        await SENT.replace(tx, vault, item, value, entropy=means.entropy)
        for line in lines:
            await history.append(tx, vault, line, entropy=means.entropy)

    await means.storage.write(unit, point="answer-to-letter")
    await outbox.collected(row)


async def _check_all(means: Means, vault: Vault, sent: Sent, row: Row) -> list[_Heard] | None:
    """What is new; ``None`` while it cannot be said who signed it."""
    new = [got for got in row.post.got if _digest(got) not in sent.answers]
    before = await history.receipts_by(means.storage, vault, Party(type="uri", identifier=sent.body.entity)) if new else []
    heard: list[_Heard] = []
    for got in new:
        try:
            heard.append(_Heard(got, check_receipt(means, sent, got, before), ""))
            before.append(got.receipt)
        except Undecided as error:
            if means.clock() < got.at + _WAIT:
                return None
            heard.append(_Heard(got, None, f"{error.code}: {error.detail}"))
        except VcError as error:
            heard.append(_Heard(got, None, f"{error.code}: {error.detail}"))
    return heard


def check_receipt(means: Means, sent: Sent, got: Got, before: list[str]) -> Receipt:
    """The receipt, if that body signed it for this copy, and its own record has only grown. Errors as ``verify_receipt``."""
    exchange = Exchange(presentation=sent.presentation, nonce=sent.nonce, at=got.at, sent_at=sent.at, purpose_id=sent.body.use)
    receipt = verify_of(got.receipt, exchange, policy=means.trust(), entity=sent.body.entity)
    history.check_heads(receipt, before)
    return receipt


def _after(sent: Sent, heard: _Heard) -> Sent:
    receipt = heard.receipt
    if receipt is None:
        return msgspec.structs.replace(sent, receipt=heard.got.receipt, problem=heard.problem, answered_at=heard.got.at)
    if (receipt.reason_code, sent.decision) == (Replayed.code, "accepted"):  # by hand, before the letter came
        return sent
    return msgspec.structs.replace(
        sent,
        receipt=heard.got.receipt,
        problem="",
        answered_at=heard.got.at,
        answer_by=promised(receipt),
        decision=receipt.decision,
        reason=receipt.reason_code,
    )


def _digest(got: Got) -> bytes:
    return sha256(got.receipt.encode()).digest()


def _line(sent: Sent, heard: _Heard) -> Entry:
    return Entry(
        seq=0,
        time=heard.got.at,
        transaction_identifier=sent.jti,
        transaction_type="answer",
        transaction_result="failed" if heard.problem else "success",
        interacting_party_identifier=Party(type="uri", identifier=sent.body.entity),
        interacting_party_name=sent.body.name,
        intended_use_identifier=sent.body.use,
        documents=(sent.document,),
        level=1,
        receipt=heard.got.receipt,
        receipt_problem=heard.problem,
    )


def _undelivered(sent: Sent, fault: str, at: int) -> Entry:
    empty = _line(sent, _Heard(Got(at=at, receipt=""), None, "not delivered"))
    return msgspec.structs.replace(empty, receipt_problem="", reason_of_noncompletion=f"not delivered: {fault}")
