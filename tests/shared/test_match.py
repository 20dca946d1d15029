"""Whose record it is: MARGARET, and MARGARET-2, a stranger with the same name and date of birth."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import document

from shared.errors import AmbiguousMatch, Undecided
from shared.match import Match, Person, check_match, compare_dates, match, name_words, person_of

MARGARET = Person("Margaret", "Ashdown", birthdate="1938-11-02", postal_code="ZZ99 1AB")
MARGARET_2 = replace(MARGARET, postal_code="ZZ99 7XY")
NORA = Person("Nora", "Ashdown", birthdate="1968-03-14", postal_code="ZZ99 1AB")
ACCOUNTS = (MARGARET, MARGARET_2, NORA)
NAMED = Person("Margaret", "Ashdown", birthdate="1938-11-02")


def test_t_fm_1_name_and_date_of_birth_alone_decide_nothing() -> None:
    """T-FM-1: neither between two of them, nor where there is one only, and neither account is picked."""
    assert match(ACCOUNTS, NAMED) == Match("ambiguous", (0, 1))
    assert match((MARGARET,), NAMED) == Match("ambiguous", (0,))
    assert match((replace(MARGARET, postal_code=""),), MARGARET) == Match("ambiguous", (0,))
    for records in (ACCOUNTS, (MARGARET,)):
        with pytest.raises(AmbiguousMatch) as caught:
            check_match(records, NAMED)
        assert isinstance(caught.value, Undecided)
        assert caught.value.code == "ambiguous_match"
        assert "ZZ99" not in str(caught.value)


def test_one_more_item_decides() -> None:
    assert match(ACCOUNTS, MARGARET) == Match("one", (0,))
    assert match(ACCOUNTS, MARGARET_2) == Match("one", (1,))
    assert match(ACCOUNTS, replace(MARGARET, birthdate="", postal_code="zz991ab")) == Match("one", (0,))
    assert check_match(ACCOUNTS, MARGARET_2) == 1
    numbered = replace(NAMED, more={"account": "77 12"})
    records = (replace(MARGARET, more={"account": "7712"}), replace(MARGARET_2, more={"account": "7713"}))
    assert match(records, numbered) == Match("one", (0,))
    assert match((replace(records[0], more={"account": ""}), records[1]), numbered) == Match("ambiguous", (0, 1))


def test_t_fm_1_father_and_son_and_twins() -> None:
    """T-FM-1: one name and one address; dates of birth tell them apart where they were shown."""
    father, son = (Person("Arthur", "Penhale", birthdate=born, postal_code="ZZ99 2AB") for born in ("1931-04-20", "1961-04-20"))
    assert match((father, son), replace(son, birthdate="")) == Match("ambiguous", (0, 1))
    assert match((father, son), son) == Match("one", (1,))
    twin = replace(son, given_name="Andrew")
    assert match((son, twin), twin) == Match("one", (1,))
    assert match((son,), twin) == Match("ambiguous", (0,))


def test_t_fm_1_two_volunteers_of_one_name_and_date() -> None:
    """T-FM-1: LEILA and LEILA-2, of whom one has a conviction that is not spent: neither is picked, whichever the records have."""
    leila = Person("Leila", "Hart", birthdate="1985-10-18")
    first, second = replace(leila, more={"certificate": "001"}), replace(leila, more={"certificate": "002"})
    for records in ((first, second), (first,), (second,)):
        assert match(records, leila).outcome == "ambiguous"
    assert match((first, second), second) == Match("one", (1,))


def test_t_ex_2_no_fixed_address_is_no_item_in_common() -> None:
    """T-EX-2, T-FM-1: thousands have the code for no fixed address; two who share it and a name are no nearer to each other by it."""
    arthur = Person("Arthur", "Penhale", birthdate="1931-04-20", postal_code="ZZ99 3VZ")
    assert match((arthur,), replace(arthur, postal_code="zz993vz")) == Match("ambiguous", (0,))
    settled = replace(arthur, postal_code="ZZ99 2AB")
    assert match((settled,), arthur) == match((arthur,), settled) == Match("ambiguous", (0,)), "whoever has moved is not another"
    numbered = replace(arthur, more={"account": "7712"})
    assert match((numbered, arthur), replace(numbered, postal_code="")) == Match("ambiguous", (0, 1))
    assert match((numbered,), numbered) == Match("one", (0,)), "another item decides as for anybody"
    assert match((replace(arthur, postal_code="ZZ99 3AB"),), replace(arthur, postal_code="ZZ99 3AB")) == Match("one", (0,))


SPELLED = [
    ("Zoë", "Brontë", (), "Zoe", "Bronte", ()),
    ("Zoë", "Brontë", (), "zoe\u0308", "BRONTE\u0308", ()),
    ("Jürgen", "Weiß", (), "JURGEN", "WEISS", ()),
    ("Søren", "Łukasz", (), "Soren", "Lukasz", ()),
    ("Wren", "Okafor-Reid", (), "Wren", "Okafor Reid", ()),
    ("Wren", "Okafor‑Reid", (), "Reid Okafor", "Wren", ()),
    ("Ｗｒｅｎ", "Reid", (), "Wren", "Reid", ()),
    ("Siân", "O’Neil", (), "Sian", "O'Neil", ()),
    ("Margaret", "Ashdown", ("Peggy Ashdown",), "Peggy", "Ashdown", ()),
    ("Margaret", "Ashdown", (), "Margaret", "Penhale", ("Ashdown (before marriage)",)),
    ("Ngọc", "Nguyễn", (), "Nguyen", "Ngoc", ()),
]
SLIPS = [
    ("Margaret", "Ashdown", "Margret", "Ashdown"),
    ("Margaret Rose", "Ashdown", "Margaret", "Ashdown"),
    ("M.", "Ashdown", "Margaret", "Ashdown"),
    ("Jürgen", "Müller", "Juergen", "Mueller"),
    ("Margaret", "Ashdown", "Margaret", "Ashdowne"),
    ("Anne-Marie", "Ash-Down", "Annemarie", "Ashdown"),
    ("Mc Kenzie", "Reid", "McKenzie", "Reid"),
]


@pytest.mark.parametrize("names", SPELLED, ids=lambda names: " ".join(names[:2]))
def test_t_fm_2_another_spelling_is_the_same_name(names: tuple[str, str, tuple[str, ...], str, str, tuple[str, ...]]) -> None:
    """T-FM-2: accents, case, order, hyphens, "otherwise known as"."""
    record, shown = (Person(*each, "1938-11-02", "ZZ99 1AB") for each in (names[:3], names[3:]))
    assert match((record,), shown) == match((shown,), record) == Match("one", (0,))
    assert match((record,), replace(shown, postal_code="")) == Match("ambiguous", (0,))


@pytest.mark.parametrize(("given", "family", "other_given", "other_family"), SLIPS)
def test_t_fm_2_a_slip_in_a_name_is_no_automatic_no(given: str, family: str, other_given: str, other_family: str) -> None:
    """T-FM-2: whatever else agrees or is not known, a person decides."""
    for born, postcode in (("1938-11-02", "ZZ99 1AB"), ("", ""), ("1938-11-02", ""), ("", "ZZ99 7XY")):
        record, shown = Person(given, family, (), "1938-11-02", "ZZ99 1AB"), Person(other_given, other_family, (), born, postcode)
        assert match((record,), shown) == match((shown,), record) == Match("ambiguous", (0,))


def test_a_name_that_changed_is_left_to_a_person() -> None:
    changed = replace(MARGARET, given_name="Daisy", family_name="Voss")
    assert match((MARGARET,), changed) == Match("ambiguous", (0,))
    assert match((MARGARET,), replace(changed, birthdate="")) == Match("none")
    with pytest.raises(AmbiguousMatch):
        check_match((MARGARET,), replace(changed, birthdate=""))
    with pytest.raises(AmbiguousMatch):
        check_match((), MARGARET)


def test_who_moved_is_found_by_a_person_only() -> None:
    moved = replace(MARGARET, postal_code="ZZ99 4CD")
    assert match((MARGARET, NORA), moved) == Match("ambiguous", (0,))
    assert match(ACCOUNTS, moved) == Match("ambiguous", (0, 1))


def test_another_day_of_birth_is_another_person_unless_something_agrees() -> None:
    other = replace(MARGARET, birthdate="1938-11-20")
    assert match((MARGARET_2,), other) == Match("none")
    assert match((MARGARET,), other) == Match("ambiguous", (0,))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1931-04-20", "1931-04-20", "agrees"),
        ("1931-04-20", "1931-04-21", "differs"),
        ("1931", "1931", "open"),
        ("1931-04", "1931-04", "open"),
        ("1931", "1931-04-20", "open"),
        ("1931-04", "1931-04-30", "open"),
        ("1931-04", "1931-05-01", "differs"),
        ("1931", "1932", "differs"),
        ("1931", "1931-12", "open"),
        ("", "1931-04-20", "open"),
        ("about 1931", "1931-04-20", "open"),
        ("1931-04-31", "1931-04-30", "open"),
    ],
)
def test_t_fm_3_dates_known_in_part_are_never_completed(one: str, other: str, expected: str) -> None:
    """T-FM-3: 1931 is not 1 January 1931, and not 1931 either where a day is meant."""
    assert compare_dates(one, other) == compare_dates(other, one) == expected


def test_t_fm_3_a_partial_date_helps_nobody_to_be_found() -> None:
    """T-FM-3: it excludes, and adds nothing to a name."""
    record = replace(MARGARET, birthdate="1938")
    assert match((record,), NAMED) == Match("ambiguous", (0,))
    assert match((record,), MARGARET) == Match("one", (0,))
    assert match((replace(record, birthdate="1939", postal_code=""),), NAMED) == Match("none")


def word(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()[:14].translate(str.maketrans("0123456789", "ghijklmnop"))


def test_many_long_names_are_compared_at_once() -> None:
    """Fifty records whose names all but agree, eight others each: nobody can keep the service busy with them."""
    words = [word(number) for number in range(11)]

    def somebody(which: int, count: int) -> Person:
        names = [" ".join([*words[at % 11 :], *words[: at % 11], word(1_000 * which + at + 11)]) for at in range(count + 2)]
        return Person(names[0][:100], names[1][:99], tuple(names[2:]), "1938-11-02")

    records, shown = [somebody(which, 8) for which in range(50)], somebody(50, 500)
    begun = process_time()
    assert match(records, shown).outcome == "ambiguous"
    assert process_time() - begun < 3


def test_who_has_more_names_than_are_compared_is_left_to_a_person() -> None:
    others = tuple(f"Maiden{'x' * number} Name" for number in range(9))
    shown = Person("Zoë", "Quill", ("Ann Ashdown",), "1938-11-02", "ZZ99 1AB")
    assert match([Person("Ann", "Other", ("Ann Ashdown", *others), "1938-11-02", "ZZ99 1AB")], shown).outcome == "one"
    assert match([Person("Ann", "Other", (*others, "Ann Ashdown"), "1938-11-02", "ZZ99 1AB")], shown).outcome == "ambiguous"


def test_the_person_in_a_document() -> None:
    found = person_of(document("representation"), ("represented",))
    assert found == Person("Margaret", "Ashdown", ("Peggy Ashdown", "Margaret Penhale"), "1938-11-02", "ZZ99 4CD")
    assert person_of(document("life-event"), ("subject",)).also_known_as == ("Penhaligon",)
    assert person_of(document("person", birth_family_name="Reid")) == Person("Nora", "Ashdown", ("Reid",), "1968-03-14")
    assert person_of({}, ("represented",)) == person_of({"a": 1}, ("a", "b")) == Person()
    assert person_of({"given_name": 1, "address": "x", "also_known_as": [1]}) == Person()


def test_names_of_one_letter_and_marks_of_other_scripts() -> None:
    assert name_words("  Anne-Marie   O’Hara (née Voss)") == ("anne", "marie", "ohara")
    assert name_words("किरण") != name_words("करण")
    assert name_words("-") == ()
    assert match((Person("X", "Li"),), Person("Y", "Li")) == Match("none")
    assert match((Person(),), Person()) == Match("none")


PEOPLE = st.builds(
    Person,
    st.sampled_from(["Margaret", "margaret", "Peggy", "M", "", "Zoë-Anne"]) | st.text(max_size=9),
    st.sampled_from(["Ashdown", "ASHDOWN", "Ashdowne", "", "Reid"]) | st.text(max_size=9),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
    st.sampled_from(["", "1938-11-02", "1938-11", "1938", "1939", "in winter"]),
    st.sampled_from(["", "ZZ99 1AB", "zz991ab", "ZZ99 7XY"]),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "1", "2"]), max_size=2),
)


@given(st.lists(PEOPLE, max_size=4), PEOPLE)
def test_any_people_give_an_outcome(records: list[Person], shown: Person) -> None:
    found = match(records, shown)
    assert (found.outcome == "none") == (not found.at)
    assert found.outcome != "one" or len(found.at) == 1
    turned: list[Any] = [match((shown,), record).outcome for record in records]
    assert turned == [match((record,), shown).outcome for record in records]
    if found.outcome == "one":
        assert match(records, replace(shown, postal_code="", more={})).outcome == "ambiguous"
