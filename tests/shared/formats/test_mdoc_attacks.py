"""``mso_mdoc`` with bits changed, parts swapped, and statements that no honest issuer, device or wallet makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import AUTHORITY, ENDS, HOLDER, ISSUER, ISSUER_URI, LEAF, MADE, ROOT, STRANGER, b64, unb64
from support.forge import issue as issue_other
from support.mdocs import SPACE, Draft, issue, judged, show, verify
from support.signing import AT, Signer, leaf

from shared.errors import (
    AlgorithmRefused,
    BadDisclosure,
    BadSignature,
    Expired,
    Malformed,
    NotBound,
    NotYetValid,
    TooLarge,
    VcError,
    WrongTyp,
)
from shared.formats import formats
from shared.formats.mdoc import FORMAT

SHOWN = show()


def test_every_bit_counts() -> None:
    facts = judged(SHOWN)
    data = unb64(SHOWN)
    for at in range(len(data)):
        for bit in (at % 8, (at + 5) % 8):
            spoilt = data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
            with pytest.raises(VcError):
                judged(b64(spoilt))
    assert judged(SHOWN) == facts


def test_every_prefix_and_every_surplus_is_refused() -> None:
    data = unb64(SHOWN)
    for spoilt in (*[data[:end] for end in range(0, len(data), 5)], data + b"\0", data[1:], b""):
        with pytest.raises(VcError):
            judged(b64(spoilt))


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, len(unb64(SHOWN)) - 1), cut=st.integers(0, 40), piece=st.binary(max_size=6))
def test_any_bytes_give_a_value_or_a_vc_error(at: int, cut: int, piece: bytes) -> None:
    data = unb64(SHOWN)
    spoilt = data[:at] + piece + data[at + cut :]
    try:
        judged(b64(spoilt))
    except VcError:
        return
    assert spoilt == data


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=80))
def test_noise(data: bytes) -> None:
    for wire in (b64(data), b64(b"\xa2\x6anameSpaces\xa1" + data), b64(b"\xa3\x67version\x631.0\x69documents\x81" + data)):
        with pytest.raises(VcError):
            FORMAT.parse(wire)


@settings(deadline=None, max_examples=100)
@given(at=st.floats(0, 1, exclude_max=True), cut=st.integers(0, 12), piece=st.binary(max_size=4))
def test_any_signed_mso_gives_a_value_or_a_vc_error(at: float, cut: int, piece: bytes) -> None:
    """An issuer that has gone mad."""
    issued = cbor2.loads(unb64(issue()))
    protected, headers, payload, _ = issued["issuerAuth"]
    begin = int(at * len(payload))
    payload = payload[:begin] + piece + payload[begin + cut :]
    signature = ISSUER.raw(cbor2.dumps(["Signature1", protected, b"", payload]))
    wire = b64(cbor2.dumps({"nameSpaces": issued["nameSpaces"], "issuerAuth": [protected, headers, payload, signature]}))
    try:
        FORMAT.check_received(FORMAT.parse(wire), ISSUER.public, holder=HOLDER.public, at=AT)
    except VcError as error:
        assert error.detail  # noqa: PT017 - there may be none


# --- issuer ----------------------------------------------------------------------------------------------------------------------------


def mso(**changes: Any) -> Callable[[Draft], object]:
    return lambda draft: draft.mso.update(changes)


def inside(name: str, **changes: Any) -> Callable[[Draft], object]:
    return lambda draft: draft.mso[name].update(changes)


def without(name: str, member: str = "") -> Callable[[Draft], object]:
    return lambda draft: draft.mso[name].pop(member) if member else draft.mso.pop(name)


def instant(text: Any, number: int = 0) -> cbor2.CBORTag:
    return cbor2.CBORTag(number, text)


COSE_KEY = {1: 2, -1: 1, -2: bytes(32), -3: bytes(32)}


@pytest.mark.parametrize(
    "spoil",
    [
        mso(version="1.1"),
        mso(version=1),
        mso(digestAlgorithm="SHA-1"),
        mso(digestAlgorithm="SHA-512"),
        mso(valueDigests={}),
        mso(valueDigests=[]),
        mso(valueDigests={SPACE: {}}),
        mso(valueDigests={SPACE: []}),
        mso(valueDigests={1: {1: bytes(32)}}),
        mso(valueDigests={SPACE: {2**31: bytes(32)}}),
        mso(valueDigests={SPACE: {-1: bytes(32)}}),
        mso(valueDigests={SPACE: {1: bytes(31)}}),
        mso(valueDigests={SPACE: {1: "x" * 32}}),
        mso(valueDigests={SPACE: {"1": bytes(32)}}),
        mso(docType=""),
        mso(docType=7),
        mso(more=1),
        mso(status={}),
        mso(status={"identifier_list": {"id": b"\1", "uri": "https://x"}}),
        mso(status={"status_list": {"idx": -1, "uri": "https://x"}}),
        mso(deviceKeyInfo={}),
        mso(deviceKeyInfo={"deviceKey": COSE_KEY}),
        mso(deviceKeyInfo={"deviceKey": {**COSE_KEY, -9: 1}}),
        mso(deviceKeyInfo={"deviceKey": 5}),
        inside("deviceKeyInfo", keyAuthorizations={"nameSpaces": 5}),
        inside("deviceKeyInfo", keyAuthorizations={"dataElements": []}),
        inside("deviceKeyInfo", keyAuthorizations={"dataElements": {"x": []}}),
        inside("deviceKeyInfo", keyAuthorizations={"more": []}),
        inside("deviceKeyInfo", more=1),
        inside("validityInfo", signed="2027-01-15T00:00:00Z"),
        inside("validityInfo", signed=instant("2027-01-15T00:00:00Z", 1)),
        inside("validityInfo", signed=instant(1_800_000_000)),
        inside("validityInfo", validFrom=instant("2027-01-15T00:00:00.0Z")),
        inside("validityInfo", validFrom=instant("2027-01-15T00:00:00+00:00")),
        inside("validityInfo", validUntil=instant("2027-02-14T00:00:00z")),
        inside("validityInfo", validUntil=instant("2027-02-31T00:00:00Z")),
        inside("validityInfo", validUntil=instant("٢٠٢٧-02-14T00:00:00Z")),
        inside("validityInfo", validFrom=instant("2027-01-14T00:00:00Z")),
        inside("validityInfo", validUntil=instant("2027-01-15T00:00:00Z")),
        inside("validityInfo", expectedUpdate=7),
        inside("validityInfo", more=1),
        without("validityInfo", "signed"),
        without("docType"),
        without("status"),
        without("version"),
    ],
)
def test_statements_that_are_none(spoil: Callable[[Draft], object]) -> None:
    draft = Draft.of()
    draft.digested = False
    spoil(draft)
    for wire in (draft.wire(), draft.shown()):
        with pytest.raises((Malformed, BadDisclosure, NotBound)):
            FORMAT.peek(FORMAT.parse(wire))


@pytest.mark.parametrize("name", ["SHA-384", "SHA-512"])
def test_other_digests(name: str) -> None:
    draft = Draft.of()
    draft.hash = {"SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}[name]
    draft.mso["digestAlgorithm"] = name
    draft.mso["valueDigests"] = {}
    assert verify(draft.shown()).claims["powers"] == ["council-tax", "banking"]


def test_device_keys_with_remarks_and_signs() -> None:
    draft = Draft.of()
    key = draft.mso["deviceKeyInfo"]["deviceKey"]
    sign = bool(key[-3][-1] & 1)
    for changed in ({**key, 2: b"kid", 3: -7, 4: [2]}, {**key, -3: sign}):
        draft.mso["deviceKeyInfo"]["deviceKey"] = changed
        draft.mso["deviceKeyInfo"]["keyInfo"] = {1: "x"}
        draft.mso["validityInfo"]["expectedUpdate"] = instant("2027-02-01T00:00:00Z")
        assert verify(draft.shown()).holder == HOLDER.public


def test_certificates_of_other_times() -> None:
    """ISO/IEC 18013-5 section 9.3.1: signed while the certificate was in force, and valid no longer than it."""
    early = Draft.of()
    early.unprotected[33] = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, at=AT + 2 * 86_400)
    with pytest.raises(NotYetValid):
        verify(early.shown())
    late = Draft.of()
    late.unprotected[33] = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, days=20)
    with pytest.raises(Expired):
        verify(late.shown())


def test_before_and_after_its_time() -> None:
    assert verify(SHOWN, at=ENDS + 59)
    with pytest.raises(Expired):
        verify(SHOWN, at=ENDS + 60)
    with pytest.raises(NotYetValid):
        verify(SHOWN, at=MADE - 61)


def test_another_issuer() -> None:
    with pytest.raises(BadSignature):
        verify(SHOWN, issuer=STRANGER.public)
    with pytest.raises(AlgorithmRefused):
        verify(SHOWN, issuer=Signer.new("ES384").public)
    stranger = Draft.of()
    stranger.signer = STRANGER
    with pytest.raises(BadSignature):
        verify(stranger.shown())


@pytest.mark.parametrize(
    ("protected", "unprotected", "error"),
    [
        ({1: -7, 16: "application/cwt"}, {33: LEAF}, WrongTyp),
        ({1: -7}, {33: LEAF, 16: 293}, WrongTyp),
        ({1: -7, 2: [33]}, {33: LEAF}, Malformed),
        ({1: -7, 33: LEAF}, {33: LEAF}, Malformed),
        ({1: -7}, {}, Malformed),
        ({1: -7}, {33: []}, Malformed),
        ({1: -7}, {33: [LEAF] * 5}, Malformed),
        ({1: -7}, {33: [LEAF, 5]}, Malformed),
        ({1: -7}, {33: b"certificate"}, Malformed),
        ({1: -47}, {33: LEAF}, AlgorithmRefused),
        ({1: "ES256"}, {33: LEAF}, Malformed),
        ({}, {33: LEAF}, Malformed),
    ],
)
def test_headers(protected: dict[Any, Any], unprotected: dict[Any, Any], error: type[VcError]) -> None:
    draft = Draft.of()
    draft.protected, draft.unprotected = protected, unprotected
    with pytest.raises(error):
        verify(draft.shown())


@pytest.mark.parametrize("protected", [{1: -9}, {1: -7, 33: LEAF}, {1: -7, 4: b"kid"}])
def test_headers_that_are_read(protected: dict[Any, Any]) -> None:
    draft = Draft.of()
    draft.protected = protected
    draft.unprotected = {} if 33 in protected else {33: LEAF}
    assert verify(draft.shown()).issuer == ISSUER_URI


def test_signed_objects_of_other_kinds() -> None:
    for name, form in formats().items():
        if form is not FORMAT:
            with pytest.raises((Malformed, WrongTyp)):
                FORMAT.parse(issue_other(name))
            with pytest.raises((Malformed, WrongTyp)):
                form.parse(SHOWN)


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        FORMAT.parse("A" * 300_000)
