"""What a wallet service says of itself in federations: whoever vouches for its wallets, by its own key."""

from __future__ import annotations

from pathlib import Path

from support.thrift import easy_seal
from support.wallets import EASY

from shared.clock import system_clock, system_entropy
from shared.jose.jwk import thumbprint
from shared.trust.federation_keys import parse_jwks
from shared.trust.key_proofs import proven
from shared.trust.statements import check_statement, parse_statement
from shared.web.entity import FEDERATION
from wallet.app import open_host
from wallet.attester import ATTESTER
from wallet.config import open_place
from wallet.init import Wish, entity_of, set_up


async def test_a_wallet_service_is_a_provider_of_wallets(tmp_path: Path) -> None:
    with easy_seal():
        wish = Wish(folder=tmp_path / "wallet", public_url="https://wallet.example", port=0)
        await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
        host = open_host(open_place(tmp_path / "wallet"))
    try:
        await host.start()
        said = parse_statement(await entity_of(host.place, host.storage, host.custodian, host.means.clock).configure())
        check_statement(said, said.keys, at=system_clock())
        provider = said.metadata["openid_wallet_provider"]
        (jwk,) = provider["jwks"]["keys"]
        assert [each.kid for each in proven(said.sub, "openid_wallet_provider", parse_jwks(provider), provider, at=system_clock())] == [
            jwk["kid"]
        ]
        assert jwk["kid"] == thumbprint(await host.custodian.public(ATTESTER))
        assert said.kid == thumbprint(await host.custodian.public(FEDERATION))
        assert said.metadata["federation_entity"]["organization_name"] == "Wallets of wallet.example"
    finally:
        await host.close()
