from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base45
from shared.errors import Malformed, TooLarge, VcError
from shared.ovp import envelope
from shared.ovp.envelope import of_message, parse_text, render_text, to_message

PREFIXES = st.sampled_from([envelope.CHALLENGE, envelope.PRESENTATION, envelope.SEALED, envelope.BEARER, envelope.SD_JWT, envelope.RECEIPT])


@given(PREFIXES, st.binary(max_size=300).filter(lambda content: content[:1] != b"\x78"))
def test_round_trip(prefix: str, content: bytes) -> None:
    assert parse_text(render_text(prefix, content)) == (prefix, content)
    assert of_message(to_message(prefix, content)) == (prefix, content)


def test_compressed_where_that_is_shorter_only() -> None:
    assert to_message(envelope.PRESENTATION, b"\xd2\x84") == b"P\xd2\x84"
    assert to_message(envelope.PRESENTATION, b"\xd2" * 100) == b"P" + zlib.compress(b"\xd2" * 100, 9)
    assert to_message(envelope.SEALED, b"\x78" * 100) == b"E" + b"\x78" * 100
    assert of_message(b"E" + b"\x78" * 100) == (envelope.SEALED, b"\x78" * 100)


def test_text_is_one_base45() -> None:
    assert render_text(envelope.CHALLENGE, b"ietf!") == "OVC1:QED8WEX0"


@pytest.mark.parametrize("text", ["", "OVC1", "OVX1:00", "ovc1:00", "OVC1:a", "OVC1:0", "OVM1:00000", " OVC1:00"])
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_text(text)


@pytest.mark.parametrize("message", [b"", b"M00", b"S00", b"p"])
def test_messages_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        of_message(message)


def test_a_zlib_bomb_is_not_unfolded() -> None:
    bomb = zlib.compress(bytes(10_000_000), 9)
    with pytest.raises(TooLarge):
        of_message(b"P" + bomb)
    with pytest.raises(TooLarge):
        parse_text("OVP1:" + base45.encode(zlib.compress(bytes(16_385), 9)))


@pytest.mark.parametrize("body", [b"\x78", b"\x78\xda" + bytes(9), zlib.compress(b"content", 9) + b"\0", zlib.compress(b"content", 9)[:-1]])
def test_broken_streams(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_text("OVP1:" + base45.encode(body))


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        to_message(envelope.PRESENTATION, bytes(16_385))
    with pytest.raises(TooLarge):
        of_message(b"E" + bytes(16_384))
    with pytest.raises(TooLarge):
        render_text(envelope.SEALED, bytes(2_861))
    assert len(render_text(envelope.SEALED, bytes(2_860))) == 4_295
    with pytest.raises(TooLarge):
        parse_text("OVE1:" + "0" * 4_292)


@given(st.text() | st.tuples(PREFIXES, st.binary(max_size=40)).map(lambda pair: pair[0] + base45.encode(pair[1])))
def test_content_or_an_error(text: str) -> None:
    try:
        prefix, content = parse_text(text)
    except VcError:
        return
    assert len(content) <= envelope.MAX_CONTENT
    assert text.startswith(prefix)
