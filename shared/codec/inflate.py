"""Bounded decompression of zlib streams (RFC 1950): a few bytes can otherwise unfold to gigabytes."""

from __future__ import annotations

import zlib

from ..errors import Malformed, TooLarge


def inflate(data: bytes, *, max_bytes: int, where: str = "") -> bytes:
    """The content of exactly one zlib stream. ``TooLarge`` past ``max_bytes``; ``Malformed`` if cut short, damaged or followed by bytes."""
    stream = zlib.decompressobj()
    try:
        # One byte more than allowed shows that there is more, without unfolding the rest.
        content = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise Malformed("not a zlib stream", where=where) from error
    if len(content) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes when unpacked", where=where)
    if not stream.eof:
        raise Malformed("the zlib stream is cut short", where=where)
    if stream.unused_data:
        raise Malformed("bytes after the zlib stream", where=where)
    return content
