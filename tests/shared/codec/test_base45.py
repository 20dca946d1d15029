from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base45
from shared.errors import Malformed, VcError


# RFC 9285 section 4.3 and 4.4.
@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")]
)
def test_published_pairs(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", ["A", "AAAA", "GGW", ":::", "::", "V5", "AB!", "bb8", "BB8\n", "é00", "00ÿ", "\ud80000", "٠٠٠"])
def test_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        base45.decode(text, where="/w")
    assert caught.value.where == "/w"


def test_edges_of_the_ranges() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"


@given(st.binary())
def test_round_trip(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text() | st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=12))
def test_one_spelling_or_an_error(text: str) -> None:
    try:
        data = base45.decode(text)
    except VcError:
        return
    assert base45.encode(data) == text


@pytest.mark.vectors
def test_vectors(vectors: Callable[[str], Path]) -> None:
    cases = json.loads(vectors("base45/vectors.json").read_bytes())
    assert len(cases) == 16
    for case in cases:
        data = bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode()
        assert base45.encode(data) == case["encoded"]
        assert base45.decode(case["encoded"]) == data
