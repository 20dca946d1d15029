from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer, anchor, leaf

from shared.errors import InvalidNonce, InvalidProof, KeyRoleRefused, VcError
from shared.jose.jwk import render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, Role, check_role
from shared.openid4vci import (
    Attesting,
    KeyAttestation,
    KeyDemand,
    KeyProof,
    prepare_key_attestation,
    prepare_key_proof,
    verify_attestation_proof,
    verify_key_attestation,
    verify_key_proofs,
)
from shared.trust.anchors import Anchor, TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import load_certificate, x5c_header

ISSUER = "https://opg.example/lpa"
NONCE = "wKI4LT17ac15ES9bw8ac4"
ROOT, MAKER = Signer.new(), Signer.new()
ANCHOR = anchor(ROOT)
CHAIN = (leaf(MAKER, ANCHOR, ROOT, role=Role.WALLET_PROVIDER, uri="https://provider.example"),)
POLICY = Policy(TrustAnchors(anchors=(Anchor(certificate=ANCHOR, role=Role.WALLET_PROVIDER, name="provider"),)))
KEYS = [Signer.new() for _ in range(3)]
STRANGER = Signer.new()
HIGH, LOW = "iso_18045_high", "iso_18045_basic"
TRUSTING = Attesting(check_provider=POLICY.check_wallet_provider)
DEMANDING = Attesting(check_provider=POLICY.check_wallet_provider, demand=KeyDemand(key_storage=(HIGH,)))


def attested(signer: Signer = MAKER, keys: Sequence[Signer] = KEYS, **arguments: Any) -> str:
    given_: dict[str, Any] = {"at": AT, "lifetime": 3_600, "nonce": NONCE, "key_storage": (HIGH,), "x5c": CHAIN, **arguments}
    return signer.finish(prepare_key_attestation(key=KeyId("maker"), alg=signer.public.alg, keys=[each.public for each in keys], **given_))


def forged(typ: str = "key-attestation+jwt", *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iat": AT, "exp": AT + 60, "nonce": NONCE, "attested_keys": [render_jwk(KEYS[0].public)], **changes}
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    return MAKER.finish(
        prepare_jws(typ=typ, payload=payload, key=KeyId("k"), header={"x5c": x5c_header(CHAIN)} if header is None else header)
    )


def verify(token: str, **arguments: Any) -> KeyAttestation:
    return verify_key_attestation(token, **{"check_provider": POLICY.check_wallet_provider, "at": AT, **arguments})


def test_an_attestation_vouches_for_its_keys() -> None:
    assert verify(attested(issuer="https://provider.example", user_authentication=(LOW,))) == KeyAttestation(
        keys=tuple(each.public for each in KEYS),
        names=("", "", ""),
        provider=load_certificate(CHAIN[0]),
        nonce=NONCE,
        key_storage=(HIGH,),
        user_authentication=(LOW,),
    )
    assert verify(attested(nonce=None, key_storage=())).nonce is None


def test_the_providers_role_signs_attestations_and_no_other_role_does() -> None:
    check_role(Role.WALLET_PROVIDER, "key-attestation+jwt")
    for role in set(Role) - {Role.WALLET_PROVIDER}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, "key-attestation+jwt")


