"""Entries in a civil register: ARTHUR's death, and a marriage (domain sheet C05)."""

from __future__ import annotations

from typing import Any

import pytest
from support.documents import document

from shared.credentials import Disclosure, by_id
from shared.errors import Malformed, NotDetermined, OutsideScope, TypeRuleBroken, VcError, WrongInstrument

DEATH, FULL = by_id("life-event"), by_id("life-event-full")
MARRIAGE = {
    "event_type": "marriage",
    "death_date": ...,
    "event_date": "2026-06",
    "partner": {"given_name": "Sam", "family_name": "Reid"},
}
AT_C05_3 = {"death_date": {"value": "2027-02", "description": "Deceased found on 3 March 2027"}, "registered_at": "2027-03-05"}
IN_WORDS = {"death_date": ..., "death_date_free_format": "Between the first and the third of February 2027"}
BORN = {"given_name": "Arthur", "family_name": "Penhale"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        AT_C05_3,
        IN_WORDS,
        {"registration_state": "interim"},
        {"subject": BORN | {"birthdate": "1931"}},
        {"subject": BORN | {"birthdate": "2027-02"}},
        {"subject": BORN},
        {"death_date": {"value": "2027"}},
        {"death_date": {"value": "2027-02", "description": "On or about 8 February 2027"}},
        MARRIAGE,
        MARRIAGE | {"event_type": "civil-partnership"},
    ],
)
def test_what_a_registrar_may_say(changes: dict[str, Any]) -> None:
    DEATH.check(document("life-event", **changes))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"registration_state": ...}, "/registration_state"),
        ({"registration_state": "corrected"}, "/registration_state"),
        ({"event_type": "birth"}, "/event_type"),
        ({"death_date": ...}, "/death_date"),
        ({"death_date": {"description": "On or about"}}, "/death_date"),
        ({"death_date": {"description": "On or about"}, "death_date_free_format": "In winter"}, "/death_date/description"),
        ({"death_date": {"value": "2027-02-08", "description": "On or about"}}, "/death_date/value"),
        ({"death_date": {"value": "2027-02-30"}}, "/death_date/value"),
        ({"death_date": {"value": "2027-02-09"}}, "/registered_at"),
        ({"death_date": {"value": "2027-03"}}, "/registered_at"),
        ({"subject": BORN | {"birthdate": "2027-02-04"}}, "/death_date/value"),
        ({"subject": BORN | {"birthdate": "2028"}}, "/death_date/value"),
        ({"partner": {"given_name": "Joan"}}, "/partner"),
        ({"event_date": "1955"}, "/event_date"),
        (MARRIAGE | {"death_date": {"value": "2027"}}, "/death_date"),
        (MARRIAGE | IN_WORDS, "/death_date_free_format"),
        (MARRIAGE | {"event_date": ...}, "/event_date"),
        (MARRIAGE | {"partner": ...}, "/partner"),
        (MARRIAGE | {"partner": {"given_name": "Sam"}}, "/partner"),
        (MARRIAGE | {"registration_state": "interim"}, "/registration_state"),
    ],
)
def test_contradictions_are_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        DEATH.check(document("life-event", **changes))
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("changes", "use", "error"),
    [
        ({}, {}, None),
        ({}, {"events": ["death"]}, None),
        ({}, {"events": ["marriage"]}, WrongInstrument),
        ({"event_type": ...}, {"events": ["death"]}, OutsideScope),
        ({"event_type": ...}, {}, None),
        ({}, {"states": ["registered"]}, None),
        ({"registration_state": "interim"}, {"states": ["registered"]}, WrongInstrument),
        ({"registration_state": "interim"}, {"events": ["death"]}, None),
        ({}, {"full_date": True}, None),
        ({"death_date": {"value": "2027-02"}}, {"full_date": True}, NotDetermined),
        ({"death_date": {"value": "2027"}}, {"full_date": True}, NotDetermined),
        (IN_WORDS, {"full_date": True}, NotDetermined),
        ({"death_date": {"value": "2027-02-08", "description": "On or about"}}, {"full_date": True}, NotDetermined),
        ({"death_date": ...}, {"full_date": True}, NotDetermined),
        ({"death_date": {"value": "2027-02"}}, {"full_date": False}, None),
        ({}, {"died_by": "2027-02-03"}, None),
        ({}, {"died_by": "2027-02-02"}, OutsideScope),
        ({"death_date": {"value": "2027-02"}}, {"died_by": "2027-02-28"}, None),
        ({"death_date": {"value": "2027-02"}}, {"died_by": "2027-02-27"}, NotDetermined),
        ({"death_date": {"value": "2027-02"}}, {"died_by": "2027-02-01"}, NotDetermined),
        ({"death_date": {"value": "2027-02"}}, {"died_by": "2027-01-31"}, OutsideScope),
        ({"death_date": {"value": "2027"}}, {"died_by": "2027-12-31"}, None),
        ({"death_date": {"value": "2027"}}, {"died_by": "2027-12-30"}, NotDetermined),
        ({"death_date": {"value": "2027"}}, {"died_by": "2026-12-31"}, OutsideScope),
        ({"death_date": {"value": "2028-02"}}, {"died_by": "2028-02-28"}, NotDetermined),
        ({"death_date": {"value": "2028-02"}}, {"died_by": "2028-02-29"}, None),
        ({"death_date": {"value": "2028-02-29"}}, {"died_by": "2028-02-28"}, OutsideScope),
        ({"death_date": {"value": "2027-02-29"}}, {"died_by": "2028-01-01"}, TypeRuleBroken),
        ({"death_date": ...}, {"died_by": "2027-12-31"}, NotDetermined),
        (IN_WORDS, {"died_by": "2027-12-31"}, NotDetermined),
        ({}, {"died_by": "2027-02"}, TypeRuleBroken),
        ({"registration_state": ...}, {}, TypeRuleBroken),
    ],
)
def test_judging_a_use(changes: dict[str, Any], use: dict[str, Any], error: type[VcError] | None) -> None:
    claims = document("life-event", **changes)
    if error is None:
        DEATH.judge(claims, use)
        return
    with pytest.raises(error):
        DEATH.judge(claims, use)


def test_at_c05_3_a_date_known_in_part_answers_what_it_can() -> None:
    """AT-C05-3: every day of February is before the end of March; no day is made up."""
    claims = document("life-event", **AT_C05_3)
    DEATH.check(claims)
    DEATH.judge(claims, {"died_by": "2027-03-31"})
    with pytest.raises(NotDetermined):
        DEATH.judge(claims, {"full_date": True})


def test_nothing_of_the_full_entry_can_be_asked_by_accident() -> None:
    names = {claim.path[0] for claim in FULL.claims} - {claim.path[0] for claim in DEATH.claims}
    assert names >= {"cause_of_death", "certified_by", "place_of_death", "occupation", "informant"}
    private = [claim for claim in FULL.claims if claim.path[0] in names]
    assert all(claim.disclosure is Disclosure.ONCE for claim in private)
    FULL.check(document("life-event-full"))
    with pytest.raises(Malformed) as caught:
        FULL.check(document("life-event-full", cause_of_death=...))
    assert caught.value.where == "/cause_of_death"
    FULL.judge(document("life-event-full"), {})


def test_the_type_names_no_event() -> None:
    """Rule R10: a type is never hidden, so that its name says little."""
    assert not any(word in DEATH.vct + DEATH.title.en.lower() for word in ("death", "marriage"))
