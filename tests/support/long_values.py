"""What two signed things have in common, looked for in everything that is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import cbor2

from shared.codec import base64url, strict_json


def long_values(value: Any) -> Iterator[bytes]:
    """Every text and byte string of 16 bytes or more below ``value``, and what is wrapped in them."""
    if isinstance(value, cbor2.CBORTag):
        yield from long_values(value.value)
    elif isinstance(value, Mapping):
        for each in value.items():
            yield from long_values(list(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from long_values(each)
    elif isinstance(value, str | bytes):
        plain = value.encode() if isinstance(value, str) else value
        if len(plain) >= 16:
            yield plain
        for inner in unwrapped(value):
            yield from long_values(inner)


def unwrapped(value: str | bytes) -> Iterator[Any]:
    """The CBOR of a byte string, the JSON of a text in base64url: a container, or it is neither."""
    try:
        inner = cbor2.loads(value) if isinstance(value, bytes) else strict_json.loads(base64url.decode(value))
    except Exception:  # noqa: BLE001 - not wrapped
        return
    if isinstance(inner, cbor2.CBORTag | Mapping | list):
        yield inner


def decoded(form: str, wire: str) -> set[bytes]:
    """Every value of 16 bytes or more in one presentation."""
    whole = cbor2.loads(base64url.decode(wire)) if form == "dc+sd-cwt" else [part.split(".") for part in wire.split("~")]
    return set(long_values(whole))
