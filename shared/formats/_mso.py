"""What the issuer of an mdoc signs, the MobileSecurityObject, and the items that it has digests of (ISO/IEC 18013-5 sections 8.3.2.1.2.2, 9.1.2.4).

What issuers of ours write has one layout, matched as a whole because that is several times faster. Whatever differs takes the long way,
gets the same answers there where it means the same, and is refused there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import cbor2
from msgspec import Struct

from ..codec import cbor
from ..codec.strict_json import MAX_INTEGER
from ..cose import key_bytes, p256_key, parse_cose_key
from ..cose.members import array, as_map, text
from ..errors import Malformed
from ..keys import PublicKey
from . import NOTHING, Credential, StatusReference
from ._envelope import MAX_IDENTIFIER, parse_status
from ._transcript import TAGGED

VERSION: Final = "1.0"
MAX_DIGEST_ID: Final = 2**31 - 1
_ENCODED: Final = 24
_HASHES: Final = {"SHA-256": (hashlib.sha256, 32), "SHA-384": (hashlib.sha384, 48), "SHA-512": (hashlib.sha512, 64)}
_MEMBERS: Final = ("version", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "docType", "validityInfo")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Mso(Struct, frozen=True):
    """``digests`` are by namespace and digestID as encoded, ``allowed`` is ``keyAuthorizations``; times in seconds.

    ``remarks`` names what is there and says nothing about the document, so that it could only tell it from others.
    """

    doctype: str
    hash: Callable[[bytes], Any]
    digests: Mapping[str, Mapping[bytes, bytes]]
    holder: PublicKey
    allowed: Mapping[str, Any]
    signed: int
    valid_from: int
    valid_until: int
    status: StatusReference | None
    remarks: tuple[str, ...] = ()


def encoded(value: object, where: str = "") -> bytes:
    """What is inside ``#6.24(bstr)``."""
    if type(value) is not cbor2.CBORTag or value.tag != _ENCODED or type(value.value) is not bytes:
        raise Malformed("encoded CBOR in tag 24 is demanded here", where=where)
    inside: bytes = value.value
    return inside


def parse_mso(payload: bytes) -> Mso:
    """Of the payload of ``issuerAuth``. ``Malformed``, ``AlgorithmRefused``."""
    found = _usual(payload)
    return _any(encoded(cbor.loads(payload, where="/mso"), "/mso"), "/mso") if found is None else found


# --- any order -------------------------------------------------------------------------------------------------------------------------


def _any(data: bytes, where: str) -> Mso:
    members = as_map(cbor.loads(data, where=where), where, needed=_MEMBERS, optional=("status",))
    if text(members, "version", where) != VERSION:
        raise Malformed("this version of an mdoc is not read here", where=f"{where}/version")
    name = text(members, "digestAlgorithm", where)
    if name not in _HASHES:
        raise Malformed("this digest algorithm is not used here", where=f"{where}/digestAlgorithm")
    algorithm, size = _HASHES[name]
    holder, allowed = _device_key(members["deviceKeyInfo"], f"{where}/deviceKeyInfo")
    signed, valid_from, valid_until = _validity(members["validityInfo"], f"{where}/validityInfo")
    return Mso(
        text(members, "docType", where),
        algorithm,
        _digests(members["valueDigests"], size, f"{where}/valueDigests"),
        holder,
        allowed,
        signed,
        valid_from,
        valid_until,
        parse_status(members) if "status" in members else None,
        _remarks(members["deviceKeyInfo"], members["validityInfo"]),
    )


def _digests(value: object, size: int, where: str) -> dict[str, dict[bytes, bytes]]:
    if type(value) is not dict or not value:
        raise Malformed("digests are in one namespace or more", where=where)
    found: dict[str, dict[bytes, bytes]] = {}
    for space, listed in value.items():
        if type(space) is not str or type(listed) is not dict or not listed:
            raise Malformed("the digests of a namespace are a map", where=where)
        inside = found[space] = {}
        for number, digest in listed.items():
            if type(number) is not int or not 0 <= number <= MAX_DIGEST_ID or type(digest) is not bytes or len(digest) != size:
                raise Malformed("a digest has a number and the size of its hash", where=where)
            inside[cbor.head(0, number)] = digest
    return found


_KEY_MEMBERS: Final = (1, -1, -2, -3)
_KEY_REMARKS: Final = frozenset({2, 3, 4})  # name, algorithm and operations: the curve says what it is for


