"""The claim tree of a credential type as data elements of an mdoc, lossless both ways: one namespace, named as the type's doctype.

Each leaf is one element, and so is each outermost array with all that is in it, for the items of an mdoc are shown whole. A date is a
full-date (tag 1004, RFC 8943), a picture its bytes, everything else what JSON has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import Any, Final

import cbor2

from ..codec import base64url, cbor
from ..credentials import CredentialType, Disclosure, Kind, Node
from ..credentials._claim import Claim
from ..credentials._tree import pointer
from ..errors import BadDisclosure, Malformed
from ._typemap import FORMS, Form, list_of

FULL_DATE: Final = 1004
LIMITS: Final = 64
"""The digestIDs below it are those of limits, each its claim's number in the type (S3)."""
FREE: Final = cbor.head(0, LIMITS)
"""The same as encoded, as digestIDs are kept: they sort alike."""
_FOREIGN: Final = (IndexError, KeyError, TypeError, ValueError, OverflowError, AttributeError)


Place = tuple[bytes, bytes]
"""What stands before a digest in the MSO, and before the random value in its item."""


def place_of(number: bytes) -> Place:
    """Of an encoded digestID."""
    return number + b"\x58\x20", b"\xa4\x68digestID" + number + b"\x66random\x50"


@dataclass(frozen=True, slots=True)
class Element:
    """``above`` and ``last`` are where it is in the claim tree, ``number`` is its encoded digestID where it is a limit, else empty, and
    ``place`` that of a limit. ``encode`` gives the value as CBOR, ``decode`` the one in the claim tree.
    """

    name: str
    above: tuple[str, ...]
    last: str
    number: bytes
    place: Place | None
    required: bool
    head: bytes
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]


class Elements:
    """All elements of a type: ``by_name``; digestIDs of limits that no document lacks, and ``free`` places, one for each other element."""

    __slots__ = ("_names", "by_name", "free", "required", "rules")

    def __init__(self, rules: CredentialType) -> None:
        self.rules = rules
        found = list(_elements(rules.tree, ()))
        self.by_name = {each.name: each for each in found}
        self.required = frozenset([each.number for each in found if each.required])
        self.free = tuple([place_of(cbor.head(0, LIMITS + at)) for at in range(sum(not each.number for each in found))])
        limits = {each.number for each in found if each.number}
        if not rules.claims or len(self.by_name) != len(found) or len(limits) + len(self.free) != len(found):
            raise Malformed("this type of document has no form as an mdoc")
        self._names: dict[str, Any] = {}
        for each in found:
            inside = self._names
            for name in each.above:
                inside = inside.setdefault(name, {})
            inside[each.last] = each

    def encode(self, claims: Mapping[str, Any]) -> list[tuple[Element, bytes]]:
        """Each element of ``claims`` with its value as CBOR, in the type's order. ``Malformed`` for what the type lacks."""
        found: list[tuple[Element, bytes]] = []
        _collect(self._names, claims, found, ())
        return found

    def put(self, number: bytes, name: str, value: Any, claims: dict[str, Any]) -> Any:
        """Set the value of an item in the claim tree, and return it.

        ``Malformed`` for what the type lacks, ``BadDisclosure`` for a limit with another digestID than its own.
        """
        element = self.by_name.get(name)
        if element is None:
            raise Malformed("this type of document has no such detail", where=pointer((name,)))
        if element.number != number and (element.number or number < FREE):
            raise BadDisclosure("a limit has its own digest", where=pointer((name,)))
        for step in element.above:
            claims = claims.setdefault(step, {})
        try:
            decoded = claims[element.last] = element.decode(value)
        except _FOREIGN as error:
            raise Malformed("this value has not the form of its detail", where=pointer((name,))) from error
        return decoded


def _collect(names: Mapping[str, Any], claims: Any, found: list[tuple[Element, bytes]], path: tuple[str, ...]) -> None:
    if type(claims) is not dict and not isinstance(claims, Mapping):
        raise Malformed("an object belongs here", where=pointer(path))
    known = 0
    for name, child in names.items():
        if name not in claims:
            continue
        known += 1
        if type(child) is dict:
            _collect(child, claims[name], found, (*path, name))
            continue
        try:
            found.append((child, child.encode(claims[name])))
        except _FOREIGN as error:
            raise Malformed("this value has not the form of its detail", where=pointer((*path, name))) from error
    if known != len(claims):
        foreign = next(name for name in claims if name not in names)
        raise Malformed("this type of document has no such detail", where=pointer((*path, foreign)))


