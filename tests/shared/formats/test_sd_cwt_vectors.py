"""The worked examples of draft-ietf-spice-sd-cwt, made by its authors. Our own format is a profile, which they do not fit."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from msgspec.structs import replace

from shared.codec import base64url, cbor
from shared.cose import KEY_BINDING, SD_CWT, Sign1, parse_cose_key, parse_sign1, sign1_of, verify_sign1
from shared.errors import BadDisclosure, BadSignature, Malformed
from shared.formats import formats
from shared.formats._sd_cwt import Disclosure, open_claims, parse_disclosures

pytestmark = pytest.mark.vectors
# The issuer's public key of the examples (P-384), from the draft's repository.
ISSUER = {
    1: 2,
    -1: 2,
    -2: bytes.fromhex("c31798b0c7885fa3528fbf877e5b4c3a6dc67a5a5dc6b307b728c3725926f2abe5fb4964cd91e3948a5493f6ebb6cbbf"),
    -3: bytes.fromhex("8f6c7ec761691cad374c4daa9387453f18058ece58eb0a8e84a055a31fb7f9214b27509522c159e764f8711e11609554"),
}
WHOLE = {
    500: True,
    501: "ABCD-123456",
    502: [1_549_560_720, 1_612_560_720, 1_674_004_740],
    503: {"country": "us", "region": "ca", "postal_code": "94188"},
}
SHOWN = {500: True, 501: "ABCD-123456", 502: [1_549_560_720, 1_674_004_740], 503: {"country": "us", "region": "ca"}}


def disclosures(signed: Sign1) -> list[Disclosure]:
    """The whole examples hash each disclosure with the head of its byte string; the text, its first example and we hash its content."""
    found = parse_disclosures(signed.unprotected[17])
    return [replace(each, digest=hashlib.sha256(cbor2.dumps(each.raw)).digest()) for each in found]


def claims(signed: Sign1) -> dict[Any, Any]:
    payload: dict[Any, Any] = cbor.loads(signed.payload, redacted=True)
    return payload


def test_an_issued_document(vectors: Any) -> None:
    data = vectors("sd-cwt/issuer_cwt.cbor").read_bytes()
    issued = parse_sign1(data)
    verify_sign1(issued, parse_cose_key(ISSUER), typ=SD_CWT)
    opened = open_claims(claims(issued), disclosures(issued))
    assert {key: value for key, value in opened.claims.items() if key >= 500} == WHOLE
    assert (opened.unexplained, opened.elements) == (0, 2)
    with pytest.raises(Malformed):
        formats()["dc+sd-cwt"].parse(base64url.encode(data))


def test_a_presentation(vectors: Any) -> None:
    token = parse_sign1(vectors("sd-cwt/kbt.cbor").read_bytes())
    shown = sign1_of(token.protected[13])
    verify_sign1(shown, parse_cose_key(ISSUER), typ=SD_CWT)
    holder = parse_cose_key(claims(shown)[8][1])
    verify_sign1(token, holder, typ=KEY_BINDING)
    with pytest.raises(BadSignature):
        verify_sign1(replace(token, payload=token.payload[:-1] + b"\0"), holder, typ=KEY_BINDING)
    opened = open_claims(claims(shown), disclosures(shown))
    assert {key: value for key, value in opened.claims.items() if key >= 500} == SHOWN
    assert (opened.unexplained, opened.elements) == (2, 2)
    with pytest.raises(BadDisclosure):
        open_claims(claims(shown), parse_disclosures(shown.unprotected[17]))


def test_the_first_disclosure(vectors: Any) -> None:
    """Here the digest is over the encoded array, as the text says."""
    (first,) = parse_disclosures([vectors("sd-cwt/first-disclosure.cborseq").read_bytes()])
    assert first.parts == ("ABCD-123456", 501)
    assert first.digest.hex() == "d9df03da474fcb3c65771748e2e0608cf437504ecc24f450aaeacd40dd552b3f"
