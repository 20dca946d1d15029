"""Bounded decompression of zlib (RFC 1950) and gzip (RFC 1952) streams: a few bytes can otherwise unfold to gigabytes."""

from __future__ import annotations

import zlib

from ..errors import Malformed, TooLarge


def inflate(data: bytes, *, max_bytes: int, where: str = "") -> bytes:
    """The content of exactly one zlib stream. ``TooLarge`` past ``max_bytes``; ``Malformed`` if cut short, damaged or followed by bytes."""
    return _unfold(zlib.decompressobj(), data, max_bytes, "zlib", where)


def gunzip(data: bytes, *, max_bytes: int, where: str = "") -> bytes:
    """As ``inflate``, of exactly one gzip member."""
    return _unfold(zlib.decompressobj(16 + zlib.MAX_WBITS), data, max_bytes, "gzip", where)


def _unfold(stream: zlib._Decompress, data: bytes, max_bytes: int, name: str, where: str) -> bytes:
    try:
        # One byte more than allowed shows that there is more, without unfolding the rest.
        content = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise Malformed(f"not a {name} stream", where=where) from error
    if len(content) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes when unpacked", where=where)
    if not stream.eof:
        raise Malformed(f"the {name} stream is cut short", where=where)
    if stream.unused_data:
        raise Malformed(f"bytes after the {name} stream", where=where)
    return content
