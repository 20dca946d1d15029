from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer, anchor, leaf

from shared.codec import base64url
from shared.errors import InvalidClientAttestation, KeyRoleRefused, UseAttestationChallenge, VcError
from shared.jose.jwk import render_jwk, thumbprint
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role, check_role
from shared.oauth import Client, attestation_headers, prepare_attestation, prepare_attestation_pop, verify_client_attestation
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import load_certificate, x5c_header

SERVER = "https://as.example"
CLIENT = "https://wallet.example/"
PROVIDER = "https://provider.example"
ROOT, MAKER, WALLET = Signer.new(), Signer.new(), Signer.new()
ANCHOR = anchor(ROOT)
CHAIN = (leaf(MAKER, ANCHOR, ROOT, role=Role.WALLET_PROVIDER, uri=PROVIDER),)
POLICY = Policy(TrustAnchors(anchors=(Anchor(certificate=ANCHOR, role=Role.WALLET_PROVIDER, name="provider"),)))


def attested(signer: Signer = MAKER, **arguments: Any) -> str:
    given_: dict[str, Any] = {
        "client_id": CLIENT,
        "instance": WALLET.public,
        "at": AT,
        "lifetime": 86_400,
        "issuer": PROVIDER,
        "x5c": CHAIN,
        **arguments,
    }
    return signer.finish(prepare_attestation(key=KeyId("maker"), alg=signer.public.alg, **given_))


def proved(signer: Signer = WALLET, **arguments: Any) -> str:
    given_: dict[str, Any] = {"client_id": CLIENT, "audience": SERVER, "at": AT, "jti": "j1", "challenge": "c", **arguments}
    return signer.finish(prepare_attestation_pop(key=KeyId("wallet"), public=signer.public, **given_))


def forged(signer: Signer, typ: str, claims: dict[str, Any], chain: Sequence[bytes] = ()) -> str:
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    header = {"x5c": x5c_header(chain)} if chain else {}
    return signer.finish(prepare_jws(typ=typ, payload=payload, key=KeyId("k"), alg=signer.public.alg, header=header))


def claims(**changes: Any) -> dict[str, Any]:
    return {"iss": PROVIDER, "sub": CLIENT, "exp": AT + 60, "cnf": {"jwk": render_jwk(WALLET.public)}, **changes}


def attestation_with(typ: str = "oauth-client-attestation+jwt", signer: Signer = MAKER, **changes: Any) -> str:
    return forged(signer, typ, claims(**changes), CHAIN)


def pop_with(typ: str = "oauth-client-attestation-pop+jwt", signer: Signer = WALLET, **changes: Any) -> str:
    return forged(signer, typ, {"iss": CLIENT, "aud": SERVER, "jti": "j1", "iat": AT, "challenge": "c", **changes})


def verify(attestation: str, pop: str, **arguments: Any) -> Client:
    given_: dict[str, Any] = {
        "check_provider": POLICY.check_wallet_provider,
        "audience": SERVER,
        "at": AT,
        "challenge_ok": lambda challenge: challenge == "c",
        **arguments,
    }
    return verify_client_attestation(attestation, pop, **given_)


def test_an_attested_wallet_is_known() -> None:
    assert verify(attested(name="Our wallet"), proved()) == Client(
        client_id=CLIENT,
        jkt=thumbprint(WALLET.public),
        provider=load_certificate(CHAIN[0]),
        jti="j1",
        iat=AT,
        challenge="c",
        issuer=PROVIDER,
        expires_at=AT + 86_400,
        name="Our wallet",
    )


def test_later_drafts_leave_out_who_says_it() -> None:
    assert verify(attested(issuer=None), pop_with(iss=None)).issuer is None


def test_makers_certificates_by_others_need_not_know_our_purposes() -> None:
    """A pin for wallets' makers decides what a certificate without any purpose is for; one with another purpose stays refused."""
    for role in (Role.CREDENTIAL_ISSUER, Role.RELYING_PARTY):
        chain = (leaf(MAKER, ANCHOR, ROOT, role=role, uri=PROVIDER),)
        with pytest.raises(InvalidClientAttestation):
            verify(attested(x5c=chain), proved())


def test_each_part_is_signed_by_its_own_role() -> None:
    for role, typ in ((Role.WALLET_PROVIDER, "oauth-client-attestation+jwt"), (Role.CLIENT, "oauth-client-attestation-pop+jwt")):
        check_role(role, typ)
        for other in set(Role) - {role}:
            with pytest.raises(KeyRoleRefused):
                check_role(other, typ)


