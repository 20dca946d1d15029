from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shared.credentials import ClaimPath
from shared.dcql import Held, Match, match, parse_query
from shared.errors import AccessDenied

CLAIMS: dict[str, Any] = {
    "kind": "poa",
    "powers": ["banking", "council-tax"],
    "represented": {"given_name": "Margaret", "family_name": "Ward", "address": {"postal_code": "AB1 2CD"}},
    "level": 3,
    "over_18": True,
}
DISCLOSABLE: tuple[ClaimPath, ...] = (
    ("powers", 0),
    ("powers", 1),
    ("represented",),
    ("represented", "given_name"),
    ("represented", "family_name"),
    ("represented", "address", "postal_code"),
    ("level",),
    ("over_18",),
)


def held(
    name: str = "lpa",
    *,
    format_name: str = "dc+sd-jwt",
    vct: str = "urn:poa",
    document: Mapping[str, Any] = CLAIMS,
    authority_keys: tuple[str, ...] = (),
    bound: bool = True,
) -> Held:
    return Held(
        id=name,
        format=format_name,
        vct=vct,
        document=document,
        disclosable=DISCLOSABLE,
        authority_keys=authority_keys,
        bound=bound,
    )


def ask(*documents: Held, sets: list[dict[str, Any]] | None = None, **members: Any) -> Match:
    query: dict[str, Any] = {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {}, **members}]}
    if sets is not None:
        query["credential_sets"] = sets
    return match(parse_query(query), documents)


def paths(found: Match) -> tuple[ClaimPath, ...]:
    return found.candidates["q"][0].options[0].paths


def test_without_claims_nothing_withholdable_is_shown() -> None:
    found = ask(held())
    assert found.candidates["q"][0].options[0].paths == ()
    assert found.candidates["q"][0].options[0].shown == ()
    assert found.least() == ("q",)


def test_exactly_the_selected_claims_are_named() -> None:
    found = ask(held(), claims=[{"path": ["kind"]}, {"path": ["represented", "given_name"]}, {"path": ["represented", "given_name"]}])
    assert paths(found) == (("kind",), ("represented", "given_name"))
    assert found.candidates["q"][0].options[0].shown == (("represented",), ("represented", "given_name"))


def test_values_select_the_matching_elements_of_an_array_only() -> None:
    found = ask(held(), claims=[{"path": ["powers", None], "values": ["council-tax"]}])
    assert paths(found) == (("powers", 1),)
    assert found.candidates["q"][0].options[0].shown == (("powers", 1),)


@pytest.mark.parametrize(
    ("path", "value"), [(["level"], "3"), (["level"], True), (["over_18"], 1), (["powers", None], "benefits"), (["kind"], "POA")]
)
def test_a_value_matches_only_with_its_type(path: list[Any], value: Any) -> None:
    with pytest.raises(AccessDenied):
        ask(held(), claims=[{"path": path, "values": [value]}])


def test_a_whole_array_or_object_is_selected_with_everything_below() -> None:
    found = ask(held(), claims=[{"path": ["powers"]}, {"path": ["represented"]}])
    assert found.candidates["q"][0].options[0].shown == DISCLOSABLE[:6]


@pytest.mark.parametrize(
    ("document", "members"),
    [
        (held(format_name="vc+jwt"), {}),
        (held(vct="urn:other"), {"meta": {"vct_values": ["urn:poa"]}}),
        (held(), {"claims": [{"path": ["nothing"]}]}),
        (held(bound=False), {}),
        (held(), {"meta": {"doctype_value": "d"}}),
        (held(authority_keys=("x",)), {"trusted_authorities": [{"type": "aki", "values": ["y"]}]}),
        (held(document={"type": "A"}), {"meta": {"type_values": [["A", "B"]]}}),
        (held(document={"type": ["A", 1]}), {"meta": {"type_values": [["B"]]}}),
        (held(document={}), {"meta": {"type_values": [["B"]]}}),
    ],
)
def test_what_does_not_answer_is_not_a_candidate(document: Held, members: dict[str, Any]) -> None:
    with pytest.raises(AccessDenied):
        ask(document, **members)