def _remarks(info: Mapping[str, Any], validity: Mapping[str, Any]) -> tuple[str, ...]:
    named = (("kid", 2 in info["deviceKey"]), ("expectedUpdate", "expectedUpdate" in validity))
    return (*info.keys() - {"deviceKey"}, *[name for name, there in named if there])


def _device_key(value: object, where: str) -> tuple[PublicKey, Mapping[str, Any]]:
    info = as_map(value, where, needed=("deviceKey",), optional=("keyAuthorizations", "keyInfo"))
    key = info["deviceKey"]
    if type(key) is dict and key.keys() <= {*_KEY_MEMBERS, *_KEY_REMARKS}:
        key = {name: key[name] for name in _KEY_MEMBERS if name in key}
    return parse_cose_key(key, f"{where}/deviceKey"), _allowed(info.get("keyAuthorizations", {}), f"{where}/keyAuthorizations")


def _allowed(value: object, where: str) -> Mapping[str, Any]:
    """Whole namespaces by ``nameSpaces``, else elements by namespace: what the device may sign by itself (section 9.1.2.4)."""
    found = as_map(value, where, needed=(), optional=("nameSpaces", "dataElements"))
    elements = as_map_of_lists(found.get("dataElements", {}), f"{where}/dataElements")
    spaces = array(found, "nameSpaces", where) if "nameSpaces" in found else []
    return {space: None for space in spaces if type(space) is str} | {space: frozenset(names) for space, names in elements.items()}


def as_map_of_lists(value: object, where: str) -> dict[str, list[Any]]:
    """Namespaces with what is listed in each, one or more."""
    if type(value) is not dict or any(type(space) is not str or type(each) is not list or not each for space, each in value.items()):
        raise Malformed("a namespace has a list of one or more", where=where)
    return value


def _validity(value: object, where: str) -> tuple[int, int, int]:
    info = as_map(value, where, needed=("signed", "validFrom", "validUntil"), optional=("expectedUpdate",))
    times = {name: _tdate(each, f"{where}/{name}") for name, each in info.items()}
    return _ordered(times["signed"], times["validFrom"], times["validUntil"])


def _ordered(signed: int, valid_from: int, valid_until: int) -> tuple[int, int, int]:
    if not signed <= valid_from < valid_until:
        raise Malformed("an mdoc is signed, then begins, then ends", where="/mso/validityInfo")
    return signed, valid_from, valid_until


def _tdate(value: object, where: str) -> int:
    """Tag 0, in UTC and without fractions of a second."""
    if type(value) is not cbor2.CBORTag or value.tag != 0 or type(value.value) is not str:
        raise Malformed("an instant (tdate) is demanded here", where=where)
    return _seconds(value.value, where)


@lru_cache(maxsize=1_024)
def _seconds(value: str, where: str = "/mso/validityInfo") -> int:
    try:
        if _INSTANT.fullmatch(value) and value.isascii():
            return int(datetime.fromisoformat(value).timestamp())
    except ValueError as error:
        raise Malformed("this instant does not exist", where=where) from error
    raise Malformed("an instant in UTC without fractions is demanded here", where=where)


# --- the usual layout ------------------------------------------------------------------------------------------------------------------

_NUMBER: Final = rb"[\x00-\x17]|\x18[\x18-\xff]"
_DIGEST: Final = re.compile(rb"(" + _NUMBER + rb")\x58\x20(.{32})", re.DOTALL)
_FRONT: Final = re.compile(
    rb"[\xa6\xa7]\x67version\x631\.0\x6fdigestAlgorithm\x67SHA-256\x6cvalueDigests\xa1([\x61-\x78].*?)(\xb8[\x18-\xff]|[\xa1-\xb7])",
    re.DOTALL,
)
_KEY: Final = b"\x6ddeviceKeyInfo\xa1\x69deviceKey\xa4\x01\x02\x20\x01\x21\x58\x20"
_Y: Final = b"\x22\x58\x20"
_STATUS: Final = b"\x66status\xa1"
_BACK: Final = re.compile(
    rb"\x67docType([\x61-\x78].*)\x6cvalidityInfo\xa3\x66signed\xc0\x74(.{20})\x69validFrom\xc0\x74(.{20})\x6avalidUntil\xc0\x74(.{20})",
    re.DOTALL,
)