OTHER = Signer.new()
STRANGER = Signer.new()
ELSEWHERE = anchor(STRANGER)
REFUSED: dict[str, tuple[str, str]] = {
    "no jwt": ("x", proved()),
    "no pop": (attested(), ""),
    "concatenated": (f"{attested()}~{proved()}", proved()),
    "pop as attestation": (proved(), proved()),
    "attestation as pop": (attested(), attested()),
    "other typ": (attestation_with("JWT"), proved()),
    "typ_swap key attestation": (attestation_with("key-attestation+jwt"), proved()),
    "pop of another typ": (attested(), pop_with("dpop+jwt")),
    "bad signature": (attested(OTHER), proved()),
    "bad pop signature": (attested(), proved(OTHER)),
    "no chain": (forged(MAKER, "oauth-client-attestation+jwt", claims()), proved()),
    "unknown maker": (attested(MAKER, x5c=(leaf(MAKER, ELSEWHERE, STRANGER, role=Role.WALLET_PROVIDER),)), proved()),
    "anchor in the chain": (attested(x5c=(*CHAIN, ANCHOR.der)), proved()),
    "no sub": (attestation_with(sub=None), pop_with(iss=None)),
    "no cnf": (attestation_with(cnf=None), proved()),
    "no jwk": (attestation_with(cnf={"kid": "1"}), proved()),
    "private key": (attestation_with(cnf={"jwk": {**render_jwk(WALLET.public), "d": "AA"}}), proved()),
    "another key": (attestation_with(cnf={"jwk": render_jwk(OTHER.public)}), proved()),
    "no exp": (attestation_with(exp=None), proved()),
    "exp now": (attestation_with(exp=AT), proved()),
    "exp long ago": (attestation_with(exp=AT - 500), proved()),
    "exp is a text": (attestation_with(exp="x"), proved()),
    "not yet": (attestation_with(nbf=AT + 61), proved()),
    "from the future": (attestation_with(iat=AT + 61), proved()),
    "other audience": (attested(), proved(audience="https://evil.example")),
    "audience with a slash more": (attested(), proved(audience=SERVER + "/")),
    "several audiences": (attested(), pop_with(aud=[SERVER, "https://evil.example"])),
    "other client": (attested(), proved(client_id="other")),
    "iss is a number": (attested(), pop_with(iss=1)),
    "no jti": (attested(), pop_with(jti=None)),
    "no iat": (attested(), pop_with(iat=None)),
    "old pop": (attested(), proved(at=AT - 361)),
    "pop from the future": (attested(), proved(at=AT + 61)),
    "pop that ended": (attested(), pop_with(exp=AT - 60)),
    "challenge is a number": (attested(), pop_with(challenge=1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_attestation_is_refused(name: str) -> None:
    with pytest.raises(InvalidClientAttestation):
        verify(*REFUSED[name])


def test_an_algorithm_outside_the_list_is_refused() -> None:
    with pytest.raises(InvalidClientAttestation):
        verify(attested(), proved(), algs=("EdDSA",))


def test_a_challenge_that_is_not_ours_is_told_apart() -> None:
    for challenge in ("old", None):
        with pytest.raises(UseAttestationChallenge):
            verify(attested(), proved(challenge=challenge))
    assert verify(attested(), proved(challenge=None), challenge_ok=lambda _: True).challenge is None


def test_a_request_has_one_of_each_header() -> None:
    assert attestation_headers([], []) is None
    assert attestation_headers([" a "], ["p"]) == ("a", "p")
    for attestations, pops in ((["a"], []), ([], ["p"]), (["a", "a"], ["p"]), (["a"], ["p", "p"])):
        with pytest.raises(InvalidClientAttestation):
            attestation_headers(attestations, pops)


@given(st.text(), st.text())
def test_any_texts_are_a_client_or_a_vc_error(attestation: str, pop: str) -> None:
    for first, second in ((attestation, pop), (attested(), pop)):
        with pytest.raises(VcError):
            verify(first, second)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "exp", "cnf", "iat", "nbf", "aud", "jti", "challenge"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dictionaries(st.just("jwk"), st.just({})),
    )
)
def test_any_claims_are_a_client_or_a_vc_error(changes: dict[str, Any]) -> None:
    try:
        verify(attestation_with(**changes), pop_with(**changes))
    except VcError:
        return


@pytest.mark.vectors
def test_the_attestation_of_the_specification_has_the_claims_that_are_read(vectors: Vectors) -> None:
    """Its certificate is self-signed, which HAIP section 4.4.1 forbids; the claims are as ours."""
    token = "".join(vectors("oid4vci-1.0/wallet_attestation.jwt.txt").read_text().split())
    with pytest.raises(InvalidClientAttestation):
        verify(token, proved(), at=1_755_050_000)
    read = json.loads(base64url.decode(token.split(".")[1]))
    mine = json.loads(base64url.decode(attested(name="W").split(".")[1]))
    assert set(mine) <= {*read, "iat"}
