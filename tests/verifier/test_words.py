from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from shared import errors
from shared.credentials import Kind, by_id
from shared.verify import CHECKS, Check, Level
from shared.web.dates import day_words
from verifier import words


def below(kind: type[errors.VcError]) -> Iterator[type[errors.VcError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from below(each)


@pytest.mark.parametrize("root", [errors.Rejected, errors.Undecided, errors.Malformed])
def test_every_reason_has_words(root: type[errors.VcError]) -> None:
    codes = {kind.code for kind in below(root) if kind.__module__ == "shared.errors"}
    assert codes - words.REASONS.keys() == set()


def test_every_check_and_level_has_words() -> None:
    assert words.PASSED.keys() == words.OPEN.keys() == set(CHECKS)
    assert words.LEVELS.keys() == set(Level)


@pytest.mark.parametrize("name", CHECKS)
def test_a_line_never_says_more_than_was_checked(name: str) -> None:
    assert words.line_of(Check(name, "passed")).text == words.PASSED[name]
    unchecked = words.line_of(Check(name, "unchecked", code="status_unknown"))
    assert unchecked.text.startswith("We could not check")
    assert unchecked.next
    assert words.PASSED[name] not in words.line_of(Check(name, "failed", code="made_up_code")).text


def test_remarks_go_with_a_passed_line() -> None:
    assert "so short" in words.line_of(Check("status", "passed", code="small_status_list")).text


def test_what_policy_can_do_without_is_said_plainly() -> None:
    line = words.line_of(Check("request", "unchecked", code="not_asked", needed=False))
    assert line.text.startswith("Nothing was asked for beforehand")


def test_sentences_of_a_verdict() -> None:
    bare = {"decision": "accepted", "code": "", "pack": None, "status": None, "level": {"number": 3}}
    assert words.sentence(bare) == "You can rely on this."
    for number in (0, 1):  # never a whole yes
        assert words.sentence(bare | {"level": {"number": number}}) == "Genuine, but only a copy: it does not show who brings it."
    assert words.sentence(bare | {"decision": "rejected", "code": "revoked"}).startswith(
        "Do not rely on this: the issuer has cancelled it."
    )
    assert words.sentence(bare | {"decision": "undecided", "code": "not_reached"}) == "Can’t tell yet: an earlier check has to pass first."
    assert words.knowledge(bare) == "No list of cancelled documents was used."
    told = words.knowledge(bare | {"pack": {"as_of": 1_800_000_000, "age": 120}, "status": {"as_of": 1_799_996_400, "age": 3720}})
    assert told == (
        "Checked with the checking pack dated 15 January 2027 08:00 UTC, 2 minutes old. "
        "The list of cancelled documents is of 15 January 2027 07:00 UTC, 1 hour old; what was cancelled since is not known here."
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7200, "2 hours"), (86_400, "1 day")]
)
def test_ages(seconds: int, text: str) -> None:
    assert words.age_text(seconds) == text


def test_details_in_words() -> None:
    kind = by_id("representation")
    claims = {
        "representation_kind": "power_of_attorney",
        "has_restrictions": False,
        "powers": ["banking", "council-tax"],
        "grant_date": "2021-05-04",
    }
    rows = {row.label: row for row in words.details(kind, claims)}
    assert rows["There are restrictions"].values == ("No",)
    assert rows["There are restrictions"].limit
    assert rows["Power"].values == ("Bank and building society accounts", "Council tax")
    assert not rows["Power"].limit
    assert rows["Date it was signed"].values == ("4 May 2021",)
    welsh = {row.label: row.values for row in words.details(kind, claims, "cy")}
    assert welsh["Dyddiad llofnodi"] == ("4 Mai 2021",)
    assert welsh["Mae cyfyngiadau"] == ("Nac ydy",)
    assert words.day_text(date(1938, 11, 2), "cy") == "2 Tachwedd 1938"
    assert Kind.DATE in {claim.kind for claim in kind.claims}


@pytest.mark.parametrize(
    ("value", "english", "welsh"),
    [("2027", "2027", "2027"), ("2027-02", "February 2027", "Chwefror 2027"), ("2027-02-03", "3 February 2027", "3 Chwefror 2027")],
)
def test_a_date_known_in_part_is_told_as_far_as_it_is_known(value: str, english: str, welsh: str) -> None:
    claims = {"death_date": {"value": value}}
    for locale, told in (("en", english), ("cy", welsh)):
        assert [row.values for row in words.details(by_id("life-event"), claims, locale)] == [(told,)]
        assert day_words(value, locale) == told


def test_who_is_acted_for() -> None:
    kind = by_id("representation")
    assert words.acting_for(kind, {"represented": {"given_name": "Margaret", "family_name": "Ashdown"}}) == "Margaret Ashdown"
    assert words.acting_for(kind, {"represented": {"family_name": "Ashdown"}}) == "Ashdown"
    assert words.acting_for(kind, {}) == ""


def test_names_for_the_log() -> None:
    assert words.names_of([("powers", 0), ("powers", 1), ("represented", "given_name")]) == ["powers", "represented/given_name"]