def _elements(node: Node, path: tuple[str, ...]) -> Iterator[Element]:
    if node.claim is None and node.items is None:
        for name, child in node.members.items():
            yield from _elements(child, (*path, name))
        return
    below = list(_claims(node))
    name = below[0].mdoc_element
    numbers = [claim.cwt for claim in below if claim.disclosure is Disclosure.ALWAYS]
    if numbers and not 0 < min(numbers) < LIMITS:
        raise Malformed("this type of document has no form as an mdoc", where=pointer(path))
    head = b"\x71elementIdentifier" + cbor.text(name) + b"\x6celementValue"
    write, read = _form(node)
    number = cbor.head(0, min(numbers)) if numbers else b""
    place = place_of(number) if number else None
    yield Element(name, path[:-1], path[-1], number, place, node.required and bool(numbers), head, write, read)


def _claims(node: Node) -> Iterator[Claim]:
    if node.claim is not None:
        yield node.claim
    for child in [node.items] if node.items is not None else node.members.values():
        yield from _claims(child)


# --- values ----------------------------------------------------------------------------------------------------------------------------


def _form(node: Node) -> Form:
    if node.claim is not None:
        return _OWN.get(node.claim.kind, FORMS[node.claim.kind])(node.claim)
    if node.items is not None:
        return list_of(*_form(node.items))
    return _map_of({name: _form(child) for name, child in node.members.items()})


def _map_of(members: Mapping[str, Form]) -> Form:
    def write(value: Any) -> bytes:
        parts = [cbor.text(name) + encode(value[name]) for name, (encode, _) in members.items() if name in value]
        if len(parts) != len(value):
            raise KeyError
        return cbor.head(5, len(parts)) + b"".join(parts)

    def read(value: Any) -> dict[str, Any]:
        return {name: members[name][1](each) for name, each in value.items()}

    return write, read


_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=1_024)
def _write_date(value: Any) -> bytes:
    """All copies of a document have the same ones."""
    day = date.fromisoformat(value).isoformat()
    if day != value:  # the library reads other forms as well
        raise ValueError
    return b"\xd9\x03\xec\x6a" + day.encode()


def _date(_claim: Claim) -> Form:
    def read(value: Any) -> str:
        if type(value) is not cbor2.CBORTag or value.tag != FULL_DATE or not _DAY.fullmatch(value.value):
            raise TypeError
        return date.fromisoformat(value.value).isoformat()

    return _write_date, read


def _code(claim: Claim) -> Form:
    heads = {choice.value: cbor.text(choice.value) for choice in claim.choices}
    return heads.__getitem__, FORMS[Kind.TEXT](claim)[1]


_OWN: Final[Mapping[Kind, Callable[[Claim], Form]]] = {Kind.DATE: _date, Kind.CODE: _code}


def as_json(value: Any) -> Any:
    """The value of an element whose type nobody here knows, in JSON (RFC 8949 section 6.1): bytes in base64url, tags left out."""
    kind = type(value)
    if kind is bytes:
        return base64url.encode(value)
    if kind is list:
        return [as_json(each) for each in value]
    if kind is dict:
        return {_name(key): as_json(each) for key, each in value.items()}
    if kind is cbor2.CBORTag:
        return as_json(value.value)
    if kind is float:
        return value if isfinite(value) else None
    return value if kind in _PLAIN else None


_PLAIN: Final = frozenset({str, int, bool})


def _name(key: Any) -> str:
    return base64url.encode(key) if type(key) is bytes else str(key)


# --- types -----------------------------------------------------------------------------------------------------------------------------

_KNOWN: dict[str, Elements] = {}


def elements_of(rules: CredentialType) -> Elements:
    """The ones of ``rules``, made once."""
    known = _KNOWN.get(rules.vct)
    if known is None or known.rules is not rules:
        known = _KNOWN[rules.vct] = Elements(rules)
    return known


def of_doctype(doctype: str, types: Iterable[CredentialType]) -> CredentialType | None:
    """The one of ``types`` that this doctype belongs to."""
    return next((each for each in types if each.doctype == doctype), None)
