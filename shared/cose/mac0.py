"""COSE_Mac0 (RFC 9052 section 6.2) of a device that shares a secret with whoever checks it: untagged, HMAC 256/256, its payload left out.

Only read here: whoever makes one could also be the one who checks it, so that it proves nothing to anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from ..codec import cbor
from ..errors import AlgorithmRefused, BadSignature, Malformed
from .sign1 import ALG, join_sign1
from .untyped import parts_of, untyped

HMAC_256: Final = 5


class Mac0(Struct, frozen=True):
    """A parsed, unverified COSE_Mac0. ``payload`` is ``None`` where it was left out."""

    protected: Mapping[Any, Any]
    protected_bytes: bytes
    unprotected: Mapping[Any, Any]
    payload: bytes | None
    tag: bytes


def mac0_of(item: object, where: str = "") -> Mac0:
    """Of a decoded item; ``Malformed``, and ``WrongTyp`` for one with a ``typ``."""
    protected_bytes, unprotected, payload, tag = parts_of(item, where)
    if payload is not None and type(payload) is not bytes:
        raise Malformed("its payload is a byte string or left out", where=where)
    headers = untyped(join_sign1(protected_bytes, unprotected, b"", tag, where), where)
    return Mac0(headers.protected, protected_bytes, unprotected, payload, tag)


def verify_mac0(mac0: Mac0, key: bytes, *, payload: bytes | None = None) -> bytes:
    """What was authenticated (the MAC_structure, section 6.3), if with ``key``; ``payload`` is what was left out.

    ``AlgorithmRefused`` for another algorithm, ``BadSignature``; ``Malformed`` unless there is exactly one payload.
    """
    if mac0.protected[ALG] != HMAC_256:
        raise AlgorithmRefused("this MAC algorithm is not allowed here")
    if (mac0.payload is None) is (payload is None):
        raise Malformed("a MAC is over one payload, sent along or left out")
    said = mac0.payload if payload is None else payload
    structure = b"\x84\x64MAC0" + cbor.byte_string(mac0.protected_bytes) + b"\x40" + cbor.byte_string(said or b"")
    if not hmac.compare_digest(hmac.digest(key, structure, hashlib.sha256), mac0.tag):
        raise BadSignature("the MAC is not by this key over these bytes")
    return structure
