"""JSON that has one meaning (RFC 8259, with the I-JSON rules of RFC 7493).

Two programs that read the same bytes must see the same value; so whatever parsers are known to read differently is refused: members
that repeat, numbers that are not finite or that JavaScript would round, lone surrogates, a byte order mark, anything after the value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import Malformed, TooLarge

# RFC 7493 section 2.2: a larger integer is not the same number in every implementation.
MAX_INTEGER = 2**53 - 1
_DEEPEST = 512


def loads(data: bytes | str, *, max_bytes: int = 1_000_000, max_depth: int = 32, where: str = "") -> Any:
    """The value of one JSON text. ``max_bytes`` bounds its UTF-8 length, ``max_depth`` the nesting of arrays and objects.

    ``TooLarge`` past a bound, ``Malformed`` for all else; both carry ``where``.
    """
    try:
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes of JSON")
        value = _decode(raw)
        if not _is_plain(raw, value, max_depth):
            members = _measure([value], max_depth + 1)
            if members != raw.count(b":"):
                _check_members(raw, members)
    except RecursionError as error:
        raise TooLarge("JSON is nested too deeply", where=where) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed("not a JSON text that all programs read alike", where=where) from error
    except Malformed as error:
        raise error.within(where) from error.__cause__
    return value


def load_unmeasured(data: bytes, *, where: str = "") -> dict[str, Any]:
    """As ``load_object`` for a reader that walks all of the value anyway: depth, and the size of integers, are left to it."""
    try:
        value = _decode(data)
        if type(value) is dict and _encode(value) == data:  # written again it is the same text: no member was lost
            return value
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # the long way tells what is wrong
    return load_object(data, max_bytes=len(data), max_depth=_DEEPEST, where=where)


def load_object(data: bytes | str, *, max_bytes: int = 1_000_000, max_depth: int = 32, where: str = "") -> dict[str, Any]:
    """As ``loads``, but the value must be an object."""
    value = loads(data, max_bytes=max_bytes, max_depth=max_depth, where=where)
    if not isinstance(value, dict):
        raise Malformed("a JSON object is demanded here", where=where)
    return value


def dumps(value: object) -> bytes:
    """Compact UTF-8 JSON of plain values (and any ``Mapping``), members in their order. NaN and lone surrogates are ``Malformed``."""
    try:
        raw = _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise Malformed("a text holds half of a surrogate pair") from error
    if b"null" in raw:
        # The encoder writes NaN and the infinities as null. The stricter one tells them from a real null.
        try:
            json.dumps(value, allow_nan=False, default=_plain)
        except ValueError as error:
            raise Malformed("a number is not finite") from error
    return raw


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    detail = f"{type(value).__name__} is not a JSON value"
    raise TypeError(detail)


_decode = msgspec.json.Decoder().decode
_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_encode = msgspec.json.Encoder().encode
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_SIXTEEN = b"0" * 16


def _is_plain(raw: bytes, value: Any, max_depth: int) -> bool:
    """Whether nothing can be wrong with ``raw``, of which ``value`` was read; three looks that cost less than a walk.

    Written again it is the same text, so that no member was lost; it has no more brackets than it may be deep; and no number as long
    as the smallest one that is too large.
    """
    return raw.count(b"{") + raw.count(b"[") <= max_depth and _SIXTEEN not in raw.translate(_DIGITS_TO_ZERO) and _encode(value) == raw


def _measure(value: dict[str, Any] | list[Any], room: int) -> int:
    """How many members the objects in ``value`` hold together, while looking at depth and integers."""
    if not room:
        raise TooLarge("JSON is nested too deeply")
    members = 0
    items: Any = value
    if type(value) is dict:
        members = len(value)
        items = value.values()
    for item in items:
        kind = type(item)
        if kind is str:
            continue
        if kind is dict or kind is list:
            members += _measure(item, room - 1)
        elif kind is int and not -MAX_INTEGER <= item <= MAX_INTEGER:
            raise Malformed("an integer is too large to be read alike by all programs")
    return members


def _check_members(raw: bytes, members: int) -> None:
    """Refuse objects with a repeated member, of which the fast decoder keeps the last one silently.

    As each member of the text has a colon, none was lost if as many members came out as there are colons (``loads``). In a text with
    colons inside strings the same holds for ``":`` unless white space stands between. Only otherwise a slower pass decides.
    """
    if members != raw.count(b'":') or (b" " in raw and b" :" in raw) or b"\n" in raw or b"\t" in raw or b"\r" in raw:
        json.loads(raw, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Malformed("a JSON object repeats a member")
