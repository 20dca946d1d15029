"""Public keys as multibase texts (Controlled Identifiers 1.0 section 2.2.2, "Multikey"): P-256, P-384 and Ed25519."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..codec import base58
from ..errors import Malformed
from ..keys import PublicKey, ed25519_key

_KINDS: Final = {  # the varint of the multicodec: algorithm, length of the key
    b"\x80\x24": ("ES256", 33),
    b"\x81\x24": ("ES384", 49),
    b"\xed\x01": ("EdDSA", 32),
}
_CURVES: Final[dict[str, ec.EllipticCurve]] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}
_HEADS: Final = {alg: head for head, (alg, _) in _KINDS.items()}


def parse(text: str, *, where: str = "") -> PublicKey:
    """``Malformed`` for another base, kind or length, and for a point that is none."""
    if not text.startswith("z"):
        raise Malformed("a key here is in base58btc, after z", where=where)
    raw = base58.decode(text[1:], where=where)
    alg, size = _KINDS.get(raw[:2], ("", 0))
    if not alg or len(raw) != 2 + size:
        raise Malformed("only P-256, P-384 and Ed25519 keys are used here", where=where)
    try:
        return (
            ed25519_key(raw[2:]) if alg == "EdDSA" else PublicKey(alg, ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[alg], raw[2:]))
        )
    except ValueError as error:
        raise Malformed("the point is not a usable key", where=where) from error


def render(key: PublicKey) -> str:
    """The one text of ``key``."""
    if isinstance(key.key, ed25519.Ed25519PublicKey):
        raw = key.key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        raw = key.key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return "z" + base58.encode(_HEADS[key.alg] + raw)
