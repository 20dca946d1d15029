from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared.cose import key_bytes, kid_of, parse_cose_key, render_cose_key, thumbprint
from shared.errors import AlgorithmRefused, Malformed, VcError
from shared.jose.jwk import render_jwk
from shared.keys import PublicKey

# RFC 9679 section 6: a P-256 key, its thumbprint with SHA-256.
X = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
Y = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")
THUMBPRINT = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_the_example_of_rfc_9679() -> None:
    public = parse_cose_key({1: 2, -1: 1, -2: X, -3: Y})
    assert thumbprint(public).hex() == THUMBPRINT
    assert kid_of(public).hex() == THUMBPRINT[:16]
    assert hashlib.sha256(key_bytes(public)).hexdigest() == THUMBPRINT
    assert render_cose_key(public) == {1: 2, -1: 1, -2: X, -3: False}
    assert parse_cose_key(render_cose_key(public)) == public


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_both_spellings_of_a_point(alg: str) -> None:
    public = Signer.new(alg).public
    whole = cbor2.loads(key_bytes(public))
    assert parse_cose_key(whole) == parse_cose_key(render_cose_key(public)) == public
    assert list(render_cose_key(public)) == list(whole)
    assert len(thumbprint(public)) == 32


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (None, Malformed), ([], Malformed), ({}, AlgorithmRefused), ({1: 3}, AlgorithmRefused), ({1: True}, AlgorithmRefused),
        ({1: "EC"}, AlgorithmRefused), ({1: 4, -1: b"k"}, AlgorithmRefused), ({1: 2, -1: 1, -2: X}, Malformed),
        ({1: 2, -1: 1, -2: X, -3: Y, -4: X}, Malformed), ({1: 2, -1: 1, -2: X, -3: Y, 2: b"kid"}, Malformed),
        ({1: 2, -1: True, -2: X, -3: Y}, Malformed), ({1: 2, -1: 3, -2: X, -3: Y}, AlgorithmRefused),
        ({1: 2, -1: 6, -2: X, -3: Y}, AlgorithmRefused), ({1: 2, -1: 1, -2: X[1:], -3: Y}, Malformed),
        ({1: 2, -1: 1, -2: X, -3: Y[1:]}, Malformed), ({1: 2, -1: 1, -2: X, -3: 0}, Malformed), ({1: 2, -1: 1, -2: X, -3: X}, Malformed),
        ({1: 2, -1: 1, -2: "x" * 32, -3: Y}, Malformed), ({1: 2, -1: 1, -2: b"\xff" * 32, -3: True}, Malformed),
        ({1: 2, -1: 2, -2: X, -3: Y}, Malformed), ({1: 1, -1: 7, -2: X}, AlgorithmRefused), ({1: 1, -1: 6, -2: X[1:]}, Malformed),
        ({1: 1, -1: 6, -2: X, -3: Y}, Malformed), ({1: 1, -1: 6, -2: 5}, Malformed),
    ],
)  # fmt: skip
def test_what_is_no_key_here(key: Any, error: type[VcError]) -> None:
    with pytest.raises(error) as caught:
        parse_cose_key(key, "/cnf")
    assert caught.value.where == "/cnf"


@given(st.dictionaries(st.integers(-5, 5), st.binary(max_size=50) | st.integers(-3, 8) | st.booleans() | st.text(max_size=3)))
def test_any_map_is_a_key_or_a_vc_error(key: dict[int, Any]) -> None:
    try:
        assert isinstance(parse_cose_key(key), PublicKey)
    except VcError:
        return


def test_two_kinds_of_numbers() -> None:
    assert isinstance(parse_cose_key({1: 2, -1: 1, -2: X, -3: Y}).key, ec.EllipticCurvePublicKey)
    assert isinstance(parse_cose_key(render_cose_key(Signer.new("EdDSA").public)).key, ed25519.Ed25519PublicKey)


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_a_key_that_came_as_a_jwk_is_the_same(alg: str) -> None:
    key = Signer.new(alg).public
    before = key_bytes(key)
    render_jwk(key)
    assert key.jwk
    assert key_bytes(key) == before
