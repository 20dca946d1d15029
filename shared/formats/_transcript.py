"""What a device's signature is tied to: the SessionTranscript of ISO/IEC 18013-5 section 9.1.5.1 with the handovers of OpenID4VP 1.0."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..codec import cbor
from ..errors import Malformed
from . import Binding, Handover

ORIGIN: Final = "origin:"
TAGGED: Final = b"\xd8\x18"  # 24: what follows is a byte string that holds CBOR
_MAC_KEY: Final = 32
_THUMBPRINT: Final = 32


def session_transcript(binding: Binding) -> bytes:
    """``[null, null, Handover]`` for an answer by ``response_uri`` (appendix B.2.6.1) or the Digital Credentials API (B.2.6.2).

    ``Malformed`` where ``binding`` is no request over OpenID4VP: an mdoc is shown in no other way here, neither by code nor as a copy
    made out to somebody.
    """
    handover = binding.handover
    if handover is None or binding.nonce is None:
        raise Malformed("an mdoc is only shown in answer to a request over the network")
    key = _thumbprint(handover)
    if binding.audience.startswith(ORIGIN):
        origin = binding.audience.removeprefix(ORIGIN)
        return _transcript("OpenID4VPDCAPIHandover", b"\x83" + cbor.text(origin) + cbor.text(binding.nonce) + key)
    if not handover.response_uri:
        raise Malformed("an mdoc is shown to an address that is asked to answer to")
    info = (b"\x84", cbor.text(binding.audience), cbor.text(binding.nonce), key, cbor.text(handover.response_uri))
    return _transcript("OpenID4VPHandover", b"".join(info))


def _thumbprint(handover: Handover) -> bytes:
    if handover.key_thumbprint is None:
        return b"\xf6"
    if len(handover.key_thumbprint) != _THUMBPRINT:
        raise Malformed("the thumbprint of a key has 32 bytes")
    return cbor.byte_string(handover.key_thumbprint)


def _transcript(name: str, info: bytes) -> bytes:
    return b"".join((b"\x83\xf6\xf6\x82", cbor.text(name), b"\x58\x20", hashlib.sha256(info).digest()))


def mac_key(secret: bytes, transcript: bytes) -> bytes:
    """EMacKey (section 9.1.3.5) from the secret that the device's key shares with the checker's."""
    salt = hashlib.sha256(TAGGED + cbor.byte_string(transcript)).digest()
    return HKDF(hashes.SHA256(), _MAC_KEY, salt, b"EMacKey").derive(secret)