ELSEWHERE = Signer.new()
REFUSED = {
    "no jwt": "x",
    "other typ": forged("JWT"),
    "typ_swap client attestation": forged("oauth-client-attestation+jwt"),
    "bad signature": attested(STRANGER),
    "unknown maker": attested(x5c=(leaf(MAKER, anchor(ELSEWHERE), ELSEWHERE, role=Role.WALLET_PROVIDER),)),
    "an issuer's certificate": attested(x5c=(leaf(MAKER, ANCHOR, ROOT),)),
    "no chain": forged(header={"kid": "1"}),
    "no iat": forged(iat=None),
    "no exp": forged(exp=None),
    "run out": forged(exp=AT),
    "from the future": forged(iat=AT + 61),
    "no keys": forged(attested_keys=[]),
    "keys are no array": forged(attested_keys={}),
    "a private key": forged(attested_keys=[{**render_jwk(KEYS[0].public), "d": "AA"}]),
    "a key twice": forged(attested_keys=[render_jwk(KEYS[0].public)] * 2),
    "too many keys": forged(attested_keys=[{}] * 101),
    "nonce is a number": forged(nonce=1),
    "level is a text": forged(key_storage=HIGH),
    "kid is a number": forged(attested_keys=[{**render_jwk(KEYS[0].public), "kid": 1}]),
    "too long": "x" * 70_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_attestation_is_refused(name: str) -> None:
    with pytest.raises(InvalidProof):
        verify(REFUSED[name])


def test_one_that_does_not_say_when_it_ends_ends_after_a_day() -> None:
    assert verify(forged(exp=None), needs_end=False).nonce == NONCE
    with pytest.raises(InvalidProof):
        verify(forged(exp=None), needs_end=False, at=AT + 86_401)
    with pytest.raises(InvalidProof):
        verify(forged(exp=AT), needs_end=False)


@pytest.mark.parametrize(
    ("demand", "taken"),
    [
        (KeyDemand(), True),
        (KeyDemand(key_storage=(LOW, HIGH)), True),
        (KeyDemand(key_storage=(LOW,)), False),
        (KeyDemand(key_storage=(HIGH,), user_authentication=(HIGH,)), False),
    ],
)
def test_levels_are_taken_by_name(demand: KeyDemand, taken: bool) -> None:
    if taken:
        assert verify(attested(), demand=demand).key_storage == (HIGH,)
    else:
        with pytest.raises(InvalidProof):
            verify(attested(), demand=demand)


# --- inside of a key proof ---------------------------------------------------------------------------------------------------------------


def known(nonce: str) -> bool:
    return nonce == NONCE


def proof(signer: Signer = KEYS[0], attestation: str | None = None, **arguments: Any) -> str:
    given_: dict[str, Any] = {"audience": ISSUER, "nonce": NONCE, "at": AT, **arguments}
    return signer.finish(prepare_key_proof(key=KeyId("copy"), public=signer.public, key_attestation=attestation, **given_))


def named(kid: str, attestation: str, signer: Signer = KEYS[1]) -> str:
    payload = json.dumps({"aud": ISSUER, "iat": AT, "nonce": NONCE}).encode()
    header = {"kid": kid, "key_attestation": attestation}
    return signer.finish(prepare_jws(typ="openid4vci-proof+jwt", payload=payload, key=KeyId("copy"), header=header))


def verify_all(*tokens: str, attesting: Attesting | None = TRUSTING, **arguments: Any) -> tuple[KeyProof, ...]:
    return verify_key_proofs(tokens, **{"audience": ISSUER, "nonce_seen": known, "at": AT, "attesting": attesting, **arguments})


def test_every_attested_key_gets_a_copy() -> None:
    found = verify_all(proof(KEYS[1], attested()))
    assert [each.holder for each in found] == [KEYS[1].public, KEYS[0].public, KEYS[2].public]
    assert all(each.attestation is not None and each.nonce == NONCE for each in found)
    both = verify_all(proof(KEYS[1], attested()), proof(KEYS[0], attested()))
    assert [each.holder for each in both] == [KEYS[1].public, KEYS[0].public, KEYS[2].public]


def test_an_issuer_may_ignore_attestations_or_do_without() -> None:
    assert verify_all(proof(attestation="garbage"), attesting=None) == (KeyProof(KEYS[0].public, NONCE),)
    assert verify_all(proof()) == (KeyProof(KEYS[0].public, NONCE),)


def test_a_demanded_attestation_must_be_there_and_be_enough() -> None:
    assert len(verify_all(proof(attestation=attested()), attesting=DEMANDING)) == 3
    for token in (proof(), proof(attestation=attested(key_storage=(LOW,)))):
        with pytest.raises(InvalidProof):
            verify_all(token, attesting=DEMANDING)


def test_a_key_may_be_named_by_its_place_or_its_name() -> None:
    assert verify_all(named("1", attested()))[0].holder == KEYS[1].public
    keys = [{**render_jwk(KEYS[0].public), "kid": "1"}, {**render_jwk(KEYS[1].public), "kid": "zero"}]
    by_name = forged(attested_keys=keys)
    assert verify_all(named("zero", by_name))[0].holder == KEYS[1].public
    assert verify_all(named("1", by_name, KEYS[0]))[0].holder == KEYS[0].public
    for kid in ("3", "9999", "x", "²"):
        with pytest.raises(InvalidProof):
            verify_all(named(kid, attested()))


@pytest.mark.parametrize(
    "token",
    [
        proof(STRANGER, attested()),
        proof(attestation=attested(STRANGER)),
        proof(attestation=attested(nonce=None)),
        proof(attestation="x"),
        named("0", attested()),
    ],
)
def test_the_attestation_of_another_key_or_by_nobody_is_refused(token: str) -> None:
    with pytest.raises(InvalidProof):
        verify_all(token)


def test_an_attestation_for_another_occasion_is_told_apart() -> None:
    with pytest.raises(InvalidNonce) as caught:
        verify_all(proof(attestation=attested(nonce="old")))
    assert caught.value.where == "/proofs/jwt/0/key_attestation/nonce"


def test_algorithms_are_those_of_the_proof_type() -> None:
    edwards = Signer.new("EdDSA")
    with pytest.raises(InvalidProof):
        verify_all(proof(edwards, attested(keys=[edwards])), algs=("EdDSA",))


# --- instead of key proofs ---------------------------------------------------------------------------------------------------------------


def verify_alone(token: str, **arguments: Any) -> tuple[KeyProof, ...]:
    return verify_attestation_proof(token, **{"nonce_seen": known, "at": AT, "attesting": TRUSTING, **arguments})


def test_an_attestation_alone_gives_a_copy_for_each_key() -> None:
    assert [each.holder for each in verify_alone(attested())] == [each.public for each in KEYS]
    assert verify_alone(forged(exp=None))[0].nonce == NONCE


def test_alone_it_needs_a_nonce_of_ours() -> None:
    with pytest.raises(InvalidProof):
        verify_alone(attested(nonce=None))
    with pytest.raises(InvalidNonce):
        verify_alone(attested(nonce="old"))
    with pytest.raises(InvalidProof) as caught:
        verify_alone("x")
    assert caught.value.where.startswith("/proofs/attestation/0")


@given(st.text())
def test_any_text_is_an_attestation_or_a_vc_error(text: str) -> None:
    for read in (lambda: verify(text), lambda: verify_all(proof(attestation=text)), lambda: verify_alone(text)):
        with pytest.raises(VcError):
            read()


@given(
    st.dictionaries(
        st.sampled_from(["iat", "exp", "nonce", "attested_keys", "key_storage", "user_authentication"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.just({}) | st.text(max_size=3)),
    )
)
def test_any_claims_are_an_attestation_or_a_vc_error(changes: dict[str, Any]) -> None:
    try:
        verify(forged(**changes))
    except VcError:
        return
