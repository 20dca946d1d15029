"""Taking a wallet's answer: once, for good, whatever it says (OpenID4VP sections 8.2, 8.5, 8.6 and 14.1).

A wallet that never heard what came of its answer may post it once more. Byte for byte the same to the same request, it is decided no second
time and leaves no second line: it is told how it stands, with its receipt, as long as the verdict is kept. The number for the way back goes
with it until the organisation's program has brought that: whoever waits there for the answer may still get it, and nobody once it has.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.codec import base64url
from shared.errors import Missing, Replayed
from shared.openid4vp import RequestObject, VpResponse, WalletRefusal, parse_dc_api_response, parse_response
from shared.receipts import LogHead
from shared.storage import Tx
from shared.verify import Decision
from verifier import together
from verifier.deciding import decide
from verifier.desk import LOG, Desk
from verifier.material import Store
from verifier.records import events, exchanges
from verifier.records.exchanges import Ended
from verifier.request import Secrets, digital_request, open_secrets, request_object
from verifier.sessions import Answered, Declined, Open, check_open
from verifier.settle import Opened, Outcome, Shown, open_verdict, sharing, sign_receipt
from verifier.telling import declined


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How it stands with an answer that was posted before."""

    answered: Answered
    opened: Opened
    receipt: str | None

    @property
    def response_code(self) -> str:
        """The number for the way back; empty once it was brought."""
        return "" if self.answered.collected else self.opened.response_code


async def receive(desk: Desk, store: Store, identifier: str, body: bytes) -> Outcome | Again | None:
    """What a posted form came to; ``None`` for a wallet that says no.

    ``Missing`` for no such request, ``Replayed`` once it was answered by other bytes, ``Expired`` after its time, ``InvalidRequest`` for a form
    that is neither answer nor refusal, or answers another request. None of these uses the request up; an answer that can be read does.
    """
    posted = base64url.encode(await desk.custodian.mac(LOG, b"posted\0" + identifier.encode() + b"\0" + body))
    try:
        exchange, secrets = await _open(desk, identifier)
        request = request_object(desk, exchange.asked, secrets)
        key = secrets.key if request.locked else {}
        said = parse_response(body, key or None, state=secrets.state)
        return await _take(desk, store, exchange, request, said, key=key, posted=posted)
    except Replayed:
        again = await _again(desk, identifier, posted)
        if again is None:
            raise
        return again


async def _again(desk: Desk, identifier: str, posted: str) -> Again | None:
    """``None`` unless these bytes are the answer, and its verdict is still kept."""
    exchange = await desk.storage.read(lambda tx: exchanges.find(tx, identifier, desk.clock()))
    opened = await open_verdict(desk, exchange) if isinstance(exchange, Answered) else None
    if opened is None or not isinstance(exchange, Answered) or not hmac.compare_digest(opened.posted, posted):
        return None
    return Again(answered=exchange, opened=opened, receipt=await sign_receipt(desk, exchange, opened))


async def receive_digital(desk: Desk, store: Store, identifier: str, data: Mapping[str, Any]) -> Outcome | None:
    """As ``receive``, for what a browser on our own site got from the platform (OpenID4VP appendix A.4)."""
    exchange, secrets = await _open(desk, identifier)
    request = digital_request(desk, exchange.asked, secrets)
    return await _take(desk, store, exchange, request, parse_dc_api_response(data, secrets.digital_key), key=secrets.digital_key)


async def _open(desk: Desk, identifier: str) -> tuple[Open, Secrets]:
    found = await desk.storage.read(lambda tx: exchanges.find_open(tx, identifier, desk.clock()))
    if found is None:
        raise Missing("there is no such request")
    exchange = check_open(found[0])
    return exchange, await open_secrets(desk, identifier, found[1])


async def _take(
    desk: Desk,
    store: Store,
    exchange: Open,
    request: RequestObject,
    said: VpResponse | WalletRefusal,
    *,
    key: Mapping[str, str],
    posted: str = "",
) -> Outcome | None:
    at, asked = desk.clock(), exchange.asked
    if isinstance(said, WalletRefusal):
        await _decline(desk, exchange, said.error, at)
        return None
    picture = await store.picture()
    binding = sharing(request.binding(), key)

    def judge(more: Mapping[str, Any]) -> Decision:
        return decide(asked, binding, said.vp_token, picture, at=at, more=more)

    async def take(tx: Tx, ended: Ended) -> bool:
        return await exchanges.answer(tx, asked.id, ended)

    async def put(tx: Tx, ended: Ended, head: LogHead) -> None:
        await exchanges.keep_answer(tx, asked.id, ended, head)

    shown = Shown(vp_token=said.vp_token, nonce=request.nonce, binding=binding, key=key, posted=posted)
    outcome = await together.conclude(desk, picture, asked, judge, shown, take=take, put=put)
    if outcome is None:
        raise Replayed("this request was answered already, or has run out")
    await together.finish(desk, store)
    return outcome


async def _decline(desk: Desk, exchange: Open, error: str, at: int) -> None:
    """Told of once: anybody who saw the request could say no in the wallet's name, again and again."""
    asked = exchange.asked
    event = None if isinstance(exchange, Declined) else declined(desk, asked, error, at)

    async def unit(tx: Tx) -> None:
        if await exchanges.decline(tx, asked.id, error, at) and event is not None:
            await events.add(tx, event)

    await desk.storage.write(unit, point="decline")
