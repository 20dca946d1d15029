"""COSE_Sign1 objects that others signed: the COSE working group's examples, RFC 8392, and two more implementations' vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shared.codec import cbor
from shared.cose import KEY_BINDING, SD_CWT, parse_cose_key, parse_sign1, prepare_encoded, verify_sign1
from shared.errors import BadSignature, Malformed, VcError, WrongTyp
from shared.keys import KeyId

pytestmark = pytest.mark.vectors
CURVES = {"P-256": 1, "P-384": 2, "P-521": 3, "Ed25519": 6, "Ed448": 7}
OURS = {"P-256", "P-384", "Ed25519"}


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cose_key(key: dict[str, Any]) -> dict[int, Any]:
    """The public half as a COSE_Key; coordinates come in hexadecimal or base64url."""
    part = {name: bytes.fromhex(key[f"{name}_hex"]) if f"{name}_hex" in key else unb64(key.get(name, "")) for name in "xy"}
    if key["kty"] == "OKP":
        return {1: 1, -1: CURVES[key["crv"]], -2: part["x"]}
    return {1: 2, -1: CURVES[key["crv"]], -2: part["x"], -3: part["y"]}


def judge(path: Path, key: dict[str, Any], data: bytes, signing_input: bytes | None, external: str | None) -> None:
    """What this house makes of it: its curves verify, external data and other curves do not, and without ``typ`` it is nothing here."""
    sign1 = parse_sign1(data)
    if key.get("crv") not in OURS:
        with pytest.raises(VcError):
            parse_cose_key(cose_key(key) if "crv" in key else {1: 3})
        return
    public = parse_cose_key(cose_key(key))
    if external is not None:
        with pytest.raises(BadSignature):
            public.verify(sign1.signature, sign1.signing_input)
        return
    assert signing_input is None or sign1.signing_input == signing_input, path
    public.verify(sign1.signature, sign1.signing_input)
    with pytest.raises(BadSignature):
        public.verify(bytes([sign1.signature[0] ^ 1]) + sign1.signature[1:], sign1.signing_input)
    for typ in (SD_CWT, KEY_BINDING):
        with pytest.raises(WrongTyp):
            verify_sign1(sign1, public, typ=typ)
    made = prepare_encoded(typ=SD_CWT, header=sign1.protected_bytes, payload=sign1.payload, key=KeyId("k"), alg=public.alg)
    assert made.signing_input == sign1.signing_input
    assert parse_sign1(made.complete(sign1.signature)) == replace(sign1, unprotected={})


def test_examples_of_the_working_group(vectors: Any) -> None:
    seen = 0
    for path in sorted(vectors("cose-wg").glob("*/*.json")):
        case = json.loads(path.read_text())
        signed = case["input"].get("sign0")
        if signed is None or "failures" in case["input"] or signed["alg"] == "ES512":
            continue
        signing_input = bytes.fromhex(case["intermediates"]["ToBeSign_hex"])
        judge(path, signed["key"], bytes.fromhex(case["output"]["cbor"]), signing_input, signed.get("external"))
        seen += 1
    assert seen >= 7


def test_vectors_of_another_implementation(vectors: Any) -> None:
    seen = 0
    for path in sorted(vectors("cose-gluecose").glob("sign1-*.json")):
        case = json.loads(path.read_text())
        if "sign1::verify" in case:
            about = case["sign1::verify"]
            data, signing_input = about["taggedCOSESign1"]["cborHex"], None
        else:
            about = case["sign1::sign"]
            data, signing_input = about["expectedOutput"]["cborHex"], bytes.fromhex(about["tbsHex"]["cborHex"])
        judge(path, case["key"], bytes.fromhex(data), signing_input, about.get("external"))
        seen += 1
    assert seen == 14


def test_what_the_working_group_accepts_and_this_house_does_not(vectors: Any) -> None:
    """An algorithm outside the signature, and an object without its tag."""
    for name in ("sign-pass-01", "sign-pass-03"):
        case = json.loads(vectors(f"cose-wg/sign1-tests/{name}.json").read_text())
        with pytest.raises(Malformed):
            parse_sign1(bytes.fromhex(case["output"]["cbor"]))


def test_the_signed_example_of_rfc_8392(vectors: Any) -> None:
    case = json.loads(vectors("cose-wg/CWT/A_3.json").read_text())
    sign1 = parse_sign1(bytes.fromhex(case["output"]["cbor"]))
    parse_cose_key(cose_key(case["input"]["sign0"]["key"])).verify(sign1.signature, sign1.signing_input)
    assert cbor.loads(sign1.payload)[1] == "coap://as.example.com"
