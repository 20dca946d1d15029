"""A compressed list that follows its bytes without being compressed again (RFC 1950, RFC 1951).

zlib finds what repeats, once. From then on the stream is one block whose spans are kept apart, under one Huffman code in which all can
be written. A byte that changes lies in one span and is copied by few others: these are written anew, each by itself, and all else stays. What comes out is a zlib stream like any other, at first no larger than that of the highest level; it grows a little with each
change, and ``worn`` says when to begin again.

Blocks that are flushed apart would not do: a cancelled document changes some hundred entries all over the list (security rule S23), so
either all blocks change or they are too small to be worth their heads.
"""

from __future__ import annotations

import heapq
import re
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise, repeat
from typing import Final

Span = tuple[int, int]  # how many bytes, and from how far back they are copied: 0 for bytes that are told themselves

_LONGEST: Final = 258
_SHORTEST: Final = 3
_END, _LENGTHS, _DISTANCES = 256, 29, 30  # RFC 1951 section 3.2.5
_MAX_CODE: Final = 15  # bits
_LENGTH_EXTRA: Final = (0,) * 8 + tuple(bits for bits in range(1, 6) for _ in range(4)) + (0,)
_LENGTH_BASE: Final = (*accumulate((1 << bits for bits in _LENGTH_EXTRA[:-2]), initial=_SHORTEST), _LONGEST)
_DISTANCE_EXTRA: Final = (0, 0, *(bits for bits in range(14) for _ in range(2)))
_DISTANCE_BASE: Final = tuple(accumulate((1 << bits for bits in _DISTANCE_EXTRA[:-1]), initial=1))
_LIKELY: Final = 50  # one span in so many counts as if it were rewritten already
_RUN: Final = re.compile(rb"(.)\1*", re.DOTALL)


