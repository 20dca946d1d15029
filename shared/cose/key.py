"""Public keys as COSE_Key (RFC 9053 section 7) and their thumbprints (RFC 9679)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..codec import base64url, cbor
from ..errors import AlgorithmRefused, Malformed
from ..keys import PublicKey, ed25519_key

_KTY, _CRV, _X, _Y = 1, -1, -2, -3
_OKP, _EC2 = 1, 2
_ED25519 = 6
_CURVES: Final[Mapping[int, tuple[ec.EllipticCurve, int]]] = {1: (ec.SECP256R1(), 32), 2: (ec.SECP384R1(), 48)}
_NUMBER: Final = {"secp256r1": 1, "secp384r1": 2}
_MEMBERS: Final = {_OKP: {_KTY, _CRV, _X}, _EC2: {_KTY, _CRV, _X, _Y}}


def render_cose_key(public: PublicKey) -> dict[int, Any]:
    """The map with compressed y (RFC 9053 section 7.1.1): a boolean in place of 32 bytes."""
    key = public.key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {_KTY: _OKP, _CRV: _ED25519, _X: key.public_bytes_raw()}
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return {_KTY: _EC2, _CRV: _NUMBER[key.curve.name], _X: point[1:], _Y: point[0] == 3}


def encode_cose_key(public: PublicKey) -> bytes:
    """The same, encoded; the kind that nearly everybody has is put together by hand because that is hot."""
    if public.alg != "ES256":
        return cbor.dumps(render_cose_key(public))
    point: bytes = public.key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return b"".join((b"\xa4\x01\x02\x20\x01\x21\x58\x20", point[1:], b"\x22\xf5" if point[0] == 3 else b"\x22\xf4"))


def parse_cose_key(obj: object, where: str = "") -> PublicKey:
    """A public signature key: P-256, P-384 or Ed25519, nothing else in the map.

    ``Malformed`` for what is no such key, a point off the curve included; ``AlgorithmRefused`` for a curve that is not used here.
    """
    if not isinstance(obj, Mapping):
        raise Malformed("a COSE key is a map", where=where)
    members = _MEMBERS.get(obj.get(_KTY)) if type(obj.get(_KTY)) is int else None  # type: ignore[arg-type] # the type was asked for
    if members is None:
        raise AlgorithmRefused("only P-256, P-384 and Ed25519 keys are used here", where=where)
    if obj.keys() != members or type(obj[_CRV]) is not int:
        raise Malformed("a public key has its own members and no others", where=where)
    return _read(obj[_KTY], obj[_CRV], obj[_X], obj.get(_Y), where)


def _read(kty: int, crv: int, x: object, y: object, where: str) -> PublicKey:
    if kty == _OKP:
        if crv != _ED25519:
            raise AlgorithmRefused("only P-256, P-384 and Ed25519 keys are used here", where=where)
        return _okp(_coordinate(x, 32, where), where)
    if crv not in _CURVES:
        raise AlgorithmRefused("only P-256, P-384 and Ed25519 keys are used here", where=where)
    size = _CURVES[crv][1]
    tail: bytes | bool = y if type(y) is bool else _coordinate(y, size, where)
    return _ec(crv, _coordinate(x, size, where), tail, where)


def _coordinate(value: object, size: int, where: str) -> bytes:
    if type(value) is not bytes or len(value) != size:
        raise Malformed("a coordinate has the size of its curve", where=where)
    return value


@lru_cache(maxsize=4_096)
def _okp(x: bytes, where: str) -> PublicKey:
    try:
        return ed25519_key(x)
    except ValueError as error:
        raise Malformed("the point is not a usable key", where=where) from error


def p256_key(x: bytes, y: bool | bytes) -> PublicKey:
    """The P-256 key of an ``x`` of 32 bytes, and y or its sign, as ``parse_cose_key``."""
    return _ec(1, x, y, "/cnf")


@lru_cache(maxsize=4_096)
def _ec(crv: int, x: bytes, y: bytes | bool, where: str) -> PublicKey:
    point = bytes([2 + y]) + x if isinstance(y, bool) else b"\x04" + x + y
    try:
        return PublicKey.of(ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[crv][0], point))
    except ValueError as error:
        raise Malformed("this point is not on the curve", where=where) from error


def key_bytes(public: PublicKey) -> bytes:
    """The required members in deterministic CBOR, y whole (RFC 9679 sections 3 and 4.2): what a thumbprint is made of."""
    key = public.key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return cbor.dumps({_KTY: _OKP, _CRV: _ED25519, _X: key.public_bytes_raw()}, canonical=True)
    x, y = [cbor.byte_string(each) for each in _halves(public, key)]
    return b"".join((b"\xa4\x01\x02\x20", cbor.head(0, _NUMBER[key.curve.name]), b"\x21", x, b"\x22", y))


def _halves(public: PublicKey, key: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    """X and y, from the JWK where the key came as one: that is faster than to ask the library again."""
    if public.jwk:
        members = dict(public.jwk)
        return base64url.decode(members["x"]), base64url.decode(members["y"])
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    half = len(point) >> 1
    return point[1 : half + 1], point[half + 1 :]


def thumbprint(public: PublicKey) -> bytes:
    """RFC 9679 with SHA-256, 32 bytes."""
    return hashlib.sha256(key_bytes(public)).digest()


def kid_of(public: PublicKey) -> bytes:
    """The first 8 bytes of the thumbprint: names a key inside a list that is trusted already, and proves nothing."""
    return thumbprint(public)[:8]
