from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import cbor
from shared.errors import Malformed, TooLarge, VcError

KEYS = st.integers(-(2**63), 2**63) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


def test_plain_values() -> None:
    assert cbor.loads(bytes.fromhex("a26161016162820203")) == {"a": 1, "b": [2, 3]}  # RFC 8949 appendix A
    assert cbor.loads(bytes.fromhex("f93c00")) == 1.0


@pytest.mark.parametrize(
    "data",
    [
        "",
        "ff",
        "1c",
        "6261",
        "61ff",
        "9bffffffffffffffff",
        "5f4101ff",  # indefinite byte string
        "7f6161ff",
        "9f01ff",
        "bf0102ff",
        "a201020103",  # a repeated key
        "a20100180100",  # the same key in a longer spelling
        "a1a201020103f6",
        "1817",  # a number in more bytes than it needs
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "580100",
        "0000",  # a second item
        "a0f6",
        "f800",
        "8181818181818181818181818181818181 00",  # 17 deep
        "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1 00",
    ],
)
def test_refused(data: str) -> None:
    with pytest.raises(Malformed) as caught:
        cbor.loads(bytes.fromhex(data), where="/w")
    assert caught.value.where == "/w"


def test_bounds() -> None:
    assert cbor.loads(b"\x81" * 16 + b"\x00")
    assert cbor.loads(b"\x00", max_bytes=1) == 0
    with pytest.raises(TooLarge):
        cbor.loads(b"\x00\x00", max_bytes=1)
    with pytest.raises(Malformed):
        cbor.loads(b"\xc1" * 200_000)


def test_tags_are_left_alone() -> None:
    # every tag for which the decoder has a meaning of its own, and some for which it has none
    for tag in (0, 1, 2, 3, 4, 5, 18, 25, 28, 29, 30, 32, 35, 36, 37, 52, 54, 61, 100, 256, 258, 260, 261, 1004, 43000, 55799, 2**40):
        for content in (0, "0", b"\x01", [1, 2]):
            assert cbor.loads(cbor.dumps(cbor2.CBORTag(tag, content))) == cbor2.CBORTag(tag, content)


def test_canonical_order() -> None:
    value = {-1: 1, 100: 2, 10: 3, "z": 4, "aa": 5}
    assert cbor.dumps(value, canonical=True).hex() == "a50a032001186402617a0462616105"
    assert cbor.dumps({"b": 1, "a": 2}).hex() == "a2616201616102"
    assert cbor.dumps(1.5, canonical=True).hex() == "f93e00"
    assert (len(cbor._TAGS), list(cbor._TAGS)) == (0, [])


@given(VALUES, st.booleans())
def test_round_trip(value: Any, canonical: bool) -> None:
    assert cbor.loads(cbor.dumps(value, canonical=canonical), max_depth=64) == value


@given(st.binary(max_size=40))
def test_a_value_or_an_error(data: bytes) -> None:
    try:
        cbor.loads(data)
    except VcError:
        return
