"""Ours before other libraries, and theirs before ours: openvc-core, isomdoc and pymdoccbor, on good mdocs and on broken ones."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from isomdoc import create_mdoc
from isomdoc import verify_device_response as verify_isomdoc
from openvc.mdoc import MdocError, verify_device_response
from pymdoccbor.mdoc.issuer import MdocCborIssuer
from pymdoccbor.mdoc.verifier import MdocCbor
from support.forge import AUTHORITY, BINDING, HOLDER, ISSUER, ISSUER_URI, LEAF, ROOT, STRANGER, b64, unb64
from support.mdocs import SPACE, Draft, judged, show, verify
from support.signing import AT, Signer, anchor, leaf

from shared.clock import system_clock
from shared.codec import cbor
from shared.errors import Malformed, VcError
from shared.formats._transcript import session_transcript
from shared.formats.mdoc import FORMAT
from shared.keys import KeyId

pytestmark = pytest.mark.real
NOW = dt.datetime.fromtimestamp(AT, dt.UTC)
TRANSCRIPT = session_transcript(BINDING)


def openvc(wire: str, *, transcript: bytes = TRANSCRIPT, now: dt.datetime = NOW) -> Any:
    return verify_device_response(unb64(wire), trust_anchors=[ROOT.parsed], session_transcript=transcript, now=now)


def isomdoc(wire: str) -> Any:
    return verify_isomdoc(unb64(wire), cbor2.loads(TRANSCRIPT))


def pymdoccbor(wire: str) -> MdocCbor:
    document = MdocCbor()
    document.loads(unb64(wire))
    assert document.verify()
    return document


def test_they_read_ours() -> None:
    ours = verify(show()).document[SPACE]
    (document,) = openvc(show(), now=NOW)
    assert (document.doc_type, document.device_signed) == (SPACE, True)
    assert document.elements(SPACE) == ours
    shown = isomdoc(show()).documents[0].issuer_signed
    assert {each.element_identifier: each.element_value for each in shown.namespaces[SPACE]} == ours
    assert pymdoccbor(show()).documents[0].issuersigned.issuer_auth.payload_as_dict["docType"] == SPACE


def _other_value(draft: Draft) -> str:
    issued = draft.issued()
    draft.item("powers")["elementValue"] = ["general"]
    issued["nameSpaces"] = {SPACE: [draft.tagged(item) for item in draft.items]}
    return draft.shown(issued=issued)


def _no_digest(draft: Draft) -> str:
    issued = draft.issued()
    draft.item("powers")["digestID"] = 999
    issued["nameSpaces"] = {SPACE: [draft.tagged(item) for item in draft.items]}
    return draft.shown(issued=issued)


def _stranger(draft: Draft) -> str:
    draft.signer = STRANGER
    return draft.shown()


def _doctype(draft: Draft) -> str:
    return draft.shown(doctype="org.iso.18013.5.1.mDL")


def _status(draft: Draft) -> str:
    return b64(cbor2.dumps({**draft.response(), "status": 10}))


def _digest_algorithm(draft: Draft) -> str:
    draft.mso["digestAlgorithm"] = "SHA-1"
    return draft.shown()


def _foreign_device(draft: Draft) -> str:
    return draft.shown(holder=STRANGER)


def _stripped(draft: Draft) -> str:
    response = draft.response()
    del response["documents"][0]["deviceSigned"]
    return b64(cbor2.dumps(response))


def _expired(draft: Draft) -> str:
    for name, value in {"signed": "2026-12-01", "validFrom": "2026-12-01", "validUntil": "2027-01-01"}.items():
        draft.mso["validityInfo"][name] = cbor2.CBORTag(0, f"{value}T00:00:00Z")
    return draft.shown()


def _signed_before_its_certificate(draft: Draft) -> str:
    draft.mso["validityInfo"]["signed"] = cbor2.CBORTag(0, "2026-12-01T00:00:00Z")
    return draft.shown()


def _foreign_anchor(draft: Draft) -> str:
    other = Signer.new()
    draft.unprotected[33] = leaf(ISSUER, anchor(other), other, uri=ISSUER_URI)
    return draft.shown()


BROKEN: list[tuple[Callable[[Draft], str], bool, bool]] = [  # and whether isomdoc and pymdoccbor see it as well
    (_other_value, True, True),
    (_no_digest, True, True),
    (_stranger, True, True),
    (_doctype, True, False),  # the latter never compares section 9.1.2.4's docType
    (_status, True, False),
    (_digest_algorithm, True, False),
    (_foreign_device, True, False),  # nor does it look at the device
    (_stripped, True, False),
    (_expired, False, False),  # neither compares times or follows chains unasked (section 9.3.1)
    (_signed_before_its_certificate, False, False),
    (_foreign_anchor, False, False),
]


@pytest.mark.parametrize(("write", "by_isomdoc", "by_pymdoccbor"), BROKEN, ids=[each[0].__name__ for each in BROKEN])
def test_nobody_takes_what_is_broken(write: Callable[[Draft], str], by_isomdoc: bool, by_pymdoccbor: bool) -> None:
    logging.getLogger("pymdoccbor").setLevel(logging.CRITICAL)
    wire = write(Draft.of())
    with pytest.raises(VcError):
        judged(wire)
    with pytest.raises(MdocError):
        openvc(wire)
    for judge, sees in ((isomdoc, by_isomdoc), (pymdoccbor, by_pymdoccbor)):
        if sees:
            with pytest.raises(Exception):  # noqa: B017, PT011 - whatever they raise
                judge(wire)
        else:
            judge(wire)


def test_wrong_sessions() -> None:
    with pytest.raises(MdocError):
        openvc(show(), transcript=TRANSCRIPT[:-1] + bytes((TRANSCRIPT[-1] ^ 1,)))


def test_we_read_those_of_isomdoc() -> None:
    space = "org.example.card"
    assert isinstance(ISSUER.private, ec.EllipticCurvePrivateKey)
    made = create_mdoc(space, [x509.load_der_x509_certificate(LEAF)], ISSUER.private)
    elements: dict[str, str | bytes | bool] = {"name": "Nora", "photo": b"\xff", "married": True}
    for name, value in elements.items():
        made.add_data_item(space, name, value)
    ends = NOW + dt.timedelta(days=30)
    data = made.generate_credential(HOLDER.public.key, NOW, NOW, ends)
    parsed = FORMAT.parse(b64(data))
    assert FORMAT.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=AT).claims == {
        space: {"name": "Nora", "photo": "_w", "married": True}
    }
    chosen = FORMAT.disclose(parsed, [(space, "name")])
    wire = HOLDER.finish(FORMAT.present(chosen, BINDING, key=KeyId("h"), at=AT))
    assert verify(wire).claims == {space: {"name": "Nora"}}
    assert isomdoc(wire).documents[0].issuer_signed.get_element_value(space, "name") == "Nora"
    assert openvc(wire)[0].elements(space) == {"name": "Nora"}
    with pytest.raises(VcError):
        FORMAT.parse(b64(data[:-1]))


def test_we_read_those_of_pymdoccbor() -> None:
    """It reads the machine's clock."""
    at, space = system_clock(), "org.example.card"
    certificate = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, at=at, days=500)
    assert isinstance(ISSUER.private, ec.EllipticCurvePrivateKey)
    assert isinstance(HOLDER.public.key, ec.EllipticCurvePublicKey)
    scalar = ISSUER.private.private_numbers().private_value.to_bytes(32, "big")
    public = HOLDER.public.key.public_numbers()
    device = {1: 2, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
    issuer = MdocCborIssuer(private_key={"KTY": "EC2", "CURVE": "P_256", "ALG": "ES256", "D": scalar, "KID": b"issuer"}, alg="ES256")
    day = dt.datetime.fromtimestamp(at, dt.UTC)
    validity = {"issuance_date": f"{day:%Y-%m-%d}", "expiry_date": f"{day + dt.timedelta(days=90):%Y-%m-%d}"}
    issuer.new({space: {"name": "Nora", "age": 59}}, space, validity=validity, devicekeyinfo=device, x509_chain=[certificate])
    response = cbor.loads(issuer.dump())
    data = cbor2.dumps(response["documents"][0]["issuerSigned"])
    parsed = FORMAT.parse(b64(data))
    assert FORMAT.check_received(parsed, ISSUER.public, holder=HOLDER.public, at=at + 5).claims == {space: {"name": "Nora", "age": 59}}
    with pytest.raises(Malformed):  # a DeviceResponse without its device (section 8.3.2.1.2.2)
        FORMAT.parse(b64(issuer.dump()))
