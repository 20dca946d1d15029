from __future__ import annotations

import hashlib

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base45, frames
from shared.codec.frames import Assembly, split
from shared.errors import Malformed, TooLarge, VcError

TEN = bytes(range(10))


def frame(message: bytes, k: int, i: int, length: int, chunk: bytes) -> str:
    return frames.PREFIX + base45.encode(hashlib.sha256(message).digest()[:4] + bytes((k, i)) + length.to_bytes(2, "big") + chunk)


def test_published_vector() -> None:
    shown = split(TEN, chunk=4)
    assert len(shown) == 7
    assert shown[0] == "OVM1:B:3RKB3H0A00100KB0"
    assert shown[3] == "OVM1:B:3RKB6H0A00IE1Q7V"
    raw = [base45.decode(text[5:]).hex() for text in shown]
    assert raw[3] == "1f825aa20303000a0a71f68c"
    assert [each[16:] for each in raw[4:6]] == ["51cb7b9b", "b8e2dc3c"]


def assemble(texts: list[str]) -> bytes | None:
    assembly = Assembly()
    for text in texts:
        whole = assembly.add(text)
        if whole is not None:
            return whole
    return None


@given(st.binary(min_size=1, max_size=400), st.integers(7, 60), st.data())
def test_any_k_frames_are_enough(message: bytes, chunk: int, data: st.DataObject) -> None:
    shown = split(message, chunk=chunk)
    k = -(-len(message) // chunk)
    assert len(shown) == max(k + 4, 2 * k)
    seen = data.draw(st.permutations(shown))
    assert assemble(seen[:k]) == message
    assert assemble(seen[: k - 1]) is None


def test_only_spare_frames() -> None:
    assert assemble(split(TEN, chunk=4)[3:]) == TEN


def test_progress_and_repeated_frames() -> None:
    assembly = Assembly()
    assert assembly.progress == (0, 0)
    one, two, *_ = split(TEN, chunk=5)
    assert assembly.add(one) is None
    assert assembly.add(one) is None
    assert assembly.progress == (1, 2)
    assert assembly.add(two) == TEN
    assert assembly.progress == (2, 2)
    assert assembly.add(two) is None  # the next loop of the same message begins anew


def test_frames_of_two_messages_mixed() -> None:
    other = bytes(range(100, 110))
    assembly = Assembly()
    mixed = [text for pair in zip(split(TEN, chunk=4), split(other, chunk=4), strict=True) for text in pair]
    assert [whole for text in mixed[:6] if (whole := assembly.add(text))] == [TEN, other]


def test_a_fifth_message_puts_the_oldest_out() -> None:
    messages = [bytes((number,)) * 9 for number in range(5)]
    assembly = Assembly()
    for message in messages:
        assembly.add(split(message, chunk=5)[0])
    assert assembly.add(split(messages[0], chunk=5)[1]) is None
    assert assembly.add(split(messages[4], chunk=5)[1]) == messages[4]


def test_frame_ids_lying_about_k() -> None:
    """The same id under another k, and another length under the same k, are other messages and complete nothing."""
    assembly = Assembly()
    assert assembly.add(frame(TEN, 2, 0, 10, TEN[:5])) is None
    assert assembly.add(frame(TEN, 5, 1, 10, TEN[:2])) is None
    assert assembly.add(frame(TEN, 2, 1, 9, TEN[5:])) is None
    with pytest.raises(Malformed):
        assembly.add(frame(TEN, 1, 0, 9, TEN[:9]))  # the id is not that of what it completes
    assert assembly.add(frame(TEN, 2, 1, 10, TEN[5:])) == TEN


def test_a_foreign_chunk_under_a_true_header_completes_nothing() -> None:
    assembly = Assembly()
    assembly.add(frame(TEN, 2, 0, 10, b"\xff" * 5))
    with pytest.raises(Malformed):
        assembly.add(frame(TEN, 2, 1, 10, TEN[5:]))
    assert assemble(split(TEN, chunk=5)) == TEN
    assert assembly.add(split(TEN, chunk=5)[0]) is None
    assert assembly.add(split(TEN, chunk=5)[1]) == TEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OVC1:00",
        "OVM1:",
        "OVM1:a",
        "OVM1:" + "0" * 4_296,
        frame(TEN, 1, 0, 10, b""),  # nothing but a header
        frame(TEN, 0, 0, 10, TEN),
        frame(TEN, 65, 0, 65, b"\0"),
        frame(TEN, 2, 255, 10, TEN[:5]),
        frame(TEN, 2, 0, 10, TEN[:4]),  # too small for its length
        frame(TEN, 2, 0, 10, TEN),  # the second would be empty
        frame(TEN, 2, 0, 7, TEN[:5]),  # another division of that length
        frame(TEN, 64, 0, 16_385, bytes(257)),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Assembly().add(text)


@given(st.text() | st.binary(max_size=40).map(lambda data: frames.PREFIX + base45.encode(data)))
def test_a_message_or_an_error(text: str) -> None:
    try:
        whole = Assembly().add(text)
    except VcError:
        return
    assert whole is None or hashlib.sha256(whole).digest()[:4] == base45.decode(text[5:])[:4]


def test_bounds() -> None:
    with pytest.raises(Malformed):
        split(b"")
    with pytest.raises(TooLarge):
        split(bytes(16_385))
    with pytest.raises(TooLarge):
        split(bytes(9_601), chunk=frames.SMALL_CHUNK)
    longest = split(bytes(16_384))
    assert len(longest) == 110
    assert assemble(longest[55:]) == bytes(16_384)


def test_sizes_of_codes() -> None:
    """300 bytes a frame are version 11, and what fits one code is version 22, both at level L."""

    def version(text: str) -> int:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="L")
        return (int(code.to_image(scale=1, add_quiet_zones=False).shape[0]) - 17) // 4

    assert version(split(hashlib.shake_256(b"").digest(900))[0]) == 11
    assert version("A" * frames.FITS_ONE_CODE) == 22
    assert version("A" * (frames.FITS_ONE_CODE + 1)) == 23
