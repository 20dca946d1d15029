"""Spaces behind JSON until its size says little: a sealed text tells everybody how long it is."""

from __future__ import annotations

from ..errors import TooLarge


def pad(inside: bytes, *, smallest: int, largest: int, what: str) -> bytes:
    """``inside`` with spaces up to ``smallest`` bytes, or the next doubling of it. ``TooLarge``, which says ``what``, beyond ``largest``."""
    size = smallest
    while size < len(inside):
        size *= 2
    if size > largest:
        raise TooLarge(what)
    return inside.ljust(size)
