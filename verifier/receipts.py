"""Receipts that were given: their numbers, which outlast all details, and the same receipt once more for whoever brought a copy on paper."""

from __future__ import annotations

from shared.codec import strict_json
from shared.web import log
from verifier.desk import STORAGE, Desk
from verifier.inherited import may_use
from verifier.sessions import Answered
from verifier.settle import Opened, basis_context, open_verdict, sign_receipt


def receipt_in(line: log.Line) -> str:
    """The number of the receipt that was given for what a line of the log tells; empty where there was none, or the line's time is over."""
    return "" if line.entry.entry is None else str(line.entry.entry.get("receipt_id", ""))


async def receipt_number(desk: Desk, answered: Answered) -> str:
    """That of its receipt, which outlasts the details: the log has it."""
    before = answered.log_head.size + 1
    return next((receipt_in(each) for each in await desk.storage.read(lambda tx: log.page(tx, before=before, limit=1))), "")


async def receipt_again(desk: Desk, answered: Answered) -> str | None:
    """The receipt, as long as the details are kept, of a copy as long as its row is; ``None`` after that, and where there was none."""
    opened = await open_verdict(desk, answered)
    if opened is None and answered.basis is not None and await may_use(desk, answered.asked):
        plain = await desk.custodian.unseal(STORAGE, answered.basis, context=basis_context(answered.asked.id))
        opened = Opened(**strict_json.load_object(plain))
    return None if opened is None else await sign_receipt(desk, answered, opened)
