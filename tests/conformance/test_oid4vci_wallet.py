"""The official modules for wallets that collect (OpenID4VCI 1.0, also in the HAIP plan), each re-created with an issuer of our own.

Variants as there: the issuer or the wallet begins, copies at once or later, answers plain or encrypted, keys attested or not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from support.strict_wallet import Visit, visit

from shared.errors import Unavailable
from shared.jose.jwk import parse_public_jwk, thumbprint
from shared.jose.jws import parse_jws
from shared.openid4vci import KeyDemand
from wallet import invite
from wallet.upkeep import upkeep

VARIANTS: dict[str, dict[str, Any]] = {
    "immediate, plain": {},
    "immediate, encrypted": {"encryption": "required"},
    "deferred, plain": {"waits": 1},
    "deferred, encrypted": {"waits": 1, "encryption": "required"},
    "keys attested": {"demand": KeyDemand()},
    "attestation as proof": {"attestation_only": True},
}


async def issued(here: Visit, *, wallet_begins: bool = False) -> None:
    """From a link with an ``issuer_state``, or from the wallet's own page, to the document."""
    means, vault = here.wallet.means, here.wallet.vault
    if wallet_begins:
        invitation = (await invite.choose(means, vault, here.issuer.base, "representation")).id
    else:
        invitation = await here.invite()
    await here.come_back(here.issuer.agree(await here.leave(invitation)))
    pushed = parse_qs(here.issuer.calls("/par")[-1][1].decode())
    assert pushed.get("issuer_state") == (None if wallet_begins else ["state-of-the-issuer"])
    if here.issuer.ways.waits:
        with pytest.raises(Unavailable):
            await here.take(invitation)
        here.clock.at += here.issuer.ways.interval
        await upkeep(means, vault)
    else:
        await here.take(invitation)
    assert len((await here.wallet.document()).copies) == here.issuer.ways.batch_size
    assert {type(error).__name__ for error in here.issuer.refused} <= {"UseDpopNonce"}


def order(issuer_log: list[tuple[str, dict[str, str], bytes]]) -> list[str]:
    """Which endpoints were called, in which order, second tries left out."""
    called = [what.rpartition("/")[2] for what, _, _ in issuer_log if what.startswith("POST")]
    return [name for place, name in enumerate(called) if place == 0 or called[place - 1] != name]


@pytest.mark.parametrize("wallet_begins", [False, True], ids=["issuer", "wallet"])
@pytest.mark.parametrize("ways", VARIANTS.values(), ids=list(VARIANTS))
async def test_oid4vci_1_0_wallet_test_credential_issuance(tmp_path: Path, ways: dict[str, Any], wallet_begins: bool) -> None:
    async with visit(tmp_path, batch_size=2, **ways) as here:
        await issued(here, wallet_begins=wallet_begins)
        expected = ["par", "token", "nonce", "credential", *(["deferred"] if ways.get("waits") else []), "notification"]
        assert order(here.issuer.log) == expected
        assert [what for what, _, _ in here.issuer.log][:2] == [
            "GET /.well-known/openid-credential-issuer",
            "GET /.well-known/oauth-authorization-server",
        ]


@pytest.mark.parametrize("wallet_begins", [False, True], ids=["issuer", "wallet"])
@pytest.mark.parametrize("ways", VARIANTS.values(), ids=list(VARIANTS))
async def test_oid4vci_1_0_wallet_happy_path_with_scopes_without_authorization_details_in_token_response(
    tmp_path: Path, ways: dict[str, Any], wallet_begins: bool
) -> None:
    """The request names a scope, the token response no details: then the configuration is named, and no identifier."""
    async with visit(tmp_path, batch_size=2, identified=False, **ways) as here:
        await issued(here, wallet_begins=wallet_begins)
        pushed = parse_qs(here.issuer.calls("/par")[-1][1].decode())
        assert pushed["scope"] == ["poa-dc+sd-jwt"]
        assert "authorization_details" not in pushed
        if not here.issuer.ways.encryption:
            asked = json.loads(here.issuer.calls("/credential")[-1][1])
            assert asked["credential_configuration_id"] == "poa-dc+sd-jwt"
            assert "credential_identifier" not in asked


@pytest.mark.parametrize("ways", VARIANTS.values(), ids=list(VARIANTS))
async def test_oid4vci_1_0_wallet_test_credential_issuance_notification(tmp_path: Path, ways: dict[str, Any]) -> None:
    async with visit(tmp_path, batch_size=2, notifies=True, **ways) as here:
        await issued(here)
        (told,) = here.issuer.notified
        assert told["event"] == "credential_accepted"
        assert told["notification_id"].startswith("notification-")
    (tmp_path / "quiet").mkdir()
    async with visit(tmp_path / "quiet", batch_size=2, notifies=False, **ways) as here:
        await issued(here)
        assert not here.issuer.calls("/notification"), "only where an id was given"


@pytest.mark.parametrize("path", ["", "/as"])
async def test_oid4vci_1_0_wallet_test_client_attestation_challenge(tmp_path: Path, path: str) -> None:
    """A challenge is fetched and stands in the proof; another one in the next proof. ``aud`` is the server's identifier, exactly."""
    async with visit(tmp_path, challenges=True, path=path) as here:
        issuer = here.issuer
        await issued_at(here, path)
        assert issuer.popped
        assert None not in issuer.popped
        assert len(set(issuer.popped)) == len(issuer.popped)
        for endpoint in ("/par", "/token"):
            headers, _ = issuer.calls(path + endpoint)[-1]
            said = json.loads(parse_jws(headers["oauth-client-attestation-pop"]).payload)
            assert said["aud"] == issuer.server
            assert said["challenge"].startswith("challenge-")
            attestation = json.loads(parse_jws(headers["oauth-client-attestation"]).payload)
            assert attestation["sub"] == said["iss"]


async def issued_at(here: Visit, path: str) -> None:
    await here.collect()
    assert here.issuer.calls(f"{path}/challenge")


@pytest.mark.parametrize("ways", [{}, {"waits": 1}, {"encryption": "required"}], ids=["plain", "deferred", "encrypted"])
async def test_oid4vci_1_0_wallet_test_batch_credential_issuance(tmp_path: Path, ways: dict[str, Any]) -> None:
    """Ten copies in the reverse order of their proofs; keys pairwise distinct, never more than the issuer takes."""
    async with visit(tmp_path, batch_size=10, reverse=True, **ways) as here:
        await issued(here)
        assert here.issuer.batches == [10]
        if not ways:
            proofs = json.loads(here.issuer.calls("/credential")[-1][1])["proofs"]["jwt"]
            keys = [thumbprint(parse_public_jwk(dict(parse_jws(proof).header["jwk"]))) for proof in proofs]
            assert len(set(keys)) == len(keys) == 10
        copies = await here.wallet.copies()
        assert len({copy.value.wire for copy in copies}) == len({copy.value.private for copy in copies}) == 10