def _usual(payload: bytes) -> Mso | None:
    """With a P-256 key and a status; ``None`` for what may be one in another form."""
    key, begin = payload.find(_KEY), payload.find(b"\x58\x20")
    at, status = key + len(_KEY), payload.find(_STATUS, key)
    if payload[:3] != _LONG or not 0 < begin < key < status or payload[at + 32 : at + 35] != _Y:
        return None
    # The number of the first digest stands before its own head.
    begin -= 1 if payload[begin - 1] <= _IN_HEAD else 2
    front, back = _front(payload[5:begin]), _back(payload[at + 67 : status])
    digests = dict(_DIGEST.findall(payload, begin, key))
    usual = (
        front is not None
        and back is not None
        and payload[3] << 8 | payload[4] == len(payload) - 5 >= _LEAST_16
        and len(digests) == front[1]
        and len(b"".join(digests)) + 34 * len(digests) == key - begin
    )
    reference = _reference(payload, status + len(_STATUS)) if usual else None
    if front is None or back is None or reference is None:
        return None
    holder = p256_key(payload[at : at + 32], payload[at + 35 : at + 67])
    return Mso(back[0], hashlib.sha256, {front[0]: digests}, holder, NOTHING, *back[1], reference)


_LONG: Final = TAGGED + b"\x59"
_IN_HEAD: Final = 0x17
_LEAST_16: Final = 0x100


@lru_cache(maxsize=256)
def _front(data: bytes) -> tuple[str, int] | None:
    """Namespace and number of digests, of what stands before them. The same in thousands of documents."""
    found = _FRONT.fullmatch(data)
    if found is None or data[0] != 0xA7:
        return None
    try:
        return cbor.loads(found[1]), found[2][-1] - (0 if len(found[2]) > 1 else 0xA0)
    except Malformed:
        return None


@lru_cache(maxsize=256)
def _back(data: bytes) -> tuple[str, tuple[int, int, int]] | None:
    """Doctype and times, of what stands behind the key. The same in all documents of a day."""
    found = _BACK.fullmatch(data)
    if found is None:
        return None
    try:
        signed, valid_from, valid_until = [_seconds(found[at].decode("latin-1")) for at in (2, 3, 4)]
        return cbor.loads(found[1]), _ordered(signed, valid_from, valid_until)
    except Malformed:
        return None


def _reference(payload: bytes, at: int) -> StatusReference | None:
    """The status, which is last."""
    if not payload.startswith(b"\x6bstatus_list\xa2\x63idx", at):
        return None
    try:
        idx, at = cbor.read(payload, at + 17)
        uri, end = cbor.read(payload, at + 4)
    except (IndexError, Malformed):
        return None
    usual = payload[at : at + 4] == b"\x63uri" and end == len(payload) and type(idx) is int and type(uri) is str
    return StatusReference(uri=uri, idx=idx) if usual and 0 <= idx <= MAX_INTEGER and 0 < len(uri) <= MAX_IDENTIFIER else None


def tagged(raw: bytes) -> bytes:
    """``raw`` in ``#6.24(bstr)``, as it was sent: heads have one form."""
    return TAGGED + cbor.head(2, len(raw)) + raw


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def render_mso(credential: Credential, entries: Sequence[bytes], holder: PublicKey) -> bytes:
    """As the payload of ``issuerAuth``: one namespace, named as the doctype."""
    doctype, begin, status = cbor.text(credential.type.doctype), _tdate_item(credential.issued_at), credential.status
    parts = [
        b"\xa7" if status else b"\xa6",
        b"\x67version\x631.0\x6fdigestAlgorithm\x67SHA-256\x6cvalueDigests\xa1",
        doctype,
        cbor.head(5, len(entries)),
        *entries,
        b"\x6ddeviceKeyInfo\xa1\x69deviceKey",
        key_bytes(holder),
        b"\x67docType",
        doctype,
        b"\x6cvalidityInfo\xa3\x66signed",
        begin,
        b"\x69validFrom",
        begin,
        b"\x6avalidUntil",
        _tdate_item(credential.expires_at),
    ]
    if status:
        parts += [b"\x66status\xa1\x6bstatus_list\xa2\x63idx", cbor.head(0, status.idx), b"\x63uri", cbor.text(status.uri)]
    return tagged(b"".join(parts))


@lru_cache(maxsize=256)
def _tdate_item(at: int) -> bytes:
    return b"\xc0" + cbor.text(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
