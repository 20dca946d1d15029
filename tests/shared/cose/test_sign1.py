from __future__ import annotations

from typing import Any

import cbor2
import pytest
from support.signing import Signer

from shared.cose import (
    CHALLENGE,
    SD_CWT,
    kid_of,
    parse_cose_key,
    parse_sign1,
    prepare_sign1,
    render_cose_key,
    sign1_of,
    thumbprint,
    verify_sign1,
)
from shared.errors import AlgorithmRefused, BadSignature, Malformed, VcError, WrongTyp
from shared.keys import KeyId


@pytest.mark.parametrize("alg", ["ES256", "ES384", "EdDSA"])
def test_round_trip(alg: str) -> None:
    signer = Signer.new(alg)
    unsigned = prepare_sign1(typ=SD_CWT, payload=b"\xa0", key=KeyId("k"), alg=alg, protected={4: kid_of(signer.public)})
    assert unsigned.typ == "application/sd-cwt"
    data = signer.finish(unsigned)
    sign1 = parse_sign1(data)
    assert sign1.protected[4] == kid_of(signer.public)
    verify_sign1(sign1, signer.public, typ=SD_CWT)
    with pytest.raises(WrongTyp):
        verify_sign1(sign1, signer.public, typ=CHALLENGE)
    with pytest.raises(BadSignature):
        verify_sign1(sign1, Signer.new(alg).public, typ=SD_CWT)
    with pytest.raises(AlgorithmRefused):
        verify_sign1(sign1, signer.public, typ=SD_CWT, algs=())
    assert parse_cose_key(cbor2.loads(cbor2.dumps(render_cose_key(signer.public)))) == signer.public
    assert len(thumbprint(signer.public)) == 32


@pytest.mark.parametrize(
    "data", [b"", b"\xa0", b"\xd2\x84\x40\xa0\x40\x40", b"\xd2\x83\x41\xa0\xa0\x40", b"\x84\x43\xa1\x01\x28\xa0\x40\x40"]
)
def test_rubbish(data: bytes) -> None:
    with pytest.raises(VcError):
        parse_sign1(data)


@pytest.mark.parametrize(
    "parts",
    [
        (), (b"", {}, b""), ("", {}, b"", b""), (b"", {}, "", b""), (b"", {}, None, b""), (b"", {}, b"", 5), (b"", [], b"", b""),
        (b"", {}, b"", b""), (b"\x80", {}, b"", b""), (b"\xa0", {}, b"", b""), (b"\xa1\x01\x61a", {}, b"", b""),
        (b"\xa1\x01\xf5", {}, b"", b""), (b"\xa1\x01\x28", {1: -9}, b"", b""), (b"\xa1\x01\x28\0", {}, b"", b""),
        (b"\xa1\x01" + b"\x1b" + bytes(range(1, 9)) + bytes(60), {}, b"", b""),
    ],
)  # fmt: skip
def test_parts_that_are_none(parts: tuple[Any, ...]) -> None:
    for item in (cbor2.CBORTag(18, list(parts)), cbor2.CBORTag(17, list(parts)), list(parts)):
        with pytest.raises(Malformed) as caught:
            sign1_of(item, "/w")
        assert caught.value.where == "/w"


def test_a_large_header_and_a_usual_one_are_read_alike() -> None:
    for kid in (b"k" * 8, b"k" * 80):
        header = cbor2.dumps({1: -9, 4: kid, 16: 293})
        sign1 = parse_sign1(cbor2.dumps(cbor2.CBORTag(18, [header, {17: [b"x"]}, b"p", b"s"])))
        assert (dict(sign1.protected), sign1.protected_bytes) == ({1: -9, 4: kid, 16: 293}, header)
        assert (sign1.unprotected, sign1.payload, sign1.signature, sign1.typ) == ({17: [b"x"]}, b"p", b"s", 293)
        assert sign1.signing_input == cbor2.dumps(["Signature1", header, b"", b"p"])
    usual = parse_sign1(cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -9}), {}, b"", b""])))
    with pytest.raises(TypeError):
        usual.protected[1] = -8  # type: ignore[index]


def test_what_is_prepared_is_signed_in_one_form() -> None:
    for size in (0, 23, 24, 255, 256, 65_535, 65_536):
        unsigned = prepare_sign1(typ=SD_CWT, payload=bytes(size), key=KeyId("k"), protected={1: 5, 16: 7, 4: b"k"}, unprotected={33: b"x"})
        assert unsigned.signing_input == cbor2.dumps(["Signature1", cbor2.dumps({1: -9, 4: b"k", 16: 293}), b"", bytes(size)])
        assert cbor2.loads(unsigned.complete(bytes(64))).value[2] == bytes(size)
    unsigned = prepare_sign1(typ=SD_CWT, payload=b"", key=KeyId("k"))
    for signature in (b"", bytes(63), bytes(96)):
        with pytest.raises(BadSignature):
            unsigned.complete(signature)
    with pytest.raises(AlgorithmRefused):
        prepare_sign1(typ=SD_CWT, payload=b"", key=KeyId("k"), alg="HS256")


def test_a_header_parameter_that_must_be_understood_is_refused() -> None:
    with pytest.raises(Malformed):
        parse_sign1(cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -9, 2: [99]}), {}, b"", b""])))


def test_a_point_of_small_order_is_no_key() -> None:
    with pytest.raises(Malformed):
        parse_cose_key({1: 1, -1: 6, -2: (1).to_bytes(32, "little")})
