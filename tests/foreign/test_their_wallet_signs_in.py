"""A wallet made of @openid4vc/openid4vci and oauth2, unmodified, takes documents after its person signed in: PAR, PKCE, DPoP, wallet attestation.

The pages are tested elsewhere; here the person's part is done as they do it, by ``begin`` and ``grant`` of ``issuer.authorization``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio
from support.foreign import Peer, Refused, secret_jwk
from support.registry import Registry, Template, serving
from support.signing import Signer, anchor, leaf

from demo.authority import Authority
from issuer import authorization, config
from shared.clock import system_clock
from shared.errors import AccessDenied
from shared.keys import Role
from shared.trust.anchors import Anchor, TrustAnchors, render_trust

COUNTERPARTS = {"@openid4vc/oauth2": "client that signs in at our authorization server"}
pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]

CONFIGURATION = "representation-sd-jwt"
CLIENT, BACK = "https://wallet.example", "https://wallet.example/back"
MAKER = "https://maker.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(office_folder: Template, tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Registry]:
    """Our issuer, which demands no challenges in a wallet's proofs: 0.4.6 knows draft -07 without them and does not come back with one."""
    folder = tmp_path_factory.mktemp("signs-in") / "registry"
    async with serving(office_folder, folder, local=True, tls=authority) as running:
        yield running


def vouch(office: Registry) -> dict[str, Any]:
    """A maker of wallets whom our issuer trusts; what its wallet is told."""
    at = system_clock() - 3_600
    above, key = Signer.new(), Signer.new()
    root = anchor(above, at=at)
    pinned = Anchor(certificate=root, role=Role.WALLET_PROVIDER, name="Maker (test)")
    config.trust(office.directory).write_bytes(render_trust(TrustAnchors(anchors=(pinned,))))
    chain = [base64.b64encode(leaf(key, root, above, role=Role.WALLET_PROVIDER, uri=MAKER, at=at)).decode()]
    return {"private": secret_jwk(key), "x5c": chain, "clientId": CLIENT, "issuer": MAKER}


def invitation(office: Registry) -> str:
    """An offer that says no more than where to begin."""
    offer = {"credential_issuer": office.url, "credential_configuration_ids": [CONFIGURATION], "grants": {"authorization_code": {}}}
    return f"openid-credential-offer://?{urlencode({'credential_offer': json.dumps(offer)})}"


async def pushed(wallet: Peer, office: Registry, **how: Any) -> str:
    """The id of the sign-in that waits for its person."""
    await wallet.call("open", provider=vouch(office) | how)
    await wallet.call("offer", link=invitation(office))
    sent = await wallet.call("push", client_id=CLIENT, redirect_uri=BACK, scope=CONFIGURATION, state="s-1")
    query = parse_qs(urlsplit(sent["url"]).query)
    assert set(query) == {"client_id", "request_uri"}, "nothing but the reference is seen by the browser"
    return (await authorization.begin(office.office, query["client_id"][0], query["request_uri"][0])).id


async def test_a_person_signs_in_and_agrees(their_wallet: Peer, office: Registry) -> None:
    waiting = await pushed(their_wallet, office)
    made = await office.make()
    back = await authorization.grant(office.office, waiting, [made["id"]])
    assert parse_qs(urlsplit(back).query)["iss"] == [office.url]
    token = await their_wallet.call("code", url=back)
    assert token["token_type"].lower() == "dpop"
    answer = await their_wallet.call("request", configuration=CONFIGURATION, count=2)
    assert len(answer["credentials"]) == 2
    await their_wallet.call("notify", id=answer["notification_id"], event="credential_accepted")


async def test_a_person_says_no(their_wallet: Peer, office: Registry) -> None:
    back = await authorization.deny(office.office, await pushed(their_wallet, office), AccessDenied("she said no"))
    with pytest.raises(Refused, match="access_denied"):
        await their_wallet.call("code", url=back)


async def test_a_code_is_good_once_and_its_token_ends_with_it(their_wallet: Peer, office: Registry) -> None:
    waiting = await pushed(their_wallet, office)
    made = await office.make()
    back = await authorization.grant(office.office, waiting, [made["id"]])
    await their_wallet.call("code", url=back)
    with pytest.raises(Refused, match="invalid_grant"):
        await their_wallet.call("code", url=back)
    with pytest.raises(Refused, match="invalid_token"):
        await their_wallet.call("request", configuration=CONFIGURATION)


async def test_an_answer_by_somebody_else_is_noticed(their_wallet: Peer, office: Registry) -> None:
    """RFC 9207: the wallet compares ``iss``, which our answers carry."""
    waiting = await pushed(their_wallet, office)
    made = await office.make()
    back = await authorization.grant(office.office, waiting, [made["id"]])
    with pytest.raises(Refused):
        await their_wallet.call("code", url=back.replace("iss=", "iss=https%3A%2F%2Fmallory.example&was="))


async def test_a_wallet_whose_maker_is_not_trusted_is_refused(their_wallet: Peer, office: Registry) -> None:
    with pytest.raises(Refused, match="invalid_client"):
        await pushed(their_wallet, office, private=secret_jwk(Signer.new()))
