"""A wallet made of @openid4vc/openid4vci, unmodified, takes documents from our issuer over https."""

from __future__ import annotations

import pytest
from support.foreign import Peer, Refused
from support.registry import Registry

COUNTERPARTS = {"@openid4vc/openid4vci": "wallet that takes from our issuer"}
pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]

CONFIGURATION = "representation-sd-jwt"


async def invited(wallet: Peer, office: Registry) -> str:
    """An open wallet that has read an invitation; the collection code."""
    made = await office.make()
    await wallet.call("open")
    told = await wallet.call("offer", link=made["offer_uri"])
    assert told["version"] == "V1"
    assert told["offer"]["credential_issuer"] == office.url
    return str(made["code"])


async def test_an_invitation_is_read_redeemed_and_collected(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    token = await their_wallet.call("redeem", tx_code=code)
    assert token["token_type"] == "Bearer"
    answer = await their_wallet.call("request", configuration=CONFIGURATION, count=3)
    assert len({each["credential"] for each in answer["credentials"]}) == 3
    await their_wallet.call("notify", id=answer["notification_id"], event="credential_accepted")


async def test_an_offer_by_value(their_wallet: Peer, office: Registry) -> None:
    made = await office.make()
    await their_wallet.call("open")
    await their_wallet.call("offer", link=made["offer_uri_by_value"])
    await their_wallet.call("redeem", tx_code=str(made["code"]))
    assert len((await their_wallet.call("request", configuration=CONFIGURATION))["credentials"]) == 1


async def test_a_token_tied_to_a_key_by_dpop(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    token = await their_wallet.call("redeem", tx_code=code, dpop=True)
    assert token["token_type"] == "DPoP"
    answer = await their_wallet.call("request", configuration=CONFIGURATION)
    assert len(answer["credentials"]) == 1
    await their_wallet.call("notify", id=answer["notification_id"], event="credential_accepted")


async def test_every_format_that_it_can_hold(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    await their_wallet.call("redeem", tx_code=code)
    for name in ("representation-sd-jwt", "representation-vc-jwt"):
        assert len((await their_wallet.call("request", configuration=name, count=2))["credentials"]) == 2


async def test_a_wrong_code_is_refused_and_the_right_one_still_works(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    wrong = f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"
    with pytest.raises(Refused, match="invalid_grant"):
        await their_wallet.call("redeem", tx_code=wrong)
    assert (await their_wallet.call("redeem", tx_code=code))["access_token"]


async def test_another_pre_authorized_code_is_refused(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    with pytest.raises(Refused, match="invalid_grant"):
        await their_wallet.call("redeem", tx_code=code, code="of-somebody-else")


async def test_a_code_is_good_once(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    await their_wallet.call("redeem", tx_code=code)
    with pytest.raises(Refused, match="invalid_grant"):
        await their_wallet.call("redeem", tx_code=code)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"audience": "https://another-office.example"}, "invalid_proof"),
        ({"spoil": True}, "invalid_proof"),
        ({"proofs": False}, "invalid_proof"),
        ({"configuration": "no-such-document", "known": CONFIGURATION}, "unknown_credential_configuration"),
    ],
    ids=["proof-for-another-issuer", "bad-signature", "no-proof", "unknown-configuration"],
)
async def test_bad_requests_are_refused_by_name(their_wallet: Peer, office: Registry, how: dict[str, object], error: str) -> None:
    code = await invited(their_wallet, office)
    await their_wallet.call("redeem", tx_code=code)
    with pytest.raises(Refused, match=f'"error":"{error}"') as caught:
        await their_wallet.call("request", **({"configuration": CONFIGURATION} | how))
    assert caught.value.name == "Openid4vciRetrieveCredentialsError"
    assert len((await their_wallet.call("request", configuration=CONFIGURATION))["credentials"]) == 1


async def test_a_nonce_is_good_once(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    await their_wallet.call("redeem", tx_code=code)
    await their_wallet.call("request", configuration=CONFIGURATION)
    with pytest.raises(Refused, match='"error":"invalid_nonce"'):
        await their_wallet.call("request", configuration=CONFIGURATION, again=True)


async def test_a_notification_of_something_else_is_refused(their_wallet: Peer, office: Registry) -> None:
    code = await invited(their_wallet, office)
    await their_wallet.call("redeem", tx_code=code)
    with pytest.raises(Refused):
        await their_wallet.call("notify", id="no-such-delivery", event="credential_accepted")
