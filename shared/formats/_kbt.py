"""The payload of a key binding token: members under the names of ``_binding`` on one side, numbered CWT claims on the other.

``aud`` 3, ``exp`` 4, ``nbf`` 5, ``iat`` 6, ``jti`` 7 and ``nonce`` 39 (byte strings, base64url text here), ``purpose_id`` -70001. What a
request adds keeps its name.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from ..codec import base64url, cbor
from ..codec.strict_json import MAX_INTEGER
from ..errors import Malformed, StaleBinding

_NUMBERS: Final[Mapping[str, int]] = {"aud": 3, "exp": 4, "nbf": 5, "iat": 6, "jti": 7, "nonce": 39, "purpose_id": -70_001}
"""In the order of their encodings (RFC 8949 section 4.2.1)."""
_NAMES: Final = {number: name for name, number in _NUMBERS.items()}
_BYTES: Final = frozenset({"jti", "nonce"})
_PLAIN: Final = frozenset({str, int, bool})
_LEAST_32: Final = 0x1_0000
_MAX_NAME: Final = 255  # bytes, section "Allowed types of CBOR map keys"


def render(claims: Mapping[str, Any]) -> bytes:
    """``Malformed`` for a nonce or ``jti`` that is not base64url."""
    numbered: dict[int | str, Any] = {
        number: _decode(name, claims[name]) if name in _BYTES else claims[name] for name, number in _NUMBERS.items() if name in claims
    }
    if len(numbered) == len(claims):
        return cbor.dumps(numbered)
    numbered |= {name: value for name, value in claims.items() if name not in _NUMBERS}
    return cbor.dumps(numbered, canonical=True)


def _decode(name: str, value: Any) -> bytes:
    if type(value) is not str:
        raise Malformed("bytes in base64url are demanded here", where=f"/{name}")
    return base64url.decode(value, where=f"/{name}")


_USUAL: Final = struct.Struct(">4s45s2sI4s32s")
_LITERALS: Final = (b"\xa3\x03\x78\x2d", b"\x06\x1a", b"\x18\x27\x58\x20")


def parse(payload: bytes) -> dict[str, Any]:
    """The members by name. ``Malformed`` for a number that means nothing here, a name that has a number, and values that not every JSON has."""
    if len(payload) == _USUAL.size:  # an answer to a challenge or a code, byte for byte as ``render`` writes it
        aud_, aud, iat_, iat, nonce_, nonce = _USUAL.unpack(payload)
        if (aud_, iat_, nonce_) == _LITERALS and aud.isascii() and iat >= _LEAST_32:
            return {"aud": aud.decode(), "iat": iat, "nonce": base64url.encode(nonce)}
    found = cbor.loads(payload, where="/payload")
    if type(found) is not dict:
        raise Malformed("what a holder signs is a map", where="/payload")
    claims: dict[str, Any] = {}
    for key, value in found.items():
        name = _NAMES.get(key) if type(key) is int else key
        if type(name) is not str or (name is key and (name in _NUMBERS or len(name.encode()) > _MAX_NAME)):
            raise Malformed("a holder signs nothing of this name", where="/payload")
        claims[name] = _encode(name, value) if name in _BYTES else _checked(name, value)
    return claims


def _encode(name: str, value: Any) -> str:
    if type(value) is not bytes:
        raise Malformed("bytes are demanded here", where=f"/{name}")
    return base64url.encode(value)


def _checked(name: str, value: Any) -> Any:
    if type(value) is not str:
        _check_plain(value, name)
    return value


def _check_plain(value: Any, name: str) -> None:
    if type(value) is list:
        for each in value:
            _check_plain(each, name)
    elif type(value) is dict and all(type(key) is str for key in value):
        for each in value.values():
            _check_plain(each, name)
    elif type(value) not in _PLAIN or (type(value) is int and abs(value) > MAX_INTEGER):
        raise Malformed("a value of this kind has no meaning here", where=f"/{name}")


def check_within(claims: Mapping[str, Any], *, issued_at: int, expires_at: int, clock: bool) -> None:
    """A binding is in force only while its document is (section "SD-KBT and SD-CWT Verifier Validation", step 6). ``StaleBinding``.

    ``claims`` have passed ``check_binding``. Without ``clock`` the holder's is not held against the issuer's.
    """
    made, ends, begins = claims["iat"], claims.get("exp", expires_at), claims.get("nbf", claims["iat"])
    if ends > expires_at:
        raise StaleBinding("it would outlive its document", where="/exp")
    if type(begins) is not int or begins > made:
        raise StaleBinding("it begins after it was signed", where="/nbf")
    if "exp" in claims and made >= ends:
        raise StaleBinding("it ended before it was signed", where="/exp")
    if clock and not issued_at <= made < expires_at:
        raise StaleBinding("it was signed while its document was not in force", where="/iat")
