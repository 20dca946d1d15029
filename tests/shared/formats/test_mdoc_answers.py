"""What no honest wallet or device answers with an ``mso_mdoc``, and documents of types that nobody here knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from support.forge import BINDING, HOLDER, ISSUER, REPRESENTATION, STRANGER, b64
from support.mdocs import SPACE, Draft, issue, show, tag, verify
from support.signing import AT, Signer

from shared.errors import (
    BadDisclosure,
    Malformed,
    NotBound,
    WrongTyp,
)
from shared.formats.mdoc import FORMAT
from shared.keys import PublicKey

SHOWN = show()


def test_stripped_and_foreign_devices() -> None:
    with pytest.raises(NotBound):
        verify(issue())
    for wire in (
        show(holder=STRANGER),
        Draft.of().shown(holder=Signer.new("EdDSA")),
        Draft.of().shown(header={1: -8}),
        Draft.of().shown(header={1: -7, 4: b"k"}, holder=STRANGER),
    ):
        with pytest.raises(NotBound):
            verify(wire)


def _agree(private: ec.EllipticCurvePrivateKey, public: PublicKey) -> bytes:
    assert isinstance(public.key, ec.EllipticCurvePublicKey)
    return private.exchange(ec.ECDH(), public.key)


def test_device_macs() -> None:
    reader = Signer.new()
    assert isinstance(reader.private, ec.EllipticCurvePrivateKey)
    assert isinstance(HOLDER.private, ec.EllipticCurvePrivateKey)
    assert BINDING.handover is not None
    private = reader.private
    binding = replace(BINDING, handover=replace(BINDING.handover, agree=lambda public: _agree(private, public)))
    secret = _agree(HOLDER.private, reader.public)
    wire = Draft.of().shown(secret=secret)
    facts = verify(wire, binding=binding)
    assert facts.holder == HOLDER.public
    assert verify(SHOWN, binding=binding).holder == HOLDER.public
    for spoilt in (
        Draft.of().shown(secret=bytes(32)),
        Draft.of().shown(secret=secret, header={1: 4}),
        Draft.of().shown(secret=secret, binding=replace(BINDING, nonce="other")),
    ):
        with pytest.raises(NotBound):
            verify(spoilt, binding=binding)
    with pytest.raises(NotBound, match="MAC"):
        verify(wire)


def test_what_a_device_adds() -> None:
    said = {"org.example": {"selfie": b"\1\2", "when": cbor2.CBORTag(1004, "2027-01-15")}}
    with pytest.raises(NotBound):
        verify(Draft.of().shown(said=said))
    allowed: dict[str, Any]
    for allowed in ({"nameSpaces": ["org.example"]}, {"dataElements": {"org.example": ["selfie", "when"]}}):
        draft = Draft.of()
        draft.mso["deviceKeyInfo"]["keyAuthorizations"] = allowed
        assert verify(draft.shown(said=said)).binding_claims["deviceSigned"] == {"org.example": {"selfie": "AQI", "when": "2027-01-15"}}
    for allowed in ({"nameSpaces": ["org.other", 7]}, {"dataElements": {"org.example": ["when"]}}):
        draft = Draft.of()
        draft.mso["deviceKeyInfo"]["keyAuthorizations"] = allowed
        with pytest.raises(NotBound):
            verify(draft.shown(said=said))


# --- answers ---------------------------------------------------------------------------------------------------------------------------


def _document(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda response: response["documents"][0].update(changes)


def _device(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda response: response["documents"][0]["deviceSigned"].update(changes)


def _proof(at: int, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda response: response["documents"][0]["deviceSigned"]["deviceAuth"]["deviceSignature"].__setitem__(at, value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda response: response.update(version="1.1"),
        lambda response: response.update(status=10),
        lambda response: response.update(status=None),
        lambda response: response.pop("documents"),
        lambda response: response.pop("status"),
        lambda response: response.update(documents=[]),
        lambda response: response.update(documents={}),
        lambda response: response["documents"].append(response["documents"][0]),
        lambda response: response.update(documentErrors={}),
        lambda response: response.update(documentErrors=[{"x": "y"}]),
        lambda response: response.update(more=1),
        _document(docType="org.iso.18013.5.1.mDL"),
        _document(docType=""),
        _document(errors=[]),
        _document(errors={"x": {"y": "z"}}),
        _document(more=1),
        _document(issuerSigned={}),
        _document(deviceSigned={}),
        lambda response: response["documents"][0].pop("deviceSigned"),
        lambda response: response["documents"][0]["issuerSigned"].update(nameSpaces={}, issuerAuth=5),
        lambda response: response["documents"][0]["issuerSigned"].update(nameSpaces={SPACE: []}),
        lambda response: response["documents"][0]["issuerSigned"].update(nameSpaces=[]),
        lambda response: response["documents"][0]["issuerSigned"]["issuerAuth"].append(1),
        lambda response: response["documents"][0]["issuerSigned"]["issuerAuth"].__setitem__(2, None),
        lambda response: response["documents"][0]["issuerSigned"]["issuerAuth"].__setitem__(1, []),
        lambda response: response["documents"][0]["issuerSigned"].update(
            issuerAuth=cbor2.CBORTag(18, response["documents"][0]["issuerSigned"]["issuerAuth"])
        ),
        _device(nameSpaces={}),
        _device(nameSpaces=tag([])),
        _device(nameSpaces=tag({1: {}})),
        _device(nameSpaces=tag({"x": {}})),
        _device(nameSpaces=tag({"x": {1: 2}})),
        _device(deviceAuth={}),
        _device(deviceAuth={"deviceSignature": 5}),
        _device(deviceAuth={"deviceMac": [b"\xa1\x01\x05", {}, b"payload", bytes(32)]}),
        _device(deviceAuth={"deviceMac": [b"\xa1\x01\x05", {}, 7, bytes(32)]}),
        lambda response: response["documents"][0]["deviceSigned"]["deviceAuth"].update(deviceMac=[b"\xa1\x01\x05", {}, None, bytes(32)]),
        _proof(2, b""),
        _proof(0, None),
        _proof(3, None),
    ],
)
def test_answers_that_are_none(spoil: Callable[[dict[str, Any]], object]) -> None:
    response = Draft.of().response()
    spoil(response)
    with pytest.raises(Malformed):
        FORMAT.parse(b64(cbor2.dumps(response)))


def test_a_device_signature_with_a_typ() -> None:
    with pytest.raises(WrongTyp):
        FORMAT.parse(Draft.of().shown(header={1: -7, 16: 294}))


def test_errors_beside_a_document_change_nothing() -> None:
    response = Draft.of().response()
    response["documentErrors"] = [{"org.example": 0}]
    response["documents"][0]["errors"] = {SPACE: {"nino": 10}}
    assert verify(b64(cbor2.dumps(response))).vct == REPRESENTATION.vct


def test_documents_of_unknown_types() -> None:
    """All in it may be withheld, and it is told in JSON."""
    draft = Draft.of()
    space = "org.example.card"
    values = {
        "name": "Nora",
        "photo": b"\xff\xfe",
        "born": cbor2.CBORTag(1004, "1968-03-14"),
        "ratio": 0.5,
        "none": None,
        "nan": float("nan"),
    }
    values |= {"list": [1, {"a": b"", 2: True, b"\1": 1}], "big": 2**63}
    draft.spaces = {
        space: [
            {"digestID": at, "random": bytes(20), "elementIdentifier": name, "elementValue": value}
            for at, (name, value) in enumerate(values.items())
        ]
    }
    draft.mso["valueDigests"] = {}
    draft.mso["docType"] = "org.example.card"
    facts = verify(draft.shown(doctype=space))
    told = {"name": "Nora", "photo": "__4", "born": "1968-03-14", "ratio": 0.5, "none": None, "nan": None}
    told |= {"list": [1, {"a": "", "2": True, "AQ": 1}], "big": 2**63}
    assert facts.vct == space
    assert facts.claims == {space: told}
    assert facts.document == {"docType": space, space: told}
    assert set(facts.disclosed) == {(space, name) for name in values}
    received = FORMAT.check_received(FORMAT.parse(draft.wire()), ISSUER.public, holder=HOLDER.public, at=AT)
    assert received.claims == facts.claims
    chosen = FORMAT.disclose(FORMAT.parse(draft.wire()), [(space, "name")])
    assert FORMAT.peek(chosen).claims == {space: {"name": "Nora"}}
    nothing = FORMAT.disclose(FORMAT.parse(draft.wire()), [])
    assert FORMAT.peek(nothing).claims == {}
    draft.spaces[space].append(draft.spaces[space][0])
    with pytest.raises(BadDisclosure):
        FORMAT.peek(FORMAT.parse(draft.wire()))
    draft.spaces[space].pop()
    draft.digested = False
    draft.spaces["org.example.other"] = [draft.spaces[space][0]]
    with pytest.raises(BadDisclosure):
        FORMAT.peek(FORMAT.parse(draft.wire()))
