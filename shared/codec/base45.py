"""Base45 (RFC 9285): bytes in the characters that QR codes pack best. Strict: one text for each byte string."""

from __future__ import annotations

import struct

from ..errors import Malformed

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_PAIRS = [low + high for high in _ALPHABET for low in _ALPHABET]
_OTHER = 255
_VALUES = bytes(_ALPHABET.find(chr(code)) & _OTHER for code in range(256))


def encode(data: bytes) -> str:
    """Three characters for each two bytes, two for a last single one."""
    pairs, odd = divmod(len(data), 2)
    parts = [_PAIRS[word % 2025] + _ALPHABET[word // 2025] for word in struct.unpack_from(f">{pairs}H", data)]
    if odd:
        parts.append(_PAIRS[data[-1]])
    return "".join(parts)


def decode(text: str, *, where: str = "") -> bytes:
    """The bytes of ``text``; ``Malformed`` for other characters, lengths that no encoder gives and groups above their bytes' range."""
    values = text.encode().translate(_VALUES) if text.isascii() else bytes((_OTHER,))
    groups, over = divmod(len(values), 3)
    if _OTHER in values or over == 1:
        raise Malformed("not base45: a character is missing, too many or outside the alphabet", where=where)
    whole = groups * 3
    words = [a + 45 * b + 2025 * c for a, b, c in zip(values[0:whole:3], values[1:whole:3], values[2:whole:3], strict=True)]
    try:
        head = struct.pack(f">{groups}H", *words)
        return head + struct.pack("B", values[whole] + 45 * values[whole + 1]) if over else head
    except struct.error as error:
        raise Malformed("not base45: a group above the range of its bytes", where=where) from error
