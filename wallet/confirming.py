"""Receipts that desks gave without a network, and what their organisations sign for them later (security rules S10, S21, S22 and S25).

Each that is provisional still is asked for by itself, at an instant that was drawn for it alone, and drawn again each time: two in one go would
be seen to be one holder's. What comes is held against the desk's word: the same salt, digest, nonce, use and decision. It is added to the history
as an answer of its own, and what differs is said there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from shared.clock import DAY
from shared.codec import reader, strict_json
from shared.errors import (
    Conflict,
    HistoryRewritten,
    Missing,
    OtherPresentation,
    PurposeMismatch,
    StaleBinding,
    Unavailable,
    Untrusted,
    VcError,
    WrongNonce,
)
from shared.flow import Fetch, Flow, arun
from shared.ovp.envelope import parse_text
from shared.ovp.receipt import CONFIRM_AT, MEDIA_TYPE
from shared.receipts import MAX_RECEIPT, Bound, verify_receipt_bound
from shared.storage import Tx
from shared.trust.policy import Policy
from wallet import history
from wallet.entries import Entry, Sealed
from wallet.given import ASKING, Asking, answer_line, asking_name, draw, enter, open_desk_receipt
from wallet.keep import Vault
from wallet.logs import site_of
from wallet.means import Means
from wallet.records import Shelf

log = logging.getLogger("muniment.wallet")

LOOKED = Shelf("confirmations-looked", Asking)
"""When the history is looked through next for receipts that have no instant yet."""
PATIENCE: Final = 31 * DAY
"""Seconds for which a confirmation is asked for: as long as a desk may stay without a network, and more."""


def provisional(lines: Sequence[Sealed], *, at: int) -> list[Entry]:
    """The desks' receipts that were found good and that nothing was signed for yet, oldest first, while somebody asks still."""
    entries = [line.entry for line in lines if line.entry.provisional]
    heard = confirmed(lines)
    return [
        one for one in entries if not one.receipt and not one.receipt_problem and one.provisional not in heard and one.time + PATIENCE > at
    ]


def confirmed(lines: Sequence[Sealed]) -> set[object]:
    """The desks' receipts that something was signed for, whatever it says."""
    return {line.entry.provisional for line in lines if line.entry.provisional and line.entry.receipt}


async def tend(means: Means, vault: Vault) -> None:
    """Ask for one receipt whose instant is here. Of several (the wallet was closed) the others have new ones drawn.

    Once a day, and first of all, the history is looked through: lines that came by a backup, or are from before receipts were asked for one by one, have
    no instant yet. Writes: ``confirm-due``, ``receipt-given``.
    """
    at, name = means.clock(), vault.tag(LOOKED.name, "history")
    items, looked = (
        await means.storage.read(lambda tx: ASKING.all(tx, vault)),
        await means.storage.read(lambda tx: LOOKED.find(tx, vault, name)),
    )
    due = sorted((item for item in items if item.value.next_at <= at), key=lambda item: item.value.next_at)
    looks = looked is None or looked.value.next_at <= at
    if not due and not looks:
        return
    lines = await means.storage.read(lambda tx: history.read(tx, vault))
    wait = {asking_name(vault, one.provisional or ""): one for one in provisional(lines, at=at)}

    async def unit(tx: Tx) -> None:
        if looks:
            await LOOKED.save(tx, vault, name, Asking(next_at=at + DAY), entropy=means.entropy)
            for one in wait.keys() - {item.id for item in items}:
                await ASKING.put(tx, vault, one, draw(means), entropy=means.entropy)
        for item in due:
            if item.id in wait:
                await ASKING.replace(tx, vault, item, draw(means), entropy=means.entropy)
            else:
                await ASKING.drop(tx, vault, item.id)

    try:
        await means.storage.write(unit, point="confirm-due")
        for one in [wait[item.id] for item in due if item.id in wait][:1]:
            await _ask(means, vault, one)
    except Conflict:
        return  # another process of this service was there first
    except VcError as error:
        log.info("a desk's receipt was not confirmed: %s", error.code)


async def _ask(means: Means, vault: Vault, one: Entry) -> None:
    """What cannot be had, or cannot be read, is asked for again the next day; what was signed is kept, whatever it says."""
    text, entity = one.provisional or "", one.interacting_party_identifier.identifier
    token = await arun(fetch_confirmation(site_of(means.trust(), entity), parse_text(text)[1]), means.fetch)
    before = await history.receipts_by(means.storage, vault, one.interacting_party_identifier)
    problem = fault_of(token, text, entity=entity, policy=means.trust(), at=means.clock(), before=before)
    line = msgspec.structs.replace(answer_line(one, token, problem=problem, at=means.clock()), provisional=text)

    async def unit(tx: Tx) -> None:
        if text not in confirmed(await history.read(tx, vault)):  # by another process, while this answer was on its way
            await enter(tx, means, vault, line)

    await means.storage.write(unit, point="receipt-given")


def fetch_confirmation(site: str, receipt: bytes) -> Flow[str]:
    """The receipt that confirms a desk's. ``Missing`` before its desk told of it, ``Unavailable``, ``Malformed`` for no receipt at all."""
    answer = yield Fetch(
        url=site + CONFIRM_AT,
        method="POST",
        headers={"content-type": MEDIA_TYPE, "accept": "application/json"},
        body=receipt,
    )
    if answer.status == 404:
        raise Missing("the desk has not told its organisation yet")
    if answer.status != 200:
        raise Unavailable(f"the organisation answers {answer.status}")
    return reader.get_str(strict_json.load_object(answer.body, max_bytes=2 * MAX_RECEIPT), "receipt", max_length=MAX_RECEIPT)


def fault_of(token: str, text: str, *, entity: str, policy: Policy, at: int, before: Sequence[str]) -> str:
    """What is wrong with the receipt ``token`` as what confirms their desk's receipt ``text``; empty if ``entity`` signed the same.

    Errors of ``verify_receipt_bound`` where nobody can tell who signed it: that is no answer.
    """
    desk = open_desk_receipt(text)
    bound = Bound(salt=desk.salt, presentation_digest=desk.digest, nonce=desk.nonce, purpose_id=desk.use, given_at=desk.issued_at)
    try:
        receipt = verify_receipt_bound(token, bound, policy=policy, at=at)
        if receipt.entity != entity:
            return f"{Untrusted.code}: it is by another organisation than the one whose desk gave the receipt"
        if (receipt.decision, receipt.reason_code) != (desk.decision, desk.code):
            raise HistoryRewritten("they signed another decision than their desk gave")
        history.check_heads(receipt, before)
    except (OtherPresentation, WrongNonce, PurposeMismatch, StaleBinding, HistoryRewritten) as error:
        return f"{error.code}: {error.detail}"
    return ""
