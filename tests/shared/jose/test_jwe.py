from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from polaris_oid4vp import jwe as foreign
from support.signing import Signer

from shared.codec import base64url
from shared.errors import AlgorithmRefused, Malformed, TooLarge, VcError
from shared.jose import jwe
from shared.jose.jwk import parse_public_jwk, render_jwk, thumbprint

PRIVATE = jwe.generate_ephemeral()
PUBLIC = jwe.public_half(PRIVATE)


def foreign_private(key: dict[str, str]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(base64url.decode(key["d"]), "big"), ec.SECP256R1())


def altered(token: str, **changes: Any) -> str:
    """``token`` with members of its header changed; ``None`` removes one."""
    head, *rest = token.split(".")
    header = {name: value for name, value in {**json.loads(base64url.decode(head)), **changes}.items() if value is not None}
    return ".".join([base64url.encode(json.dumps(header).encode()), *rest])


TOKEN = jwe.encrypt(b"{}", PUBLIC, enc="A128GCM")


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_round_trip(enc: str) -> None:
    token = jwe.encrypt(b'{"vp_token":{}}', PUBLIC, enc=enc, header={"apu": "YQ", "apv": "YmI", "enc": "other"})
    header = jwe.peek_header(token)
    assert (header["alg"], header["enc"], header["kid"], header["apv"]) == ("ECDH-ES", enc, PRIVATE["kid"], "YmI")
    assert jwe.decrypt(token, PRIVATE) == b'{"vp_token":{}}'


def test_ephemeral_key() -> None:
    assert set(PRIVATE) == {"kty", "crv", "x", "y", "d", "kid", "use", "alg"}
    assert (PRIVATE["use"], PRIVATE["alg"]) == ("enc", "ECDH-ES")
    assert "d" not in PUBLIC
    assert PRIVATE["kid"] == thumbprint(parse_public_jwk({name: PUBLIC[name] for name in ("kty", "crv", "x", "y")}))
    assert jwe.generate_ephemeral()["d"] != PRIVATE["d"]
    assert jwe.encrypt(b"{}", {name: value for name, value in PUBLIC.items() if name in ("kty", "crv", "x", "y")}, enc="A128GCM")


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
@pytest.mark.parametrize(("apu", "apv"), [(b"", b""), (b"Alice", b"Bob"), (b"", b"nonce")])
def test_agrees_with_a_foreign_implementation(enc: str, apu: bytes, apv: bytes) -> None:
    private = foreign_private(PRIVATE)
    made = foreign.encrypt_compact(b"theirs", private.public_key(), enc=enc, apu=apu, apv=apv, extra_header={"kid": PRIVATE["kid"]})
    assert jwe.decrypt(made, PRIVATE) == b"theirs"
    parties = {name: base64url.encode(value) for name, value in (("apu", apu), ("apv", apv)) if value}
    assert foreign.decrypt_compact(jwe.encrypt(b"ours", PUBLIC, enc=enc, header=parties), private) == b"ours"


def test_for_another_key() -> None:
    other = jwe.generate_ephemeral()
    with pytest.raises(Malformed) as caught:
        jwe.decrypt(TOKEN, other)
    assert caught.value.where == "/kid"
    with pytest.raises(Malformed):
        jwe.decrypt(TOKEN, other | {"kid": PRIVATE["kid"]})
    with pytest.raises(Malformed):
        jwe.decrypt(TOKEN, {name: value for name, value in other.items() if name != "kid"})
    with pytest.raises(Malformed):
        jwe.decrypt(TOKEN, PUBLIC)


@pytest.mark.parametrize("place", [0, 2, 3, 4])
def test_every_part_is_authenticated(place: int) -> None:
    parts = TOKEN.split(".")
    raw = bytearray(base64url.decode(parts[place]))
    raw[-1] ^= 1
    parts[place] = base64url.encode(bytes(raw))
    with pytest.raises(VcError):
        jwe.decrypt(".".join(parts), PRIVATE)
    parts[place] = ""
    with pytest.raises(Malformed):
        jwe.decrypt(".".join(parts), PRIVATE)


