from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec.packed import pack, unpack

TEXTS = st.text() | st.sampled_from(["YQ.YQ.YQ", "YQ.~YQ~", "a.b", "https://bank.example", "..", "~."])
DOCUMENTS = st.recursive(
    TEXTS | st.integers() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(DOCUMENTS)
def test_lossless(document: Any) -> None:
    assert unpack(pack(document)) == document


@pytest.mark.parametrize(("text", "packed"), [("YQ.Yg~Yw", [[b"a", b"b"], [b"c"]]), ("a.b", "a.b"), ("YQ", "YQ")])
def test_only_signed_texts_are_taken_apart(text: str, packed: Any) -> None:
    assert pack(text) == packed
    assert unpack(packed) == text
