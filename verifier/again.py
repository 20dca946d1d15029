"""Looking again at what could not be decided: once the lists were fetched anew, or somebody has read what no program can judge.

Whatever came is kept, sealed, as long as its details are, and is checked whole once more: nothing is believed because it was checked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import Conflict
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision
from verifier import together
from verifier.deciding import decide_again
from verifier.desk import Desk
from verifier.material import Store
from verifier.records import exchanges
from verifier.records.exchanges import Ended
from verifier.request import find
from verifier.sessions import Answered
from verifier.settle import Outcome, Shown, open_verdict

FETCH_FIRST: Final = frozenset({"status_unknown", "status_stale"})
"""What may have become decidable by fetching lists."""
READ_FIRST: Final[Mapping[str, str]] = {
    "restrictions_to_read": "restrictions_allow",
    "needs_capacity_evidence": "capacity_evidence",
    "ambiguous_match": "same_person",
}
"""What a person has to say, and what the kind's own check is then told."""


async def look_again(desk: Desk, store: Store, identifier: str, *, more: Mapping[str, Any]) -> Outcome:
    """The decision in the place of an undecided one. ``Conflict`` if it was decided already, or the details are gone.

    A second undecided one leaves everything as it was, so that it can be tried again.
    """
    exchange = await find(desk, identifier)
    if exchange.asked.terms.kind == "letter":
        raise Conflict("a person decides about post at the desk")
    opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) and exchange.decision == "undecided" else None
    if not isinstance(exchange, Answered) or opened is None or not opened.vp_token:
        raise Conflict("there is nothing undecided here any more")
    picture = await store.picture()

    def judge(told: Mapping[str, Any]) -> Decision:
        return decide_again(desk, picture, exchange.asked, opened, came_at=exchange.at, more=told)

    decision = judge(more)
    if decision.decision == "undecided" and decision.code == exchange.code:
        raise Conflict("it still cannot be decided", where="/use")

    async def take(tx: Tx, ended: Ended) -> bool:
        return await exchanges.reopen(tx, identifier, ended)

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        await exchanges.keep_answer(tx, identifier, ended, head)

    nonce = str(opened.receipt["nonce"]) if opened.receipt else ""
    shown = Shown(
        vp_token=opened.vp_token,
        nonce=nonce,
        format=opened.format,
        response_code=opened.response_code,
        binding=opened.binding if opened.bound else None,
        key=opened.key,
        posted=opened.posted,
    )
    outcome = await together.conclude(
        desk, picture, exchange.asked, judge, shown, take=take, put=put, more=more, collected=exchange.collected
    )
    if outcome is None:
        raise Conflict("it was decided in the meantime")
    await together.finish(desk, store)
    return outcome