def test_tag_is_not_shortened() -> None:
    head, _, tag = TOKEN.rpartition(".")
    with pytest.raises(Malformed):
        jwe.decrypt(f"{head}.{base64url.encode(base64url.decode(tag)[:4])}", PRIVATE)


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (AlgorithmRefused, {"alg": "ECDH-ES+A128KW"}),
        (AlgorithmRefused, {"alg": "dir"}),
        (AlgorithmRefused, {"alg": "RSA-OAEP"}),
        (AlgorithmRefused, {"alg": "PBES2-HS256+A128KW", "p2c": 10**9, "p2s": "AAAA"}),
        (AlgorithmRefused, {"enc": "A192GCM"}),
        (AlgorithmRefused, {"enc": "A128CBC-HS256"}),
        (Malformed, {"alg": ["ECDH-ES"]}),
        (Malformed, {"enc": ["A128GCM"]}),
        (Malformed, {"enc": ()}),
        (Malformed, {"zip": "DEF"}),
        (Malformed, {"crit": ["exp"]}),
        (Malformed, {"kid": 1}),
        (Malformed, {"apu": 1}),
        (Malformed, {"apv": "AA=="}),
        (Malformed, {"epk": None}),
        (Malformed, {"epk": "x"}),
        (Malformed, {"epk": {}}),
        (Malformed, {"epk": {**PRIVATE}}),
        (Malformed, {"epk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}),  # invalid curve
        (Malformed, {"epk": render_jwk(Signer.new("ES384").public)}),
        (Malformed, {"epk": render_jwk(Signer.new("EdDSA").public)}),
    ],
)
def test_refused_headers(error: type[VcError], changes: dict[str, Any]) -> None:
    with pytest.raises(error):
        jwe.decrypt(altered(TOKEN, **changes), PRIVATE)


def test_refused_forms() -> None:
    head, _, *rest = TOKEN.split(".")
    for bad in ("", "....", ".".join([head, *rest]), f"{TOKEN}.", ".".join([head, "AAAA", *rest]), TOKEN + "=", '{"protected":"e30"}'):
        with pytest.raises(Malformed):
            jwe.decrypt(bad, PRIVATE)
    with pytest.raises(TooLarge):
        jwe.decrypt(TOKEN, PRIVATE, max_bytes=len(TOKEN) - 1)


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (Malformed, {}),
        (Malformed, PRIVATE),
        (Malformed, PUBLIC | {"use": "sig"}),
        (AlgorithmRefused, PUBLIC | {"alg": "ECDH-ES+A256KW"}),
        (Malformed, PUBLIC | {"kid": 1}),
        (Malformed, PUBLIC | {"y": PUBLIC["x"]}),
        (Malformed, render_jwk(Signer.new("ES384").public)),
        (Malformed, {"kty": "OKP", "crv": "X25519", "x": "A" * 43}),
    ],
)
def test_refused_recipients(error: type[VcError], key: dict[str, Any]) -> None:
    with pytest.raises(error):
        jwe.encrypt(b"{}", key, enc="A128GCM")


def test_refused_content_encryption() -> None:
    with pytest.raises(AlgorithmRefused):
        jwe.encrypt(b"{}", PUBLIC, enc="A128CBC-HS256")


def test_library_is_imported_only_when_needed() -> None:
    code = "import sys; from shared.jose import jwe, jws, jwt; print([m for m in ('jwcrypto', 'aiohttp', 'click') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"


@settings(max_examples=60)
@given(
    st.text(max_size=50)
    | st.tuples(st.integers(0, len(TOKEN) - 1), st.sampled_from("AQgw.=é{")).map(lambda at: TOKEN[: at[0]] + at[1] + TOKEN[at[0] + 1 :])
)
def test_the_plaintext_or_an_error(token: str) -> None:
    try:
        assert jwe.decrypt(token, PRIVATE) == b"{}"
    except VcError:
        return
    assert token == TOKEN


@pytest.mark.vectors
def test_cookbook_other_curve_is_refused(vectors: Callable[[str], Path]) -> None:
    case = json.loads(vectors("jose-cookbook-rfc7520/curve25519/ecdh-es.json").read_bytes())
    with pytest.raises(Malformed):
        jwe.peek_header(case["output"]["compact"])
    with pytest.raises(Malformed):
        jwe.encrypt(b"{}", case["input"]["key"], enc="A128GCM")


def test_keys_on_other_curves_share_nothing() -> None:
    private = jwe.generate_ephemeral()
    assert len(jwe.agree(private, Signer.new().public)) == 32
    for alg in ("ES384", "EdDSA"):
        with pytest.raises(AlgorithmRefused):
            jwe.agree(private, Signer.new(alg).public)
