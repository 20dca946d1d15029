"""Mdocs that others made: session transcripts of OpenID4VP, ISO/IEC 18013-5 annex D, and those of another implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from conftest import Vectors
from cryptography.hazmat.primitives.asymmetric import ec
from support.forge import b64

from shared.codec import cbor
from shared.cose import parse_cose_key
from shared.cose.mac0 import mac0_of, verify_mac0
from shared.cose.untyped import verify_untyped
from shared.errors import BadSignature, Expired, Malformed, NotBound, VcError
from shared.formats import Binding, Handover
from shared.formats._device import verify_device
from shared.formats._transcript import session_transcript
from shared.formats._wire import parse_wire
from shared.formats.mdoc import FORMAT, _verify_issued
from shared.jose.jwk import parse_public_jwk, thumbprint_bytes
from shared.keys import PublicKey
from shared.x509 import load_certificate

pytestmark = pytest.mark.vectors
IN_FORCE = 1_609_459_200  # 2021-01-01


def test_session_transcripts(vectors: Vectors) -> None:
    judged = []
    for case in json.loads(vectors("mdoc-interop/oid4vp_session_transcripts.json").read_text()):
        key = bytes.fromhex(case["jwkThumbprint_hex"])
        if case["type"] == "OpenID4VPHandover":
            binding = Binding(
                audience=case["clientId"], nonce=case["nonce"], handover=Handover(response_uri=case["responseUri"], key_thumbprint=key)
            )
        elif case["type"] == "OpenID4VPDCAPIHandover":
            binding = Binding(audience=f"origin:{case['origin']}", nonce=case["nonce"], handover=Handover(key_thumbprint=key))
        else:
            continue  # OpenID4VCI 1.1, a draft that is not spoken here
        assert session_transcript(binding).hex() == case["expected_session_transcript_hex"]
        judged.append(case["type"])
    assert len(judged) == 2


def test_the_thumbprint_of_the_specification(vectors: Vectors) -> None:
    """OpenID4VP 1.0 appendix B.2.6.1: RFC 7638, over crv, kty, x and y alone."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "DxiH5Q4Yx3UrukE2lWCErq8N8bqC9CHLLrAwLz5BmE0",
        "y": "XtLM4-3h5o3HUH0MHVJV0kyq0iBlrBwlh8qEDMZ4-Pc",
        "use": "enc",
        "alg": "ECDH-ES",
        "kid": "1",
    }
    case = json.loads(vectors("mdoc-interop/oid4vp_session_transcripts.json").read_text())[0]
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    assert thumbprint_bytes(parse_public_jwk(members)).hex() == case["jwkThumbprint_hex"]


# --- ISO/IEC 18013-5 annex D -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def annex(vectors: Vectors) -> dict[str, Any]:
    found = json.loads(vectors("mdoc-iso18013-5-annexD/annex_d_vectors.json").read_text())
    return {name.removeprefix("ISO_18013_5_ANNEX_D_"): bytes.fromhex(value) for name, value in found.items()}


def _agree(annex: dict[str, Any], public: PublicKey) -> bytes:
    private = ec.derive_private_key(int.from_bytes(annex["EPHEMERAL_READER_KEY_D"], "big"), ec.SECP256R1())
    assert isinstance(public.key, ec.EllipticCurvePublicKey)
    return private.exchange(ec.ECDH(), public.key)


def test_annex_d_is_signed_by_issuer_and_device(annex: dict[str, Any]) -> None:
    parsed = FORMAT.parse(b64(annex["DEVICE_RESPONSE"]))
    issuer = load_certificate(annex["DS_CERT"])
    assert (parsed.vct, parsed.x5c) == ("org.iso.18013.5.1.mDL", (issuer.der,))
    verify_untyped(parsed.inner.auth, issuer.public)
    with pytest.raises(Expired, match="outlives"):  # by half a day: section 9.1.2.4 does not allow what its own annex does
        _verify_issued(parsed, issuer.public, IN_FORCE)
    elements = FORMAT.peek(parsed).claims["org.iso.18013.5.1"]
    assert (elements["family_name"], elements["issue_date"], elements["expiry_date"]) == ("Doe", "2019-10-20", "2024-10-20")
    assert set(elements) == {"family_name", "issue_date", "expiry_date", "document_number", "portrait", "driving_privileges"}
    inner = parsed.inner
    transcript = cbor.loads(annex["SESSION_TRANSCRIPT_BYTES"]).value
    assert verify_device(inner.device, inner.mso, transcript, lambda public: _agree(annex, public))
    for spoilt in (transcript[:-1] + bytes((transcript[-1] ^ 1,)), b"\xf6"):
        with pytest.raises(NotBound):
            verify_device(inner.device, inner.mso, spoilt, lambda public: _agree(annex, public))


