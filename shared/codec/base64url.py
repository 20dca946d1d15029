"""base64url without padding, exactly one spelling for each byte string (RFC 4648 section 5 and 3.5, RFC 7515 appendix C)."""

from __future__ import annotations

from binascii import a2b_base64

import pybase64

from ..errors import Malformed

# The last character carries 4 (one byte over) or 2 (two bytes over) bits that no byte uses. They must be zero: otherwise one
# signature would have many spellings.
_LAST = {1: frozenset(""), 2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
_PADDING = {0: b"", 2: b"==", 3: b"="}
# The alphabet in standard spelling; what only the standard has, and padding, becomes a character that neither has.
_STANDARD = bytes.maketrans(b"-_+/=", b"+/...")
_SHORT = 256


def encode(data: bytes) -> str:
    """The one base64url text of ``data``, without padding."""
    return pybase64.b64encode_as_string(data, "-_").rstrip("=")


def decode(text: str | bytes, *, where: str = "") -> bytes:
    """The bytes of ``text``. ``Malformed`` for padding, white space, the characters ``+ / =``, and unused bits that are not zero."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    over = len(text) & 3
    if over and text[-1] not in _LAST[over]:
        raise Malformed("not base64url without padding", where=where)
    try:
        # Two decoders that agree: the first starts faster, the second runs faster.
        if len(text) < _SHORT:
            return a2b_base64(text.encode().translate(_STANDARD) + _PADDING[over], strict_mode=True)
        # Its alternative alphabet adds to the standard one.
        if "=" in text or "+" in text or "/" in text:
            raise Malformed("not base64url without padding", where=where)
        return pybase64.b64decode(text.encode() + _PADDING[over], "-_", True)  # validated
    except ValueError as error:
        raise Malformed("not base64url without padding", where=where) from error
