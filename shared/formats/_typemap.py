"""The claim tree of a credential type as numbered claims in numbered groups, lossless both ways: the inside of ``dc+sd-cwt``.

Each leaf has its key in the type (``Claim.cwt``) and one form: a code is its position among the choices, a date tag 100 with days
(RFC 8943), a picture its bytes; a leaf that repeats is an array. What is always in clear stands at the root; everything else in the map
of its group, whose key is minus the group's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

import cbor2

from ..codec import cbor
from ..credentials import ClaimPath, CredentialType, Disclosure, Kind
from ..credentials._claim import Claim
from ..credentials._tree import pointer, portrait_bytes, portrait_url
from ..errors import Malformed

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAYS: Final = 100  # the tag
_FALSE, _TRUE = b"\xf4", b"\xf5"


@dataclass(slots=True)
class Leaf:
    """One claim: ``encode`` gives its key and value as CBOR, ``decode`` its value in the claim tree.

    Of a value in another form ``decode`` raises one of ``_FOREIGN``.
    """

    claim: Claim
    path: tuple[str, ...]
    above: tuple[str, ...]
    name: str
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]


@dataclass(slots=True)
class Level:
    """The root (number 0) or a group: its own leaves by key, and the groups within it by number, in order."""

    number: int
    key: bytes  # in the map that the group is in, encoded
    leaves: dict[int, Leaf] = field(default_factory=dict)
    groups: dict[int, Level] = field(default_factory=dict)


class TypeMap:
    """All that a type's numbers say. ``levels`` has every group, those inside others before them, the root last.

    ``parents`` are the groups that groups are in (0: none), ``limits`` what every document has in clear. Of a type for bearers everything
    stands at the root.
    """

    __slots__ = ("_names", "_numbers", "levels", "limits", "parents", "root", "rules")

    def __init__(self, rules: CredentialType) -> None:
        self.rules = rules
        self.root = Level(0, b"")
        numbered = [] if rules.bearer else sorted([group for group in rules.groups if group.cwt], key=lambda group: group.cwt)
        by_id = {group.id: Level(group.cwt, cbor.integer(-group.cwt)) for group in numbered}
        self.parents: dict[int, int] = {}
        for group in numbered:
            above = by_id[group.within] if group.within else self.root
            above.groups[group.cwt] = by_id[group.id]
            self.parents[group.cwt] = above.number
        self._names: dict[str, Any] = {}
        self._numbers: dict[tuple[str, ...], int] = {}
        for claim in rules.leaves:
            self._add(claim, by_id.get(claim.group, self.root))
        self.levels = tuple(_inside_first(self.root))
        self.limits = tuple([leaf for leaf in self.root.leaves.values() if leaf.claim.required])

    def _add(self, claim: Claim, level: Level) -> None:
        names = tuple([part for part in claim.path if part is not None])
        repeats = claim.path[-1] is None
        clear = self.rules.bearer or claim.disclosure is Disclosure.ALWAYS
        if not claim.cwt or len(names) + repeats != len(claim.path) or (level is self.root) is not clear:
            raise Malformed("this type of document has no compact form")
        leaf = level.leaves[claim.cwt] = _leaf(claim, names, repeats=repeats)
        self._numbers[names] = level.number
        inside = self._names
        for name in names[:-1]:
            inside = inside.setdefault(name, {})
        inside[names[-1]] = (level.number, leaf.encode)

    def encode(self, claims: Mapping[str, Any]) -> dict[int, list[bytes]]:
        """By level, key and value of each leaf in ``claims``, sorted. ``Malformed`` for what the type lacks."""
        found: dict[int, list[bytes]] = {level.number: [] for level in self.levels}
        _collect(self._names, claims, found, ())
        for leaves in found.values():
            leaves.sort()  # no key begins another, so that the keys alone decide
        return found

    def decode(self, opened: Mapping[Any, Any]) -> tuple[dict[str, Any], tuple[ClaimPath, ...], int]:
        """The claim tree, the paths of leaves inside groups, and how many groups there are. ``Malformed`` for anything else in ``opened``."""
        claims: dict[str, Any] = {}
        shown: list[ClaimPath] = []
        groups = _place(self.root, opened, claims, shown)
        return claims, tuple(shown), groups

    def group_of(self, path: ClaimPath) -> int:
        """The group of a leaf that ``decode`` gave; 0 for one in clear."""
        return self._numbers[tuple([part for part in path if isinstance(part, str)])]

    def with_parents(self, groups: Iterable[int]) -> set[int]:
        """These groups and those that they are in."""
        return {each for group in groups for each in self._upwards(group)}

    def _upwards(self, group: int) -> Iterator[int]:
        while group:
            yield group
            group = self.parents[group]


# --- what issuers of ours write ----------------------------------------------------------------------------------------------------------


def decode_usual(
    types: TypeMap, head: bytes, digests: Sequence[bytes], shown: Sequence[tuple[bytes, int, Any]]
) -> tuple[dict[str, Any], tuple[ClaimPath, ...]] | None:
    """As ``TypeMap.decode`` of the opened map, from its clear part, its digests, and digest, key and value of each disclosure.

    Only where there are as many digests as the type has groups, all different, and for different groups that hold no others; ``None`` for
    every other case, good or bad. ``head`` is the map without its last member; it is the same in thousands of documents and is decoded once.
    """
    left = set(digests)
    clear = _clear(types, head) if len(left) == len(digests) == len(types.root.groups) else None
    if clear is None:
        return None
    groups = types.root.groups.copy()
    claims = _copy(clear[0]) if clear[1] else clear[0].copy()
    paths: list[ClaimPath] = []
    for digest, key, value in shown:
        level = groups.pop(-key, None)
        if digest not in left or level is None or level.groups or type(value) is not dict:
            return None
        left.remove(digest)
        for number, each in value.items():
            leaf = level.leaves.get(number) if type(number) is int else None
            if leaf is None:
                return None
            _put(leaf, each, claims, paths)
    return claims, tuple(paths)


@lru_cache(maxsize=1_024)
def _clear(types: TypeMap, head: bytes) -> tuple[dict[str, Any], bool] | None:
    """The claim tree of a map that lacks its last member, and whether there are trees in it.

    ``None`` if it says what the type lacks, or lacks a limit.
    """
    try:
        found = cbor.loads(bytes((head[0] - 1,)) + head[1:])
        claims, _, groups = types.decode(found)
    except Malformed:
        return None
    if groups or not all(leaf.claim.cwt in found for leaf in types.limits):
        return None
    return claims, any(type(value) is dict for value in claims.values())


def _copy(value: Any) -> Any:
    return {name: _copy(each) for name, each in value.items()} if type(value) is dict else value


def _inside_first(level: Level) -> Iterator[Level]:
    for inside in level.groups.values():
        yield from _inside_first(inside)
    yield level


def _collect(names: Mapping[str, Any], claims: Any, found: dict[int, list[bytes]], path: tuple[str, ...]) -> None:
    if not isinstance(claims, Mapping):
        raise Malformed("an object belongs here", where=pointer(path))
    for name, value in claims.items():
        child = names.get(name)
        if type(child) is tuple:
            number, encode = child
            found[number].append(encode(value))
        elif child is None:
            raise Malformed("this type of document has no such detail", where=pointer((*path, name)))
        else:
            _collect(child, value, found, (*path, name))


def _place(level: Level, values: Any, claims: dict[str, Any], shown: list[ClaimPath]) -> int:
    if type(values) is not dict:
        raise Malformed("a group of details is a map")
    groups = 0
    for key, value in values.items():
        leaf = level.leaves.get(key) if type(key) is int else None
        if leaf is not None:
            _put(leaf, value, claims, shown if level.number else None)
            continue
        inside = level.groups.get(-key) if type(key) is int else None
        if inside is None:
            raise Malformed("this type of document has no such detail here")
        groups += 1 + _place(inside, value, claims, shown)
    return groups


def _put(leaf: Leaf, value: Any, claims: dict[str, Any], shown: list[ClaimPath] | None) -> None:
    path = leaf.path
    inside = claims
    for name in leaf.above:
        inside = inside.setdefault(name, {})
    try:
        decoded = inside[leaf.name] = leaf.decode(value)
    except _FOREIGN as error:
        raise Malformed("this value has not the form of its detail", where=pointer(path)) from error
    if shown is None:
        return
    if type(decoded) is list and decoded:
        shown.extend([(*path, at) for at in range(len(decoded))])
    else:
        shown.append(path)


# --- one leaf --------------------------------------------------------------------------------------------------------------------------


def _leaf(claim: Claim, names: tuple[str, ...], *, repeats: bool) -> Leaf:
    write, read = list_of(*FORMS[claim.kind](claim)) if repeats else FORMS[claim.kind](claim)
    key, where = cbor.head(0, claim.cwt), pointer(names)

    def encode(value: Any) -> bytes:
        try:
            return key + write(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed("this value has not the form of its detail", where=where) from error

    return Leaf(claim, names, names[:-1], names[-1], encode, read)


_FOREIGN: Final = (IndexError, TypeError, ValueError, OverflowError)
Form = tuple[Callable[[Any], bytes], Callable[[Any], Any]]


def list_of(write: Callable[[Any], bytes], read: Callable[[Any], Any]) -> Form:
    def write_all(values: Any) -> bytes:
        if not isinstance(values, list | tuple):
            raise TypeError
        return cbor.head(4, len(values)) + b"".join([write(each) for each in values])

    def read_all(values: Any) -> list[Any]:
        return [read(each) for each in _of(list, values)]

    return write_all, read_all


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def _read_text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _code(claim: Claim) -> Form:
    values = [choice.value for choice in claim.choices]
    heads = {value: cbor.head(0, at) for at, value in enumerate(values)}

    def read(value: Any) -> str:
        if type(value) is not int or value < 0:
            raise TypeError
        return values[value]

    return heads.__getitem__, read


def _text(_claim: Claim) -> Form:
    return cbor.text, _read_text


def _date(_claim: Claim) -> Form:
    def read(value: Any) -> str:
        if type(value) is not cbor2.CBORTag or value.tag != _DAYS or type(value.value) is not int:
            raise TypeError
        return date.fromordinal(value.value + _EPOCH).isoformat()

    return _write_date, read


@lru_cache(maxsize=1_024)
def _write_date(value: Any) -> bytes:
    """All copies of a document have the same ones."""
    day = date.fromisoformat(value)
    if day.isoformat() != value:
        raise ValueError
    return b"\xd8\x64" + cbor.integer(day.toordinal() - _EPOCH)


def _portrait(_claim: Claim) -> Form:
    def write(value: Any) -> bytes:
        data = portrait_bytes(_of(str, value))
        if data is None:
            raise ValueError
        return cbor.byte_string(data)

    return write, lambda value: portrait_url(_of(bytes, value))


FORMS: Final[Mapping[Kind, Callable[[Claim], Form]]] = {
    Kind.CODE: _code,
    Kind.TEXT: _text,
    Kind.PARTIAL_DATE: _text,  # never made into a date: that would add what was not said
    Kind.DATE: _date,
    Kind.INTEGER: lambda _claim: (lambda value: cbor.integer(_of(int, value)), lambda value: _of(int, value)),
    Kind.BOOLEAN: lambda _claim: (lambda value: _TRUE if _of(bool, value) else _FALSE, lambda value: _of(bool, value)),
    Kind.PORTRAIT: _portrait,
}


_KNOWN: dict[str, TypeMap] = {}


def type_map(rules: CredentialType) -> TypeMap:
    """The one of ``rules``, made once."""
    known = _KNOWN.get(rules.vct)
    if known is None or known.rules is not rules:
        known = _KNOWN[rules.vct] = TypeMap(rules)
    return known