def test_annex_d_with_each_byte_changed(annex: dict[str, Any]) -> None:
    data = annex["DEVICE_RESPONSE"]
    issuer = load_certificate(annex["DS_CERT"])
    transcript = cbor.loads(annex["SESSION_TRANSCRIPT_BYTES"]).value
    secret = _agree(annex, FORMAT.parse(b64(data)).inner.mso.holder)
    for at in range(0, len(data), 3):
        spoilt = data[:at] + bytes((data[at] ^ 1 << at % 8,)) + data[at + 1 :]
        with pytest.raises(VcError):
            _judge(spoilt, issuer.public, issuer.der, transcript, secret)


def _judge(data: bytes, issuer: PublicKey, certificate: bytes, transcript: bytes, secret: bytes) -> None:
    parsed = FORMAT.parse(b64(data))
    if parsed.x5c != (certificate,):
        raise BadSignature("another certificate")
    verify_untyped(parsed.inner.auth, issuer)
    FORMAT.peek(parsed)
    verify_device(parsed.inner.device, parsed.inner.mso, transcript, lambda _public: secret)


# --- isomdl ------------------------------------------------------------------------------------------------------------------------------


def _hex(path: Path) -> bytes:
    """These files hold hexadecimal text."""
    return bytes.fromhex(path.read_text().strip())


def test_an_issuers_mdoc_by_others(vectors: Vectors) -> None:
    data = _hex(vectors("mdoc-isomdl/definitions/issuer_signed.cbor"))
    shown = parse_wire(data)
    assert set(shown.spaces) == {"org.iso.18013.5.1"}
    parsed = FORMAT.parse(b64(data))
    assert parsed.vct == "org.iso.18013.5.1.mDL"
    verify_untyped(parsed.inner.auth, load_certificate(parsed.x5c[0]).public)
    assert FORMAT.peek(parsed).claims["org.iso.18013.5.1"]["family_name"] == "Doe"


def test_an_answer_by_others(vectors: Vectors) -> None:
    """Its signatures are examples of RFC 8152 in tags, which the standard does not have."""
    with pytest.raises(Malformed):
        FORMAT.parse(b64(_hex(vectors("mdoc-isomdl/definitions/device_response.cbor"))))


def test_a_mac_by_others(vectors: Vectors) -> None:
    item = cbor.loads(_hex(vectors("mdoc-isomdl/definitions/cose/mac0/serialized.cbor")))
    mac = mac0_of(item)
    assert (mac.protected, mac.payload) == ({1: 5}, b"This is the content.")


def test_the_key_by_others(vectors: Vectors) -> None:
    assert parse_cose_key(cbor.loads(_hex(vectors("mdoc-isomdl/definitions/cose_key/ec_p256.cbor")))).alg == "ES256"


@pytest.mark.parametrize("folder", ["cose-wg/mac0-tests", "cose-wg/hmac-examples"])
def test_macs_of_the_working_group(vectors: Vectors, folder: str) -> None:
    """HMAC 256/256, its name signed, without external data: all else is refused, and so is what is broken."""
    verified = 0
    for path in sorted(vectors(folder).glob("*.json")):
        case = json.loads(path.read_text())
        asked = case["input"].get("mac0")
        if asked is None:
            continue
        item = cbor.loads(bytes.fromhex(case["output"]["cbor"]))
        parts = item.value if isinstance(item, cbor2.CBORTag) else item
        retagged = isinstance(item, cbor2.CBORTag) and item.tag != 17
        ours = asked["alg"] == "HS256" and asked.get("protected", {}).get("alg") == "HS256" and "external" not in asked
        try:
            verify_mac0(mac0_of(parts), bytes.fromhex(case["intermediates"]["CEK_hex"]))
        except VcError:
            assert not ours or "failures" in case["input"], path.name
        else:
            assert ours, path.name
            assert retagged or not case["input"].get("fail"), path.name  # a tag is not read here
            verified += 1
    assert verified
