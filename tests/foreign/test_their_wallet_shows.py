"""A wallet made of @openid4vc/openid4vp, @sd-jwt and dcql, unmodified, shows what our issuer made to our verifier, all over https."""

from __future__ import annotations

from typing import Any

import pytest
from support.abroad import Counter
from support.foreign import Peer, Refused
from support.registry import Registry

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]

YEAR = 365 * 86_400


async def holding(wallet: Peer, office: Registry, desk: Counter, *, count: int = 1) -> None:
    """A wallet that took a document and knows the verifier's anchor."""
    made = await office.make()
    await wallet.call("open", anchors=[desk.anchor.read_text()])
    await wallet.call("offer", link=made["offer_uri"])
    await wallet.call("redeem", tx_code=str(made["code"]))
    await wallet.call("request", configuration="representation-sd-jwt", count=count)


async def asked(wallet: Peer, desk: Counter, **order: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request of ours, and what the wallet read of it."""
    made = await desk.ask(**order)
    return made, await wallet.call("ask", link=made["scheme_link"])


async def test_a_request_by_reference_is_answered_under_seal(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    await holding(their_wallet, office, desk)
    made, read = await asked(their_wallet, desk)
    assert read["client"]["prefix"] == "x509_hash"
    answer = await their_wallet.call("show")
    assert (answer["status"], answer["mode"]) == (200, "direct_post.jwt")
    state = await desk.state(made)
    assert state["verdict"]["decision"] == "accepted", state
