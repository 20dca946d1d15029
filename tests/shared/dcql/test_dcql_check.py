from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.signing import Signer

from shared.credentials import ClaimPath
from shared.dcql import DcqlQuery, check_satisfied, parse_query
from shared.errors import NotBound, OverDisclosed, RequestNotSatisfied
from shared.formats import Claims

HOLDER = Signer.new().public


def shown(document: Mapping[str, Any], *disclosed: ClaimPath, vct: str = "urn:poa", bound: bool = True, digest: bytes = b"1") -> Claims:
    return Claims(
        vct=vct,
        issuer="https://issuer.example",
        claims=document,
        document=document,
        disclosed=disclosed,
        issued_at=0,
        expires_at=1,
        status=None,
        holder=HOLDER if bound else None,
        binding_claims={},
        signing_input_digest=digest,
    )


def query(*, sets: list[dict[str, Any]] | None = None, more: list[dict[str, Any]] | None = None, **members: Any) -> DcqlQuery:
    credentials = [{"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:poa"]}, **members}, *(more or [])]
    return parse_query({"credentials": credentials, **({} if sets is None else {"credential_sets": sets})})


POWERS = query(claims=[{"path": ["powers", None], "values": ["council-tax"]}, {"path": ["who", "name"]}])


def test_the_answer_that_was_asked_for_satisfies() -> None:
    document = {"powers": ["council-tax"], "who": {"name": "Margaret"}}
    check_satisfied(POWERS, {"q": [shown(document, ("powers", 0), ("who",), ("who", "name"))]})


@pytest.mark.parametrize(
    "document",
    [
        {"powers": ["council-tax"]},
        {"powers": ["banking"], "who": {"name": "M"}},
        {"powers": [], "who": {"name": "M"}},
        {"who": {"name": "M"}},
    ],
)
def test_values_are_checked_again_on_the_verifiers_side(document: dict[str, Any]) -> None:
    with pytest.raises(RequestNotSatisfied) as caught:
        check_satisfied(POWERS, {"q": [shown(document)]})
    assert caught.value.where == "/vp_token/q/0"


def test_an_element_that_was_not_asked_for_is_over_disclosed() -> None:
    document = {"powers": ["banking", "council-tax"], "who": {"name": "M"}}
    with pytest.raises(OverDisclosed) as caught:
        check_satisfied(POWERS, {"q": [shown(document, ("powers", 0), ("powers", 1), ("who", "name"))]})
    assert caught.value.where == "/vp_token/q/0"


def test_a_clear_element_that_was_not_asked_for_is_no_disclosure() -> None:
    document = {"powers": ["banking", "council-tax"], "who": {"name": "M"}}
    check_satisfied(POWERS, {"q": [shown(document, ("powers", 1), ("who", "name"))]})


def test_without_claims_every_disclosure_is_too_much() -> None:
    check_satisfied(query(), {"q": [shown({"kind": "poa"})]})
    with pytest.raises(OverDisclosed):
        check_satisfied(query(), {"q": [shown({"kind": "poa", "x": 1}, ("x",))]})


def test_a_position_may_have_moved_down_because_others_are_withheld() -> None:
    asked = query(claims=[{"path": ["nationalities", 1]}])
    check_satisfied(asked, {"q": [shown({"nationalities": ["British"]}, ("nationalities", 0))]})
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(asked, {"q": [shown({"nationalities": []})]})
    with pytest.raises(OverDisclosed):
        check_satisfied(asked, {"q": [shown({"nationalities": ["a", "b", "c"]}, ("nationalities", 2))]})


CHOICE = query(claims=[{"id": "a", "path": ["a"]}, {"id": "b", "path": ["b"]}, {"id": "c", "path": ["c"]}], claim_sets=[["a", "b"], ["c"]])


def test_one_claim_set_is_enough_and_two_are_too_much() -> None:
    check_satisfied(CHOICE, {"q": [shown({"a": 1, "b": 2}, ("a",), ("b",))]})
    check_satisfied(CHOICE, {"q": [shown({"c": 3}, ("c",))]})
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(CHOICE, {"q": [shown({"a": 1}, ("a",))]})
    with pytest.raises(OverDisclosed):
        check_satisfied(CHOICE, {"q": [shown({"a": 1, "b": 2, "c": 3}, ("a",), ("b",), ("c",))]})


def test_another_kind_of_document_does_not_answer() -> None:
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(query(), {"q": [shown({}, vct="urn:loyalty-card")]})


def test_a_document_without_holder_answers_only_where_that_was_asked() -> None:
    with pytest.raises(NotBound):
        check_satisfied(query(), {"q": [shown({}, bound=False)]})
    check_satisfied(query(require_cryptographic_holder_binding=False), {"q": [shown({}, bound=False)]})


def test_several_documents_answer_only_where_several_were_asked() -> None:
    two = [shown({}, digest=b"1"), shown({}, digest=b"2")]
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(query(), {"q": two})
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(query(), {"q": []})
    check_satisfied(query(multiple=True), {"q": two})


def test_a_document_that_nobody_asked_for_is_too_much() -> None:
    with pytest.raises(OverDisclosed) as caught:
        check_satisfied(query(), {"q": [shown({})], "a/b": [shown({})]})
    assert caught.value.where == "/vp_token/a~1b"


PID = {"id": "pid", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:pid"]}}
MORE = {"id": "more", "format": "dc+sd-jwt", "meta": {}}


def test_every_query_is_answered_without_sets() -> None:
    with pytest.raises(RequestNotSatisfied) as caught:
        check_satisfied(query(more=[PID]), {"q": [shown({})]})
    assert caught.value.where == "/vp_token"


def test_a_required_set_is_met_by_one_whole_option() -> None:
    asked = query(more=[PID, MORE], sets=[{"options": [["q", "pid"], ["more"]]}, {"options": [["pid"]], "required": False}])
    pid = shown({}, vct="urn:pid", digest=b"2")
    check_satisfied(asked, {"more": [shown({})]})
    check_satisfied(asked, {"more": [shown({})], "pid": [pid]})
    check_satisfied(asked, {"q": [shown({})], "pid": [pid]})
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(asked, {"pid": [pid]})
    with pytest.raises(OverDisclosed) as caught:
        check_satisfied(asked, {"more": [shown({}, digest=b"3")], "q": [shown({})]})
    assert caught.value.where == "/vp_token/q"


def test_one_presentation_may_show_what_two_queries_ask_together() -> None:
    asked = query(claims=[{"path": ["a"]}], more=[{**MORE, "claims": [{"path": ["b"]}]}])
    both = {"a": 1, "b": 2}
    same = shown(both, ("a",), ("b",))
    check_satisfied(asked, {"q": [same], "more": [same]})
    with pytest.raises(OverDisclosed):
        check_satisfied(asked, {"q": [same], "more": [shown(both, ("b",), digest=b"2")]})
