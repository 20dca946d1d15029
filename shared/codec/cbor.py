"""CBOR (RFC 8949) from strangers: definite lengths, shortest heads, no repeated map keys, bounded depth, nothing after the item.

Tags are never acted on: a decoder that makes dates, expressions or decimals of them can be made to work for minutes. Each one arrives as
a ``cbor2.CBORTag`` for the caller to judge, bignums included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import cbor2

from ..errors import Malformed, TooLarge

_MAX_DEPTH = 16
_TEXT, _MAP, _TAG, _SIMPLE = 3, 5, 6, 7  # major types
_STRINGS = frozenset({2, _TEXT})
_IN_HEAD = 23  # larger arguments follow the head, in so many bytes:
_SIZES = (1, 2, 4, 8)
_LEAST = (24, 0x100, 0x1_0000, 0x1_0000_0000)  # the smallest argument that needs so many


def loads(data: bytes, *, max_bytes: int = 1_000_000, max_depth: int = _MAX_DEPTH, where: str = "") -> Any:
    """The one item in ``data``. ``TooLarge`` past ``max_bytes``; ``Malformed`` for all else, nesting beyond ``max_depth`` included."""
    if len(data) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes of CBOR", where=where)
    _check_keys(data, where)
    decoder = cbor2.CBORDecoder(
        BytesIO(data), max_depth=max_depth, allow_indefinite=False, allow_duplicate_keys=False, semantic_decoders=_TAGS
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError) as error:
        raise Malformed("not a CBOR item that is read here", where=where) from error
    try:
        decoder.read(1)
    except cbor2.CBORDecodeEOF:
        return value
    raise Malformed("bytes after the CBOR item", where=where)


def dumps(value: object, *, canonical: bool = False) -> bytes:
    """``value`` in definite lengths; ``canonical`` sorts map keys by length, then bytes, and uses the shortest floats (RFC 8949 4.2.3)."""
    return cbor2.dumps(value, canonical=canonical)


def _check_keys(data: bytes, where: str) -> None:
    """``Malformed`` for a map key that is neither a whole number nor a string.

    Arrays of -1 and -2 all have one hash in Python: a map with thousands of them as keys takes minutes to build. So this looks at the
    heads of the items alone (RFC 8949 section 3) before anything is built.
    """
    at = 0
    todo, maps = [1], [False]  # for each open container: items still to come, and whether it is a map
    try:
        while todo:
            if not todo[-1]:
                todo.pop()
                maps.pop()
                continue
            todo[-1] -= 1
            major, argument, at = _head(data, at, where)
            if major <= _TEXT:
                at += argument if major in _STRINGS else 0
            elif maps[-1] and todo[-1] & 1:
                raise Malformed("the keys of a map are whole numbers and strings", where=where)
            elif major != _SIMPLE:
                todo.append(1 if major == _TAG else argument << (major == _MAP))
                maps.append(major == _MAP)
    except IndexError as error:
        raise Malformed("the CBOR item is cut short", where=where) from error


def _head(data: bytes, at: int, where: str) -> tuple[int, int, int]:
    """Major type, argument and where the next byte stands. ``IndexError`` at the end, and for heads of no definite length.

    ``Malformed`` for an argument that a shorter head could hold (section 4.1): whoever carries a signed object could lengthen the
    heads around its signed parts.
    """
    head = data[at]
    argument = head & 31
    at += 1
    if argument <= _IN_HEAD:
        return head >> 5, argument, at
    width = argument - _IN_HEAD - 1
    argument = int.from_bytes(data[at : at + _SIZES[width]], "big")
    if argument < _LEAST[width] and head >> 5 != _SIMPLE:
        raise Malformed("a number in CBOR has its shortest form", where=where)
    return head >> 5, argument, at + _SIZES[width]


class _KeepTags(Mapping[int, Callable[[Any, bool], Any]]):
    """For every tag, known to the decoder or not, the same answer: leave it alone."""

    def __getitem__(self, tag: int) -> Callable[[Any, bool], Any]:
        return lambda value, _immutable: cbor2.CBORTag(tag, value)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


_TAGS = _KeepTags()