class Deflated:
    """``data`` as a zlib stream. Whoever changes bytes of ``data`` says so by ``rewrite``."""

    __slots__ = ("_bits", "_code", "_copied", "_ends", "_fresh", "_sources", "_starts", "_texts", "_users", "data")

    def __init__(self, data: bytearray) -> None:
        """Takes twice as long as zlib at its highest level."""
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
        spans = list(_spans(deflater.compress(data) + deflater.flush()))
        code = _Code(spans, data)
        self.data = data
        self._starts = array("I", accumulate((length for length, _ in spans), initial=0))
        chunks = [bytes(data[start:end]) for start, end in pairwise(self._starts)]
        # What is copied costs more when it changes: a copy has to be shorter by more than a bit to be worth it.
        spans = [
            (length, distance if distance and len(code.copy(length, distance)) < len(code.plain(chunk)) - 1 else 0)
            for (length, distance), chunk in zip(spans, chunks, strict=True)
        ]
        self._code = _Code(spans, data)
        self._texts = [
            self._code.copy(length, distance) if distance else self._code.plain(chunk)
            for (length, distance), chunk in zip(spans, chunks, strict=True)
        ]
        self._copied = bytearray(distance > 0 for _, distance in spans)
        copies = sorted(
            (start - distance, start - distance + min(length, distance), number)
            for number, (start, (length, distance)) in enumerate(zip(self._starts, spans, strict=False))
            if distance
        )
        self._sources, self._ends, self._users = (array("I", (copy[part] for copy in copies)) for part in range(3))
        self._bits = self._fresh = sum(map(len, self._texts))

    @property
    def worn(self) -> bool:
        """Larger by a two-hundredth than when it was made."""
        return self._bits > self._fresh + self._fresh // 200 + 2_048

    def rewrite(self, places: Iterable[int]) -> None:
        """The bytes at ``places`` have changed."""
        touched: set[int] = set()
        for place in places:
            touched.add(bisect_right(self._starts, place) - 1)
            touched.update(self._copied_by(place))
        for number in touched:
            text = self._code.plain(bytes(self.data[self._starts[number] : self._starts[number + 1]]))
            self._bits += len(text) - len(self._texts[number])
            self._texts[number] = text
            self._copied[number] = 0

    def _copied_by(self, place: int) -> Iterator[int]:
        """The spans that take the byte at ``place`` from there."""
        low, high = bisect_left(self._sources, max(0, place - _LONGEST + 1)), bisect_right(self._sources, place)
        return (self._users[at] for at in range(low, high) if self._ends[at] > place and self._copied[self._users[at]])

    def stream(self) -> bytes:
        """RFC 1950, the whole."""
        text = "".join(chain((self._code.head,), self._texts, (self._code.end,)))
        block = int(text[::-1], 2).to_bytes((len(text) + 7) // 8, "little")  # the first bit is the lowest of the first byte
        return b"\x78\xda" + block + zlib.adler32(self.data).to_bytes(4, "big")


class _Code:
    """The Huffman codes of one stream, as texts of 0 and 1 in the order in which bits are written. Everything can be written in them."""

    def __init__(self, spans: Iterable[Span], data: bytearray) -> None:
        letters, distances = [1] * (_END + 1 + _LENGTHS), [1] * _DISTANCES
        start = 0
        for number, (length, distance) in enumerate(spans):
            if distance:
                letters[_letter(length)] += 1
                distances[_far(distance)] += 1
            if not distance or not number % _LIKELY:  # what will be rewritten is not known, but that something will
                for byte, again in _runs(data[start : start + length]):
                    letters[_letter(again) if again else byte] += 1
                    distances[0] += again > 0
            start += length
        widths = _widths(letters), _widths(distances)
        self._letters, self._distances = _canonical(widths[0]), _canonical(widths[1])
        self.end = self._letters[_END]
        # The last block, dynamic, all codes there are. Their widths are told in four bits each: of the 19 symbols for that, 16 to 18 are
        # left out and the others alike (RFC 1951 section 3.2.7).
        self.head = "101" + _extra(_LENGTHS, 5) + _extra(_DISTANCES - 1, 5) + _extra(15, 4) + "000" * 3 + _extra(4, 3) * 16
        self.head += "".join(format(width, "04b") for width in chain(*widths))
        self.copy = lru_cache(maxsize=1_024)(self._copy)  # runs come again and again, distances hardly ever

    def _copy(self, length: int, distance: int) -> str:
        letter, far = _letter(length), _far(distance)
        at = letter - _END - 1
        return (
            self._letters[letter]
            + _extra(length - _LENGTH_BASE[at], _LENGTH_EXTRA[at])
            + self._distances[far]
            + _extra(distance - _DISTANCE_BASE[far], _DISTANCE_EXTRA[far])
        )

    def plain(self, chunk: bytes) -> str:
        """``chunk`` without a look at anything before it."""
        return "".join(self.copy(again, 1) if again else self._letters[byte] for byte, again in _runs(chunk))


def _runs(chunk: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Bytes, each with 0 or how often it is to be copied once it stands there."""
    for found in _RUN.finditer(chunk):
        byte, left = found[0][0], len(found[0]) - 1
        yield byte, 0
        while left >= _SHORTEST:
            yield byte, min(left, _LONGEST)
            left -= min(left, _LONGEST)
        for _ in range(left):
            yield byte, 0


def _letter(length: int) -> int:
    return _END + bisect_right(_LENGTH_BASE, length)


def _far(distance: int) -> int:
    return bisect_right(_DISTANCE_BASE, distance) - 1


def _extra(value: int, bits: int) -> str:
    """A number, the lowest bit first."""
    return format(value, f"0{bits}b")[::-1] if bits else ""


def _widths(counts: Sequence[int]) -> list[int]:
    """Huffman's code widths, none above ``_MAX_CODE``: where one would be, all counts are made more alike."""
    while True:
        widths = [0] * len(counts)
        heap: list[tuple[int, int, tuple[int, ...]]] = [(count, symbol, (symbol,)) for symbol, count in enumerate(counts)]
        heapq.heapify(heap)
        for number in range(len(counts), 2 * len(counts) - 1):
            one, two = heapq.heappop(heap), heapq.heappop(heap)
            for symbol in one[2] + two[2]:
                widths[symbol] += 1
            heapq.heappush(heap, (one[0] + two[0], number, one[2] + two[2]))
        if max(widths) <= _MAX_CODE:
            return widths
        counts = [count // 2 + 1 for count in counts]


def _canonical(widths: Sequence[int]) -> list[str]:
    """RFC 1951 section 3.2.2."""
    codes, value, width = [""] * len(widths), 0, 0
    for symbol in sorted(range(len(widths)), key=lambda symbol: (widths[symbol], symbol)):
        value <<= widths[symbol] - width
        width = widths[symbol]
        codes[symbol] = format(value, f"0{width}b")
        value += 1
    return codes


_FIXED_WIDTHS: Final = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8  # RFC 1951 section 3.2.6
_FIXED: Final = {code: symbol for symbol, code in enumerate(_canonical(_FIXED_WIDTHS))}


def _spans(stream: bytes) -> Iterator[Span]:
    """What zlib found, read from what it wrote with the fixed code."""
    text = format(int.from_bytes(stream, "little"), f"0{8 * len(stream)}b")[::-1]
    at, last = 0, False
    while not last:
        last, stored, at = text[at] == "1", text[at + 1] == "0", at + 3
        if stored:  # where nothing repeats
            at += -at % 8
            count = _number(text[at : at + 16])
            yield from repeat((1, 0), count)
            at += 32 + 8 * count
            continue
        while True:
            symbol, at = _symbol(text, at)
            if symbol == _END:
                break
            if symbol < _END:
                yield 1, 0
                continue
            letter = symbol - _END - 1
            length, at = _LENGTH_BASE[letter] + _number(text[at : at + _LENGTH_EXTRA[letter]]), at + _LENGTH_EXTRA[letter]
            far, at = int(text[at : at + 5], 2), at + 5
            yield length, _DISTANCE_BASE[far] + _number(text[at : at + _DISTANCE_EXTRA[far]])
            at += _DISTANCE_EXTRA[far]


def _symbol(text: str, at: int) -> tuple[int, int]:
    """The next symbol of the fixed code, and where the one after it stands."""
    width = 7
    while (symbol := _FIXED.get(text[at : at + width])) is None:
        width += 1
    return symbol, at + width


def _number(bits: str) -> int:
    return int(bits[::-1], 2) if bits else 0
