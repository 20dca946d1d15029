from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT, Signer, anchor, leaf

from shared.codec import base64url
from shared.errors import InvalidNonce, InvalidProof, VcError
from shared.jose.jwk import render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import KeyId, check_role
from shared.keys import Role as KeyRole
from shared.openid4vci import KeyProof, prepare_key_proof, verify_key_proof, verify_key_proofs
from shared.x509 import x5c_header

ISSUER = "https://opg.example/lpa"
NONCE = "wKI4LT17ac15ES9bw8ac4"
HOLDER = Signer.new()
JWK = render_jwk(HOLDER.public)
KEY = KeyId("copy-1")


def known(nonce: str) -> bool:
    return nonce == NONCE


def proof(signer: Signer = HOLDER, **arguments: Any) -> str:
    given_: dict[str, Any] = {"audience": ISSUER, "nonce": NONCE, "at": AT, **arguments}
    return signer.finish(prepare_key_proof(key=KEY, public=signer.public, **given_))


def forged(
    signer: Signer = HOLDER,
    *,
    typ: str = "openid4vci-proof+jwt",
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
) -> str:
    payload = {"aud": ISSUER, "iat": AT, "nonce": NONCE, **(claims or {})}
    return signer.finish(
        prepare_jws(
            typ=typ,
            payload=json.dumps({name: value for name, value in payload.items() if value is not None}).encode(),
            key=KEY,
            alg=signer.public.alg,
            header={"jwk": render_jwk(signer.public)} if header is None else header,
        )
    )


def by_hand(header: dict[str, Any], sign: Callable[[bytes], bytes] = lambda _input: b"x" * 64) -> str:
    claims = json.dumps({"aud": ISSUER, "iat": AT, "nonce": NONCE}).encode()
    signing_input = f"{base64url.encode(json.dumps(header).encode())}.{base64url.encode(claims)}"
    return f"{signing_input}.{base64url.encode(sign(signing_input.encode()))}"


def verify(token: str, **arguments: Any) -> KeyProof:
    return verify_key_proof(token, **{"audience": ISSUER, "nonce_seen": known, "at": AT, **arguments})


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_a_proof_gives_the_key_and_the_nonce(alg: str) -> None:
    signer = Signer.new(alg)
    assert verify(proof(signer)) == KeyProof(signer.public, NONCE)


def test_a_key_may_come_in_a_certificate() -> None:
    authority = Signer.new()
    chain = [leaf(HOLDER, anchor(authority), authority)]
    assert verify(forged(header={"x5c": x5c_header(chain)})).holder == HOLDER.public


def test_the_holders_role_signs_proofs_and_no_other_role_does() -> None:
    unsigned = prepare_key_proof(key=KEY, public=HOLDER.public, audience=ISSUER, nonce=NONCE, at=AT)
    check_role(KeyRole.HOLDER, unsigned.typ)
    for role in set(KeyRole) - {KeyRole.HOLDER}:
        with pytest.raises(VcError):
            check_role(role, unsigned.typ)


