"""IssuerSigned and DeviceResponse (ISO/IEC 18013-5 section 8.3.2.1.2), taken apart and put together.

What wallets and issuers of ours write has one layout, which is followed byte for byte because that is several times faster. Whatever
differs takes the long way, gets the same answers there where it means the same, and is refused there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from ..codec import cbor
from ..cose import Sign1
from ..cose.members import array, as_map, text, uint
from ..cose.sign1 import X5CHAIN
from ..cose.untyped import untagged_sign1
from ..errors import Malformed
from ..x509 import MAX_CERTIFICATES
from ._device import NOTHING_SAID, Device, parse_device
from ._mso import VERSION, as_map_of_lists, encoded, tagged
from ._transcript import TAGGED

MAX_BYTES: Final = 131_072
SEED: Final = -70_302
"""The unprotected header parameter from which decoys are made, 32 bytes; only between issuer and wallet."""
_OK: Final = 0


class Shown(Struct, frozen=True):
    """``spaces`` has IssuerSignedItemBytes as sent, by namespace; ``device`` and ``doctype`` are there in a DeviceResponse only."""

    spaces: Mapping[str, Sequence[bytes]]
    auth: Sign1
    device: Device | None = None
    doctype: str = ""


def parse_wire(data: bytes) -> Shown:
    """``Malformed``, ``TooLarge`` or ``WrongTyp`` for what is neither."""
    try:
        found = _usual(data)
    except IndexError:
        found = None
    if found is not None:
        return found
    value = cbor.loads(data, max_bytes=MAX_BYTES)
    if type(value) is dict and "issuerAuth" in value:
        return Shown(*_issuer_signed(value, ""))
    return _response(value)


# --- any order -------------------------------------------------------------------------------------------------------------------------


def _response(value: object) -> Shown:
    """With one document: in an answer each mdoc has a DeviceResponse of its own (HAIP 1.0 section 5.3.1)."""
    response = as_map(value, needed=("version", "status"), optional=("documents", "documentErrors"))
    if text(response, "version") != VERSION:
        raise Malformed("this version of an answer is not read here", where="/version")
    if uint(response, "status") != _OK or "documents" not in response:
        raise Malformed("the wallet answers with an error in place of a document", where="/status")
    for position, each in enumerate(array(response, "documentErrors") if "documentErrors" in response else ()):
        _check_errors(each, f"/documentErrors/{position}")
    found = array(response, "documents", min_items=1, max_items=1)[0]
    where = "/documents/0"
    document = as_map(found, where, needed=("docType", "issuerSigned", "deviceSigned"), optional=("errors",))
    errors = document.get("errors", {})
    if type(errors) is not dict:
        raise Malformed("errors are by namespace", where=f"{where}/errors")
    for each in errors.values():
        _check_errors(each, f"{where}/errors")
    device = parse_device(document["deviceSigned"], f"{where}/deviceSigned")
    return Shown(*_issuer_signed(document["issuerSigned"], f"{where}/issuerSigned"), device, text(document, "docType", where))


def _check_errors(value: object, where: str) -> None:
    """ErrorCodes by name: why something is not there, which changes nothing."""
    if type(value) is not dict or any(type(name) is not str or type(code) is not int for name, code in value.items()):
        raise Malformed("errors are numbers by name", where=where)


def _issuer_signed(value: object, where: str) -> tuple[dict[str, list[bytes]], Sign1]:
    members = as_map(value, where, needed=("issuerAuth",), optional=("nameSpaces",))
    spaces = as_map_of_lists(members.get("nameSpaces", {}), f"{where}/nameSpaces")
    items = {space: [tagged(encoded(each, f"{where}/nameSpaces")) for each in listed] for space, listed in spaces.items()}
    return items, untagged_sign1(members["issuerAuth"], f"{where}/issuerAuth")


def certificates(auth: Sign1) -> tuple[bytes, ...]:
    """``x5chain`` (RFC 9360 section 2): by the standard unprotected, protected ones are read as well."""
    value = auth.unprotected.get(X5CHAIN, auth.protected.get(X5CHAIN))
    chain = [value] if type(value) is bytes else value
    if type(chain) is not list or not 1 <= len(chain) <= MAX_CERTIFICATES or any(type(each) is not bytes for each in chain):
        raise Malformed(f"the signer's certificate belongs here, and {MAX_CERTIFICATES - 1} above it at most", where="/x5chain")
    return tuple(chain)


# --- the usual layout ------------------------------------------------------------------------------------------------------------------

_DOCUMENT: Final = b"\xa3\x67version\x631.0\x69documents\x81\xa3\x67docType"
_ISSUER_SIGNED: Final = b"\x6cissuerSigned"
_NAME_SPACES: Final = b"\xa2\x6anameSpaces\xa1"
_DEVICE_SIGNED: Final = b"\x6cdeviceSigned\xa2\x6anameSpaces\xd8\x18\x41\xa0\x6adeviceAuth\xa1\x6fdeviceSignature"
_END: Final = b"\x66status\x00"
_ES256: Final = b"\xa1\x01\x26"
_AUTH: Final = b"\x6aissuerAuth\x84\x43" + _ES256 + b"\xa1\x18\x21\x59"
_PROOF: Final = _DEVICE_SIGNED + b"\x84\x43" + _ES256 + b"\xa0\xf6\x58\x40"
_SHORT: Final = TAGGED + b"\x58"  # a byte string of 24 to 255 bytes
_IN_HEAD: Final = 23
_LEAST_16: Final = 0x100
_MOST_FRONT: Final = 768  # bytes: two names of 255 and what stands around them


def _usual(data: bytes) -> Shown | None:
    """A DeviceResponse, both its signatures by P-256, one certificate; ``None`` for what may be one in another form."""
    end = len(data) - len(_END)
    proof = end - 64
    auth = proof - len(_PROOF) - 66
    at = data.find(TAGGED)
    if data[end:] != _END or data[proof - len(_PROOF) : proof] != _PROOF or data[auth : auth + 2] != b"\x58\x40":
        return None
    front = _front(data[:at]) if at <= _MOST_FRONT else None  # longer ones would take the pattern long, and are in no usual document
    if front is None:
        return None
    doctype, space, count = front
    items = []
    for _ in range(count):
        begin = at
        at += 4 + data[at + 3]  # of what is none, the next comparison tells
        items.append(data[begin:at])
    if any(each[:3] != _SHORT or each[3] <= _IN_HEAD for each in items) or not data.startswith(_AUTH, at):
        return None
    at += len(_AUTH)
    begin = at + 2 + (data[at] << 8 | data[at + 1])
    headers, payload = _headers(data[at + 2 : begin]), data[begin + 3 : auth]
    if data[begin] != 0x59 or not begin - at - 2 >= _LEAST_16 or not _LEAST_16 <= len(payload) == (data[begin + 1] << 8 | data[begin + 2]):
        return None
    signature = Sign1(_HEADER, _ES256, _NONE, b"", data[proof:end])
    issued = Sign1(_HEADER, _ES256, headers, payload, data[auth + 2 : auth + 66])
    return Shown({space: items}, issued, Device(NOTHING_SAID, _NONE, signature), doctype)


_HEADER: Final = MappingProxyType({1: -7})
_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


@lru_cache(maxsize=256)
def _front(data: bytes) -> tuple[str, str, int] | None:
    """Doctype, namespace and number of items, of what stands before them. The same in thousands of documents."""
    found = _FRONT.fullmatch(data)
    if found is None:
        return None
    try:
        doctype, space = cbor.loads(found[1]), cbor.loads(found[2])
    except Malformed:
        return None
    count = found[3]
    return doctype, space, count[-1] - (0 if len(count) > 1 else 0x80)


_FRONT: Final = re.compile(
    b"".join((re.escape(_DOCUMENT), rb"([\x61-\x78].+)", _ISSUER_SIGNED, _NAME_SPACES, rb"([\x61-\x78].+?)([\x81-\x97]|\x98[\x18-\xff])")),
    re.DOTALL,
)


@lru_cache(maxsize=64)
def _headers(certificate: bytes) -> Mapping[Any, Any]:
    return MappingProxyType({X5CHAIN: certificate})


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def render_spaces(spaces: Mapping[str, Sequence[bytes]]) -> bytes:
    """The beginning of IssuerSigned, up to the four parts of ``issuerAuth``; a namespace without items is left out."""
    kept = {space: items for space, items in spaces.items() if items}
    parts = [cbor.head(5, 1 + bool(kept))]
    if kept:
        parts += [b"\x6anameSpaces", cbor.head(5, len(kept))]
        for space, items in kept.items():
            parts += [cbor.text(space), cbor.head(4, len(items)), *items]
    parts.append(b"\x6aissuerAuth")
    return b"".join(parts)


def render_issued(spaces: Mapping[str, Sequence[bytes]], auth: Sign1) -> bytes:
    """IssuerSigned with these items. Of the unsigned headers only the certificates go on: the seed is for its holder alone, and anything
    else would be there in every copy that it was written into (S22).
    """
    headers = cbor.dumps({X5CHAIN: auth.unprotected[X5CHAIN]} if X5CHAIN in auth.unprotected else {})
    parts = (b"\x84", cbor.byte_string(auth.protected_bytes), headers, cbor.byte_string(auth.payload), cbor.byte_string(auth.signature))
    return render_spaces(spaces) + b"".join(parts)


def around_signature(spaces: Mapping[str, Sequence[bytes]], auth: Sign1, doctype: str) -> tuple[bytes, bytes]:
    """What stands before and after a device's signature in a DeviceResponse."""
    return b"".join((_DOCUMENT, cbor.text(doctype), _ISSUER_SIGNED, render_issued(spaces, auth), _DEVICE_SIGNED)), _END


def render_headers(x5c: tuple[bytes, ...], seed: bytes) -> bytes:
    """The unprotected header of ``issuerAuth``."""
    return b"".join((_x5chain(x5c), cbor.integer(SEED), cbor.byte_string(seed)))


@lru_cache(maxsize=64)
def _x5chain(x5c: tuple[bytes, ...]) -> bytes:
    chain = [cbor.byte_string(each) for each in x5c]
    return b"\xa2\x18\x21" + (chain[0] if len(chain) == 1 else cbor.head(4, len(chain)) + b"".join(chain))
