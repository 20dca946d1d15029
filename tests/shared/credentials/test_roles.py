"""Who acts, for whom and as what (domain rule R2)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.credentials import Text, by_id
from shared.credentials._roles import Acting, acting, name_at

MARGARET = {"given_name": "Margaret", "family_name": "Ashdown"}
ARTHUR = {"given_name": "Arthur", "family_name": "Penhale"}
TOM = {"given_name": "Tom", "family_name": "Penhale"}
POWER, ESTATE = by_id("representation"), by_id("estate-authority")


@pytest.mark.parametrize(
    ("kind", "role"), [("power_of_attorney", "attorney"), ("deputyship", "deputy"), ("appointeeship", "appointee"), ("queen", None)]
)
def test_an_agent_acts_as_what_the_document_says(kind: str, role: str | None) -> None:
    found = acting(POWER, {"representation_kind": kind, "represented": MARGARET})
    assert found is not None
    assert (found.name, found.estate, found.role and found.role.en) == ("Margaret Ashdown", False, role)


@pytest.mark.parametrize(
    ("level", "role"),
    [
        ("informant", "the person who told the registrar"),
        ("named-executor", "executor named in the will"),
        ("grant-of-probate", "executor"),
        ("letters-of-administration", "administrator"),
        ("letters-with-will", "administrator"),
    ],
)
def test_an_executor_is_nobodys_agent(level: str, role: str) -> None:
    found = acting(ESTATE, {"authority_level": level, "acts_for_another": False, "deceased": ARTHUR})
    assert found is not None
    assert (found.name, found.estate, found.role and found.role.en) == ("Arthur Penhale", True, role)


def test_a_solicitor_acts_as_solicitor_and_never_as_attorney() -> None:
    claims: dict[str, Any] = {"authority_level": "named-executor", "acts_for_another": True, "deceased": ARTHUR}
    assert acting(ESTATE, claims | {"acting_for": TOM}) == Acting(name="Tom Penhale", role=Text("solicitor", "cyfreithiwr"))
    assert acting(ESTATE, claims) == Acting(name="", role=Text("solicitor", "cyfreithiwr"))


def test_who_shows_their_own_document_acts_for_nobody() -> None:
    assert acting(by_id("person"), {"given_name": "Nora"}) is None


def test_a_name_is_told_as_far_as_it_is_there() -> None:
    assert name_at((), {"given_name": "Nora"}) == ""
    assert name_at(("a", "b"), {"a": 7}) == ""
    assert name_at(("a",), {"a": {"family_name": "Ashdown"}}) == "Ashdown"
