from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base64url
from shared.errors import Malformed, VcError


# RFC 4648 section 10, without the padding.
@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foob", "Zm9vYg"), (b"\xff\xfe\xfb", "__77")],
)
def test_known_pairs(data: bytes, text: str) -> None:
    assert base64url.encode(data) == text
    assert base64url.decode(text) == data
    assert base64url.decode(text.encode()) == data


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",
        "Zg=",
        "Zm8=",
        "Zh",
        "Zm9",
        "A",
        "AAAAA",
        "++++",
        "////",
        "AA+A",
        "AA/A",
        "A A",
        "AAAA\n",
        "\nAAAA",
        "AA\x00A",
        "éAAA",
        "AA😀A",
        "\ud800AAA",
    ],
)
def test_refused_spellings(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        base64url.decode(text, where="/x")
    assert caught.value.where == "/x"


def test_refused_bytes() -> None:
    with pytest.raises(Malformed):
        base64url.decode(b"\xff\xff\xff\xff")


@given(st.binary())
def test_round_trip_and_reference(data: bytes) -> None:
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text) == data


@given(st.text() | st.text(alphabet="AQgwEIMUYcgkos048_-+/= \n", max_size=9) | st.binary())
def test_one_spelling_or_error(text: str | bytes) -> None:
    try:
        data = base64url.decode(text)
    except VcError:
        return
    assert base64url.encode(data) == (text if isinstance(text, str) else text.decode())
