from __future__ import annotations

import pytest

from shared.credentials import Kind, by_id
from shared.web.dates import day_words
from verifier import details
from verifier.words import Spoken, acting_words


def test_details_in_words() -> None:
    kind = by_id("representation")
    claims = {
        "representation_kind": "power_of_attorney",
        "has_restrictions": False,
        "powers": ["banking", "council-tax"],
        "grant_date": "2021-05-04",
    }
    rows = {row.label: row for row in details.details(kind, claims)}
    assert rows["There are restrictions"].values == ("No",)
    assert rows["There are restrictions"].limit
    assert rows["Power"].values == ("Bank and building society accounts", "Council tax")
    assert not rows["Power"].limit
    assert rows["Date it was signed"].values == ("4 May 2021",)
    welsh = {row.label: row.values for row in details.details(kind, claims, "cy")}
    assert welsh["Dyddiad llofnodi"] == ("4 Mai 2021",)
    assert welsh["Mae cyfyngiadau"] == ("Nac ydy",)
    assert Kind.DATE in {claim.kind for claim in kind.claims}


@pytest.mark.parametrize(
    ("value", "english", "welsh"),
    [("2027", "2027", "2027"), ("2027-02", "February 2027", "Chwefror 2027"), ("2027-02-03", "3 February 2027", "3 Chwefror 2027")],
)
def test_a_date_known_in_part_is_told_as_far_as_it_is_known(value: str, english: str, welsh: str) -> None:
    claims = {"death_date": {"value": value}}
    for locale, told in (("en", english), ("cy", welsh)):
        assert [row.values for row in details.details(by_id("life-event"), claims, locale)] == [(told,)]
        assert day_words(value, locale) == told


def test_who_is_acted_for_and_as_what() -> None:
    kind, estate = by_id("representation"), by_id("estate-authority")
    margaret = {"given_name": "Margaret", "family_name": "Ashdown"}
    told = Spoken()
    assert (
        acting_words(kind, {"representation_kind": "power_of_attorney", "represented": margaret}, told)
        == "acting for Margaret Ashdown as attorney"
    )
    assert acting_words(kind, {"represented": margaret}, told) == "acting for Margaret Ashdown"
    assert acting_words(kind, {}, told) == ""
    executor = {"authority_level": "grant-of-probate", "acts_for_another": False, "deceased": margaret}
    assert acting_words(estate, executor, told) == "dealing with the estate of Margaret Ashdown as executor"
    solicitor = executor | {"acts_for_another": True, "acting_for": {"given_name": "Tom", "family_name": "Penhale"}}
    assert acting_words(estate, solicitor, told) == "acting for Tom Penhale as solicitor"


def test_names_for_the_log() -> None:
    assert details.names_of([("powers", 0), ("powers", 1), ("represented", "given_name")]) == ["powers", "represented/given_name"]


def test_all_that_was_seen_by_name() -> None:
    """What a kind never hides was seen too; of a kind that is not known here, what its holder chose to show."""
    claims = {"has_restrictions": False, "powers": ["banking"], "represented": {"given_name": "Margaret"}, "else": 7}
    chosen: list[tuple[str | int | None, ...]] = [("powers", 0), ("represented", "given_name")]
    kind = by_id("representation")
    assert details.names_seen(kind, claims, chosen) == ["powers", "represented/given_name", "has_restrictions"]
    assert details.names_seen(kind, {"represented": "given_name", "powers": {}, "proxy": []}, ()) == []
    assert details.names_seen(None, claims, chosen) == ["powers", "represented/given_name"]
