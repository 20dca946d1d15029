"""A wallet made of @openid4vc/openid4vp, @sd-jwt and dcql, unmodified, shows what our issuer made to our verifier, all over https."""

from __future__ import annotations

from typing import Any

import pytest
from support.abroad import Counter
from support.foreign import Peer, Refused
from support.registry import Registry

from issuer.app import LISTS

COUNTERPARTS = {"@openid4vc/openid4vp": "wallet that shows to our verifier"}
pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]


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
    assert (answer["status"], answer["mode"]) == (200, "direct_post.jwt"), (answer, await desk.state(made))
    state = await desk.state(made)
    assert state["verdict"]["decision"] == "accepted", state


async def test_a_request_is_fetched_by_post_and_by_get(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    """OpenID4VP section 5.10 wants `wallet_metadata` and `wallet_nonce` in the form; 0.4.6 puts the members of the metadata there and
    leaves the nonce out, so that no nonce comes back either. We read such a form as one without the two.
    """
    await holding(their_wallet, office, desk)
    made = await desk.ask()
    assert "request_uri_method=post" in made["scheme_link"]
    posted = await their_wallet.call("ask", link=made["scheme_link"])
    got = await their_wallet.call("ask", link=made["scheme_link"].replace("&request_uri_method=post", ""))
    assert "wallet_nonce" not in posted["payload"] | got["payload"]
    assert got["payload"]["nonce"] == posted["payload"]["nonce"], "a request is not single-use before it is answered"
    assert (await their_wallet.call("show"))["status"] == 200


async def test_a_refusal_is_told(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    await holding(their_wallet, office, desk)
    made, _ = await asked(their_wallet, desk)
    assert (await their_wallet.call("refuse", error="access_denied"))["status"] == 200
    assert (await desk.state(made))["state"] == "declined"


async def test_it_holds_nothing_that_answers(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    await holding(their_wallet, office, desk)
    query = {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["shoe_size"]}]}]}
    made = await desk.ask(query="", dcql_query=query, purpose="To see")
    await their_wallet.call("ask", link=made["scheme_link"])
    with pytest.raises(Refused, match="nothing held here answers"):
        await their_wallet.call("show")


@pytest.mark.parametrize(
    "how",
    [
        {"nonce": "another-nonce-of-another-request"},
        {"audience": "x509_hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"spoil": "key-binding"},
        {"spoil": "issuer"},
        {"spoil": "withheld"},
        {"spoil": "stripped"},
        {"bend": {"iat": 1_700_000_000}},
        {"bend": {"iat": 2_000_000_000}},
    ],
    ids=["nonce", "audience", "key-binding-signature", "issuer-signature", "sd-hash", "no-key-binding", "years-ago", "years-ahead"],
)
async def test_bad_presentations_are_refused_with_4xx(their_wallet: Peer, office: Registry, desk: Counter, how: dict[str, object]) -> None:
    await holding(their_wallet, office, desk)
    made, _ = await asked(their_wallet, desk)
    answer = await their_wallet.call("show", **how)
    assert 400 <= answer["status"] < 500, answer
    state = await desk.state(made)
    assert state["verdict"]["decision"] != "accepted"


async def test_a_document_that_the_office_cancelled_is_not_accepted(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    made = await office.make()
    await their_wallet.call("open", anchors=[desk.anchor.read_text()])
    await their_wallet.call("offer", link=made["offer_uri"])
    await their_wallet.call("redeem", tx_code=str(made["code"]))
    await their_wallet.call("request", configuration="representation-sd-jwt")
    status, told = await office.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "made-in-error"})
    assert status == 200, told
    await office.app[LISTS].refresh()
    await desk.refresh()
    asked_again, _ = await asked(their_wallet, desk)
    assert (await their_wallet.call("show"))["status"] == 400
    assert (await desk.state(asked_again))["verdict"]["code"] == "revoked"


async def test_a_wallet_that_knows_another_anchor_takes_no_request(their_wallet: Peer, office: Registry, desk: Counter) -> None:
    await their_wallet.call("open", anchors=[(office.directory / "anchor.pem").read_text()])
    made = await desk.ask()
    with pytest.raises(Refused, match="Oauth2JwtVerificationError"):
        await their_wallet.call("ask", link=made["scheme_link"])
