"""CBOR (RFC 8949) from strangers: definite lengths, shortest heads, no repeated map keys, bounded depth, nothing after the item.

Tags are never acted on: a decoder that makes dates, expressions or decimals of them can be made to work for minutes. Each one arrives as
a ``cbor2.CBORTag`` for the caller to judge, bignums included.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

import cbor2

from ..errors import Malformed, TooLarge, VcError

REDACTED: Final = cbor2.CBORSimpleValue(59)
"""The map key under which an SD-CWT keeps the digests of what is hidden in that map."""
_MAX_DEPTH = 16
_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _SIMPLE = 0, 1, 2, 3, 4, 5, 7  # major types; 6 is a tag
_IN_HEAD = 23  # larger arguments follow the head, in 1, 2, 4 or 8 bytes:
_LEAST = (24, 0x100, 0x1_0000, 0x1_0000_0000)  # the smallest argument that needs so many
_WORDS: Final = {20: False, 21: True, 22: None, 23: cbor2.undefined}
_FLOATS: Final = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_LEAST_SIMPLE = 32  # below, a second byte has no meaning


def loads(data: bytes, *, max_bytes: int = 1_000_000, max_depth: int = _MAX_DEPTH, redacted: bool = False, where: str = "") -> Any:
    """The one item in ``data``. ``TooLarge`` past ``max_bytes``; ``Malformed`` for all else, nesting beyond ``max_depth`` included.

    Keys are whole numbers and strings; with ``redacted`` also the simple value 59.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes of CBOR", where=where)
    try:
        value, end = _item(data, 0, max_depth, redacted)
    except (Malformed, IndexError, ValueError, struct.error) as error:
        raise _told(error, where) from error.__cause__
    if end != len(data):
        raise Malformed("bytes after the CBOR item", where=where)
    return value


def read(data: bytes, at: int, *, where: str = "") -> tuple[Any, int]:
    """The item that begins at ``at``, and where the next one would."""
    try:
        return _item(data, at, _MAX_DEPTH, redacted=False)
    except (Malformed, IndexError, ValueError, struct.error) as error:
        raise _told(error, where) from error.__cause__


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """As ``read`` for a byte string of less than 64 kB, ``IndexError`` where ``data`` ends too early: for what is hot."""
    size = data[at] - 0x40
    at += 1
    least = 0
    if size == _IN_HEAD + 1:
        size, at, least = data[at], at + 1, _LEAST[0]
    elif size == _IN_HEAD + 2:
        size, at, least = data[at] << 8 | data[at + 1], at + 2, _LEAST[1]
    elif size > _IN_HEAD:
        raise Malformed("a byte string of less than 64 kB is demanded here")
    if size < least:
        raise Malformed("a byte string is demanded here, its length in the shortest form")
    end = at + size
    if end > len(data):
        raise IndexError
    return data[at:end], end


def _told(error: Exception, where: str) -> VcError:
    if isinstance(error, Malformed):
        return error.within(where)
    return Malformed("a text that is not UTF-8" if isinstance(error, ValueError) else "the CBOR item is cut short", where=where)


def _item(data: bytes, at: int, depth: int, redacted: bool) -> tuple[Any, int]:
    """``IndexError`` where ``data`` ends too early."""
    head = data[at]
    at += 1
    major, argument = head >> 5, head & 31
    if argument > _IN_HEAD:
        if major == _SIMPLE:
            return _simple(data, at, argument)
        argument, at = _argument(data, at, argument - _IN_HEAD - 1)
    if major <= _NEGATIVE:
        return (argument if major == _UINT else -1 - argument), at
    if major <= _TEXT:
        end = at + argument
        if end > len(data):
            raise IndexError
        return (data[at:end] if major == _BYTES else data[at:end].decode()), end
    if major == _SIMPLE:
        return _WORDS[argument] if argument in _WORDS else cbor2.CBORSimpleValue(argument), at
    if not depth and (argument or major not in (_ARRAY, _MAP)):  # an empty one holds nothing
        raise Malformed("items are nested too deeply")
    if major == _MAP:
        return _map(data, at, argument, depth - 1, redacted)
    if major == _ARRAY:
        return _array(data, at, argument, depth - 1, redacted)
    value, at = _item(data, at, depth - 1, redacted)
    return cbor2.CBORTag(argument, value), at


def _argument(data: bytes, at: int, width: int) -> tuple[int, int]:
    """What follows a head. ``Malformed`` for an indefinite length and for what a shorter head could hold (section 4.1).

    Whoever carries a signed object could otherwise lengthen the heads around its signed parts.
    """
    end = at + (1 << width)
    if not width:
        argument = data[at]
    elif width == 1:
        argument = data[at] << 8 | data[at + 1]
    elif width >= len(_LEAST):
        raise Malformed("lengths are definite")
    elif end > len(data):
        raise IndexError
    else:
        argument = int.from_bytes(data[at:end], "big")
    if argument < _LEAST[width]:
        raise Malformed("a number in CBOR has its shortest form")
    return argument, end


def _map(data: bytes, at: int, size: int, depth: int, redacted: bool) -> tuple[dict[Any, Any], int]:
    """A key is judged before it is hashed: arrays of -1 and -2 all have one hash in Python, and a map of thousands of them takes minutes."""
    out: dict[Any, Any] = {}
    for _ in range(size):
        key: Any = data[at]
        if key <= _IN_HEAD:
            at += 1
        else:
            key, at = _item(data, at, depth, redacted)
            kind = type(key)
            if kind is not int and kind is not str and kind is not bytes and not (redacted and is_redacted(key)):
                raise Malformed("the keys of a map are whole numbers and strings")
        if key in out:
            raise Malformed("a key of a map is there twice")
        out[key], at = _item(data, at, depth, redacted)
    return out, at


def _array(data: bytes, at: int, size: int, depth: int, redacted: bool) -> tuple[list[Any], int]:
    out = []
    for _ in range(size):
        value, at = _item(data, at, depth, redacted)
        out.append(value)
    return out, at


def _simple(data: bytes, at: int, argument: int) -> tuple[Any, int]:
    if argument == _IN_HEAD + 1:
        if data[at] < _LEAST_SIMPLE:
            raise Malformed("this simple value does not exist")
        return cbor2.CBORSimpleValue(data[at]), at + 1
    if argument not in _FLOATS:
        raise Malformed("lengths are definite")
    kind = _FLOATS[argument]
    return kind.unpack_from(data, at)[0], at + kind.size


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


_HEADS: Final = tuple(
    tuple(bytes((major << 5 | each,)) if each <= _IN_HEAD else bytes((major << 5 | 24, each)) for each in range(0x100))
    for major in range(8)
)


def head(major: int, argument: int) -> bytes:
    """The head of an item in its shortest form (RFC 8949 section 3): for what is put together by hand because it is hot."""
    if argument < _LEAST[1]:
        return _HEADS[major][argument]
    if argument < _LEAST[2]:
        return _HEAD_16.pack(major << 5 | 25, argument)
    return _HEAD_32.pack(major << 5 | 26, argument) if argument < _LEAST[3] else _HEAD_64.pack(major << 5 | 27, argument)


_HEAD_16, _HEAD_32, _HEAD_64 = struct.Struct(">BH"), struct.Struct(">BI"), struct.Struct(">BQ")


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
