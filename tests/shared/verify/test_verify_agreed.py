from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT
from support.trial_verify import DAY, LIVE, decide, expectation, issue, show

from shared.credentials import Text
from shared.dcql import parse_query
from shared.errors import NotAgreed
from shared.openid4vp import Agreement, agreed_members, hashes_of, render_agreement, render_transaction_data
from shared.verify import Agreed, Decision
from shared.verify._agreed import check_agreed

ENTRY = render_agreement(Agreement(statement=Text("Pay GBP 40", "Talu GBP 40")), ["poa"])
OTHER = render_agreement(Agreement(statement=Text("Pay GBP 4000", "Talu GBP 4000")), ["poa"])
NAMED = render_transaction_data("urn:example:pay", ["poa"], {"amount": 1}, hash_algs=["sha-384", "sha-256", "md5"])
QUERY = parse_query({"credentials": [{"id": "poa", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["powers", None]}]}]})


def wanted(*entries: Any) -> tuple[Agreed, ...]:
    return tuple(Agreed(query_ids=each.credential_ids, hashes=hashes_of(each), named=each.hash_algs is not None) for each in entries)


def shown(extra: dict[str, Any], *entries: Any, at: int = AT) -> Decision:
    wire = show(issue(), paths=[("powers", None)], binding=replace(LIVE, extra=extra))
    return decide(wire, want=expectation(query=QUERY, agreed=wanted(*entries)), at=at)


def test_what_was_agreed_is_told() -> None:
    assert sorted(hashes_of(NAMED)) == ["sha-256", "sha-384"]
    for entry in (ENTRY, NAMED):
        decision = shown(agreed_members([entry]), entry)
        assert (decision.decision, decision.agreed) == ("accepted", ("poa",))
    assert shown({}).agreed == ()


@pytest.mark.parametrize(
    "extra",
    [
        {},
        agreed_members([OTHER]),
        agreed_members([ENTRY]) | {"transaction_data_hashes_alg": "sha-384"},
        agreed_members([ENTRY]) | {"transaction_data_hashes_alg": 1},
        {"transaction_data_hashes": []},
        {"transaction_data_hashes": "x"},
        {"transaction_data_hashes": [1]},
    ],
)
def test_anything_else_is_not_agreed(extra: dict[str, Any]) -> None:
    decision = shown(extra, ENTRY)
    assert (decision.decision, decision.code, decision.agreed) == ("rejected", "not_agreed", ())


def test_the_name_of_the_hash_is_signed_where_some_were_listed() -> None:
    members = agreed_members([NAMED])
    del members["transaction_data_hashes_alg"]
    assert shown(members, NAMED).code == "not_agreed"


def test_nothing_is_told_to_be_agreed_where_a_document_is_not_genuine() -> None:
    assert shown(agreed_members([ENTRY]), ENTRY, at=AT + 60 * DAY).agreed == ()


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)), st.none() | st.text() | st.integers()
)
def test_whatever_was_signed_is_agreed_or_not(hashes: Any, alg: Any) -> None:
    class Shown:
        binding_claims = {"transaction_data_hashes": hashes} | ({} if alg is None else {"transaction_data_hashes_alg": alg})

    documents: Any = {"poa": [Shown()]}
    with pytest.raises(NotAgreed):
        check_agreed(wanted(ENTRY), documents)
