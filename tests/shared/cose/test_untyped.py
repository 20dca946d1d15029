"""COSE objects without tag and ``typ``, as mdocs have them: one signature, and a device's MAC."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import Signer

from shared.codec import cbor
from shared.cose.mac0 import mac0_of, verify_mac0
from shared.cose.untyped import prepare_untyped, untagged_sign1, untyped_id, verify_untyped
from shared.errors import AlgorithmRefused, BadSignature, Malformed, VcError, WrongTyp
from shared.keys import KeyId

SIGNER = Signer.new()
KEY = KeyId("k")
SECRET = bytes(range(32))


def made(signer: Signer = SIGNER, *, detached: bool = False) -> list[Any]:
    unsigned = prepare_untyped(
        typ="mso_mdoc",
        payload=b"payload",
        key=KEY,
        alg=signer.public.alg,
        around=(b"\x81", b""),
        unprotected=b"\xa1\x04\x41k",
        detached=detached,
    )
    assert (unsigned.typ, unsigned.key) == ("mso_mdoc", KEY)
    found: list[Any] = cbor.loads(signer.finish(unsigned))[0]
    return found


@pytest.mark.parametrize(("alg", "number"), [("ES256", -7), ("ES384", -35), ("EdDSA", -8)])
def test_signatures(alg: str, number: int) -> None:
    signer = Signer.new(alg)
    item = made(signer)
    sign1 = untagged_sign1(item)
    assert (sign1.protected, sign1.unprotected, sign1.payload) == ({1: number}, {4: b"k"}, b"payload")
    assert verify_untyped(sign1, signer.public) == cbor2.dumps(["Signature1", item[0], b"", b"payload"])
    assert untyped_id(alg) == number
    left_out = untagged_sign1(made(signer, detached=True), detached=True)
    assert verify_untyped(left_out, signer.public, payload=b"payload") == sign1.signing_input
    with pytest.raises(BadSignature):
        verify_untyped(left_out, signer.public, payload=b"other")
    with pytest.raises(BadSignature):
        verify_untyped(sign1, Signer.new(alg).public)
    with pytest.raises(AlgorithmRefused):
        verify_untyped(sign1, signer.public, algs=())


def test_algorithms_that_are_not_used() -> None:
    for alg in ("none", "HS256", "ES512"):
        with pytest.raises(AlgorithmRefused):
            untyped_id(alg)
    with pytest.raises(AlgorithmRefused):
        verify_untyped(untagged_sign1(made()), Signer.new("ES384").public)
    unsigned = prepare_untyped(typ="mso_mdoc", payload=b"", key=KEY, alg="ES256", around=(b"", b""))
    with pytest.raises(BadSignature):
        unsigned.complete(b"short")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (cbor2.CBORTag(18, made()), Malformed),
        (made()[:3], Malformed),
        ([b"\xa1\x01\x26", {}, None, b""], Malformed),
        ([b"\xa1\x01\x26", {}, "text", b""], Malformed),
        ([b"\xa1\x01\x26", [], b"", b""], Malformed),
        ([{}, {}, b"", b""], Malformed),
        ([b"\xa0", {}, b"", b""], Malformed),
        ([b"\x80", {}, b"", b""], Malformed),
        ([b"\xa2\x01\x26\x02\x81\x01", {}, b"", b""], Malformed),
        ([b"\xa1\x01\x26", {1: -7}, b"", b""], Malformed),
        ([b"\xa2\x01\x26\x10\x18\x3d", {}, b"", b""], WrongTyp),
        ([b"\xa1\x01\x26", {16: 61}, b"", b""], WrongTyp),
    ],
)
def test_what_is_no_signed_object(item: object, error: type[VcError]) -> None:
    with pytest.raises(error):
        untagged_sign1(item)


def test_a_payload_where_none_belongs() -> None:
    with pytest.raises(Malformed):
        untagged_sign1(made(), detached=True)
    with pytest.raises(Malformed):
        untagged_sign1(made(detached=True))


def mac(payload: bytes | None = None, *, key: bytes = SECRET, said: bytes = b"payload", protected: bytes = b"\xa1\x01\x05") -> list[Any]:
    structure = cbor2.dumps(["MAC0", protected, b"", said])
    return [protected, {}, payload, hmac.digest(key, structure, hashlib.sha256)]


def test_macs() -> None:
    payload: bytes | None
    item: list[Any]
    structure = cbor2.dumps(["MAC0", b"\xa1\x01\x05", b"", b"payload"])
    assert verify_mac0(mac0_of(mac()), SECRET, payload=b"payload") == structure
    assert verify_mac0(mac0_of(mac(b"payload")), SECRET) == structure
    with pytest.raises(BadSignature):
        verify_mac0(mac0_of(mac()), SECRET, payload=b"other")
    with pytest.raises(BadSignature):
        verify_mac0(mac0_of(mac(key=bytes(32))), SECRET, payload=b"payload")
    with pytest.raises(BadSignature):
        verify_mac0(mac0_of([*mac()[:3], b""]), SECRET, payload=b"payload")
    with pytest.raises(AlgorithmRefused):
        verify_mac0(mac0_of(mac(protected=b"\xa1\x01\x04")), SECRET, payload=b"payload")
    for item, payload in ((mac(b"payload"), b"payload"), (mac(), None)):
        with pytest.raises(Malformed):
            verify_mac0(mac0_of(item), SECRET, payload=payload)


def test_what_is_no_mac() -> None:
    item: object
    for item in (mac()[:3], cbor2.CBORTag(17, mac()), [b"\xa1\x01\x05", {}, "text", b""], [b"\xa0", {}, None, b""]):
        with pytest.raises(Malformed):
            mac0_of(item)
    with pytest.raises(WrongTyp):
        mac0_of([b"\xa2\x01\x05\x10\x18\x3d", {}, None, b""])


@given(
    item=st.lists(
        st.one_of(st.binary(max_size=6), st.none(), st.integers(), st.dictionaries(st.integers(0, 40), st.integers())), max_size=5
    )
)
def test_any_item_gives_a_value_or_a_vc_error(item: list[Any]) -> None:
    for read in (untagged_sign1, mac0_of, lambda each: untagged_sign1(each, detached=True)):
        try:
            read(item)
        except VcError as error:
            assert error.detail  # noqa: PT017 - there may be none
