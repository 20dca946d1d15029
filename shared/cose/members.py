"""Typed reading of CBOR maps that strangers signed. Each error carries the pointer of the place, with the integer key as its last step.

Types are compared exactly: true is no number, and a number is no text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from ..codec import cbor
from ..codec.reader import pointer
from ..errors import Malformed, TooLarge

T = TypeVar("T")
Members = Mapping[Any, Any]
MAX_UINT = 2**53 - 1
"""What every language can count exactly."""


def load_map(data: bytes, where: str = "", *, needed: Collection[int | str], optional: Collection[int | str] = ()) -> Members:
    """The one map in ``data``, with all ``needed`` members and none beyond ``optional``."""
    return as_map(cbor.loads(data, where=where), where, needed=needed, optional=optional)


def as_map(value: object, where: str = "", *, needed: Collection[int | str], optional: Collection[int | str] = ()) -> Members:
    """The same of a decoded item."""
    if not isinstance(value, Mapping) or {type(key) for key in value} - {int, str}:
        raise Malformed("a map is demanded here", where=where)
    if missing := set(needed) - value.keys():
        raise Malformed("a member is missing", where=pointer(where, min(missing, key=str)))
    if extra := value.keys() - {*needed, *optional}:
        raise Malformed("a member that is not known here", where=pointer(where, min(extra, key=str)))
    return value


def text(members: Members, key: int | str, where: str = "", *, min_length: int = 1, max_length: int = 2_048) -> str:
    """A text of ``min_length`` to ``max_length`` characters (code points)."""
    value = _typed(members[key], str, "a text", pointer(where, key))
    if len(value) < min_length:
        raise Malformed(f"at least {min_length} characters are demanded here", where=pointer(where, key))
    if len(value) > max_length:
        raise TooLarge(f"more than {max_length} characters", where=pointer(where, key))
    return value


def uint(members: Members, key: int | str, where: str = "", *, minimum: int = 0, maximum: int = MAX_UINT) -> int:
    """A whole number from ``minimum`` to ``maximum``."""
    return as_uint(members[key], pointer(where, key), minimum=minimum, maximum=maximum)


def as_uint(value: object, where: str = "", *, minimum: int = 0, maximum: int = MAX_UINT) -> int:
    """The same of a decoded item."""
    number = _typed(value, int, "a whole number", where)
    if not minimum <= number <= maximum:
        raise Malformed(f"a number from {minimum} to {maximum} is demanded here", where=where)
    return number


def octets(members: Members, key: int | str, where: str = "", *, size: int, max_size: int = 0) -> bytes:
    """A byte string of ``size`` bytes, or of ``size`` to ``max_size`` where that is given."""
    value = _typed(members[key], bytes, "a byte string", pointer(where, key))
    if not size <= len(value) <= (max_size or size):
        raise Malformed(f"{size if not max_size else f'{size} to {max_size}'} bytes are demanded here", where=pointer(where, key))
    return value


def array(members: Members, key: int | str, where: str = "", *, min_items: int = 0, max_items: int = 64) -> list[Any]:
    """An array, its items unread."""
    return as_array(members[key], pointer(where, key), min_items=min_items, max_items=max_items)


def as_array(value: object, where: str = "", *, min_items: int = 0, max_items: int = 64) -> list[Any]:
    """The same of a decoded item: what lies inside a tag arrives as a tuple."""
    if not isinstance(value, list | tuple) or not min_items <= len(value) <= max_items:
        raise Malformed(f"an array of {min_items} to {max_items} items is demanded here", where=where)
    return list(value)


def _typed(value: object, kind: type[T], words: str, where: str) -> T:
    if type(value) is not kind:
        raise Malformed(f"{words} is demanded here", where=where)
    return value
