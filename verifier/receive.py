"""Taking a wallet's answer: once, for good, whatever it says (OpenID4VP sections 8.2, 8.5, 8.6 and 14.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.dcql import parse_query
from shared.errors import Missing, Replayed
from shared.flow import run
from shared.formats import NOTHING, Binding
from shared.openid4vp import WalletRefusal, parse_response
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision, Expectation, verify
from verifier.desk import Desk
from verifier.material import Picture, Store
from verifier.records import events, exchanges
from verifier.records.exchanges import Ended
from verifier.request import open_secrets
from verifier.sessions import Asked, Declined, Exchange, check_open
from verifier.settle import Outcome, Shown, settle
from verifier.telling import declined

FRESH: Final = 300  # seconds that a holder's signature may be old


async def receive(desk: Desk, store: Store, identifier: str, body: bytes) -> Outcome | None:
    """What a posted form came to; ``None`` for a wallet that says no.

    ``Missing`` for no such request, ``Replayed`` once it was answered, ``Expired`` after its time, ``InvalidRequest`` for a form that is
    neither answer nor refusal, or answers another request. None of these uses the request up; an answer that can be read does.
    """
    at = desk.clock()
    found = await desk.storage.read(lambda tx: exchanges.find_open(tx, identifier, at))
    if found is None:
        raise Missing("there is no such request")
    asked = check_open(found[0]).asked
    secrets = await open_secrets(desk, identifier, found[1])
    said = parse_response(body, secrets.key, state=secrets.state)
    if isinstance(said, WalletRefusal):
        await _decline(desk, found[0], said.error, at)
        return None
    picture = await store.picture()
    decision = decide(asked, secrets.nonce, said.vp_token, picture, at=at)

    async def take(tx: Tx, ended: Ended) -> bool:
        return await exchanges.answer(tx, identifier, ended)

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        await exchanges.keep_answer(tx, identifier, ended, head)

    shown = Shown(vp_token=said.vp_token, nonce=secrets.nonce)
    outcome = await settle(desk, asked, decision, shown, picture.material.memory, take=take, put=put)
    if outcome is None:
        raise Replayed("this request was answered already, or has run out")
    return outcome


async def _decline(desk: Desk, exchange: Exchange, error: str, at: int) -> None:
    """Told of once: anybody who saw the request could say no in the wallet's name, again and again."""
    asked = exchange.asked
    event = None if isinstance(exchange, Declined) else declined(desk, asked, error, at)

    async def unit(tx: Tx) -> None:
        if await exchanges.decline(tx, asked.id, error, at) and event is not None:
            await events.add(tx, event)

    await desk.storage.write(unit, point="decline")


def decide(
    asked: Asked,
    nonce: str,
    vp_token: Mapping[str, Sequence[str]],
    picture: Picture,
    *,
    at: int,
    max_age: int = FRESH,
    more: Mapping[str, Any] = NOTHING,
) -> Decision:
    """The decision about an answer. The holder has to have signed for us, for this request, after it was made.

    ``more`` is added to what the kind's own check is told.
    """
    expectation = Expectation(
        query=parse_query(asked.terms.query),
        binding=Binding(audience=asked.terms.client_id, nonce=nonce, issued_after=asked.made_at, max_age=max_age),
        use={**asked.terms.use, **more},
    )
    return run(verify(vp_token, expectation, picture.material, at=at), picture.answer)
