from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT
from support.trial_verify import CLAIMS, LIST, Answers, expectation, issue, material, show, status_token

from shared.credentials import Kind, all_types, by_id
from shared.dcql import parse_query
from shared.flow import run
from shared.verify import Asked, Decision, verify
from shared.verify._one_holder import _fold, check_one_holder

PERSON = by_id("person")
NORA = {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14"}
AUTHORITY = {name: CLAIMS[name] for name in ("issuing_authority", "issuing_country", "issuing_jurisdiction")}


def decide(
    person: dict[str, str],
    proxy: dict[str, str] = NORA,
    *,
    hide: tuple[str, ...] = (),
    asked: tuple[Asked, ...] = (),
    use: dict[str, Any] | None = None,
    **trust: Any,
) -> Decision:
    """A power of attorney and a person's document, each with a key of its own and the names that are given; ``hide`` is not shown of the latter."""
    paths: dict[str, list[Any]] = {"what": [("proxy", name) for name in proxy], "who": [(name,) for name in person if name not in hide]}
    wires = {
        "what": issue(seed="what", claims=CLAIMS | {"proxy": proxy}),
        "who": issue(seed="who", type=PERSON, claims=AUTHORITY | person),
    }
    query = parse_query(
        {
            "credentials": [
                {"id": name, "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": list(path)} for path in paths[name]]} for name in wires
            ]
        }
    )
    token = {name: [show(wire, paths=paths[name])] for name, wire in wires.items()}
    told = use or {}
    want = expectation(query=query, use=told) if not asked else replace(expectation(use=told), query=None, asked=asked)
    return run(verify(token, want, material(**trust), at=AT), Answers({LIST: status_token()}))


def test_one_person_in_two_documents() -> None:
    decision = decide(NORA)
    assert (decision.decision, len(decision.credentials)) == ("accepted", 2)


@pytest.mark.parametrize(
    "other",
    [
        {"given_name": "Mallory"},
        {"family_name": "Thief"},
        {"birthdate": "1968-03-15"},
        {"given_name": "Nóra", "birthdate": "1968-03-15"},
    ],
)
def test_documents_of_different_people_are_refused_together(other: dict[str, str]) -> None:
    decision = decide(NORA | other)
    assert {line.state for line in decision.checks[:9]} == {"passed"}
    assert (decision.decision, decision.code, decision.credentials) == ("rejected", "different_people", ())
    assert decide(NORA | other, use={"same_person": True}).code == "different_people"


@pytest.mark.parametrize(
    "other",
    [
        {"given_name": "Nóra"},
        {"given_name": "Nora Jane"},
        {"given_name": "N."},
        {"family_name": "Ash-Down"},
        {"given_name": "Ashdown", "family_name": "Nora"},
    ],
)
def test_t_fm_2_another_spelling_in_two_documents_is_no_automatic_no(other: dict[str, str]) -> None:
    """T-FM-2: nor a yes; a person compares them, and says so."""
    decision = decide(NORA | other)
    assert (decision.decision, decision.code, len(decision.credentials)) == ("undecided", "ambiguous_match", 2)
    assert decision.line("request").state == "unchecked"
    assert decide(NORA | other, use={"same_person": True}).decision == "accepted"
    assert decide(NORA | other, use={"same_person": False}).code == "different_people"


def test_t_fm_2_what_she_is_otherwise_known_as_is_no_other_person() -> None:
    other = {"given_name": "Nora", "family_name": "Voss", "birthdate": "1968-03-14", "birth_family_name": "Ashdown"}
    assert decide(other, hide=("birth_family_name",)).code == "different_people"  # nothing that was shown says so
    assert decide(other).code == "ambiguous_match"


@pytest.mark.parametrize("name", ["NORA", "  nora ", "Nora\n"])
def test_case_and_spacing_make_nobody_another_person(name: str) -> None:
    assert decide(NORA | {"given_name": name}).decision == "accepted"


def test_what_one_of_them_does_not_show_is_not_compared() -> None:
    assert decide(NORA | {"birthdate": "1970-01-01"}, hide=("birthdate",)).decision == "accepted"
    assert (
        decide({"given_name": "Mallory", "family_name": "Thief", "birthdate": "1968-03-14"}, hide=("given_name", "family_name")).decision
        == "accepted"
    )
    assert decide(NORA, {"given_name": "Nora", "family_name": "Ashdown"}).decision == "accepted"


def test_documents_by_square_code_are_those_of_one_person_too() -> None:
    asked = tuple(
        Asked(vct=each.vct, required=(), optional=tuple(group.id for group in each.groups)) for each in (by_id("representation"), PERSON)
    )
    assert decide(NORA, asked=asked).code == ""
    assert decide(NORA | {"given_name": "Mallory"}, asked=asked).code == "different_people"


def test_t_fm_3_part_of_a_date_is_not_the_date_and_not_another() -> None:
    claims = tuple(replace(each, kind=Kind.PARTIAL_DATE) if each.path == ("birthdate",) else each for each in PERSON.claims)
    partly = replace(PERSON, claims=claims)
    types = {**all_types(), PERSON.vct: partly}
    assert decide(NORA, types=types).decision == "accepted"
    for part in ("1968", "1968-03"):
        assert decide(NORA | {"birthdate": part}, types=types).code == "ambiguous_match"
    assert decide(NORA | {"birthdate": "1969"}, types=types).code == "different_people"


def test_kinds_that_name_no_holder_are_not_compared() -> None:
    nameless = {**all_types(), PERSON.vct: replace(PERSON, holder=None)}
    assert decide(NORA | {"given_name": "Mallory"}, types=nameless).decision == "accepted"
    unknown = {vct: kind for vct, kind in all_types().items() if vct != PERSON.vct}
    assert decide(NORA | {"given_name": "Mallory"}, types=unknown).code == "unknown_credential_type"


def test_something_else_where_the_holder_should_be_is_no_name() -> None:
    one, other = (each.claims for each in decide(NORA).credentials)
    check_one_holder([msgspec.structs.replace(one, claims={"proxy": "Mallory"}), other], all_types())


@given(st.text(max_size=12))
def test_a_name_is_the_same_however_it_is_composed_spaced_and_cased(name: str) -> None:
    folded = _fold(name)
    assert folded == _fold(f" {name}\n")
    assert folded == _fold(unicodedata.normalize("NFC", name)) == _fold(unicodedata.normalize("NFD", name))
