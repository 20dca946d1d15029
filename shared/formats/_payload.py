"""What the issuer of a ``dc+sd-cwt`` signed, taken apart. Every map has the members that are named here and no others.

What issuers of ours write has one layout, which is matched byte for byte because that is several times faster. Whatever differs takes the
long way, gets the same answers there where it means the same, and is refused there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ..codec import cbor
from ..codec.strict_json import MAX_INTEGER
from ..cose import KEY_BINDING, Sign1, join_sign1, p256_key, parse_cose_key
from ..errors import Malformed
from ..keys import PublicKey
from . import StatusReference
from ._cwt import CNF, EXP, IAT, ISS, STATUS, SUB, SUBJECT_SIZE, TYPE_MAP, VCT
from ._envelope import identifier, parse_status

_BEARER: Final = frozenset({ISS, EXP, IAT, VCT, TYPE_MAP})
_BOUND: Final = _BEARER | {SUB, CNF}
_SUBJECT: Final = re.compile(rf"[A-Za-z0-9_-]{{{SUBJECT_SIZE}}}")
_MAX_TIME: Final = 2**53


class Payload(NamedTuple):
    """``members`` are those around the claims under their JSON names; ``claims`` is the map of the type, not decoded on the short way."""

    members: dict[str, Any]
    vct: int
    status: StatusReference | None
    holder: PublicKey | None
    claims: Mapping[Any, Any] | Split


class Split(NamedTuple):
    """A map of which the last member is a list of digests: ``head`` is what comes before, as one map with one member too many."""

    data: bytes
    head: bytes
    digests: tuple[bytes, ...]


def parse_payload(data: bytes, *, bound: bool) -> Payload:
    """``Malformed`` for anything else. ``bound``: made for one holder, so that it has a subject and a key."""
    usual = _usual(data) if bound else None
    return _any(data, bound=bound) if usual is None else usual


# --- any order -------------------------------------------------------------------------------------------------------------------------


def _any(data: bytes, *, bound: bool) -> Payload:
    payload = cbor.loads(data, redacted=True, where="/payload")
    if type(payload) is not dict or payload.keys() - {STATUS} != (_BOUND if bound else _BEARER) or type(payload[TYPE_MAP]) is not dict:
        raise Malformed("the payload has its own members and no others", where="/payload")  # S3: nor anything hidden among them
    number, status = payload[VCT], _status(payload)
    if type(number) is not int or not 0 <= number <= MAX_INTEGER:
        raise Malformed("the type is a number", where="/vct")
    holder = _holder(payload[CNF]) if bound else None
    issuer = identifier({"iss": payload[ISS]}, "iss")
    issued_at, expires_at = _time(payload[IAT], "iat"), _time(payload[EXP], "exp")
    members = {"iss": issuer, "vct": number, "iat": issued_at, "exp": expires_at, **_more(status, payload[SUB] if bound else ...)}
    return Payload(members, number, status, holder, payload[TYPE_MAP])


def _more(status: StatusReference | None, subject: object) -> dict[str, Any]:
    """What not every document has."""
    more: dict[str, Any] = {}
    if subject is not ...:
        if type(subject) is not str or not _SUBJECT.fullmatch(subject):
            raise Malformed("a subject is a few random letters", where="/sub")
        more["sub"] = subject
    if status is not None:
        more["status"] = {"status_list": {"idx": status.idx, "uri": status.uri}}
    return more


def _time(value: object, name: str) -> int:
    if type(value) is not int or not 0 <= value < _MAX_TIME:
        raise Malformed("a time in whole seconds is demanded here", where=f"/{name}")
    return value


def _status(payload: Mapping[Any, Any]) -> StatusReference | None:
    if STATUS not in payload:
        return None
    status = payload[STATUS]
    reference = parse_status({"status": status})
    if len(status) != 1 or len(status["status_list"]) != 2:
        raise Malformed("nothing in this is ever hidden", where="/status")  # S3
    return reference


def _holder(cnf: object) -> PublicKey:
    if type(cnf) is not dict or cnf.keys() != {1}:
        raise Malformed("the holder's key is a COSE key", where="/cnf")
    return parse_cose_key(cnf[1], "/cnf")


# --- the usual layout ------------------------------------------------------------------------------------------------------------------

_MIDDLE: Final = struct.Struct(">2s6s2sI2sI11s32sss2sH21s")
_LITERALS: Final = (
    b"\x02\x66",  # sub
    b"\x04\x1a",  # exp
    b"\x06\x1a",  # iat
    b"\x08\xa1\x01\xa4\x01\x02\x20\x01\x21\x58\x20",  # cnf: P-256, x
    b"\x22",  # y
    b"\x0b\x19",  # vct
    b"\x19\xff\xff\xa1\x6bstatus_list\xa2\x63idx",
)
_URI, _CLAIMS = b"\x63uri", b"\x3a\x00\x01\x11\x6f"
_Y: Final = {b"\xf4": False, b"\xf5": True}
_LEAST_32, _LEAST_16 = 0x1_0000, 0x100


def split_binding(data: bytes) -> tuple[Sign1, Sign1] | None:
    """A key binding token and the document in it, as ``_cwt.binding_header`` writes it, both signed with 64 bytes.

    ``None`` for what may be one in another form.
    """
    try:
        header, at = cbor.read_bytes(data, 2)
        payload, end = cbor.read_bytes(data, at + 1)
        protected, inner = cbor.read_bytes(header, 6)
        unprotected, inner = cbor.read(header, inner)
        issued, inner = cbor.read_bytes(header, inner)
    except (IndexError, Malformed):
        return None
    usual = (
        data[:2] == _SIGN1
        and data[at] == _EMPTY
        and data[end : end + 2] == header[inner : inner + 2] == _SIGNATURE
        and len(data) == end + 66
        and header[:2] == b"\xa3\x01"
        and 0x20 <= header[2] < 0x38
        and header[3:6] == _KCWT
        and header[inner + 66 :] == _TYP_294
        and type(unprotected) is dict
    )
    if not usual:
        return None
    token = Sign1({1: 0x1F - header[2], 16: KEY_BINDING.value}, header, {}, payload, data[end + 2 :])
    return token, join_sign1(protected, unprotected, issued, header[inner + 2 : -4], "/kcwt")


_SIGN1, _EMPTY, _SIGNATURE, _KCWT, _TYP_294 = b"\xd2\x84", 0xA0, b"\x58\x40", b"\x0d\xd2\x84", b"\x10\x19\x01\x26"


def _usual(data: bytes) -> Payload | None:
    """A copy with a P-256 key and a status, in the order of ``_cwt.payload`` and with heads of the same sizes."""
    if data[:2] != b"\xa8\x01":
        return None
    try:
        iss, at = _text(data, 2)
        sub_, sub, exp_, exp, iat_, iat, cnf_, x, y_, y, vct_, vct, status_ = _MIDDLE.unpack_from(data, at)
        idx, at = cbor.read(data, at + _MIDDLE.size)
        uri, end = _text(data, at + 4)
    except (IndexError, struct.error, ValueError, Malformed):
        return None
    usual = (
        (sub_, exp_, iat_, cnf_, y_, vct_, status_) == _LITERALS
        and min(exp, iat) >= _LEAST_32
        and vct >= _LEAST_16
        and y in _Y
        and type(idx) is int
        and 0 <= idx <= MAX_INTEGER
        and data[at : at + 4] == _URI
        and data[end : end + 5] == _CLAIMS
    )
    claims = _split(data[end + 5 :]) if usual else None
    if claims is None:
        return None
    status = StatusReference(uri=uri, idx=idx)
    holder = p256_key(x, _Y[y])
    members = {"iss": iss, "vct": vct, "iat": iat, "exp": exp, **_more(status, sub.decode("latin-1"))}
    return Payload(members, vct, status, holder, claims)


def _split(claims: bytes) -> Split | None:
    """``None`` unless this is known to be such a map: what is read later can be read then."""
    begin = claims.find(_REDACTED)
    tail = begin + 3
    count = claims[begin + 2] - _ARRAY if 0 < begin < len(claims) - 2 else 0
    if not 0 < count < _IN_HEAD or len(claims) != tail + count * _DIGEST or not _is_map(claims[:begin]):
        return None
    if claims[tail::_DIGEST] != b"\x58" * count or claims[tail + 1 :: _DIGEST] != b"\x20" * count:
        return None
    return Split(claims, claims[:begin], tuple([claims[at : at + 32] for at in range(tail + 2, len(claims), _DIGEST)]))


_REDACTED: Final = b"\xf8\x3b"
_ARRAY: Final = 0x80
_DIGEST: Final = 34  # bytes, with its head
_IN_HEAD: Final = 24
_DEPTH: Final = 15  # inside the payload, itself a map


@lru_cache(maxsize=1_024)
def _is_map(data: bytes) -> bool:
    """Whether this is a map that lacks its last member, and none of the others stands for digests. The same in thousands of documents."""
    try:
        found = cbor.loads(bytes((data[0] - 1,)) + data[1:], max_depth=_DEPTH)
    except (Malformed, IndexError, ValueError):
        return False
    return type(found) is dict and cbor.REDACTED not in found


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text of 1 to 255 bytes. ``IndexError`` or ``ValueError`` for anything else."""
    size = data[at] - 0x60
    at += 1
    if size == 24:
        size = data[at]
        at += 1
        if size < 24:
            raise ValueError
    elif not 0 < size < 24:
        raise ValueError
    end = at + size
    if end > len(data):
        raise IndexError
    return data[at:end].decode(), end
