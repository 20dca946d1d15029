"""Looking again at what could not be decided: once the lists were fetched anew, or somebody has read what no program can judge.

Whatever came is kept, sealed, as long as its details are, and is checked whole once more: nothing is believed because it was checked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.addressed import AddressedPresentation, audience
from shared.errors import Conflict
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision
from verifier.check import judge_copy
from verifier.desk import Desk
from verifier.material import Picture, Store
from verifier.receive import FRESH, decide
from verifier.records import exchanges
from verifier.records.exchanges import Ended
from verifier.request import find
from verifier.sessions import Answered
from verifier.settle import Opened, Outcome, Shown, open_verdict, settle

FETCH_FIRST: Final = frozenset({"status_unknown", "status_stale"})
"""What may have become decidable by fetching lists."""
READ_FIRST: Final[Mapping[str, str]] = {"restrictions_to_read": "restrictions_allow", "needs_capacity_evidence": "capacity_evidence"}
"""What a person has to say, and what the kind's own check is then told."""


async def look_again(desk: Desk, store: Store, identifier: str, *, more: Mapping[str, Any]) -> Outcome:
    """The decision in the place of an undecided one. ``Conflict`` if it was decided already, or the details are gone.

    A second undecided one leaves everything as it was, so that it can be tried again.
    """
    exchange = await find(desk, identifier)
    opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) and exchange.decision == "undecided" else None
    if not isinstance(exchange, Answered) or opened is None or not opened.vp_token:
        raise Conflict("there is nothing undecided here any more")
    picture = await store.picture()
    decision = _decide(desk, exchange, opened, picture, more)
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
    )
    outcome = await settle(desk, exchange.asked, decision, shown, picture.material.memory, take=take, put=put, collected=exchange.collected)
    if outcome is None:
        raise Conflict("it was decided in the meantime")
    return outcome


def _decide(desk: Desk, before: Answered, opened: Opened, picture: Picture, more: Mapping[str, Any]) -> Decision:
    at, terms = desk.clock(), before.asked.terms
    if terms.kind == "request":
        # It was fresh when it came, and the nonce was used up then.
        return decide(before.asked, opened.binding, opened.vp_token, picture, at=at, max_age=FRESH + max(0, at - before.at), more=more)
    copy = AddressedPresentation(
        format=opened.format,
        aud=audience(desk.entity),
        purpose_id=terms.purpose_id,
        vp_token={name: tuple(wires) for name, wires in opened.vp_token.items()},
    )
    return judge_copy(
        copy, entity=desk.entity, uses=desk.uses(), material=picture.material, answer=picture.answer, at=at, more=more
    ).decision
