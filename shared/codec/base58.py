"""base58btc, as multibase texts that begin with ``z`` have it: for keys of a few dozen bytes, so that a square loop does no harm."""

from __future__ import annotations

from typing import Final

from ..errors import Malformed

MAX_LENGTH: Final = 256  # characters
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """Each zero byte at the beginning is a ``1``."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def decode(text: str, *, where: str = "") -> bytes:
    """The bytes of ``text``; ``Malformed`` for other letters and for more than ``MAX_LENGTH`` of them."""
    if len(text) > MAX_LENGTH or not all(letter in _VALUES for letter in text):
        raise Malformed("not a short text in base58btc", where=where)
    number = 0
    for letter in text:
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