@pytest.mark.parametrize(
    ("document", "members"),
    [
        (held(), {"meta": {"vct_values": ["urn:other", "urn:poa"]}}),
        (held(bound=False), {"require_cryptographic_holder_binding": False}),
        (held(document={"docType": "d"}), {"meta": {"doctype_value": "d"}}),
        (held(authority_keys=("x", "y")), {"trusted_authorities": [{"type": "aki", "values": ["y="]}]}),
        (held(), {"trusted_authorities": [{"type": "aki", "values": ["y"]}, {"type": "etsi_tl", "values": ["u"]}]}),
        (held(document={"type": ["VerifiableCredential", "A"]}), {"meta": {"type_values": [["X"], ["A", "VerifiableCredential"]]}}),
        (
            held(document={"type": ["VerifiableCredential", "urn:poa"]}),
            {"meta": {"type_values": [["https://www.w3.org/2018/credentials#VerifiableCredential", "urn:poa"]]}},
        ),
        (held(document={"type": "A"}), {"meta": {"type_values": [["A"]]}}),
    ],
)
def test_what_answers_is_a_candidate(document: Held, members: dict[str, Any]) -> None:
    assert [each.held.id for each in ask(document, **members).candidates["q"]] == ["lpa"]


def test_claim_sets_are_offered_in_the_order_of_preference() -> None:
    found = ask(
        held(),
        claims=[{"id": "a", "path": ["nothing"]}, {"id": "b", "path": ["represented"]}, {"id": "c", "path": ["level"]}],
        claim_sets=[["a"], ["b", "c"], ["c"]],
    )
    assert [option.paths for option in found.candidates["q"][0].options] == [(("represented",), ("level",)), (("level",),)]


def test_optional_details_are_left_out_until_ticked() -> None:
    candidate = ask(
        held(),
        claims=[{"id": "a", "path": ["kind"]}, {"id": "b", "path": ["level"]}, {"id": "c", "path": ["over_18"]}],
        claim_sets=[["a", "b", "c"], ["a", "b"], ["a", "c"], ["a"]],
    ).candidates["q"][0]
    assert candidate.least().paths == (("kind",),)
    assert candidate.optional() == (("level",), ("over_18",))
    assert candidate.choose(()).paths == (("kind",),)
    assert candidate.choose([("over_18",)]).paths == (("kind",), ("over_18",))
    assert candidate.choose(candidate.optional()).paths == (("kind",), ("level",), ("over_18",))


def test_alternatives_are_not_additions() -> None:
    candidate = ask(
        held(),
        claims=[{"id": "a", "path": ["over_18"]}, {"id": "b", "path": ["represented"]}],
        claim_sets=[["a"], ["b"]],
    ).candidates["q"][0]
    assert candidate.optional() == ()
    assert candidate.choose([("represented",)]).paths == (("over_18",),)


def test_every_held_document_that_answers_is_a_candidate() -> None:
    assert [each.held.id for each in ask(held("a"), held("b", vct="x"), held("c")).candidates["q"]] == ["a", "b", "c"]


def two_queries(sets: list[dict[str, Any]] | None) -> dict[str, Any]:
    query: dict[str, Any] = {
        "credentials": [
            {"id": "poa", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:poa"]}},
            {"id": "pid", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:pid"]}},
        ]
    }
    return query if sets is None else {**query, "credential_sets": sets}


def test_without_sets_all_or_nothing_is_answered() -> None:
    with pytest.raises(AccessDenied):
        match(parse_query(two_queries(None)), [held()])
    assert match(parse_query(two_queries(None)), [held(), held("p", vct="urn:pid")]).least() == ("poa", "pid")


def test_a_required_set_takes_the_first_option_that_can_be_met() -> None:
    found = match(parse_query(two_queries([{"options": [["poa", "pid"], ["pid"], ["poa"]]}])), [held()])
    assert found.sets[0].options == (("poa",),)
    assert found.least() == ("poa",)
    assert "pid" not in found.candidates


def test_an_optional_set_that_cannot_be_met_is_left_out() -> None:
    found = match(parse_query(two_queries([{"options": [["poa"]]}, {"options": [["pid"]], "required": False}])), [held()])
    assert len(found.sets) == 1
    assert found.least() == ("poa",)


def test_an_optional_set_that_can_be_met_is_not_answered_unasked() -> None:
    sets: list[dict[str, Any]] = [{"options": [["poa"]]}, {"options": [["pid"]], "required": False}]
    found = match(parse_query(two_queries(sets)), [held(), held("p", vct="urn:pid")])
    assert [choice.required for choice in found.sets] == [True, False]
    assert found.least() == ("poa",)


def test_a_required_set_that_cannot_be_met_denies_everything() -> None:
    with pytest.raises(AccessDenied):
        match(parse_query(two_queries([{"options": [["poa"]]}, {"options": [["pid"]]}])), [held()])
