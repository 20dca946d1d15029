"""Nonces that need no row until they are used: random bytes and an end, under the office's MAC. One of a purpose never serves another."""

from __future__ import annotations

import hmac
from enum import StrEnum

from issuer.office import REFERENCES, Office
from shared.codec import base64url
from shared.errors import InvalidNonce, Malformed

_NONCE_BYTES = 16
_END_BYTES = 5
_TAG_BYTES = 16


class Purpose(StrEnum):
    """What a nonce is answered in: a key proof, a DPoP proof, the proof of an attested wallet."""

    PROOF = "nonce"
    DPOP = "dpop-nonce"
    CHALLENGE = "attestation-challenge"


async def fresh_nonce(office: Office, purpose: Purpose = Purpose.PROOF) -> str:
    """A new one; it lives ``nonce_seconds``."""
    body = office.entropy(_NONCE_BYTES) + (office.clock() + office.settings.nonce_seconds).to_bytes(_END_BYTES, "big")
    return base64url.encode(body + await _tag(office, purpose, body))


async def check_nonce(office: Office, nonce: str, at: int, purpose: Purpose = Purpose.PROOF) -> int:
    """When a nonce of ours ends; ``InvalidNonce`` if it is not ours or over. That it is used once is the unit of work's business."""
    try:
        raw = base64url.decode(nonce)
    except Malformed as error:
        raise InvalidNonce("this is not a nonce of this office") from error
    body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    if len(body) != _NONCE_BYTES + _END_BYTES or not hmac.compare_digest(tag, await _tag(office, purpose, body)):
        raise InvalidNonce("this is not a nonce of this office")
    end = int.from_bytes(body[_NONCE_BYTES:], "big")
    if at >= end:
        raise InvalidNonce("this nonce has had its time")
    return end


async def is_live(office: Office, nonce: str | None, at: int, purpose: Purpose) -> bool:
    """Whether it is one of ours that still counts; ``None`` is none."""
    if nonce is None:
        return False
    try:
        await check_nonce(office, nonce, at, purpose)
    except InvalidNonce:
        return False
    return True


async def _tag(office: Office, purpose: Purpose, body: bytes) -> bytes:
    return (await office.custodian.mac(REFERENCES, purpose.encode() + b"\0" + body))[:_TAG_BYTES]
