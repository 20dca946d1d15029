"""A question cut down to what is registered (domain checks T-OA-1, T-OA-2; AT-C23-2)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.airplane import COUNCIL_TAX, DONOR, KIND, POSTCODE, POWERS

from shared.credentials import Disclosure, by_id
from shared.credentials._derive import dcql, path_in
from shared.dcql import parse_query, render_query
from shared.errors import OverDisclosed
from shared.trust.registered_use import RegisteredUse, Want
from wallet.narrow import apart, check_shown, narrow

PERSON = by_id("person")


def registered(*required: int, optional: tuple[int, ...] = ()) -> RegisteredUse:
    return replace(COUNCIL_TAX, wants=(Want(vct=KIND.vct_int, required=required, optional=optional),))


def query(*paths: Any, form: str = "dc+sd-jwt", **more: Any) -> dict[str, Any]:
    meta = {"dc+sd-jwt": {"vct_values": [KIND.vct]}, "mso_mdoc": {"doctype_value": KIND.doctype}}
    meta["vc+sd-jwt"] = {"type_values": [["VerifiableCredential", KIND.vcdm_type]]}
    return {"credentials": [{"id": "a", "format": form, "meta": meta[form], "claims": [{"path": list(path)} for path in paths], **more}]}


def english(labels: Any) -> list[str]:
    return [label.en for label in labels]


def test_a_registered_question_stays_the_same_object() -> None:
    asked = parse_query(dcql(KIND, "council-tax"))
    told = narrow(asked, registered(DONOR, POSTCODE, POWERS, optional=(8, 2)))
    assert told.query is asked
    assert (told.left_out, told.freed) == ((), ())


@pytest.mark.parametrize("form", ["dc+sd-jwt", "mso_mdoc", "vc+sd-jwt"])
def test_one_detail_too_many_is_left_out_and_named(form: str) -> None:
    paths = [path_in(KIND, path, form) for path in (("represented", "family_name"), ("represented", "birthdate"))]
    told = narrow(parse_query(query(*paths, form=form)), registered(DONOR))
    assert told.query is not None
    (claim,) = told.query.credentials[0].claims or ()
    assert claim.path == paths[0]
    assert english(told.left_out) == ["Donor’s date of birth"]


def test_a_path_above_many_details_needs_them_all() -> None:
    told = narrow(parse_query(query(["represented"])), registered(DONOR))
    assert told.query is not None
    assert told.query.credentials[0].claims is None
    assert "Donor’s postcode" in english(told.left_out)


def test_what_always_lies_in_clear_needs_no_leave_and_the_unknown_is_left_out() -> None:
    told = narrow(parse_query(query(["has_restrictions"], ["favourite_colour", 0])), registered(DONOR))
    assert told.query is not None
    assert [claim.path for claim in told.query.credentials[0].claims or ()] == [("has_restrictions",)]
    assert english(told.left_out) == ["favourite_colour/0"]


def test_what_is_registered_as_optional_may_not_be_demanded() -> None:
    told = narrow(parse_query(query(["represented", "family_name"], ["represented", "birthdate"])), registered(DONOR, optional=(2,)))
    assert told.query is not None
    assert english(told.freed) == ["Donor’s date of birth"]
    assert [len(option) for option in told.query.credentials[0].claim_options()] == [2, 1]
    parse_query(render_query(told.query))


def test_many_freed_details_go_together() -> None:
    names = ("given_name", "family_name", "birthdate", "address")
    paths = [["represented", name] for name in names] + [["proxy", "given_name"], ["proxy", "family_name"], ["powers"]]
    told = narrow(parse_query(query(*paths)), registered(optional=(1, 2, 3, 4, 5)))
    assert told.query is not None
    assert [len(option) for option in told.query.credentials[0].claim_options()] == [7, 0]


def test_combinations_that_answer_stay_combinations() -> None:
    asked = query(["represented", "family_name"], ["represented", "birthdate"], ["powers"])
    for at, claim in enumerate(asked["credentials"][0]["claims"]):
        claim["id"] = f"c{at}"
    asked["credentials"][0]["claim_sets"] = [["c0", "c1"], ["c0", "c2"]]
    told = narrow(parse_query(asked), registered(DONOR, POWERS))
    assert told.query is not None
    assert told.query.credentials[0].claim_sets == (("c0",), ("c0", "c2"))


def test_a_kind_of_document_that_is_not_registered_is_not_shown() -> None:
    one, two = query(["powers"])["credentials"][0], dcql(PERSON, "over-18")["credentials"][0]
    both = {"credentials": [one, two]}
    told = narrow(parse_query(both), registered(POWERS))
    assert told.query is None
    assert english(told.left_out) == ["Proof of identity"]
    spare = both | {"credential_sets": [{"options": [["a"]]}, {"options": [[two["id"]]], "required": False}]}
    told = narrow(parse_query(spare), registered(POWERS))
    assert told.query is not None
    assert [each.id for each in told.query.credentials] == ["a"]
    assert len(told.query.credential_sets) == 1
    strange = json.loads(json.dumps(both).replace(PERSON.vct, "urn:strange"))
    assert english(narrow(parse_query(strange), registered(POWERS)).left_out) == ["urn:strange"]


def test_of_several_kinds_only_the_registered_one_may_answer() -> None:
    asked = query(["powers"])
    asked["credentials"][0]["meta"] = {"vct_values": [PERSON.vct, KIND.vct]}
    told = narrow(parse_query(asked), registered(POWERS))
    assert told.query is not None
    assert told.query.credentials[0].vct_values == (KIND.vct,)
    assert english(told.left_out) == ["Proof of identity"]
    bare = {"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": [KIND.vct]}}]}
    assert narrow(parse_query(bare), registered(POWERS)).query == parse_query(bare)


@pytest.mark.parametrize(
    ("names", "left_out"),
    [(["VerifiableCredential", PERSON.vcdm_type], PERSON.title.en), (["VerifiableCredential"], "VerifiableCredential")],
)
def test_of_several_types_of_the_w3c_only_the_registered_one_may_answer(names: list[str], left_out: str) -> None:
    """Nor may anything at all: every such document is a verifiable credential."""
    ours = ["VerifiableCredential", KIND.vcdm_type]
    given_ = query(path_in(KIND, ("represented", "family_name"), "vc+sd-jwt"), form="vc+sd-jwt")
    given_["credentials"][0]["meta"]["type_values"] = [ours, names]
    told = narrow(parse_query(given_), registered(DONOR))
    assert told.query is not None
    assert told.query.credentials[0].type_values == (tuple(ours),)
    assert english(told.left_out) == [left_out]


def test_our_own_question_of_the_w3c_names_a_kind_by_its_address() -> None:
    asked = parse_query(dcql(KIND, "council-tax", "vc+sd-jwt"))
    assert narrow(asked, registered(DONOR, POSTCODE, POWERS, optional=(8, 2))).query is asked
    both = dcql(KIND, "council-tax", "vc+sd-jwt")
    both["credentials"][0]["meta"]["type_values"].append(["VerifiableCredential"])
    told = narrow(parse_query(both), registered(DONOR, POSTCODE, POWERS, optional=(8, 2)))
    assert told.query == asked


@pytest.mark.parametrize("form", ["dc+sd-jwt", "vc+sd-jwt", "mso_mdoc"])
@pytest.mark.parametrize("types", [None, [["VerifiableCredential"]], [[KIND.vct]]])
def test_the_mark_of_an_instrument_is_left_out_whatever_kind_a_question_names(form: str, types: Any) -> None:
    given_ = query(path_in(KIND, ("instrument_tag",), form), path_in(KIND, ("represented", "family_name"), form), form=form)
    if types is not None and form == "vc+sd-jwt":
        given_["credentials"][0]["meta"] = {"type_values": types}
    told, left_out = apart(parse_query(given_))
    assert [claim.path for claim in told.credentials[0].claims or ()] == [path_in(KIND, ("represented", "family_name"), form)]
    assert english(left_out) == ["Mark of the instrument"]


def test_a_document_of_a_kind_that_is_not_registered_is_stopped_whatever_it_shows() -> None:
    with pytest.raises(OverDisclosed):
        check_shown(registered(DONOR), PERSON, {"issuing_country": "GB"})


def test_age_is_asked_and_a_birth_date_refused_unless_registered() -> None:
    """T-OA-3 in small."""
    over_18 = replace(COUNCIL_TAX, wants=(Want(vct=PERSON.vct_int, required=(6,)),))
    asked = dcql(PERSON, "over-18")
    asked["credentials"][0]["claims"].append({"path": ["birthdate"]})
    told = narrow(parse_query(asked), over_18)
    assert told.query is not None
    assert [claim.path for claim in told.query.credentials[0].claims or ()] == [("age_over_18",)]
    assert english(told.left_out) == ["Date of birth"]


def test_nothing_beyond_what_is_registered_is_ever_shown() -> None:
    check_shown(registered(DONOR), KIND, {"represented": {"family_name": "Ashdown"}, "has_restrictions": False})
    with pytest.raises(OverDisclosed):
        check_shown(registered(DONOR), KIND, {"represented": {"family_name": "Ashdown", "birthdate": "1938-11-02"}})


LEAVES = [list(claim.path) for claim in KIND.claims]


@given(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=12, unique_by=str), st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)))
def test_every_claim_is_kept_or_named_and_what_is_kept_is_registered(paths: list[Any], required: set[int], optional: set[int]) -> None:
    use = registered(*required, optional=tuple(optional - required))
    asked = parse_query(query(*paths))
    told = narrow(asked, use)
    assert told.query is not None
    kept = told.query.credentials[0].claims or ()
    groups = {group.id: group.cwt for group in KIND.groups}
    numbers: dict[Any, Any] = {
        claim.path: groups[claim.group] if claim.disclosure is not Disclosure.ALWAYS else None for claim in KIND.claims
    }
    assert all(numbers[claim.path] in {None, *required, *optional} for claim in kept)
    gone = {claim.path for claim in asked.credentials[0].claims or ()} - {claim.path for claim in kept}
    assert {label.en for label in told.left_out} == {claim.label.en for claim in KIND.claims if claim.path in gone}
    assert told.query == narrow(told.query, use).query
