from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared.codec import base64url
from shared.errors import AlgorithmRefused, BadSignature, Malformed, TooLarge, VcError, WrongTyp
from shared.jose import jws
from shared.jose.jwk import parse_public_jwk, render_jwk
from shared.keys import SIGNS, KeyId

KEY = KeyId("issuer")
SIGNER = Signer.new()

# RFC 7515 appendix A.3: an ES256 signature by another hand.
RFC7515_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def token(signer: Signer = SIGNER, *, typ: str = "kb+jwt", payload: bytes = b"{}", **header: Any) -> str:
    return signer.finish(jws.prepare_jws(typ=typ, payload=payload, key=KEY, alg=signer.public.alg, header=header))


def signed(header: object, payload: bytes = b"{}", signer: Signer = SIGNER) -> str:
    """A correctly signed token with any header at all."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = f"{base64url.encode(raw)}.{base64url.encode(payload)}"
    return f"{head}.{base64url.encode(signer.raw(head.encode()))}"


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_round_trip(alg: str) -> None:
    signer = Signer.new(alg)
    unsigned = jws.prepare_jws(typ="dc+sd-jwt", payload=b"\x00bytes", key=KEY, alg=alg, header={"x5c": ["AAAA"], "kid": "k"})
    assert (unsigned.key, unsigned.typ) == (KEY, "dc+sd-jwt")
    parsed = jws.parse_jws(signer.finish(unsigned))
    assert list(parsed.header.items()) == [("alg", alg), ("typ", "dc+sd-jwt"), ("x5c", ("AAAA",)), ("kid", "k")]
    assert parsed.typ == "dc+sd-jwt"
    assert parsed.payload == b"\x00bytes"
    assert parsed.signing_input == unsigned.signing_input
    jws.verify_jws(parsed, signer.public, typ="dc+sd-jwt")
    jws.verify_jws(parsed, signer.public, typ={"dc+sd-jwt", "vc+sd-jwt"}, algs=(alg,))


def test_signature_by_another_hand() -> None:
    parsed = jws.parse_jws(RFC7515_TOKEN)
    key = parse_public_jwk(RFC7515_KEY)
    key.verify(parsed.signature, parsed.signing_input)
    assert parsed.typ == ""
    with pytest.raises(WrongTyp):
        jws.verify_jws(parsed, key, typ="JWT")
    with pytest.raises(BadSignature):
        key.verify(parsed.signature, parsed.signing_input + b"A")


def test_typ_is_compared_exactly_and_before_all_else() -> None:
    parsed = jws.parse_jws(token(typ="kb+jwt"))
    stranger = Signer.new("ES384").public
    for typ in ("KB+JWT", "application/kb+jwt", "kb+jw", "", ("vp+jwt", "dc+sd-jwt"), ()):
        with pytest.raises(WrongTyp):
            jws.verify_jws(parsed, stranger, typ=typ, algs=())


def test_typ_swap_every_pair() -> None:
    typs = sorted(set().union(*SIGNS.values()))
    for signed_typ in typs:
        parsed = jws.parse_jws(token(typ=signed_typ))
        for typ in typs:
            if typ == signed_typ:
                jws.verify_jws(parsed, SIGNER.public, typ=typ)
            else:
                with pytest.raises(WrongTyp):
                    jws.verify_jws(parsed, SIGNER.public, typ=typ)


def test_header_cannot_change_the_typ_or_alg_that_the_custodian_judges() -> None:
    parsed = jws.parse_jws(SIGNER.finish(jws.prepare_jws(typ="kb+jwt", payload=b"", key=KEY, header={"typ": "dc+sd-jwt", "alg": "none"})))
    assert dict(parsed.header) == {"alg": "ES256", "typ": "kb+jwt"}


def test_algorithm_allow_list() -> None:
    parsed = jws.parse_jws(token())
    with pytest.raises(AlgorithmRefused):
        jws.verify_jws(parsed, SIGNER.public, typ="kb+jwt", algs=("ES384", "EdDSA"))
    with pytest.raises(AlgorithmRefused):  # the key's algorithm is not the header's
        jws.verify_jws(parsed, Signer.new("EdDSA").public, typ="kb+jwt")
    for alg in ("ES512", "ES256K", "none", "HS256", "Ed25519"):
        with pytest.raises(AlgorithmRefused):
            jws.prepare_jws(typ="kb+jwt", payload=b"", key=KEY, alg=alg)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "RS256", "PS256", "ES512", "ES256K", "es256", "HS256", "ES384"])
@pytest.mark.parametrize("algs", [jws.ALGS, ("none", "HS256", "ES256", "ES384", "ES512")])
def test_no_algorithm_but_that_of_the_key(alg: str, algs: tuple[str, ...]) -> None:
    parsed = jws.parse_jws(signed({"alg": alg, "typ": "kb+jwt"}))
    with pytest.raises(AlgorithmRefused):
        jws.verify_jws(parsed, SIGNER.public, typ="kb+jwt", algs=algs)


def test_unsigned_token() -> None:
    head = base64url.encode(b'{"alg":"none","typ":"kb+jwt"}')
    with pytest.raises(AlgorithmRefused):
        jws.verify_jws(jws.parse_jws(f"{head}.e30."), SIGNER.public, typ="kb+jwt")
    head = base64url.encode(b'{"alg":"ES256","typ":"kb+jwt"}')
    with pytest.raises(BadSignature):
        jws.verify_jws(jws.parse_jws(f"{head}.e30."), SIGNER.public, typ="kb+jwt")


def test_public_key_as_hmac_secret() -> None:
    pem = SIGNER.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = base64url.encode(b'{"alg":"HS256","typ":"kb+jwt"}') + ".e30"
    forged = f"{head}.{base64url.encode(hmac.digest(pem, head.encode(), hashlib.sha256))}"
    with pytest.raises(AlgorithmRefused):
        jws.verify_jws(jws.parse_jws(forged), SIGNER.public, typ="kb+jwt")


def test_keys_and_addresses_in_the_header_are_not_followed() -> None:
    attacker = Signer.new()
    header: dict[str, Any] = {
        "jwk": render_jwk(attacker.public),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/x",
        "kid": "issuer",
    }
    parsed = jws.parse_jws(token(attacker, **header))
    with pytest.raises(BadSignature):
        jws.verify_jws(parsed, SIGNER.public, typ="kb+jwt")
    jws.verify_jws(parsed, attacker.public, typ="kb+jwt")


@pytest.mark.parametrize("private", [{"d": "AAAA"}, {"kty": "oct", "k": "AAAA"}, {"p": 1}])
def test_private_key_in_the_header(private: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        jws.parse_jws(signed({"alg": "ES256", "typ": "kb+jwt", "jwk": {**render_jwk(SIGNER.public), **private}}))
    assert caught.value.where == "/jwk"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256", "crit": ["exp"], "exp": 1},
        {"alg": "ES256", "crit": ["alg"]},
        {"alg": "ES256", "crit": []},
        {"alg": "ES256", "b64": True},
        {"alg": "ES256", "b64": False},
        {"alg": "ES256", "b64": False, "crit": ["b64"]},
        {"alg": "ES256", "jwk": "key"},
        {"alg": "ES256", "typ": 1},
        {"alg": "ES256", "typ": None},
        {"alg": ""},
        {"alg": None},
        {"alg": ["ES256"]},
        {"typ": "kb+jwt"},
        [],
        "ES256",
        b"",
        b'{"alg":"ES256","alg":"none"}',
        b'{"alg":"ES256"} ' + b"\x00",
        b'{"alg":"ES256","x":NaN}',
        b'{"alg":"ES256","x":[[[[[[[[1]]]]]]]]}',
        b"\xff",
    ],
)
def test_refused_headers(header: object) -> None:
    with pytest.raises(Malformed) as caught:
        jws.parse_jws(signed(header), where="/vp_token")
    assert caught.value.where.startswith("/vp_token")


def test_refused_forms() -> None:
    good = token()
    head, payload, signature = good.split(".")
    for bad in (
        "",
        ".",
        "..",
        head,
        f"{head}.{payload}",
        f"{good}.",
        f"{good}.{signature}",
        f".{payload}.{signature}",
        f"{good}=",
        f"{good}\n",
        f" {good}",
        f"{head}=.{payload}.{signature}",
        f"{head}.{payload}=.{signature}",
        f"{head}.é.{signature}",
        f"{head}.\ud800.{signature}",
        f"{head}.{payload}.{signature[:-1]}",
        good.replace(".", ","),
    ):
        with pytest.raises(Malformed):
            jws.parse_jws(bad)
    with pytest.raises(TooLarge):
        jws.parse_jws(good, max_bytes=len(good) - 1)
    assert jws.parse_jws(good, max_bytes=len(good)).token == good


def test_signature_has_one_spelling() -> None:
    good = token()
    # the last of 86 characters carries four unused bits
    for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if character not in "AQgw":
            with pytest.raises(Malformed):
                jws.parse_jws(good[:-1] + character)


def test_signature_is_raw_and_of_fixed_length() -> None:
    head, payload, signature = token().split(".")
    raw = base64url.decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert decode_dss_signature(der)
    for other in (der, raw + b"\x00", b"\x00" + raw, raw[:-1], bytes(64), b"", raw[32:] + raw[:32]):
        with pytest.raises(BadSignature):
            jws.verify_jws(jws.parse_jws(f"{head}.{payload}.{base64url.encode(other)}"), SIGNER.public, typ="kb+jwt")


def test_custodian_signature_of_another_length() -> None:
    unsigned = jws.prepare_jws(typ="kb+jwt", payload=b"{}", key=KEY)
    with pytest.raises(BadSignature):
        unsigned.complete(bytes(70))


def test_each_part_is_covered_by_the_signature() -> None:
    head, payload, signature = token(payload=b'{"a":1}').split(".")
    other_head = token(payload=b"{}", kid="x").split(".")[0]
    for forged in (f"{other_head}.{payload}.{signature}", f"{head}.e30.{signature}"):
        with pytest.raises(BadSignature):
            jws.verify_jws(jws.parse_jws(forged), SIGNER.public, typ="kb+jwt")


def test_short_headers_are_kept_and_nobody_can_change_them() -> None:
    first, second = jws.parse_jws(token(payload=b"1")), jws.parse_jws(token(payload=b"2"))
    assert first.header is second.header
    with pytest.raises(TypeError):
        first.header["typ"] = "dc+sd-jwt"  # type: ignore[index]
    with_chain = [jws.parse_jws(token(x5c=["AAAA", "BBBB"])) for _ in range(2)]
    assert with_chain[0].header is with_chain[1].header
    assert with_chain[0].header["x5c"] == ("AAAA", "BBBB")
    mixed = [jws.parse_jws(token(x5c=["AAAA", {}])) for _ in range(2)]
    assert mixed[0].header is not mixed[1].header
    nested = [jws.parse_jws(token(jwk={"a": 1})) for _ in range(2)]
    assert nested[0].header["jwk"] is not nested[1].header["jwk"]
    for number in range(jws._KEPT + 1):
        jws.parse_jws(token(kid=str(number)))
    assert len(jws._HEADERS) <= jws._KEPT


@given(st.text(max_size=60) | st.text(alphabet="eyJhbGciOiJFUzI1NiJ9.AQ_-", max_size=40))
def test_parts_or_an_error(text: str) -> None:
    try:
        parsed = jws.parse_jws(text)
    except VcError:
        return
    head, payload, signature = text.split(".")
    assert (base64url.encode(parsed.payload), base64url.encode(parsed.signature)) == (payload, signature)
    assert parsed.signing_input.decode() == f"{head}.{payload}"


@given(
    st.binary(max_size=40)
    | st.dictionaries(st.text(max_size=4) | st.sampled_from(["alg", "typ", "jwk", "crit"]), st.none() | st.text(max_size=5) | st.integers())
)
def test_a_header_or_an_error(header: Any) -> None:
    try:
        parsed = jws.parse_jws(signed(header))
    except VcError:
        return
    assert parsed.header["alg"]


# --- cases written by others -------------------------------------------------------------------------------------------------------


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["ecdsa_secp256r1_sha256_p1363_test", "ecdsa_secp384r1_sha384_p1363_test", "ed25519_test"])
def test_wycheproof(vectors: Callable[[str], Path], name: str) -> None:
    judged = 0
    for group in json.loads(vectors(f"wycheproof/{name}.json").read_bytes())["testGroups"]:
        point = group["publicKey"]
        if "pk" in point:
            material = {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(bytes.fromhex(point["pk"]))}
        else:
            raw = bytes.fromhex(point["uncompressed"])[1:]
            half = len(raw) // 2
            crv = {32: "P-256", 48: "P-384"}[half]
            material = {"kty": "EC", "crv": crv, "x": base64url.encode(raw[:half]), "y": base64url.encode(raw[half:])}
        key = parse_public_jwk(material)
        for case in group["tests"]:
            try:
                key.verify(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
                result = "valid"
            except BadSignature:
                result = "invalid"
            assert result == case["result"], case
            judged += 1
    assert judged > 100


@pytest.mark.vectors
def test_wycheproof_der_signatures(vectors: Callable[[str], Path]) -> None:
    """Valid DER signatures, converted to r||s, are valid; DER itself never is."""
    judged = 0
    for group in json.loads(vectors("wycheproof/ecdsa_secp256r1_sha256_test.json").read_bytes())["testGroups"]:
        raw = bytes.fromhex(group["publicKey"]["uncompressed"])[1:]
        key = parse_public_jwk({"kty": "EC", "crv": "P-256", "x": base64url.encode(raw[:32]), "y": base64url.encode(raw[32:])})
        for case in group["tests"]:
            der, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            with pytest.raises(BadSignature):
                key.verify(der, message)
            if case["result"] == "valid":
                r, s = decode_dss_signature(der)
                key.verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), message)
                judged += 1
    assert judged > 100


@pytest.mark.vectors
def test_cookbook_ed25519(vectors: Callable[[str], Path]) -> None:
    case = json.loads(vectors("jose-cookbook-rfc7520/curve25519/jws.json").read_bytes())
    parsed = jws.parse_jws(case["output"]["compact"])
    assert parsed.payload.decode() == case["input"]["payload"]
    parse_public_jwk(case["input"]["key"]).verify(parsed.signature, parsed.signing_input)
    with pytest.raises(WrongTyp):
        jws.verify_jws(parsed, parse_public_jwk(case["input"]["key"]), typ="JWT")


@pytest.mark.vectors
@pytest.mark.parametrize(
    "name",
    [
        "4_1.rsa_v15_signature",
        "4_2.rsa-pss_signature",
        "4_3.ecdsa_signature",
        "4_4.hmac-sha2_integrity_protection",
        "4_5.signature_with_detached_content",
    ],
)
def test_cookbook_other_algorithms_are_refused(vectors: Callable[[str], Path], name: str) -> None:
    case = json.loads(vectors(f"jose-cookbook-rfc7520/jws/{name}.json").read_bytes())
    parsed = jws.parse_jws(case["output"]["compact"])
    for signer in (SIGNER, Signer.new("ES384"), Signer.new("EdDSA")):
        with pytest.raises(WrongTyp):
            jws.verify_jws(parsed, signer.public, typ="JWT")
    with pytest.raises(Malformed):
        parse_public_jwk(case["input"]["key"])
    head, payload, signature = case["output"]["compact"].split(".")
    typed = base64url.encode(json.dumps({**parsed.header, "typ": "JWT"}).encode())
    with pytest.raises(AlgorithmRefused):
        jws.verify_jws(jws.parse_jws(f"{typed}.{payload}.{signature}"), SIGNER.public, typ="JWT")
    assert head != typed


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["hmac-sha2_b64_false", "4.2.hmac-sha2_b64_false"])
def test_cookbook_unencoded_payload_is_refused(vectors: Callable[[str], Path], name: str) -> None:
    case = json.loads(vectors(f"jose-cookbook-rfc7520/rfc7797/{name}.json").read_bytes())
    flat = case["output"]["json_flat"]
    with pytest.raises(Malformed):
        jws.parse_jws(f"{flat['protected']}.{base64url.encode(b'payload')}.{flat['signature']}")
