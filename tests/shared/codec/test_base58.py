from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base58
from shared.errors import Malformed, VcError


# draft-msporny-base58 section 5.
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (b"The quick brown fox jumps over the lazy dog.", "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
        (b"\0", "1"),
    ],
)
def test_published_pairs(data: bytes, text: str) -> None:
    assert base58.encode(data) == text
    assert base58.decode(text) == data


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "a b", "é", "٣", "2" * 257])
def test_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        base58.decode(text, where="/w")
    assert caught.value.where == "/w"


@given(st.binary(max_size=120))
def test_round_trip(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


@given(st.text() | st.text(alphabet="123ABCabcz", max_size=40))
def test_one_spelling_or_an_error(text: str) -> None:
    try:
        data = base58.decode(text)
    except VcError:
        return
    assert base58.encode(data) == text
