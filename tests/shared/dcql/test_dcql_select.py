from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.credentials import ClaimPath
from shared.dcql import related, select

# The example of OpenID4VP section 7.3.
DOCUMENT: dict[str, Any] = {
    "name": "Arthur Dent",
    "address": {"street_address": "42 Market Street", "locality": "Milliways", "postal_code": "12345"},
    "degrees": [{"type": "Bachelor of Science", "university": "University of Betelgeuse"}, {"type": "Master of Science"}],
    "nationalities": ["British", "Betelgeusian"],
}


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        (("name",), [(("name",), "Arthur Dent")]),
        (("address",), [(("address",), DOCUMENT["address"])]),
        (("address", "street_address"), [(("address", "street_address"), "42 Market Street")]),
        (
            ("degrees", None, "type"),
            [(("degrees", 0, "type"), "Bachelor of Science"), (("degrees", 1, "type"), "Master of Science")],
        ),
        (("degrees", None, "university"), [(("degrees", 0, "university"), "University of Betelgeuse")]),
        (("nationalities", 1), [(("nationalities", 1), "Betelgeusian")]),
        (("nationalities", 2), []),
        (("nationalities", "0"), []),
        (("name", "x"), []),
        (("name", None), []),
        (("address", 0), []),
        (("nothing",), []),
        (("nothing", None), []),
    ],
)
def test_paths_select_as_the_specification_says(path: ClaimPath, selected: list[tuple[ClaimPath, Any]]) -> None:
    assert list(select(DOCUMENT, path)) == selected


def test_one_element_of_the_wrong_kind_spoils_the_whole_path() -> None:
    assert select({"a": [{"b": 1}, 2]}, ("a", None, "b")) == ()


def test_the_whole_document_is_not_selected_by_a_missing_root() -> None:
    assert select([1], ("a",)) == ()


@pytest.mark.parametrize(("one", "two", "are"), [(("a",), ("a", "b"), True), (("a", "b"), ("a",), True), (("a", 0), ("a", 1), False)])
def test_related_paths_lie_on_one_line(one: ClaimPath, two: ClaimPath, are: bool) -> None:
    assert related(one, two) is are


@given(
    st.recursive(
        st.text(max_size=2), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    st.lists(st.sampled_from(["a", "b", None, 0, 1]), min_size=1, max_size=4),
)
def test_every_selected_path_leads_to_its_value(document: Any, path: list[str | int | None]) -> None:
    for found, value in select(document, tuple(path)):
        here = document
        for part in found:
            here = here[part]
        assert here == value
        assert None not in found
