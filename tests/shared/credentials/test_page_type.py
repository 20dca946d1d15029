from __future__ import annotations

import json
from dataclasses import replace

from support.forge import REPRESENTATION

from shared.codec import strict_json
from shared.credentials import Disclosure
from shared.credentials._page import page_type
from shared.credentials._rules import compile_rules

PAGE = page_type(REPRESENTATION)


def test_it_is_plain_json_and_whole() -> None:
    assert json.loads(strict_json.dumps(PAGE)) == PAGE
    assert set(PAGE) == {
        *("vct", "vct_int", "title", "groups", "claims", "status_bits", "status_max_age", "copy_days", "bearer", "represents", "rules"),
        "queries",
    }
    assert PAGE["represents"] == ["represented"]
    assert PAGE["status_max_age"] == {"low": 604_800, "high": 86_400}


def test_groups_are_those_of_the_compact_form() -> None:
    assert [group["n"] for group in PAGE["groups"]] == list(range(1, 15))
    inside = {group["id"] for group in PAGE["groups"] if group["within"]}
    assert {group["within"] for group in PAGE["groups"]} == {0, 7}
    assert inside == {group.id for group in REPRESENTATION.groups if group.within == "further"}


def test_what_is_always_in_clear_is_in_no_group() -> None:
    for claim, told in zip(REPRESENTATION.leaves, PAGE["claims"], strict=True):
        assert (told["key"], tuple(told["path"])) == (claim.cwt, claim.path)
        assert (told["group"] == 0) == (claim.disclosure is Disclosure.ALWAYS)
        assert [choice["value"] for choice in told["choices"]] == [choice.value for choice in claim.choices]


def test_ready_questions_ask_by_group() -> None:
    asked = {query["id"]: (query["required"], query["optional"], query["use"]) for query in PAGE["queries"]}
    assert asked["council-tax"] == ([1, 3, 5], [2, 8], {"powers": ["council-tax"]})
    # An optional leaf whose group is needed anyway is no choice.
    ready = REPRESENTATION.queries[0]
    half = replace(ready, paths=(("represented", "given_name"), ("has_restrictions",)), optional=(("represented", "family_name"),))
    (only,) = page_type(replace(REPRESENTATION, queries=(half,)))["queries"]
    assert (only["required"], only["optional"]) == ([1], [])


def test_its_rules_are_those_of_the_verifier_through_json() -> None:
    rules = json.loads(json.dumps(PAGE["rules"]))
    assert len(rules) == len(REPRESENTATION.limits) + len(REPRESENTATION.uses)
    missing = compile_rules(rules)({}, {})
    assert missing is not None
    assert missing.where == "/representation_kind"
