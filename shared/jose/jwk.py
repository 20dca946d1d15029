"""Public JSON Web Keys (RFC 7517, RFC 7518 section 6.2, RFC 8037): P-256, P-384 and Ed25519, nothing else.

A JWK arrives from strangers in headers, proofs and ``cnf``. What is not exactly a public signature key of these three kinds is
``Malformed``. Keys that repeat are parsed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ..codec import base64url
from ..codec.reader import get_str, get_strings, pointer
from ..errors import Malformed
from ..keys import PublicKey, ed25519_key

_PLAIN = {"kty", "crv", "x", "y"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: dict[str, tuple[ec.EllipticCurve, int, str]] = {"P-256": (ec.SECP256R1(), 32, "ES256"), "P-384": (ec.SECP384R1(), 48, "ES384")}
_NAMES = {"ES256": "P-256", "ES384": "P-384"}
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
_POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def parse_public_jwk(jwk: Mapping[str, Any], *, where: str = "") -> PublicKey:
    """The key, with the algorithm that follows from its kind. ``Malformed``, with the pointer of the member, for private members, wrong
    types or lengths, points off their curve, and a ``use``, ``key_ops`` or ``alg`` that speaks of another purpose.
    """
    if jwk.keys() == _PLAIN and jwk["kty"] == "EC" and type(jwk["crv"]) is type(jwk["x"]) is type(jwk["y"]) is str:
        return _load_ec(jwk["crv"], jwk["x"], jwk["y"], where)
    check_public(jwk, where=where)
    kty, crv, x = get_str(jwk, "kty", where), get_str(jwk, "crv", where), get_str(jwk, "x", where)
    if kty == "EC":
        key = _load_ec(crv, x, get_str(jwk, "y", where), where)
    elif kty == "OKP" and crv == "Ed25519":
        key = _load_ed25519(x, where)
    else:
        raise Malformed("only P-256, P-384 and Ed25519 keys are used here", where=where)
    if not _PURPOSE.isdisjoint(jwk):
        _check_purpose(jwk, key, where)
    return key


def check_public(jwk: Mapping[str, Any], *, where: str = "") -> None:
    """``Malformed`` if a member is there that only a private or symmetric key has (RFC 7518 sections 6.2.2, 6.3.2, 6.4)."""
    if not _PRIVATE.isdisjoint(jwk):
        raise Malformed("a private key must never be sent", where=where)


def render_jwk(key: PublicKey) -> dict[str, str]:
    """``kty``, ``crv``, ``x`` and, for an elliptic curve, ``y``; no other member."""
    if not key.jwk:
        object.__setattr__(key, "jwk", tuple(_members(key).items()))  # it follows from the rest of the key, which never changes
    return dict(key.jwk)


def _members(key: PublicKey) -> dict[str, str]:
    if isinstance(key.key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(key.key.public_bytes(*_RAW))}
    point = key.key.public_bytes(*_POINT)
    half = len(point) // 2
    return {
        "kty": "EC",
        "crv": _NAMES[key.alg],
        "x": base64url.encode(point[1 : half + 1]),
        "y": base64url.encode(point[half + 1 :]),
    }


def thumbprint(key: PublicKey) -> str:
    """RFC 7638 (RFC 8037 section 2 for Ed25519): base64url of SHA-256 over the required members in lexicographic order."""
    return base64url.encode(thumbprint_bytes(key))


def thumbprint_bytes(key: PublicKey) -> bytes:
    """The 32 bytes of ``thumbprint``."""
    text = ",".join(f'"{name}":"{value}"' for name, value in sorted(render_jwk(key).items()))
    return hashlib.sha256(f"{{{text}}}".encode()).digest()


_PURPOSE = frozenset({"use", "key_ops", "alg"})


def _check_purpose(jwk: Mapping[str, Any], key: PublicKey, where: str) -> None:
    if get_str(jwk, "use", where, optional=True) not in (None, "sig"):
        raise Malformed("this key is not for signatures", where=pointer(where, "use"))
    operations = get_strings(jwk, "key_ops", where, optional=True)
    if operations is not None and "verify" not in operations:
        raise Malformed("this key is not for verifying", where=pointer(where, "key_ops"))
    # RFC 9864 names EdDSA over this curve Ed25519.
    names = ("EdDSA", "Ed25519") if key.alg == "EdDSA" else (key.alg,)
    if get_str(jwk, "alg", where, optional=True) not in (None, *names):
        raise Malformed("this key is for another algorithm", where=pointer(where, "alg"))


def _load_ec(crv: str, x: str, y: str, where: str) -> PublicKey:
    try:
        return _ec_key(crv, x, y)
    except Malformed as error:
        raise error.within(where) from error.__cause__


def _load_ed25519(x: str, where: str) -> PublicKey:
    try:
        return _ed25519_key(x)
    except Malformed as error:
        raise error.within(where) from error.__cause__


@lru_cache(maxsize=1024)
def _ec_key(crv: str, x: str, y: str) -> PublicKey:
    if crv not in _CURVES:
        raise Malformed("only P-256, P-384 and Ed25519 keys are used here", where="/crv")
    curve, size, alg = _CURVES[crv]
    # RFC 7518 section 6.2.1.2: full length, leading zero bytes included.
    point = b"\x04" + _coordinate(x, size, "/x") + _coordinate(y, size, "/y")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError as error:
        raise Malformed("the point is not on the curve") from error
    return PublicKey(alg, key, (("kty", "EC"), ("crv", crv), ("x", x), ("y", y)))


@lru_cache(maxsize=1024)
def _ed25519_key(x: str) -> PublicKey:
    raw = _coordinate(x, 32, "/x")
    try:
        return ed25519_key(raw)
    except ValueError as error:
        raise Malformed("the point is not a usable key", where="/x") from error


def _coordinate(text: str, size: int, where: str) -> bytes:
    raw = base64url.decode(text, where=where)
    if len(raw) != size:
        raise Malformed(f"a coordinate of {size} bytes is demanded here", where=where)
    return raw
