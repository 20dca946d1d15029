"""Selective disclosure in CWTs (draft-ietf-spice-sd-cwt): the machinery, for any claims. The credential layer is ``sd_cwt``.

A hidden member of a map is a digest under the key ``simple(59)`` of that map, a hidden element of an array a digest in tag 60. Its
disclosure is ``[salt, value, key]`` or ``[salt, value]``; ``[salt]`` is a decoy, which only the holder gets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import cbor2
from msgspec import Struct

from ..codec import cbor
from ..errors import BadDisclosure, Malformed

SALT: Final = 16  # bytes, no more and no fewer: "128-bit salt"
DIGEST: Final = 32  # bytes, SHA-256, the only hash that is used here
MAX_DISCLOSURES: Final = 500
MAX_DEPTH: Final = 16
ELEMENT: Final = 60  # the tag of a hidden array element
_HAS_KEY: Final = 3


class Disclosure(Struct, frozen=True):
    """``raw`` is the encoded array, ``parts`` what follows the salt: value and key of a member, value of an element, nothing of a decoy."""

    raw: bytes
    digest: bytes
    parts: tuple[Any, ...]

    @property
    def decoy(self) -> bool:
        return not self.parts

    @property
    def key(self) -> int | str | None:
        """The key of a hidden member."""
        return self.parts[1] if len(self.parts) > 1 else None


class Opened(Struct, frozen=True):
    """``claims`` with every disclosure put back and every trace of what stays hidden gone.

    ``unexplained`` counts digests without a disclosure or decoy, ``elements`` those of array elements, explained or not.
    """

    claims: dict[Any, Any]
    unexplained: int
    elements: int


def parse_disclosures(listed: object, where: str = "") -> tuple[Disclosure, ...]:
    """The header parameter 17: a list, never an empty one, of byte strings that each hold one array."""
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_DISCLOSURES:
        raise Malformed("the disclosures are a list of one or more", where=where)
    found: list[Disclosure] = []
    try:
        for raw in listed:
            found.append(_usual(raw) or _parse(raw))  # noqa: PERF401 - how many there are already says where the fault is
    except Malformed as error:
        raise error.within(f"{where}/{len(found)}") from error.__cause__
    return tuple(found)


def _parse(raw: object) -> Disclosure:
    if type(raw) is not bytes:
        raise Malformed("a disclosure is a byte string")
    parts = cbor.loads(raw, redacted=True)
    if type(parts) is not list or not 1 <= len(parts) <= _HAS_KEY or type(parts[0]) is not bytes or len(parts[0]) != SALT:
        raise Malformed("a disclosure is a salt of 128 bits, a value and a key")
    if len(parts) == _HAS_KEY and type(parts[2]) is not int and type(parts[2]) is not str:
        raise Malformed("the key of a claim is a whole number or a text")
    return Disclosure(raw, hashlib.sha256(raw).digest(), tuple(parts[1:]))


_THREE: Final = b"\x83\x50"


def _usual(raw: object) -> Disclosure | None:
    """A member under a small negative number, nothing in it hidden: what is shown nearly always."""
    if type(raw) is not bytes or raw[:2] != _THREE:
        return None
    try:
        value, end = cbor.read(raw, SALT + 2)
    except Malformed:
        return None
    key = raw[end] if end == len(raw) - 1 else 0
    return Disclosure(raw, hashlib.sha256(raw).digest(), (value, 0x1F - key)) if 0x20 <= key < 0x38 else None


def open_claims(claims: Mapping[Any, Any], disclosures: Sequence[Disclosure]) -> Opened:
    """Section "SD-KBT and SD-CWT Verifier Validation", step 7. ``BadDisclosure`` for all that it refuses; ``Malformed`` for digests that are none."""
    opener = _Opener(disclosures)
    opened = opener.open_map(claims, 1)
    if opener.waiting:
        raise BadDisclosure("a disclosure belongs to no digest", where="/disclosures")
    if len(set(opener.digests)) != len(opener.digests):
        raise BadDisclosure("a digest is there twice")
    return Opened(opened, len(opener.digests) - len(disclosures), opener.elements)


class _Opener:
    __slots__ = ("digests", "elements", "waiting")

    def __init__(self, disclosures: Sequence[Disclosure]) -> None:
        self.waiting = {each.digest: each for each in disclosures}
        if len(self.waiting) != len(disclosures):
            raise BadDisclosure("a disclosure is there twice", where="/disclosures")
        self.digests: list[bytes] = []
        self.elements = 0

    def open(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is dict:
            return self.open_map(value, depth + 1)
        if kind is list:
            return self.open_array(value, depth + 1)
        if kind is cbor2.CBORTag:
            if value.tag == ELEMENT:
                raise Malformed("only an element of an array is hidden in this way")
            return cbor2.CBORTag(value.tag, self.open(value.value, depth + 1))
        return value

    def open_map(self, node: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        _check_depth(depth)
        out = {}
        hidden: Any = ()
        for key, value in node.items():
            if cbor.is_redacted(key):
                hidden = value
                if type(hidden) is not list:
                    raise Malformed("digests stand in an array")
            else:
                out[key] = self.open(value, depth)
        for digest in hidden:
            found = self.take(digest)
            if found is None or found.decoy:
                continue
            if len(found.parts) == 1:
                raise BadDisclosure("the disclosure of an array element stands for a member", where="/disclosures")
            value, key = found.parts
            if key in out:
                raise BadDisclosure("a disclosed claim is there already", where="/disclosures")
            out[key] = self.open(value, depth)
        return out

    def open_array(self, node: Sequence[Any], depth: int) -> list[Any]:
        _check_depth(depth)
        out = []
        for value in node:
            if type(value) is not cbor2.CBORTag or value.tag != ELEMENT:
                out.append(self.open(value, depth))
                continue
            self.elements += 1
            found = self.take(value.value)
            if found is None or found.decoy:
                continue
            if len(found.parts) > 1:
                raise BadDisclosure("the disclosure of a member stands for an array element", where="/disclosures")
            out.append(self.open(found.parts[0], depth))
        return out

    def take(self, digest: object) -> Disclosure | None:
        if type(digest) is not bytes or len(digest) != DIGEST:
            raise Malformed("a digest is a byte string of the size of its hash")
        self.digests.append(digest)
        return self.waiting.pop(digest, None)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadDisclosure("disclosures are nested too deeply", where="/disclosures")
