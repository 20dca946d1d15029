"""A message too long for one small QR code, as a loop of small ones: any ``k`` different frames are enough, whichever were missed.

``frame = SHA-256(message)[:4] || k || i || length (2 bytes, big-endian) || chunk i``, sent as ``OVM1:`` and base45 (docs/ovp.md section 8).
Frames 0 to k-1 hold the message itself; those after are sums of them under a Cauchy matrix over GF(256) (systematic Reed-Solomon).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from ..errors import Malformed, TooLarge
from . import base45

PREFIX: Final = "OVM1:"
CHUNK: Final = 300
"""Bytes a frame: a code of version 11 at level L."""
SMALL_CHUNK: Final = 150
"""Bigger squares, for weaker cameras."""
FITS_ONE_CODE: Final = 1_460
"""Characters, prefix included, up to which one still code serves better than a loop: version 22 at level L."""
MAX_MESSAGE: Final = 16_384
MAX_CHUNKS: Final = 64
MAX_FRAMES: Final = 255
MAX_TEXT: Final = 4_296
_BUCKETS: Final = 4
_HEADER: Final = 8
_POLYNOMIAL: Final = 0x11D

Bucket = tuple[bytes, int, int]  # id, k, length


def split(message: bytes, *, chunk: int = CHUNK) -> list[str]:
    """The texts to show in a loop: all ``k`` that hold the message, then the spare ones, ``max(k + 4, 2k)`` together.

    ``TooLarge`` past 16,384 bytes or 64 chunks, ``Malformed`` for nothing at all.
    """
    if not message:
        raise Malformed("there is nothing to show")
    k = -(-len(message) // chunk)
    if len(message) > MAX_MESSAGE or k > MAX_CHUNKS:
        raise TooLarge("this is too long for a loop of codes")
    size = -(-len(message) // k)
    data = [message[start : start + size].ljust(size, b"\0") for start in range(0, k * size, size)]
    head = _id(message) + bytes((k,))
    length = len(message).to_bytes(2, "big")
    chunks = [*data, *(_sum(_row(i, range(k)), data) for i in range(k, max(k + 4, 2 * k)))]
    return [PREFIX + base45.encode(head + bytes((i,)) + length + each) for i, each in enumerate(chunks)]


class Assembly:
    """What a camera has seen so far. Frames of several messages may come mixed; the four seen last are kept."""

    def __init__(self) -> None:
        self._buckets: dict[Bucket, dict[int, bytes]] = {}
        self._progress = (0, 0)

    @property
    def progress(self) -> tuple[int, int]:
        """Different frames of the message seen last, and how many it needs; ``(0, 0)`` before the first."""
        return self._progress

    def add(self, text: str) -> bytes | None:
        """The whole message once enough of its frames were added, else ``None``.

        ``Malformed`` for what is no frame, and once frames that were said to belong together do not: they are then forgotten.
        """
        bucket, i, chunk = _parse(text)
        found = self._buckets.pop(bucket, {})
        found.setdefault(i, chunk)
        _, k, length = bucket
        self._progress = (len(found), k)
        if len(found) < k:
            self._buckets[bucket] = found
            if len(self._buckets) > _BUCKETS:
                del self._buckets[next(iter(self._buckets))]
            return None
        message = b"".join(_data(k, found))[:length]
        if _id(message) != bucket[0]:
            raise Malformed("these frames do not belong together")
        return message


def _id(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()[:4]


def _parse(text: str) -> tuple[Bucket, int, bytes]:
    if not text.startswith(PREFIX) or len(text) > MAX_TEXT:
        raise Malformed("this code is no frame")
    frame = base45.decode(text[len(PREFIX) :])
    if len(frame) <= _HEADER:
        raise Malformed("the frame is cut short")
    k, i, length = frame[4], frame[5], int.from_bytes(frame[6:8], "big")
    size = len(frame) - _HEADER
    if not 1 <= k <= MAX_CHUNKS or i >= MAX_FRAMES or length > MAX_MESSAGE:
        raise Malformed("the frame's numbers are out of range")
    # A length has one division into k chunks, and the last holds a byte at least: a frame that lies about either has another size.
    if size != -(-length // k) or (k - 1) * size >= length:
        raise Malformed("the frame's numbers do not fit each other")
    return (frame[:4], k, length), i, frame[_HEADER:]


def _data(k: int, found: Mapping[int, bytes]) -> list[bytes]:
    """The ``k`` chunks of the message from any ``k`` frames: what is missing solves as many equations of the spare ones."""
    known = {i: chunk for i, chunk in found.items() if i < k}
    missing = [j for j in range(k) if j not in known]
    spare = sorted(i for i in found if i >= k)[: len(missing)]
    rows = [_row(i, missing) for i in spare]
    sums = [_xor(found[i], _sum(_row(i, known), list(known.values()))) if known else found[i] for i in spare]
    _solve(rows, sums)
    return [known[j] if j in known else sums[missing.index(j)] for j in range(k)]


def _solve(rows: list[list[int]], sums: list[bytes]) -> None:
    """Gauss-Jordan, in place. Each leading part of a Cauchy matrix is one too and so regular: no pivot is ever zero."""
    for pivot in range(len(rows)):
        factor = _inverse(rows[pivot][pivot])
        rows[pivot] = [_product(factor, each) for each in rows[pivot]]
        sums[pivot] = _times(factor, sums[pivot])
        for other in range(len(rows)):
            factor = rows[other][pivot]
            if other != pivot and factor:
                rows[other] = [each ^ _product(factor, mine) for each, mine in zip(rows[other], rows[pivot], strict=True)]
                sums[other] = _xor(sums[other], _times(factor, sums[pivot]))


def _row(i: int, columns: Sequence[int] | Mapping[int, bytes]) -> list[int]:
    """The coefficients of spare frame ``i`` for some data chunks: ``1 / (i + j)``, never 0 because i >= k > j."""
    return [_inverse(i ^ j) for j in columns]


def _sum(factors: Sequence[int], chunks: Sequence[bytes]) -> bytes:
    total = 0
    for factor, chunk in zip(factors, chunks, strict=True):
        total ^= int.from_bytes(_times(factor, chunk), "big")
    return total.to_bytes(len(chunks[0]), "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _times(factor: int, chunk: bytes) -> bytes:
    return chunk.translate(_table(factor))


@cache
def _table(factor: int) -> bytes:
    return bytes(_product(factor, value) for value in range(256))


def _product(one: int, other: int) -> int:
    return _EXP[_LOG[one] + _LOG[other]] if one and other else 0


def _inverse(value: int) -> int:
    return _EXP[255 - _LOG[value]]


def _logarithms() -> tuple[list[int], list[int]]:
    """Powers of the generator 2, twice around, and their exponents."""
    exp, log, value = [0] * 510, [0] * 256, 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        value <<= 1
        if value > 0xFF:
            value ^= _POLYNOMIAL
    return exp, log


_EXP, _LOG = _logarithms()
