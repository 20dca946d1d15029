"""CBOR (RFC 8949) from strangers: definite lengths, no repeated map keys, bounded depth, nothing after the item.

Tags are never acted on: a decoder that makes dates, expressions or decimals of them can be made to work for minutes. Each one arrives as
a ``cbor2.CBORTag`` for the caller to judge, bignums included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import cbor2

from ..errors import Malformed, TooLarge

_MAX_DEPTH = 16


def loads(data: bytes, *, max_bytes: int = 1_000_000, max_depth: int = _MAX_DEPTH, where: str = "") -> Any:
    """The one item in ``data``. ``TooLarge`` past ``max_bytes``; ``Malformed`` for all else, nesting beyond ``max_depth`` included."""
    if len(data) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes of CBOR", where=where)
    decoder = cbor2.CBORDecoder(
        BytesIO(data), max_depth=max_depth, allow_indefinite=False, allow_duplicate_keys=False, semantic_decoders=_TAGS
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError) as error:
        raise Malformed("not a CBOR item that is read here", where=where) from error
    try:
        decoder.read(1)
    except cbor2.CBORDecodeEOF:
        return value
    raise Malformed("bytes after the CBOR item", where=where)


def dumps(value: object, *, canonical: bool = False) -> bytes:
    """``value`` in definite lengths; ``canonical`` sorts map keys by length, then bytes, and uses the shortest floats (RFC 8949 4.2.3)."""
    return cbor2.dumps(value, canonical=canonical)


class _KeepTags(Mapping[int, Callable[[Any, bool], Any]]):
    """For every tag, known to the decoder or not, the same answer: leave it alone."""

    def __getitem__(self, tag: int) -> Callable[[Any, bool], Any]:
        return lambda value, _immutable: cbor2.CBORTag(tag, value)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


_TAGS = _KeepTags()
