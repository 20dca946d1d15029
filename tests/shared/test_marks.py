"""Whom keyed digests can tell apart: MARGARET, and MARGARET-2, a stranger with the same name and date of birth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.credentials import by_id
from shared.marks import Mark, Side, compare, marks_of, settle, sides, weakest

MARGARET = {"given_name": "Margaret", "family_name": "Ashdown", "birthdate": "1938-11-02", "address": {"postal_code": "ZZ99 1AB"}}


def donor(**changes: Any) -> frozenset[Mark]:
    return marks_of({"represented": MARGARET | changes}, ("represented",))


def test_the_rules_of_the_types_name_persons() -> None:
    (died, attorney), (estate, stands) = by_id("representation").follows, by_id("estate-authority").follows
    assert sides(died.match) == (Side(own=("represented",), other=("subject",)),)
    assert sides(attorney.match) == (Side(own=("proxy",), other=("subject",)),)
    assert sides(by_id("person").follows[0].match) == (Side(own=(), other=("subject",)),)
    more = ((("deceased", "death_date"), ("death_date", "value")),)
    assert sides(estate.match) == (Side(own=("deceased",), other=("subject",), more=more),)
    assert sides(stands.match) == sides(estate.match)
    both = sides(by_id("mandate-receipt").follows[0].match)
    assert [side.own for side in both] == [("represented",), ("proxy",)]
    assert sides(()) == ()


def test_one_more_item_decides() -> None:
    assert compare(donor(), donor(given_name="MARGARÉT", address={"postal_code": "zz991ab"})) == "same"
    assert compare(donor(also_known_as=["Ashdown Peggy"]), donor(given_name="Peggy")) == "same"


@pytest.mark.parametrize(
    ("changes", "likeness"),
    [
        ({"address": {}}, "near"),
        ({"birthdate": "1938"}, "near"),
        ({"birthdate": "no date"}, "near"),
        ({"address": {"postal_code": "ZZ99 7XY"}}, "far"),
        ({"birthdate": "1938-11-20"}, "far"),
        ({"birthdate": "1938-11-20", "address": {}}, "other"),
        ({"given_name": "Margret"}, "far"),
        ({"given_name": "Margret", "address": {}}, "other"),
        ({"given_name": "Joan", "birthdate": "1938"}, "other"),
    ],
)
def test_t_fm_1_to_3_everything_else_is_for_a_person(changes: dict[str, Any], likeness: str) -> None:
    """T-FM-1, T-FM-2, T-FM-3: neither name and date of birth alone, nor a partial date, nor another spelling decides."""
    assert compare(donor(), donor(**changes)) == likeness
    assert compare(donor(**changes), donor()) == likeness


def test_t_ex_2_no_fixed_address_is_no_item_in_common() -> None:
    """T-EX-2, T-FM-1: the code for no fixed address (or an unknown one) is one that strangers share."""
    for code in ("ZZ99 3VZ", "zz993wz"):
        nowhere = donor(address={"postal_code": code})
        assert compare(nowhere, nowhere) == "near"
        assert compare(nowhere, donor()) == compare(donor(), nowhere) == "near"
        assert compare(nowhere, donor(given_name="Margret", address={"postal_code": code})) == "other"
        assert nowhere == donor(address={})


def test_a_further_item_counts_like_a_postcode() -> None:
    def dead(**changes: str) -> frozenset[Mark]:
        person = {"given_name": "Arthur", "family_name": "Penhale", "birthdate": "1931-04-20", "death_date": "2027-02-03"}
        return marks_of({"deceased": person | changes}, ("deceased",), [("death", ("deceased", "death_date"))])

    assert compare(dead(), dead()) == "same"
    assert compare(dead(), dead(death_date="2027-02")) == "near"
    assert compare(dead(), dead(death_date="2027-02-04")) == "far"
    assert compare(dead(), dead(death_date="")) == "near"
    assert compare(dead(), marks_of({"deceased": "Arthur"}, ("deceased",), [("death", ("deceased", "death_date"))])) == "other"


def test_what_follows() -> None:
    assert settle({"a": "same", "b": "same", "c": "far", "d": "other"}) == ("one", ("a", "b"))
    assert settle({"a": "same", "b": "near"}) == ("ambiguous", ("a", "b"))
    assert settle({"a": "far", "b": "other"}) == ("ambiguous", ("a",))
    assert settle({"a": "other"}) == settle({}) == ("none", ())
    assert weakest(["same", "near"]) == "near"
    assert weakest([]) == "other"


@given(st.recursive(st.none() | st.text(max_size=12) | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.sampled_from(
    ["given_name", "family_name", "birthdate", "address", "postal_code", "also_known_as"]), one)))  # fmt: skip
def test_any_claims_give_marks(claims: Any) -> None:
    found = marks_of({"represented": claims}, ("represented",), [("x", ("represented", "birthdate"))])
    assert compare(found, found) in {"same", "near", "other"}
