"""What a verifier says of itself in federations: somebody who asks, with the keys of its questions, under its identifier."""

from __future__ import annotations

from pathlib import Path

from support.desk import BANK, Template, opened

from shared.jose.jwk import thumbprint
from shared.trust.federation_keys import parse_jwks
from shared.trust.key_proofs import proven
from shared.trust.statements import check_statement, parse_statement
from verifier.desk import RELYING_PARTY
from verifier.opening import entity_of


async def test_a_verifier_is_somebody_who_asks(template: Template, tmp_path: Path) -> None:
    async with opened(template, tmp_path / "desk", authority_hints=("https://registrar.example",)) as desk:
        said = parse_statement(await entity_of(desk).configure())
        check_statement(said, said.keys, at=desk.clock())
        assert (said.sub, said.authority_hints) == (BANK, ("https://registrar.example",))
        asker = said.metadata["openid_credential_verifier"]
        (jwk,) = asker["jwks"]["keys"]
        assert [each.kid for each in proven(BANK, "openid_credential_verifier", parse_jwks(asker), asker, at=desk.clock())] == [jwk["kid"]]
        assert jwk["kid"] == thumbprint(await desk.custodian.public(RELYING_PARTY))
        assert said.metadata["federation_entity"]["organization_name"] == "Northwold Bank"
