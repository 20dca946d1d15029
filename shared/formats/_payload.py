"""What the issuer of a ``dc+sd-cwt`` signed, taken apart. Every map has the members that are named here and no others.

What issuers of ours write has one layout, which is matched byte for byte because that is several times faster. Whatever differs takes the
long way, gets the same answers there where it means the same, and is refused there.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from ..codec import cbor
from ..codec.strict_json import MAX_INTEGER
from ..cose import KEY_BINDING, Sign1, join_sign1, p256_key, parse_cose_key
from ..errors import Malformed
from ..keys import PublicKey
from . import StatusReference
from ._cwt import CNF, EXP, IAT, ISS, SD_CLAIMS, STATUS, SUB, SUBJECT_SIZE, TYPE_MAP, VCT
from ._envelope import identifier, parse_status, render_status

_BEARER: Final = frozenset({ISS, EXP, IAT, VCT, TYPE_MAP})
_BOUND: Final = _BEARER | {SUB, CNF}
_SUBJECT: Final = re.compile(rf"[A-Za-z0-9_-]{{{SUBJECT_SIZE}}}")
_MAX_TIME: Final = 2**53


class Payload(Struct, frozen=True):
    """``members`` are those around the claims under their JSON names; ``claims`` is the map of the type, not decoded on the short way."""

    members: dict[str, Any]
    vct: int
    status: StatusReference | None
    holder: PublicKey | None
    claims: Mapping[Any, Any] | Split


class Split(Struct, frozen=True):
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
    members = {"iss": issuer, "vct": number, "iat": issued_at, "exp": expires_at}
    if bound:
        members["sub"] = _subject(payload[SUB])
    if status is not None:
        members["status"] = render_status(status)
    return Payload(members, number, status, holder, payload[TYPE_MAP])


def _subject(value: object) -> str:
    if type(value) is not str or not _SUBJECT.fullmatch(value):
        raise Malformed("a subject is a few random letters", where="/sub")
    return value


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

_TEXT: Final = rb"([\x61-\x77].{1,23}?|\x78[\x18-\xff].{24,255}?)"
_COPY: Final = re.compile(
    rb"\xa8\x01" + _TEXT  # iss
    + rb"\x02\x66([A-Za-z0-9_-]{6})"  # sub
    + rb"\x04\x1a(?!\0\0)(.{4})"  # exp
    + rb"\x06\x1a(?!\0\0)(.{4})"  # iat
    + rb"\x08\xa1\x01\xa4\x01\x02\x20\x01\x21\x58\x20(.{32})\x22([\xf4\xf5])"  # cnf: P-256, x and y
    + rb"\x0b\x19(?!\0)(..)"  # vct
    + rb"\x19\xff\xff\xa1\x6bstatus_list\xa2\x63idx([\0-\x17]|\x18[\x18-\xff]|\x19(?!\0)..|\x1a(?!\0\0)....)\x63uri" + _TEXT
    + rb"\x3a\x00\x01\x11\x6f(.+)",  # the map of the type
    re.DOTALL,
)  # fmt: skip
"""Numbers and lengths in their shortest form only."""
_NUMBERS: Final = struct.Struct(">IIH")


def split_binding(data: bytes) -> tuple[Sign1, Sign1] | None:
    """A key binding token and the document in it, as ``_cwt.binding_header`` writes it, both signed with 64 bytes.

    ``None`` for what may be one in another form.
    """
    try:
        header, at = cbor.read_bytes(data, 2)
        payload, end = cbor.read_bytes(data, at + 1)
        protected, inner = cbor.read_bytes(header, 6)
        unprotected, inner = _outside(header, inner)
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


def _outside(header: bytes, at: int) -> tuple[Any, int]:
    """The unprotected header, which nearly always has disclosures and nothing else, and where it ends."""
    count = header[at + 2] - _ARRAY
    if header[at : at + 2] != _DISCLOSURES or not 0 < count < _IN_HEAD:
        return cbor.read(header, at)
    at += 3
    listed = []
    for _ in range(count):
        raw, at = cbor.read_bytes(header, at)
        listed.append(raw)
    return {SD_CLAIMS: listed}, at


_DISCLOSURES: Final = b"\xa1\x11"
_SIGN1, _EMPTY, _SIGNATURE, _KCWT, _TYP_294 = b"\xd2\x84", 0xA0, b"\x58\x40", b"\x0d\xd2\x84", b"\x10\x19\x01\x26"


def _usual(data: bytes) -> Payload | None:
    """A copy with a P-256 key and a status, in the order of ``_cwt.payload`` and with heads of the same sizes."""
    found = _COPY.fullmatch(data)
    if found is None:
        return None
    iss_, sub, exp, iat, x, y, vct, idx, uri_, map_ = found.groups()
    iss, uri, claims = _text(iss_), _text(uri_), _split(map_)
    if iss is None or uri is None or claims is None:
        return None
    expires_at, issued_at, number = _NUMBERS.unpack(exp + iat + vct)
    status = StatusReference(uri=uri, idx=int.from_bytes(idx[1:] or idx, "big"))
    members = {"iss": iss, "vct": number, "iat": issued_at, "exp": expires_at, "sub": sub.decode(), "status": render_status(status)}
    return Payload(members, number, status, p256_key(x, y == _TRUE), claims)


@lru_cache(maxsize=4_096)
def _text(item: bytes) -> str | None:
    """The text in ``_TEXT``, if it has the length that its head says. The same in thousands of documents."""
    text, size = (item[2:], item[1]) if item[0] == _LONG else (item[1:], item[0] - 0x60)
    try:
        return text.decode() if len(text) == size else None
    except ValueError:
        return None


_TRUE, _LONG = b"\xf5", 0x78


def _split(claims: bytes) -> Split | None:
    """``None`` unless this is known to be such a map: what is read later can be read then."""
    begin = claims.find(_REDACTED)
    count = claims[begin + 2] - _ARRAY if 0 < begin < len(claims) - 2 else 0
    listed = claims[begin + 3 :]
    if not 0 < count < _IN_HEAD or len(listed) != _LISTS[count].size or not _is_map(claims[:begin]):
        return None
    items = _LISTS[count].unpack(listed)
    return Split(claims, claims[:begin], items[1::2]) if set(items[::2]) == {b"\x58\x20"} else None


_REDACTED: Final = b"\xf8\x3b"
_ARRAY: Final = 0x80
_IN_HEAD: Final = 24
_LISTS: Final = [struct.Struct("2s32s" * count) for count in range(_IN_HEAD)]
"""Head and content of each of so many digests."""
_DEPTH: Final = 15  # inside the payload, itself a map


@lru_cache(maxsize=1_024)
def _is_map(data: bytes) -> bool:
    """Whether this is a map that lacks its last member, and none of the others stands for digests. The same in thousands of documents."""
    try:
        found = cbor.loads(bytes((data[0] - 1,)) + data[1:], max_depth=_DEPTH)
    except (Malformed, IndexError, ValueError):
        return False
    return type(found) is dict and cbor.REDACTED not in found
