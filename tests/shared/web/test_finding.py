from __future__ import annotations

import pytest

from shared.web.finding import MAX_WANTED, fits, number_in, page_of, wanted_of


def test_what_is_looked_for_is_read_up_to_its_bound() -> None:
    assert wanted_of({"q": "  council tax "}) == "council tax"
    assert wanted_of({}) == ""
    assert wanted_of({"name": "x" * 300}, "name") == "x" * MAX_WANTED
    assert wanted_of({"q": "a" + " " * MAX_WANTED + "b"}) == "a"


@pytest.mark.parametrize(
    ("wanted", "found"), [("", True), ("TAX", True), ("tax council", True), ("anytown bor", True), ("tax bank", False), ("straße", False)]
)
def test_all_words_in_any_order(wanted: str, found: bool) -> None:
    assert fits(wanted, ["Council tax", "Anytown Borough"]) is found


def test_letters_of_all_languages_are_alike_small_and_large() -> None:
    assert fits("STRASSE", ["Hauptstraße"])


@pytest.mark.parametrize(("typed", "number"), [(" m-7890 0400-4000 ", "M789004004000"), ("../etc", ""), ("ŷ1", ""), ("", ""), ("a\0b", "")])
def test_a_number_as_people_type_it(typed: str, number: str) -> None:
    assert number_in(typed) == number


@pytest.mark.parametrize(("text", "page"), [("2", 2), ("0", 1), ("", 1), ("-3", 1), ("١", 1), ("9" * 8, 1), ("9" * 7, 9_999_999)])
def test_whatever_is_no_page_is_the_first(text: str, page: int) -> None:
    assert page_of(text) == page
