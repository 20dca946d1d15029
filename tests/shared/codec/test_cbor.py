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
    value = {"aa": 5, -1: 1, 100: 2, 10: 3, "z": [{2: 1, 1: 2}, cbor2.CBORTag(18, ({2: 1, 1: 2},))]}  # RFC 8949 section 4.2.1
    assert cbor.dumps(value, canonical=True).hex() == "a50a031864022001617a82a201020201d281a20102020162616105"
    assert cbor.dumps({"b": 1, "a": 2}).hex() == "a2616201616102"
    assert cbor.dumps(1.5, canonical=True).hex() == "f93e00"


@given(VALUES, st.booleans())
def test_round_trip(value: Any, canonical: bool) -> None:
    assert cbor.loads(cbor.dumps(value, canonical=canonical), max_depth=64) == value


@given(st.binary(max_size=40))
def test_a_value_or_an_error(data: bytes) -> None:
    try:
        cbor.loads(data)
    except VcError:
        return


def test_the_key_of_redacted_claims_only_where_it_is_asked_for() -> None:
    data = bytes.fromhex("a2 01 f83b f83b 81 a1 f83b f6")
    assert cbor.loads(data, redacted=True) == {1: cbor.REDACTED, cbor.REDACTED: [{cbor.REDACTED: None}]}
    with pytest.raises(Malformed):
        cbor.loads(data)
    for other in ("a1f83c00", "a1f500", "a1f9536000", "a1813b00", "a1d83b00", "a2183b00f83b00"):
        with pytest.raises(Malformed):
            cbor.loads(bytes.fromhex(other), redacted=True)


def test_the_key_of_redacted_claims_is_not_the_number() -> None:
    (key,) = cbor.loads(bytes.fromhex("a1f83b00"), redacted=True)
    (number,) = cbor.loads(bytes.fromhex("a1183b00"), redacted=True)
    assert cbor.is_redacted(key)
    assert not cbor.is_redacted(number)
    assert not cbor.is_redacted(59.0)


@given(st.binary(max_size=40) | VALUES.map(cbor2.dumps), st.data())
def test_what_is_read_is_what_another_reader_reads(data: bytes, damage: st.DataObject) -> None:
    """And, but for the widths of floats, it comes out byte for byte again."""
    if data and damage.draw(st.booleans()):
        at = damage.draw(st.integers(0, len(data) - 1))
        data = data[:at] + damage.draw(st.binary(max_size=3)) + data[at + damage.draw(st.integers(0, 2)) :]
    try:
        value = cbor.loads(data)
    except Malformed:
        return
    plain = cbor2.loads(data, semantic_decoders=Untouched(), allow_duplicate_keys=False, allow_indefinite=False)
    assert repr(value) == repr(plain)
    assert cbor2.dumps(value) == data or "." in repr(value) or "nan" in repr(value) or "inf" in repr(value)


class Untouched(dict[int, Any]):
    """Keeps tags as tags."""

    def __getitem__(self, tag: int) -> Any:
        return lambda value, _immutable: cbor2.CBORTag(tag, value)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("f4", False), ("f5", True), ("f6", None), ("f7", cbor2.undefined), ("f0", cbor2.CBORSimpleValue(16)),
        ("f8ff", cbor2.CBORSimpleValue(255)), ("f97c00", float("inf")), ("fa47c35000", 100_000.0), ("fb3ff199999999999a", 1.1),
        ("1bffffffffffffffff", 2**64 - 1), ("3bffffffffffffffff", -(2**64)), ("a1404100", {b"": b"\0"}),
    ],
)  # fmt: skip
def test_simple_values_and_numbers(data: str, value: Any) -> None:
    assert cbor.loads(bytes.fromhex(data)) == value
    for cut in range(len(data) // 2):
        with pytest.raises(Malformed):
            cbor.loads(bytes.fromhex(data)[:cut])


@pytest.mark.parametrize("data", ["f8", "f818", "f81f", "fc", "fd", "fe", "ff", "1f", "df", "d818"])
def test_heads_without_a_meaning(data: str) -> None:
    with pytest.raises(Malformed):
        cbor.loads(bytes.fromhex(data))


def test_an_item_among_others() -> None:
    assert cbor.read(b"\x00\x82\x01\x02\x03", 1) == ([1, 2], 4)
    with pytest.raises(Malformed) as caught:
        cbor.read(b"\x00\x82\x01", 1, where="/w")
    assert caught.value.where == "/w"


@given(st.integers(0, 7), st.integers(0, 2**64 - 1) | st.sampled_from([23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32]))
def test_heads(major: int, argument: int) -> None:
    head = cbor.head(major, argument)
    assert (head[0] >> 5, head[1:] or bytes((head[0] & 31,))) == (major, argument.to_bytes(len(head) - 1 or 1, "big"))
    if major == 0:
        assert cbor.integer(argument) == cbor2.dumps(argument)
        assert cbor.integer(-1 - argument) == cbor2.dumps(-1 - argument)


def test_strings() -> None:
    for size in (0, 23, 24, 255, 256, 65_536):
        assert cbor.byte_string(bytes(size)) == cbor2.dumps(bytes(size))
        assert cbor.text("ŵ" * size) == cbor2.dumps("ŵ" * size)
    with pytest.raises(ValueError, match="surrogates"):
        cbor.text("\ud800")
