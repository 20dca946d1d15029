"""Typed reading of JSON objects that strangers wrote. Each error carries the JSON pointer (RFC 6901) of the place.

``where`` is the pointer of the object itself; with ``optional`` an absent member gives ``None``. A member that is ``null`` is present.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar, overload

from ..errors import Malformed, TooLarge

T = TypeVar("T")
Object = Mapping[str, Any]
LAST: Final = 253_402_214_400
"""The start of 31 December 9999 (UTC): what comes after it is no date everywhere on earth."""


def pointer(where: str, name: str | int) -> str:
    """The pointer one step further in."""
    step = str(name).replace("~", "~0").replace("/", "~1")
    return f"{where}/{step}"


@overload
def get_str(obj: Object, name: str, where: str = "", *, min_length: int = 1, max_length: int = 4096) -> str: ...
@overload
def get_str(obj: Object, name: str, where: str = "", *, optional: Literal[False], min_length: int = 1, max_length: int = 4096) -> str: ...
@overload
def get_str(obj: Object, name: str, where: str = "", *, optional: bool, min_length: int = 1, max_length: int = 4096) -> str | None: ...
def get_str(obj: Object, name: str, where: str = "", *, optional: bool = False, min_length: int = 1, max_length: int = 4096) -> str | None:
    """A text of ``min_length`` to ``max_length`` characters; an empty one counts as malformed unless ``min_length`` is 0."""
    value = _get(obj, name, where, str, "a string", optional=optional)
    if value is None:
        return None
    if len(value) < min_length:
        raise Malformed(f"at least {min_length} characters are demanded here", where=pointer(where, name))
    if len(value) > max_length:
        raise TooLarge(f"more than {max_length} characters", where=pointer(where, name))
    return value


@overload
def get_int(obj: Object, name: str, where: str = "", *, minimum: int = 0, maximum: int = 2**53 - 1) -> int: ...
@overload
def get_int(obj: Object, name: str, where: str = "", *, optional: Literal[False], minimum: int = 0, maximum: int = 2**53 - 1) -> int: ...
@overload
def get_int(obj: Object, name: str, where: str = "", *, optional: bool, minimum: int = 0, maximum: int = 2**53 - 1) -> int | None: ...
def get_int(obj: Object, name: str, where: str = "", *, optional: bool = False, minimum: int = 0, maximum: int = 2**53 - 1) -> int | None:
    """A whole number from ``minimum`` to ``maximum``; neither ``true`` nor ``1.0`` is one."""
    value = _get(obj, name, where, int, "a whole number", optional=optional)
    if value is not None and not minimum <= value <= maximum:
        raise Malformed(f"a number from {minimum} to {maximum} is demanded here", where=pointer(where, name))
    return value


@overload
def get_instant(obj: Object, name: str, where: str = "") -> int: ...
@overload
def get_instant(obj: Object, name: str, where: str = "", *, optional: Literal[False]) -> int: ...
@overload
def get_instant(obj: Object, name: str, where: str = "", *, optional: bool) -> int | None: ...
def get_instant(obj: Object, name: str, where: str = "", *, optional: bool = False) -> int | None:
    """Whole seconds since the epoch to ``LAST``, for a moment that is shown to people."""
    return get_int(obj, name, where, optional=optional, maximum=LAST)


@overload
def get_bool(obj: Object, name: str, where: str = "") -> bool: ...
@overload
def get_bool(obj: Object, name: str, where: str = "", *, optional: Literal[False]) -> bool: ...
@overload
def get_bool(obj: Object, name: str, where: str = "", *, optional: bool) -> bool | None: ...
def get_bool(obj: Object, name: str, where: str = "", *, optional: bool = False) -> bool | None:
    """``true`` or ``false``."""
    return _get(obj, name, where, bool, "true or false", optional=optional)


@overload
def get_object(obj: Object, name: str, where: str = "") -> dict[str, Any]: ...
@overload
def get_object(obj: Object, name: str, where: str = "", *, optional: Literal[False]) -> dict[str, Any]: ...
@overload
def get_object(obj: Object, name: str, where: str = "", *, optional: bool) -> dict[str, Any] | None: ...
def get_object(obj: Object, name: str, where: str = "", *, optional: bool = False) -> dict[str, Any] | None:
    """An object, its members unread."""
    return _get(obj, name, where, dict, "an object", optional=optional)


@overload
def get_list(obj: Object, name: str, where: str = "", *, min_items: int = 0, max_items: int = 1024) -> list[Any]: ...
@overload
def get_list(
    obj: Object, name: str, where: str = "", *, optional: Literal[False], min_items: int = 0, max_items: int = 1024
) -> list[Any]: ...
@overload
def get_list(obj: Object, name: str, where: str = "", *, optional: bool, min_items: int = 0, max_items: int = 1024) -> list[Any] | None: ...
def get_list(
    obj: Object, name: str, where: str = "", *, optional: bool = False, min_items: int = 0, max_items: int = 1024
) -> list[Any] | None:
    """An array of ``min_items`` to ``max_items`` elements, unread."""
    value = _get(obj, name, where, list, "an array", optional=optional)
    if value is None:
        return None
    if len(value) < min_items:
        raise Malformed(f"at least {min_items} elements are demanded here", where=pointer(where, name))
    if len(value) > max_items:
        raise TooLarge(f"more than {max_items} elements", where=pointer(where, name))
    return value


@overload
def get_strings(obj: Object, name: str, where: str = "", *, min_items: int = 0, max_items: int = 1024) -> tuple[str, ...]: ...
@overload
def get_strings(
    obj: Object, name: str, where: str = "", *, optional: Literal[False], min_items: int = 0, max_items: int = 1024
) -> tuple[str, ...]: ...
@overload
def get_strings(
    obj: Object, name: str, where: str = "", *, optional: bool, min_items: int = 0, max_items: int = 1024
) -> tuple[str, ...] | None: ...
def get_strings(
    obj: Object, name: str, where: str = "", *, optional: bool = False, min_items: int = 0, max_items: int = 1024
) -> tuple[str, ...] | None:
    """An array of strings."""
    value = get_list(obj, name, where, optional=optional, min_items=min_items, max_items=max_items)
    if value is None:
        return None
    return tuple(as_str(item, pointer(pointer(where, name), index)) for index, item in enumerate(value))


@overload
def get_objects(obj: Object, name: str, where: str = "", *, min_items: int = 0, max_items: int = 1024) -> tuple[dict[str, Any], ...]: ...
@overload
def get_objects(
    obj: Object, name: str, where: str = "", *, optional: Literal[False], min_items: int = 0, max_items: int = 1024
) -> tuple[dict[str, Any], ...]: ...
@overload
def get_objects(
    obj: Object, name: str, where: str = "", *, optional: bool, min_items: int = 0, max_items: int = 1024
) -> tuple[dict[str, Any], ...] | None: ...
def get_objects(
    obj: Object, name: str, where: str = "", *, optional: bool = False, min_items: int = 0, max_items: int = 1024
) -> tuple[dict[str, Any], ...] | None:
    """An array of objects."""
    value = get_list(obj, name, where, optional=optional, min_items=min_items, max_items=max_items)
    if value is None:
        return None
    return tuple(as_object(item, pointer(pointer(where, name), index)) for index, item in enumerate(value))


def as_str(value: object, where: str = "") -> str:
    """``value`` itself, if it is a string."""
    return _typed(value, where, str, "a string")


def as_object(value: object, where: str = "") -> dict[str, Any]:
    """``value`` itself, if it is an object."""
    return _typed(value, where, dict, "an object")


def _get(obj: Object, name: str, where: str, kind: type[T], words: str, *, optional: bool) -> T | None:
    if name not in obj:
        if optional:
            return None
        raise Malformed(f"{words} is missing here", where=pointer(where, name))
    return _typed(obj[name], pointer(where, name), kind, words)


def _typed(value: object, where: str, kind: type[T], words: str) -> T:
    # By exact type: in Python, though not in JSON, true is an integer.
    if type(value) is not kind:
        raise Malformed(f"{words} is demanded here", where=where)
    return value
