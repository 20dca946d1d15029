from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec.inflate import inflate
from shared.status import deflated
from shared.status.deflated import Deflated

SPARSE = st.integers(0, 30_000).flatmap(
    lambda size: st.dictionaries(st.integers(0, max(0, size - 1)), st.integers(0, 255), max_size=60).map(lambda at: made(size, at))
)
DENSE = st.binary(max_size=400) | st.lists(st.sampled_from([b"\x55", b"\0", b"abcd", b"\x01\0\0"]), max_size=200).map(b"".join)


def made(size: int, values: Mapping[int, int]) -> bytes:
    data = bytearray(size)
    for place, value in values.items():
        if place < size:
            data[place] = value
    return bytes(data)


def unpacked(stream: bytes) -> bytes:
    """As others do, and as strangers' bytes are: one whole stream and nothing after it."""
    assert zlib.decompress(stream) == inflate(stream, max_bytes=1 << 24)
    return inflate(stream, max_bytes=1 << 24)


def drawn(count: int, below: int) -> list[int]:
    words = hashlib.shake_256(f"{count} of {below}".encode()).digest(4 * count)
    return [int.from_bytes(words[at : at + 4], "big") % below for at in range(0, len(words), 4)]


@given(SPARSE | DENSE, st.data())
def test_the_stream_follows_the_bytes(first: bytes, draw: st.DataObject) -> None:
    data = bytearray(first)
    ours = Deflated(data)
    assert unpacked(ours.stream()) == data
    for _ in range(3):
        places = draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=20)) if data else []
        for place in places:
            data[place] = draw.draw(st.integers(0, 255))
        ours.rewrite(places)
        assert unpacked(ours.stream()) == data


def test_what_cannot_be_compressed_is_told_as_it_is() -> None:
    data = bytearray(hashlib.shake_256(b"no two alike").digest(100_000) + bytes(2_000))
    ours = Deflated(data)
    assert unpacked(ours.stream()) == data
    data[50_000:50_003] = b"abc"
    ours.rewrite(range(50_000, 50_003))
    assert unpacked(ours.stream()) == data


def test_what_copied_a_changed_byte_stays_as_it_was() -> None:
    data = bytearray(b"abcdefgh" * 3 + b"xyz" + b"abcdefgh" * 2 + bytes(700) + b"abcdefgh")
    ours = Deflated(data)
    for place in (3, 0, 24, 27, 60, 500, len(data) - 1):
        data[place] = ord("#")
        ours.rewrite([place])
        assert unpacked(ours.stream()) == data


@pytest.mark.parametrize("bits", [1, 2])
def test_no_larger_than_zlib_at_its_best_and_changed_for_little(bits: int) -> None:
    size = 1_000_000
    data = bytearray(size * bits // 8)
    for index in drawn(size // 100, size):
        data[index * bits >> 3] |= 1 << (index * bits & 7)
    ours = Deflated(data)
    whole = len(ours.stream())
    assert whole <= len(zlib.compress(data, 9)) + 200
    places = drawn(100, len(data))
    for place in places:
        data[place] |= 1
    ours.rewrite(places)
    assert unpacked(ours.stream()) == data
    assert len(ours.stream()) - whole < 10 * len(places)


def test_it_says_when_to_begin_again() -> None:
    data = bytearray(100_000)
    ours = Deflated(data)
    assert not ours.worn
    for place in range(0, len(data), 50):
        data[place] = place % 251
    ours.rewrite(range(0, len(data), 50))
    assert ours.worn
    again = Deflated(data)
    assert not again.worn
    assert len(again.stream()) < len(ours.stream())


def test_codes_are_never_wider_than_allowed() -> None:
    """Counts like Fibonacci's numbers would make a code a bit wider for each symbol."""
    counts = [1, 1]
    while len(counts) < 40:
        counts.append(counts[-1] + counts[-2])
    widths = deflated._widths(counts)
    assert max(widths) == 15
    assert sum(2.0**-width for width in widths) == 1
    codes = deflated._canonical(widths)
    assert not any(one != two and two.startswith(one) for one in codes for two in codes)


def test_the_tables_are_those_of_the_specification() -> None:
    """RFC 1951 section 3.2.5."""
    assert deflated._LENGTH_BASE[:9] == (3, 4, 5, 6, 7, 8, 9, 10, 11)
    assert deflated._LENGTH_BASE[-4:] == (163, 195, 227, 258)
    assert deflated._LENGTH_EXTRA[-4:] == (5, 5, 5, 0)
    assert deflated._DISTANCE_BASE[:6] == (1, 2, 3, 4, 5, 7)
    assert deflated._DISTANCE_BASE[-2:] == (16_385, 24_577)
    assert deflated._DISTANCE_EXTRA[-2:] == (13, 13)
