"""What a body has recorded, and what it may tell another (domain sheets C03, C04), and that it knows somebody (C22)."""

from __future__ import annotations

from typing import Any

import pytest
from support.documents import document

from shared.credentials import CredentialType, by_id
from shared.errors import Malformed, OutsidePermission, OutsideScope, TypeRuleBroken, VcError, WrongInstrument

RECORDED, PERMITTED, KNOWN = by_id("mandate-receipt"), by_id("disclosure-permission"), by_id("known-here")
WCC, DWP = "https://westshire-cc.example", "https://dwp.example"
TELLING = {"discloser": WCC, "recipient": DWP, "categories": ["care-contribution-assessment"], "today": "2027-02-01"}


def refused(rules: CredentialType, changes: dict[str, Any]) -> str:
    with pytest.raises(Malformed) as caught:
        rules.check(document(rules, **changes))
    return caught.value.where


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"scope": ["banking", "banking"]}, "/scope/1"),
        ({"scope": ["sorcery"]}, "/scope/0"),
        ({"scope": []}, "/scope"),
        ({"review_on": "2027-01-14"}, "/review_on"),
        ({"review_on": "2028-01-17"}, "/review_on"),
        ({"decision": "rejected"}, "/decision"),
        ({"accepted_by": ...}, "/accepted_by"),
    ],
)
def test_a_record_that_contradicts_itself(changes: dict[str, Any], where: str) -> None:
    assert refused(RECORDED, changes) == where


@pytest.mark.parametrize(
    ("changes", "use", "error"),
    [
        ({}, {}, None),
        ({}, {"powers": ["council-tax"], "today": "2027-06-01"}, None),
        ({}, {"powers": ["banking"]}, OutsideScope),
        ({"scope": ["general"]}, {"powers": ["banking"]}, None),
        ({}, {"today": "2027-01-15"}, None),
        ({}, {"today": "2027-01-14"}, OutsideScope),
        ({}, {"today": "2028-01-15"}, None),
        ({}, {"today": "2028-01-16"}, OutsideScope),
        ({}, {"accepted_by": ["Anytown Borough Council"]}, None),
        ({}, {"accepted_by": ["Northwold Bank"]}, WrongInstrument),
        ({"scope": ...}, {}, TypeRuleBroken),
        ({"review_on": "2026-01-01"}, {}, TypeRuleBroken),
        ({"review_on": "2030-01-01"}, {}, TypeRuleBroken),
    ],
)
def test_relying_on_a_record(changes: dict[str, Any], use: dict[str, Any], error: type[VcError] | None) -> None:
    judged(RECORDED, changes, use, error)


def judged(rules: CredentialType, changes: dict[str, Any], use: dict[str, Any], error: type[VcError] | None) -> None:
    claims = document(rules, **changes)
    if error is None:
        rules.judge(claims, use)
        return
    with pytest.raises(error):
        rules.judge(claims, use)


def test_a_record_holds_nothing_of_the_document_that_was_looked_at() -> None:
    paths = {claim.path[0] for claim in RECORDED.claims}
    assert not paths & {claim.path[0] for claim in by_id("representation").claims} - {
        *("represented", "proxy", "issuing_authority", "issuing_country", "issuing_jurisdiction"),
    }


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"max_uses": 0}, "/max_uses"),
        ({"legal_basis": "consent"}, "/legal_basis"),
        ({"on_behalf_of": False}, "/legal_basis"),
        ({"expires": "2027-01-31"}, "/expires"),
        ({"expires": "2027-08-05"}, "/expires"),
        ({"data_categories": ["income", "income"]}, "/data_categories/1"),
        ({"data_categories": ...}, "/data_categories"),
        ({"withdraw_at": ...}, "/withdraw_at"),
    ],
)
def test_a_permission_that_contradicts_itself(changes: dict[str, Any], where: str) -> None:
    assert refused(PERMITTED, changes) == where


@pytest.mark.parametrize(
    ("changes", "use", "error"),
    [
        ({}, {}, None),
        ({}, TELLING, None),
        ({"expires": "2027-08-04"}, TELLING, None),
        ({}, TELLING | {"used": 1}, OutsidePermission),
        ({"max_uses": 2}, TELLING | {"used": 1}, None),
        ({}, TELLING | {"discloser": DWP}, OutsidePermission),
        ({}, TELLING | {"recipient": "https://northwold.example"}, OutsidePermission),
        ({}, TELLING | {"today": "2027-01-31"}, OutsidePermission),
        ({}, TELLING | {"today": "2027-07-31"}, None),
        ({}, TELLING | {"today": "2027-08-01"}, OutsidePermission),
        ({"legal_basis": "consent", "on_behalf_of": False}, TELLING, None),
        ({"expires": "2028-01-01"}, TELLING, TypeRuleBroken),
        ({"max_uses": ...}, TELLING, TypeRuleBroken),
    ],
)
def test_relying_on_a_permission(changes: dict[str, Any], use: dict[str, Any], error: type[VcError] | None) -> None:
    judged(PERMITTED, changes, use, error)


def test_at_c04_1_nothing_is_told_beside_what_is_allowed() -> None:
    """AT-C04-1, as far as the document goes: the savings are not in the permission."""
    with pytest.raises(OutsidePermission) as caught:
        PERMITTED.judge(document(PERMITTED), TELLING | {"categories": ["care-contribution-assessment", "savings"]})
    assert (caught.value.where, caught.value.detail) == ("/data_categories", "it does not allow savings")


def test_who_is_known_here_says_what_helps() -> None:
    KNOWN.check(document(KNOWN))
    KNOWN.check(document(KNOWN, adjustments=..., preferred_language=...))
    assert refused(KNOWN, {"adjustments": ["champagne"]}) == "/adjustments/0"
    assert refused(KNOWN, {"case_ref": ...}) == "/case_ref"
    KNOWN.judge({}, {})
