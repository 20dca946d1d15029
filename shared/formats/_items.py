"""The items of an mdoc (ISO/IEC 18013-5 section 8.3.2.1.2.2): each a data element with its random value, signed by its digest."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from ..clock import Entropy
from ..codec import cbor
from ..cose.members import as_map, text, uint
from ..credentials import ClaimPath
from ..credentials._tree import pointer
from ..errors import BadDisclosure, Malformed
from ._elements import FREE, Elements, as_json
from ._mso import MAX_DIGEST_ID, Mso, encoded
from ._transcript import TAGGED

SALT: Final = 16
"""Bytes at least; what is written has just as many."""
SEED_SIZE: Final = 32
_DRAW: Final = 4  # bytes for a place in the order of digests
Item = tuple[bytes, str, Any]
"""Its digestID as encoded, name of the element, decoded value."""
Spaces = Mapping[str, Sequence[bytes]]
"""IssuerSignedItemBytes as sent, by namespace."""


class Contents(Struct, frozen=True):
    """``document`` as DCQL sees it, the claim tree in it, the paths of what may be withheld, and by namespace the digestIDs shown."""

    document: dict[str, Any]
    claims: dict[str, Any]
    paths: tuple[ClaimPath, ...]
    shown: Mapping[str, Mapping[bytes, str]]


def open_known(elements: Elements, mso: Mso, spaces: Spaces) -> Contents:
    """Of a type that is known here: ``BadDisclosure`` also where a limit could be withheld (S3)."""
    space = elements.rules.doctype
    if mso.digests.keys() != {space} or not spaces.keys() <= {space}:
        raise BadDisclosure("this type of document has one namespace")
    digests, items, hash_ = mso.digests[space], spaces.get(space, ()), mso.hash
    shown: dict[bytes, str] = {}
    values: dict[str, Any] = {}
    claims: dict[str, Any] = {}
    for item in items:
        limit = _limit(elements, item[14:15], item[39:]) if item[4:14] == _NUMBER and item[15:23] == _RANDOM else None
        if limit is not None:
            number, name, step, value = limit
            values[name] = claims[step] = value
        else:
            number, name, value = _open(item)
            values[name] = elements.put(number, name, value, claims)
        if digests.get(number) != hash_(item).digest():
            raise BadDisclosure("an element is not the one that the issuer signed", where=pointer((space, name)))
        shown[number] = name
    _check_unique(items, shown, values, space)
    hidden = digests.keys() - shown.keys()
    if not elements.required <= shown.keys() or (hidden and min(hidden) < FREE):
        raise BadDisclosure("a limit is missing or hidden", where=pointer((space,)))
    paths = tuple([(space, name) for number, name in shown.items() if number >= FREE])
    return Contents({"docType": mso.doctype, space: values}, claims, paths, {space: shown})


def open_foreign(mso: Mso, spaces: Spaces) -> Contents:
    """Of any other type: the elements by namespace, all of which may be withheld."""
    claims: dict[str, Any] = {}
    shown: dict[str, dict[bytes, str]] = {}
    for space, items in spaces.items():
        digests = mso.digests.get(space, {})
        inside, numbers = claims[space], shown[space] = {}, {}
        for item in items:
            number, name, value = _open(item)
            if digests.get(number) != mso.hash(item).digest():
                raise BadDisclosure("an element is not the one that the issuer signed", where=pointer((space, name)))
            inside[name] = as_json(value)
            numbers[number] = name
        _check_unique(items, numbers, inside, space)
    paths = tuple([(space, name) for space, values in claims.items() for name in values])
    return Contents({**claims, "docType": mso.doctype}, claims, paths, shown)


def _check_unique(items: Sequence[bytes], shown: Mapping[bytes, str], values: Mapping[str, Any], space: str) -> None:
    if len(shown) != len(items) or len(values) != len(items):
        raise BadDisclosure("a digest or an element is there twice", where=pointer((space,)))


# --- one item --------------------------------------------------------------------------------------------------------------------------

_ITEM: Final = re.compile(
    rb"\xd8\x18(?:\x58.|\x59..)\xa4\x68digestID([\x00-\x17]|\x18[\x18-\xff])\x66random\x50.{16}\x71elementIdentifier", re.DOTALL
)
"""The beginning of an item as issuers of ours write it. Whatever differs takes the long way."""
_NUMBER: Final = b"\xa4\x68digestID"
_RANDOM: Final = b"\x66random\x50"
_NAME: Final = b"\x71elementIdentifier"
_VALUE: Final = b"\x6celementValue"
_IN_HEAD: Final = b"\x17"


def _open(item: bytes) -> Item:
    """``Malformed``; ``BadDisclosure`` for a random value that is too short to hide anything."""
    usual = _ITEM.match(item)
    found = None if usual is None else _rest(item[usual.end() :])
    if usual is not None and found is not None:
        return usual[1], *found
    return _any(item)


def _any(item: bytes) -> Item:
    members = as_map(cbor.loads(encoded(cbor.loads(item))), needed=("digestID", "random", "elementIdentifier", "elementValue"))
    if type(members["random"]) is not bytes:
        raise Malformed("a random value is a byte string", where="/random")
    if len(members["random"]) < SALT:
        raise BadDisclosure("a random value has 16 bytes at least", where="/random")
    number = cbor.head(0, uint(members, "digestID", maximum=MAX_DIGEST_ID))
    return number, text(members, "elementIdentifier"), members["elementValue"]


def _rest(data: bytes) -> tuple[str, Any] | None:
    """Name and value; ``None`` for what may be one in another form."""
    try:
        name, at = cbor.read(data, 0)
        if type(name) is str and name and data.startswith(_VALUE, at):
            value, end = cbor.read(data, at + len(_VALUE))
            return (name, value) if end == len(data) else None
    except (IndexError, Malformed):
        pass
    return None


@lru_cache(maxsize=1_024)
def _limit(elements: Elements, number: bytes, data: bytes) -> tuple[bytes, str, str, Any] | None:
    """Of a limit, by what follows its random value, its digestID, name, place at the root of the claim tree, and value.

    ``None`` if there is more to say. Limits say the same in thousands of documents; of what may be withheld nothing is kept.
    """
    found = _rest(data[len(_NAME) :]) if number <= _IN_HEAD and data.startswith(_NAME) else None
    element = None if found is None else elements.by_name.get(found[0])
    if found is None or element is None or element.number != number or element.above or type(found[1]) in _CONTAINERS:
        return None
    return number, found[0], element.last, elements.put(number, *found, {})


_CONTAINERS: Final = (dict, list)


# --- writing ---------------------------------------------------------------------------------------------------------------------------


def hide(elements: Elements, claims: Mapping[str, Any], entropy: Entropy) -> tuple[list[bytes], list[bytes], bytes]:
    """The items, the entries of all digests in order (as text they sort as their numbers do), and the seed of the decoys among them."""
    found = elements.encode(claims)
    free = elements.free
    at = SEED_SIZE + _DRAW * len(free)
    random = entropy(at + SALT * len(found))
    seed, order = random[:SEED_SIZE], struct.unpack(f">{len(free)}I", random[SEED_SIZE:at])
    places = iter([free[each] for each in sorted(range(len(free)), key=order.__getitem__)])
    items, entries = [], []
    for element, value in found:
        entry, begin = element.place or next(places)
        head = element.head
        size = len(begin) + SALT + len(head) + len(value)
        tag = _HEADS[size] if size < _LONG else TAGGED + cbor.head(2, size)
        item = b"".join((tag, begin, random[at : at + SALT], head, value))
        items.append(item)
        entries.append(entry + hashlib.sha256(item).digest())
        at += SALT
    entries += [entry + decoy(seed, entry) for entry, _ in places]
    entries.sort()
    return items, entries, seed


_LONG: Final = 0x100
_HEADS: Final = tuple([TAGGED + cbor.head(2, size) for size in range(_LONG)])


def decoy(seed: bytes, entry: bytes) -> bytes:
    """The digest of nothing at the place ``entry``, which only who has the seed can tell from others."""
    return hashlib.sha256(seed + entry).digest()
