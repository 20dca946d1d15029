from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared import keys
from shared.codec import base64url
from shared.errors import AlgorithmRefused, Malformed, VcError
from shared.jose import jwk
from shared.keys import PublicKey

# RFC 7515 appendix A.3.1 (public half) and RFC 8037 appendix A.2.
P256 = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_round_trip(alg: str) -> None:
    public = Signer.new(alg).public
    rendered = jwk.render_jwk(public)
    assert set(rendered) == ({"kty", "crv", "x"} if alg == "EdDSA" else {"kty", "crv", "x", "y"})
    parsed = jwk.parse_public_jwk(rendered)
    assert parsed.alg == alg
    assert jwk.render_jwk(parsed) == rendered


def test_repeated_keys_are_parsed_once() -> None:
    assert jwk.parse_public_jwk(P256) is jwk.parse_public_jwk(P256 | {"kid": "1", "use": "sig", "alg": "ES256", "key_ops": ["verify"]})
    assert jwk.parse_public_jwk(ED25519) is jwk.parse_public_jwk(ED25519 | {"alg": "Ed25519"})


def test_thumbprints() -> None:
    # RFC 8037 appendix A.3
    assert jwk.thumbprint(jwk.parse_public_jwk(ED25519)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    text = json.dumps(P256, sort_keys=True, separators=(",", ":"))
    assert jwk.thumbprint_bytes(jwk.parse_public_jwk(P256)) == hashlib.sha256(text.encode()).digest()


def without(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key != name}


@pytest.mark.parametrize(
    ("key", "where"),
    [
        ({}, "/k/kty"),
        (without(P256, "kty"), "/k/kty"),
        (without(P256, "x"), "/k/x"),
        (without(P256, "y"), "/k/y"),
        (without(ED25519, "x"), "/k/x"),
        (P256 | {"crv": "P-384"}, "/k/x"),
        (P256 | {"crv": "P-521"}, "/k/crv"),
        (P256 | {"crv": "secp256k1"}, "/k/crv"),
        (P256 | {"kty": "OKP"}, "/k"),
        (P256 | {"kty": "ec"}, "/k"),
        (P256 | {"kty": 1}, "/k/kty"),
        (P256 | {"x": 1}, "/k/x"),
        (P256 | {"x": P256["x"] + "="}, "/k/x"),
        (P256 | {"x": P256["x"][:-2]}, "/k/x"),
        (P256 | {"x": "AA" + P256["x"]}, "/k/x"),
        (P256 | {"y": P256["x"]}, "/k"),  # not on the curve
        (P256 | {"x": "A" * 43, "y": "A" * 43}, "/k"),
        (P256 | {"use": "enc"}, "/k/use"),
        (P256 | {"use": ["sig"]}, "/k/use"),
        (P256 | {"key_ops": ["sign"]}, "/k/key_ops"),
        (P256 | {"key_ops": "verify"}, "/k/key_ops"),
        (P256 | {"alg": "ES384"}, "/k/alg"),
        (P256 | {"alg": "none"}, "/k/alg"),
        (P256 | {"alg": "HS256"}, "/k/alg"),
        (ED25519 | {"crv": "X25519"}, "/k"),
        (ED25519 | {"x": ED25519["x"][:-3]}, "/k/x"),
        (ED25519 | {"alg": "ES256"}, "/k/alg"),
        ({"kty": "RSA", "crv": "x", "n": "AQAB", "e": "AQAB", "x": "x"}, "/k"),
    ],
)
def test_refused_at_its_place(key: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        jwk.parse_public_jwk(key, where="/k")
    assert caught.value.where == where


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("key", [P256, ED25519])
def test_private_members(key: dict[str, Any], name: str) -> None:
    with pytest.raises(Malformed, match="private"):
        jwk.parse_public_jwk({**key, name: None})


def test_symmetric_key() -> None:
    with pytest.raises(Malformed):
        jwk.parse_public_jwk({"kty": "oct", "k": "AAAA"})


def _on_edwards_curve(x: int, y: int) -> bool:
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    return bool((y * y - x * x - 1 - d * x * x * y * y) % p == 0)


def _double(point: tuple[int, int]) -> tuple[int, int]:
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    x, y = point
    t = d * x * x * y * y % p
    return 2 * x * y * pow(1 + t, -1, p) % p, (y * y + x * x) * pow(1 - t, -1, p) % p


def _x_of(y: int) -> int:
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    root = pow(square, (p + 3) // 8, p)
    if root * root % p != square:
        root = root * pow(2, (p - 1) // 4, p) % p
    return root


@pytest.mark.parametrize("y", sorted(keys._ED25519_SMALL))
@pytest.mark.parametrize("sign", [0, 1])
def test_points_of_small_order(y: int, sign: int) -> None:
    # that the constants are what they are said to be: three doublings end at the neutral point
    point = (_x_of(y), y)
    assert _on_edwards_curve(*point)
    for _ in range(3):
        point = _double(point)
    assert point == (0, 1)
    raw = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(Malformed):
        jwk.parse_public_jwk(ED25519 | {"x": base64url.encode(raw)})


@pytest.mark.parametrize("y", [2**255 - 19, 2**255 - 18, 2**255 - 1])
def test_coordinates_beyond_the_field(y: int) -> None:
    with pytest.raises(Malformed):
        jwk.parse_public_jwk(ED25519 | {"x": base64url.encode(y.to_bytes(32, "little"))})


def test_other_kinds_of_key_have_no_algorithm() -> None:
    with pytest.raises(AlgorithmRefused):
        PublicKey.of(x25519.X25519PrivateKey.generate().public_key())


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=2)


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "use", "alg", "key_ops", "kid", "d"]),
        JSON | st.sampled_from(["EC", "OKP", "P-256", "P-384", "Ed25519", *P256.values(), ED25519["x"]]),
    ),
    st.sampled_from([{}, P256, ED25519]),
)
def test_a_key_or_an_error(changes: dict[str, Any], base: dict[str, Any]) -> None:
    try:
        key = jwk.parse_public_jwk({**base, **changes})
    except VcError:
        return
    assert jwk.render_jwk(key)["x"] == (changes.get("x") or base["x"])


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["3_1.ec_public_key", "3_3.rsa_public_key"])
def test_vectors_of_other_kinds_of_key(vectors: Callable[[str], Path], name: str) -> None:
    key = json.loads(vectors(f"jose-cookbook-rfc7520/jwk/{name}.json").read_bytes())  # P-521 and RSA
    with pytest.raises(Malformed):
        jwk.parse_public_jwk(key)
