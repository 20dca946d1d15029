from __future__ import annotations

from support.attested import CALLBACK, WALLET, attested
from support.registry import NOON, Registry

from shared.formats import formats
from shared.openid4vci import DPOP, refresh
from shared.x509 import load_certificate


async def test_from_pushed_request_to_copies(registry: Registry) -> None:
    """PAR, sign-in, code, token, nonce, copies: a wallet of high assurance, with the client core that wallets use."""
    number = (await registry.make())["id"]
    wallet = await attested(registry)
    sign_in, pushed = await wallet.push()
    assert pushed.expires_in == 90
    assert pushed.request_uri.startswith("urn:ietf:params:oauth:request_uri:")
    pending = await wallet.begin(pushed)
    assert (pending.client_id, pending.name, pending.provider) == (WALLET, "A wallet", "Test leaf")
    assert (pending.types, pending.hint, pending.redirect_uri) == (("representation",), None, CALLBACK)
    _, url = await wallet.sign_in([number])
    assert url.startswith(f"{CALLBACK}?code=")
    token = await wallet.token([number])
    assert (token.token_type, token.expires_in, token.details) == (DPOP, 300, ())
    response = await wallet.copies(token, 3)
    issuer = load_certificate(registry.office.signer.x5c[0]).public
    form = formats()["dc+sd-jwt"]
    for wire, key in zip(response.credentials, wallet.keys, strict=True):
        form.check_received(form.parse(wire), issuer, holder=key.public, at=NOON)
    renewed = await wallet.run(refresh(wallet.metadata, token.refresh_token or ""))
    assert renewed.token_type == DPOP
    assert len((await wallet.copies(renewed, 2)).credentials) == 2
    _, detail = await registry.call("GET", f"/api/credentials/{number}")
    assert [line["what"] for line in detail["history"]] == ["made", "collected", "renewed"]
    assert sign_in.state
