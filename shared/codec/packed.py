"""JSON documents with signed texts inside, as CBOR: each compact JWS or SD-JWT leaves its base64url and is a list of lists of bytes.

That is lossless, for base64url has one spelling here, and zlib then finds the words inside: a quarter less to draw in a QR code.
"""

from __future__ import annotations

from typing import Any

from ..errors import Malformed
from . import base64url


def pack(value: Any) -> Any:
    """Texts that are signed objects, split at ``~`` and ``.``, as lists of lists of bytes; everything else as it is."""
    if isinstance(value, dict):
        return {name: pack(each) for name, each in value.items()}
    if isinstance(value, list):
        return [pack(each) for each in value]
    if not isinstance(value, str) or "." not in value:
        return value
    try:
        return [[base64url.decode(part) for part in item.split(".")] for item in value.split("~")]
    except Malformed:
        return value


def unpack(value: Any) -> Any:
    """The inverse. Only a list of lists of bytes is a signed object, and an empty part is an empty byte string."""
    if isinstance(value, dict):
        return {name: unpack(each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    if value and all(isinstance(item, list) and item and all(isinstance(part, bytes) for part in item) for item in value):
        return "~".join(".".join(map(base64url.encode, item)) for item in value)
    return [unpack(each) for each in value]
