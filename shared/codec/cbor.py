"""CBOR (RFC 8949) from strangers: definite lengths, shortest heads, no repeated map keys, bounded depth, nothing after the item.

Tags are never acted on: a decoder that makes dates, expressions or decimals of them can be made to work for minutes. Each one arrives as
a ``cbor2.CBORTag`` for the caller to judge, bignums included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final

import cbor2

from ..errors import Malformed, TooLarge

REDACTED: Final = cbor2.CBORSimpleValue(59)
"""The map key under which an SD-CWT keeps the digests of what is hidden in that map."""
_MAX_DEPTH = 16
_TEXT, _MAP, _TAG, _SIMPLE = 3, 5, 6, 7  # major types
_STRINGS = frozenset({2, _TEXT})
_IN_HEAD = 23  # larger arguments follow the head, in so many bytes:
_SIZES = (1, 2, 4, 8)
_LEAST = (24, 0x100, 0x1_0000, 0x1_0000_0000)  # the smallest argument that needs so many
_SHORT = 2_048  # bytes that cannot hold enough keys of one hash to cost anything
_KEYS = frozenset({int, str, bytes})


def loads(data: bytes, *, max_bytes: int = 1_000_000, max_depth: int = _MAX_DEPTH, redacted: bool = False, where: str = "") -> Any:
    """The one item in ``data``. ``TooLarge`` past ``max_bytes``; ``Malformed`` for all else, nesting beyond ``max_depth`` included.

    Keys are whole numbers and strings; with ``redacted`` also the simple value 59.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes of CBOR", where=where)
    hook = _check_redacted_map if redacted else _check_map
    if len(data) <= _SHORT:
        # What comes out again byte for byte had definite lengths, the shortest heads and nothing after it. All else goes the long way.
        try:
            value = cbor2.loads(
                data,
                max_depth=max_depth,
                allow_indefinite=False,
                allow_duplicate_keys=False,
                semantic_decoders=_TAGS,
                object_hook=hook,
            )
            if cbor2.dumps(value) == data:
                return value
        except (cbor2.CBORError, ValueError, TypeError):
            pass
    _check_heads(data, where, redacted=redacted)
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


def _check_map(value: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    if not _KEYS.issuperset(map(type, value)):
        raise TypeError
    return value


def _check_redacted_map(value: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    for key in value:
        if type(key) not in _KEYS and not is_redacted(key):
            raise TypeError
    return value


def is_redacted(key: object) -> bool:
    """Whether ``key`` is the simple value 59. Never compare: cbor2 calls it equal to the number 59."""
    return type(key) is cbor2.CBORSimpleValue and key == REDACTED


def dumps(value: object, *, canonical: bool = False) -> bytes:
    """``value`` in definite lengths; ``canonical`` sorts map keys by their bytes and uses the shortest floats (RFC 8949 4.2.1)."""
    if not canonical:
        return cbor2.dumps(value)
    return cbor2.dumps(_sorted(value), encoders={float: lambda encoder, each: encoder.write(cbor2.dumps(each, canonical=True))})


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        keys = sorted((cbor2.dumps(key), key) for key in value)
        return {key: _sorted(value[key]) for _, key in keys}
    if isinstance(value, list | tuple):
        return [_sorted(each) for each in value]
    return cbor2.CBORTag(value.tag, _sorted(value.value)) if isinstance(value, cbor2.CBORTag) else value


def head(major: int, argument: int) -> bytes:
    """The head of an item in its shortest form (RFC 8949 section 3): for what is put together by hand because it is hot."""
    if argument <= _IN_HEAD:
        return bytes((major << 5 | argument,))
    if argument < _LEAST[1]:
        return bytes((major << 5 | 24, argument))
    size, extra = (2, 25) if argument < _LEAST[2] else (4, 26) if argument < _LEAST[3] else (8, 27)
    return bytes((major << 5 | extra,)) + argument.to_bytes(size, "big")


def byte_string(value: bytes) -> bytes:
    """``value`` as an item."""
    return head(2, len(value)) + value


def text(value: str) -> bytes:
    """``value`` as an item; ``ValueError`` where it has no UTF-8."""
    data = value.encode()
    return head(_TEXT, len(data)) + data


def integer(value: int) -> bytes:
    """``value`` (64 bits and a sign) as an item."""
    return head(0, value) if value >= 0 else head(1, -1 - value)


def _check_heads(data: bytes, where: str, *, redacted: bool) -> None:
    """``Malformed`` for a map key that is neither a whole number nor a string, and for heads longer than they need be.

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
                if redacted and data[at - 2 : at] == b"\xf8\x3b":
                    continue
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
