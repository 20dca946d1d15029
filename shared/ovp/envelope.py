"""The text of one code and the message of a loop of codes: what it is, and its bytes, compressed where that helps (docs/ovp.md section 3).

``text = PREFIX base45(BODY)``, ``message = TYPE BODY`` (one byte); ``BODY`` is zlib of the content if that is shorter, else the content.
A sealed body is never compressed: it looks random, and its first byte would say anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from ..codec import base45
from ..codec.inflate import inflate
from ..errors import Malformed, TooLarge

CHALLENGE: Final = "OVC1:"
PRESENTATION: Final = "OVP1:"
SEALED: Final = "OVE1:"
BEARER: Final = "OVB1:"
SD_JWT: Final = "OVJ1:"
RECEIPT: Final = "OVR1:"
MAX_TEXT: Final = 4_296
"""Characters in the largest code, alphanumeric, level L."""
MAX_CONTENT: Final = 16_384

_TYPES: Final[Mapping[str, bytes]] = {CHALLENGE: b"C", PRESENTATION: b"P", SEALED: b"E", BEARER: b"B", SD_JWT: b"J", RECEIPT: b"R"}
_PREFIXES: Final[Mapping[bytes, str]] = {byte: prefix for prefix, byte in _TYPES.items()}
PREFIXES: Final = tuple(_TYPES)
_ZLIB: Final = 0x78  # the first byte of zlib's largest window; in CBOR a text, which no content is


def render_text(prefix: str, content: bytes) -> str:
    """For one code, a file or a paste. ``TooLarge`` past the largest code: show a loop instead."""
    text = prefix + base45.encode(_body(prefix, content))
    if len(text) > MAX_TEXT:
        raise TooLarge("this is longer than any QR code")
    return text


def parse_text(text: str) -> tuple[str, bytes]:
    """Prefix and content; ``Malformed`` or ``TooLarge``. Of a loop's frame see ``shared.codec.frames``."""
    if len(text) > MAX_TEXT:
        raise TooLarge("this is longer than any QR code")
    prefix = text[: len(CHALLENGE)]
    if prefix not in _TYPES:
        raise Malformed("this code holds something else")
    return prefix, _content(prefix, base45.decode(text[len(prefix) :]))


def to_message(prefix: str, content: bytes) -> bytes:
    """For a loop of codes, or to be sealed."""
    return _TYPES[prefix] + _body(prefix, content)


def of_message(message: bytes) -> tuple[str, bytes]:
    """Prefix and content; ``Malformed`` or ``TooLarge``."""
    if len(message) > MAX_CONTENT:
        raise TooLarge("this is longer than any loop of codes")
    prefix = _PREFIXES.get(message[:1])
    if prefix is None:
        raise Malformed("these codes hold something else")
    return prefix, _content(prefix, message[1:])


def _body(prefix: str, content: bytes) -> bytes:
    if len(content) > MAX_CONTENT:
        raise TooLarge(f"more than {MAX_CONTENT} bytes")
    small = content if prefix == SEALED else zlib.compress(content, 9)
    return small if len(small) < len(content) else content


def _content(prefix: str, body: bytes) -> bytes:
    if prefix == SEALED or body[:1] != bytes((_ZLIB,)):
        return body
    return inflate(body, max_bytes=MAX_CONTENT)
