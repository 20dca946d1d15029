"""Dealing with ARTHUR's estate: TOM as executor, Hale & Finch for him (domain sheet C06)."""

from __future__ import annotations

from typing import Any

import pytest
from support.documents import document

from shared.credentials import by_id
from shared.credentials._estate_authority_rules import BANDS
from shared.errors import (
    Malformed,
    NeedsGrant,
    NeedsMoreAttorneys,
    OutsideScope,
    RestrictedUndisclosed,
    RestrictionsToRead,
    TypeRuleBroken,
    VcError,
)

ESTATE = by_id("estate-authority")
GRANT = {"authority_level": "grant-of-probate", "grant_date": "2027-05-02", "registry": "Winchester", "grant_number": "1547-0001"}
SOLICITOR = {"acts_for_another": True, "acts": ["pensions"], "acting_for": {"given_name": "Tom", "family_name": "Penhale"}}
JOINTLY = {"decision_rule": "jointly", "cardinality": 2}
LIMITED = {"has_limits": True, "limits_text": "Only the savings account"}
MARK = {"instrument_tag": "AAAAAAAAAAAAAAAAAAAAAA", "attorney_number": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        GRANT,
        GRANT | {"authority_level": "letters-of-administration"},
        GRANT | {"authority_level": "letters-with-will", "registry": ..., "grant_number": ...},
        {"authority_level": "informant", "acts": ["notify", "freeze-accounts"]},
        SOLICITOR,
        JOINTLY,
        JOINTLY | MARK,
        {"decision_rule": "jointly-and-severally"},
        LIMITED,
        {"estate_net_value_band": ...},
    ],
)
def test_what_an_issuer_may_say(changes: dict[str, Any]) -> None:
    ESTATE.check(document("estate-authority", **changes))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"authority_level": ...}, "/authority_level"),
        ({"has_limits": True}, "/limits_text"),
        ({"limits_text": "Only the savings account"}, "/limits_text"),
        (GRANT | {"grant_date": ...}, "/grant_date"),
        ({"grant_date": "2027-05-02"}, "/grant_date"),
        ({"registry": "Winchester"}, "/registry"),
        ({"grant_number": "1547-0001"}, "/grant_number"),
        ({"decision_rule": "jointly"}, "/cardinality"),
        ({"decision_rule": "jointly", "cardinality": 1}, "/cardinality"),
        ({"cardinality": 2}, "/cardinality"),
        ({"decision_rule": "jointly-for-some-severally-for-others"}, "/decision_rule"),
        (SOLICITOR | {"acts": ["general"]}, "/acts"),
        (SOLICITOR | {"acts": ["pensions", "pensions"]}, "/acts/1"),
        ({"acts": ["pensions", "general"]}, "/acts/1"),
        ({"acts_for_another": True, "acts": ["pensions"]}, "/acting_for"),
        (SOLICITOR | {"acting_for": {"given_name": "Tom"}}, "/acting_for"),
        ({"acting_for": SOLICITOR["acting_for"]}, "/acting_for"),
        (MARK, "/instrument_tag"),
        (JOINTLY | MARK | {"attorney_number": 0}, "/attorney_number"),
        (JOINTLY | MARK | {"attorney_number": ...}, "/attorney_number"),
        (JOINTLY | MARK | {"instrument_tag": "A" * 23}, "/instrument_tag"),
    ],
)
def test_contradictions_are_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        ESTATE.check(document("estate-authority", **changes))
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("changes", "use", "error"),
    [
        ({}, {}, None),
        ({}, {"authority": "informant"}, None),
        ({}, {"authority": "named-executor"}, None),
        ({}, {"authority": "grant-of-probate"}, NeedsGrant),
        ({"authority_level": "informant"}, {"authority": "named-executor"}, NeedsGrant),
        (GRANT, {"authority": "letters-of-administration"}, None),
        (GRANT, {"authority": "notary"}, NeedsGrant),
        ({"has_limits": True}, {}, RestrictedUndisclosed),
        (LIMITED, {}, RestrictionsToRead),
        (LIMITED, {"restrictions_allow": False}, OutsideScope),
        (LIMITED, {"restrictions_allow": True}, None),
        (JOINTLY, {}, NeedsMoreAttorneys),
        (JOINTLY, {"attorneys": 2}, None),
        ({}, {"bands": ["up-to-5000", "up-to-20000"]}, None),
        ({}, {"bands": ["up-to-5000"]}, NeedsGrant),
        ({"estate_net_value_band": ...}, {"bands": ["up-to-5000"]}, NeedsGrant),
        ({"estate_net_value_band": "up-to-5000"}, {"bands": ["up-to-20000"]}, None),
        ({"estate_net_value_band": "more"}, {"bands": ["up-to-325000"]}, NeedsGrant),
        ({"estate_net_value_band": "up-to-325000"}, {"bands": ["more"]}, None),
        ({}, {"bands": ["small"]}, NeedsGrant),
        ({"estate_net_value_band": ...}, {"bands": ["more"]}, NeedsGrant),
        ({}, {"acts": ["release-funds"]}, None),
        ({"acts": ["pensions"]}, {"acts": ["release-funds"]}, OutsideScope),
        ({"acts": ...}, {"acts": ["release-funds"]}, OutsideScope),
        ({"acts": ...}, {}, None),
        (SOLICITOR | {"acts": ["general"]}, {}, TypeRuleBroken),
        ({"acts_for_another": ...}, {}, TypeRuleBroken),
        ({"limits_text": "Only the savings account"}, {}, TypeRuleBroken),
        ({"decision_rule": "jointly"}, {"attorneys": 9}, TypeRuleBroken),
    ],
)
def test_judging_a_use(changes: dict[str, Any], use: dict[str, Any], error: type[VcError] | None) -> None:
    claims = document("estate-authority", **changes)
    if error is None:
        ESTATE.judge(claims, use)
        return
    with pytest.raises(error):
        ESTATE.judge(claims, use)


def ready(name: str) -> dict[str, Any]:
    query = ESTATE.query(name)
    assert query is not None
    return dict(query.use)


def test_at_c06_1_an_executor_may_freeze_and_not_release() -> None:
    """AT-C06-1, as far as the document goes."""
    ESTATE.judge(document("estate-authority"), ready("freeze"))
    ESTATE.judge(document("estate-authority"), ready("small-estate"))
    with pytest.raises(NeedsGrant):
        ESTATE.judge(document("estate-authority"), ready("release"))


def test_at_c06_2_a_solicitor_acts_within_the_list() -> None:
    """AT-C06-2, as far as the document goes."""
    ESTATE.judge(document("estate-authority", **SOLICITOR), ready("estate-pensions"))
    with pytest.raises(OutsideScope):
        ESTATE.judge(document("estate-authority", **SOLICITOR), ready("freeze"))


def test_the_bands_are_told_in_their_order() -> None:
    band = ESTATE.claim(("estate_net_value_band",))
    assert band is not None
    assert tuple(choice.value for choice in band.choices) == BANDS


def test_the_amount_is_nowhere() -> None:
    assert [claim.path for claim in ESTATE.claims if "value" in str(claim.path)] == [("estate_net_value_band",)]
