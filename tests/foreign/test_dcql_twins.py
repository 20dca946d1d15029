"""Our matcher and the package dcql (npm) answer thousands of generated queries alike; where not, OpenID4VP says who is right."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.foreign import Peer, Refused
from support.questions import Holding, Json, question

from shared.dcql import Held, Match, match, parse_query
from shared.errors import AccessDenied, Malformed

COUNTERPARTS = {"dcql": "matcher of queries"}
pytestmark = pytest.mark.real

QUERIES = 4_000
BATCH = 500


def hold(held: list[Holding]) -> list[Held]:
    return [
        Held(
            id=str(position), format=each.format, vct=each.kind, document=each.document(), bound=each.bound,
            authority_keys=() if each.key is None else (each.key,),
        )
        for position, each in enumerate(held)
    ]  # fmt: skip


def ours(query: Json, held: list[Holding]) -> Match | None:
    try:
        return match(parse_query(query), hold(held))
    except AccessDenied:
        return None


def outcome(found: Match | None) -> Any:
    """Who answers which query by how many combinations of claims, and which options can be met."""
    if found is None:
        return None
    matches = {name: {each.held.id: len(each.options) for each in many} for name, many in found.candidates.items()}
    return matches, [[list(option) for option in choice.options] for choice in found.sets]


def theirs(answer: Json, query: Json) -> Any:
    if not answer["can_be_satisfied"]:
        return None
    matches = {name: {position: len(sets) for position, sets in many.items()} for name, many in answer["matches"].items()}
    options = answer["options"] if "credential_sets" in query else [[[each["id"] for each in query["credentials"]]]]
    return matches, [each for each in options if each]


def _excuse(path: list[Any], value: Any) -> str | None:
    """What of section 7.1.1 the package does otherwise on the way of ``path``, if anything."""
    selected = [value]
    for step in path:
        fits = [isinstance(each, dict if isinstance(step, str) else list) for each in selected]
        if any(fits) and not all(fits):
            return "one of the selected elements is of another kind: abort"
        if step is None and [] in selected:
            return "an empty array gives nothing"
        following = []
        for each in selected:
            if isinstance(each, dict) and step in each:
                following.append(each[step])
            elif isinstance(each, list) and not isinstance(step, str):
                following += each if step is None else each[step : step + 1]
        selected = following
    return "null is a value too" if None in selected else None


def excuses(query: Json, held: list[Holding]) -> set[str]:
    paths = [claim["path"] for each in query["credentials"] for claim in each.get("claims", ())]
    return {why for path in paths for each in held if (why := _excuse(path, each.claims))}


@pytest.mark.parametrize("batch", range(QUERIES // BATCH))
def test_generated_queries_are_answered_alike(their_dcql: Peer, batch: int) -> None:
    cases = [question(f"{batch}/{number}") for number in range(BATCH)]
    answers = their_dcql.ask_all("match", [{"query": query, "credentials": [each.theirs() for each in held]} for query, held in cases])
    seen: Counter[str] = Counter()
    for (query, held), answer in zip(cases, answers, strict=True):
        assert not isinstance(answer, Refused), (query, answer)
        mine, other, excused = outcome(ours(query, held)), theirs(answer, query), excuses(query, held)
        seen["met" if mine else "unmet"] += 1
        seen["excused"] += bool(excused)
        if mine != other:
            seen["different"] += 1
            assert excused, (query, [each.theirs() for each in held], mine, other)
    assert seen["met"] > BATCH // 5, seen
    assert seen["unmet"] > BATCH // 5, seen
    assert seen["excused"] < BATCH // 4, seen


DOCUMENT: Json = {"a": [{"b": 1}, "x"], "n": None, "s": ["x"], "o": {}, "e": []}


@pytest.mark.parametrize(
    ("claim", "met", "section"),
    [
        ({"path": ["a", None, "b"]}, False, "7.1.1: one of the selected elements is no object, so processing is aborted"),
        ({"path": ["n"]}, True, "7.1.1: the result is the set of selected elements, and null is one"),
        ({"path": ["e", None]}, False, "7.1.1: nothing is selected, which is an error"),
        ({"path": ["s", "0"]}, False, "7.1.1: a name selects in objects, never in an array"),
        ({"path": ["o", "constructor"]}, False, "7.1.1: the key does not exist in the object"),
    ],
    ids=["mixed-kinds", "null", "empty-array", "name-in-array", "inherited-name"],
)
def test_where_the_package_departs_from_the_specification(their_dcql: Peer, claim: Json, *, met: bool, section: str) -> None:
    query = {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}, "claims": [claim]}]}
    held = [Holding("dc+sd-jwt", "urn:one", DOCUMENT, bound=True, key=None)]
    assert (ours(query, held) is not None) is met, section
    answer = their_dcql.ask("match", query=query, credentials=[held[0].theirs()])
    assert answer["can_be_satisfied"] is not met, f"the package now does as section {section}"


def test_other_kinds_of_authority_are_hints_to_us(their_dcql: Peer) -> None:
    """Section 6.1.1 leaves it to the wallet which kinds it knows; it SHOULD match them, and we ask on where we cannot tell."""
    authorities = [{"type": "etsi_tl", "values": ["https://lotl.example"]}]
    query = {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}, "trusted_authorities": authorities}]}
    held = [Holding("dc+sd-jwt", "urn:one", {}, bound=True, key=None)]
    assert ours(query, held) is not None
    assert not their_dcql.ask("match", query=query, credentials=[held[0].theirs()])["can_be_satisfied"]


CLAIM = {"id": "c", "path": ["a"]}
GOOD = {"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:one"]}, "claims": [CLAIM]}


@pytest.mark.parametrize(
    ("query", "section"),
    [
        ({"credentials": []}, "6"),
        ({"credentials": [GOOD, GOOD]}, "6.1: an id is not present more than once"),
        ({"credentials": [{**GOOD, "id": "a b"}]}, "6.1: the id's letters"),
        ({"credentials": [{**GOOD, "id": ""}]}, "6.1: the id is not empty"),
        ({"credentials": [{**GOOD, "claims": []}]}, "6.1: claims is non-empty"),
        ({"credentials": [{**GOOD, "claim_sets": []}]}, "6.1: claim_sets is non-empty"),
        ({"credentials": [{**GOOD, "claim_sets": [["d"]]}]}, "6.1: identifiers of claims"),
        ({"credentials": [{**GOOD, "claims": [{"path": []}]}]}, "7: a path is non-empty"),
        ({"credentials": [{**GOOD, "claims": [{"path": [-1]}]}]}, "7: no negative numbers"),
        ({"credentials": [{**GOOD, "claims": [{"path": [1.5]}]}]}, "7: whole numbers"),
        ({"credentials": [{**GOOD, "claims": [{"path": ["a"], "values": [1.5]}]}]}, "6.3: strings, integers, booleans"),
        ({"credentials": [{**GOOD, "trusted_authorities": []}]}, "6.1: trusted_authorities is non-empty"),
        ({"credentials": [GOOD], "credential_sets": []}, "6: credential_sets is non-empty"),
        ({"credentials": [GOOD], "credential_sets": [{"options": []}]}, "6.2: options is non-empty"),
        ({"credentials": [GOOD], "credential_sets": [{"options": [["z"]]}]}, "6.2: identifiers of credential queries"),
        ({"credentials": [{**GOOD, "multiple": "yes"}]}, "6.1: multiple is a boolean"),
    ],
)  # fmt: skip
def test_both_refuse_what_is_no_query(their_dcql: Peer, query: Json, section: str) -> None:
    with pytest.raises(Malformed):
        parse_query(query)
    with pytest.raises(Refused):
        their_dcql.ask("match", query=query, credentials=[])
    assert section


@pytest.mark.parametrize(
    ("query", "section"),
    [
        ({"credentials": [{name: each for name, each in GOOD.items() if name != "meta"}]}, "6.1: meta is REQUIRED"),
        ({"credentials": [{**GOOD, "claims": [CLAIM, {"id": "c", "path": ["b"]}]}]}, "6.3: an id is not present more than once"),
        ({"credentials": [{**GOOD, "claims": [{"path": ["a"], "values": []}]}]}, "6.3: values is non-empty"),
        ({"credentials": [{**GOOD, "claims": [CLAIM, {"path": ["b"]}], "claim_sets": [["c"]]}]}, "6.3: with claim_sets an id is REQUIRED"),
        ({"credentials": [GOOD], "credential_sets": [{"options": [[]]}]}, "6.2: each option is non-empty"),
    ],
)  # fmt: skip
def test_what_only_we_refuse(their_dcql: Peer, query: Json, section: str) -> None:
    with pytest.raises(Malformed):
        parse_query(query)
    assert their_dcql.ask("match", query=query, credentials=[])["can_be_satisfied"] in {True, False}, section