SECRET = b"k" * 32
REFUSED: dict[str, str] = {
    "no jwt": "x",
    "wrong typ": forged(typ="JWT"),
    "typ_swap key binding": forged(typ="kb+jwt"),
    "no typ": by_hand({"alg": "ES256", "jwk": JWK}),
    "none": by_hand({"alg": "none", "typ": "openid4vci-proof+jwt", "jwk": JWK}, lambda _input: b""),
    "hmac": by_hand({"alg": "HS256", "typ": "openid4vci-proof+jwt", "jwk": JWK}, lambda data: hmac.digest(SECRET, data, hashlib.sha256)),
    "symmetric key": by_hand(
        {"alg": "HS256", "typ": "openid4vci-proof+jwt", "jwk": {"kty": "oct", "k": base64url.encode(SECRET)}},
        lambda data: hmac.digest(SECRET, data, hashlib.sha256),
    ),
    "no key": forged(header={}),
    "jwk and kid": forged(header={"jwk": JWK, "kid": "1"}),
    "jwk and x5c": forged(header={"jwk": JWK, "x5c": ["MII="]}),
    "kid alone": forged(header={"kid": "did:example:1#0"}),
    "x5c is no array": forged(header={"x5c": "MII="}),
    "x5c is no certificate": forged(header={"x5c": [base64.b64encode(b"x").decode()]}),
    "private key inside": by_hand({"alg": "ES256", "typ": "openid4vci-proof+jwt", "jwk": {**JWK, "d": "AA"}}, HOLDER.raw),
    "signed by another key": forged(Signer.new(), header={"jwk": JWK}),
    "algorithm of another curve": forged(Signer.new("ES384"), header={"jwk": JWK}),
    "other audience": forged(claims={"aud": "https://evil.example"}),
    "audience with a slash more": forged(claims={"aud": ISSUER + "/"}),
    "audience is an array": forged(claims={"aud": [ISSUER]}),
    "no audience": forged(claims={"aud": None}),
    "from the future": proof(at=AT + 61),
    "stale": proof(at=AT - 361),
    "no time": forged(claims={"iat": None}),
    "time is a text": forged(claims={"iat": str(AT)}),
    "time is no number": forged(claims={"iat": True}),
    "no nonce": proof(nonce=None),
    "nonce is a number": forged(claims={"nonce": 7}),
    "members repeated": ".".join([proof().split(".")[0], base64url.encode(b'{"aud":"a","aud":"b"}'), proof().split(".")[2]]),
    "too long": "x" * 20_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_proof_is_refused(name: str) -> None:
    with pytest.raises(InvalidProof):
        verify(REFUSED[name])


def test_a_nonce_that_is_not_ours_is_told_apart() -> None:
    with pytest.raises(InvalidNonce):
        verify(proof(nonce="old"))


def test_an_algorithm_outside_the_issuers_list_is_refused() -> None:
    with pytest.raises(InvalidProof):
        verify(proof(), algs=("EdDSA",))


@pytest.mark.parametrize("at", [AT - 360, AT + 60])
def test_clocks_may_differ_a_little(at: int) -> None:
    assert verify(proof(at=at)).nonce == NONCE


def test_a_time_may_have_a_fraction() -> None:
    assert verify(forged(claims={"iat": AT + 0.5})).nonce == NONCE


def test_the_client_is_checked_where_there_is_one() -> None:
    assert verify(proof(client_id="wallet"), client_id="wallet").nonce == NONCE
    assert verify(proof(), client_id="wallet").nonce == NONCE
    assert verify(proof(client_id="anything")).nonce == NONCE
    with pytest.raises(InvalidProof):
        verify(proof(client_id="other"), client_id="wallet")


def verify_all(*tokens: str) -> tuple[KeyProof, ...]:
    return verify_key_proofs(tokens, audience=ISSUER, nonce_seen=known, at=AT)


def test_each_key_is_proved_once() -> None:
    other = Signer.new()
    assert [each.holder for each in verify_all(proof(), proof(other))] == [HOLDER.public, other.public]
    with pytest.raises(InvalidProof) as caught:
        verify_all(proof(), proof(other), proof(at=AT - 1))
    assert caught.value.where == "/proofs/jwt"


def test_a_bad_proof_among_good_ones_is_pointed_at() -> None:
    with pytest.raises(InvalidProof) as caught:
        verify_all(proof(), forged(claims={"aud": "x"}))
    assert caught.value.where == "/proofs/jwt/1/aud"
    with pytest.raises(InvalidNonce) as unknown:
        verify_all(proof(nonce="old"))
    assert unknown.value.where == "/proofs/jwt/0/nonce"


@given(
    st.text() | st.builds(by_hand, st.dictionaries(st.sampled_from(["alg", "typ", "jwk", "kid", "x5c"]), st.text() | st.lists(st.text())))
)
def test_any_text_is_a_proof_or_a_refusal(token: str) -> None:
    with pytest.raises((InvalidProof, InvalidNonce)):
        verify(token)
