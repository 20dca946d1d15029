"""Arguments of statements, made equal on all databases before any of them sees a value."""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import Malformed
from ._model import StorageError, Value

_PLACEHOLDER = re.compile(r"\$([1-9][0-9]*)")
_INT64 = 1 << 63


@lru_cache(maxsize=1024)
def names(sql: str) -> tuple[str, ...]:
    """``("1", "2", … n)`` for the highest ``$n``; each number up to it has to occur."""
    found = {int(number) for number in _PLACEHOLDER.findall(sql)}
    if found != set(range(1, len(found) + 1)):
        raise StorageError("the placeholders of a statement are $1, $2 … without a gap")
    return tuple(str(number) for number in sorted(found))


def check(sql: str, args: tuple[Value, ...]) -> tuple[str, ...]:
    """Return ``names(sql)``; ``StorageError`` for a wrong number of arguments, ``Malformed`` for what only one database would take."""
    wanted = names(sql)
    if len(wanted) != len(args):
        raise StorageError(f"the statement has {len(wanted)} placeholders and {len(args)} arguments")
    for value in args:
        if isinstance(value, str):
            if "\0" in value or not (value.isascii() or _encodes(value)):
                raise Malformed("a text with a NUL or half a surrogate pair cannot be stored")
        elif isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise Malformed("a number beyond 64 bits cannot be stored")
    return wanted


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
