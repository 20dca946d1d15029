from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.forge import REPRESENTATION, lpa

from shared.credentials import Disclosure, Reason, Text, all_types, by_id, label_in
from shared.credentials._joint import acts_alone
from shared.errors import (
    Malformed,
    NeedsCapacityEvidence,
    NeedsMoreAttorneys,
    OutsideScope,
    RestrictedUndisclosed,
    RestrictionsToRead,
    TypeRuleBroken,
    UnknownCredentialType,
    VcError,
    WrongInstrument,
)

EPA = {
    "instrument_type": "epa",
    "attestation_basis": ...,
    "authority_current": True,
    "registration_date": ...,
}
EVIDENCE = {"attested_by": "Hale & Finch LLP", "attested_on": "2026-11-01"}
INSPECTED = {"attestation_basis": "inspection", "evidence": EVIDENCE}
DEPUTY = {"representation_kind": "deputyship", "instrument_type": ..., "usable_when": ..., "attestation_basis": "court-order"}
APPOINTEE = {"representation_kind": "appointeeship", "instrument_type": ..., "usable_when": ..., "powers": ["benefits"]}
WELFARE = {"instrument_type": "lpa-personal-welfare", "usable_when": "when-capacity-lost", "powers": ["health-decisions"]}
REPLACEMENT = {"proxy": {"given_name": "Peter", "family_name": "Ashdown", "appointment_type": "replacement"}, "replaces_now": True}
MARK = {"instrument_tag": "A" * 22, "attorney_number": 2}
ORDINARY = {"instrument_type": "ordinary", "registration_date": ..., **INSPECTED}


def test_the_type_is_found_by_name_and_by_vct() -> None:
    assert by_id("representation") is all_types()["urn:fdc:vct.example:2027:representation:1"] is REPRESENTATION
    with pytest.raises(UnknownCredentialType):
        by_id("criminal-record")


def test_a_detail_that_is_named_in_english_is_named_in_welsh() -> None:
    """As whoever signs a receipt names it; their own words stay as they are."""
    assert [label_in("Donor’s postcode", locale) for locale in ("en", "cy")] == ["Donor’s postcode", "Cod post y rhoddwr"]
    assert label_in("a note on the account", "cy") == "a note on the account"


def test_words_are_told_in_a_language() -> None:
    assert Text("donor", "rhoddwr").in_("cy") == "rhoddwr"
    assert Text("donor", "rhoddwr").in_("en") == Text("donor", "rhoddwr").in_("fr") == "donor"


def test_a_leaf_is_found_by_its_path() -> None:
    assert REPRESENTATION.claim(("powers", 1)) is REPRESENTATION.claim(("powers", None))
    assert REPRESENTATION.claim(("powers",)) is None


def test_limits_are_always_in_clear_and_the_three_details_of_the_donor_are_three_groups() -> None:
    always = {claim.path for claim in REPRESENTATION.claims if claim.disclosure is Disclosure.ALWAYS}
    limits = "representation_kind instrument_type attestation_basis authority_current decision_rule cardinality usable_when"
    issuer = "has_restrictions substitution replaces_now issuing_authority issuing_country issuing_jurisdiction"
    assert always == {(name,) for name in f"{limits} {issuer}".split()} | {("evidence", "attested_by"), ("evidence", "attested_on")}
    entry = REPRESENTATION.claim(("register_entry",))
    assert entry is not None
    assert entry.disclosure is Disclosure.ONCE
    donor = {claim.group for claim in REPRESENTATION.claims if claim.path[0] == "represented"}
    assert donor == {"donor-name", "donor-birthdate", "donor-postcode", "donor-other-names"}


def test_the_compact_format_numbers_groups_and_details_for_good() -> None:
    """What was signed once is read by these numbers for ever: they are added to, never changed."""
    numbers = "donor-name donor-birthdate donor-postcode attorney-name powers portrait further"
    inside = "restrictions donor-other-names attorney-birthdate dates register-entry joint reports"
    found = {group.cwt: (group.id, group.within) for group in REPRESENTATION.groups if group.cwt}
    expected = [(name, "") for name in numbers.split()] + [(name, "further") for name in inside.split()]
    assert [found[number] for number in sorted(found)] == expected
    numbered = {group.id for group in REPRESENTATION.groups if group.cwt}
    for claim in REPRESENTATION.claims:
        assert (claim.disclosure is Disclosure.ALWAYS) == (claim.group not in numbered)
        assert claim.disclosure is not Disclosure.ALWAYS or claim.cwt <= 23 or claim.cwt == 30  # one byte but for what is rare
    keys = {claim.cwt: "/".join(part or "*" for part in claim.path) for claim in REPRESENTATION.claims}
    clear = """representation_kind instrument_type attestation_basis authority_current decision_rule cardinality usable_when
        substitution has_restrictions evidence/attested_by evidence/attested_on issuing_authority issuing_country issuing_jurisdiction"""
    hidden = """represented/given_name represented/family_name represented/birthdate represented/address/postal_code
        proxy/given_name proxy/family_name powers/* proxy/portrait restrictions_text represented/also_known_as/*
        proxy/birthdate grant_date registration_date proxy/appointment_type register_entry"""
    later = "replaces_now instrument_tag attorney_number report_tag"
    assert [keys[number] for number in range(1, 34)] == clear.split() + hidden.split() + later.split()


def test_names_in_other_documents() -> None:
    postcode = REPRESENTATION.claim(("represented", "address", "postal_code"))
    power = REPRESENTATION.claim(("powers", None))
    assert postcode is not None
    assert power is not None
    assert postcode.mdoc_element == "represented_address_postal_code"
    assert postcode.vcdm_path == ("credentialSubject", "represented", "address", "postal_code")
    assert power.vcdm_path == ("credentialSubject", "powers", None)
    assert REPRESENTATION.vcdm_type == "Representation"


def test_reasons_of_an_authority() -> None:
    assert {reason.value for reason in REPRESENTATION.reasons_for("cancel")} >= {"donor-died", "donor-revoked", "bankruptcy", "divorce"}
    assert "donor-died" not in {reason.value for reason in REPRESENTATION.reasons_for("hold")}
    assert all(type(reason) is Reason for reason in REPRESENTATION.reasons)
    assert REPRESENTATION.others_wait("attorney-died") == "joint-attorney-stopped"
    assert REPRESENTATION.others_wait("donor-died") == REPRESENTATION.others_wait("") == ""


def test_the_words_of_the_register_say_what_becomes_of_a_document() -> None:
    """Domain sheet C02, "Status"."""
    assert REPRESENTATION.states["registered"] == REPRESENTATION.states["active"] == "valid"
    assert REPRESENTATION.states["suspended"] == "on-hold"
    assert {word for word, state in REPRESENTATION.states.items() if state == "never"} == {"in-progress", "statutory-waiting-period"}
    assert len(REPRESENTATION.states) == 13


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"decision_rule": "alone"},
        {"decision_rule": "jointly", "cardinality": 2},
        {"decision_rule": "jointly-for-some-severally-for-others", "cardinality": 3},
        {"cardinality": 1},
        {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court\nwhile I live"},
        {"powers": ["general"]},
        {"usable_when": "when-capacity-lost"},
        {"grant_date": ..., "registration_date": ..., "register_entry": ...},
        EPA,
        EPA | {"usable_when": "when-capacity-lost"},
        INSPECTED,
        WELFARE,
        DEPUTY,
        DEPUTY | {"powers": ["health-decisions", "banking"]},
        APPOINTEE,
        ORDINARY,
        REPLACEMENT,
        MARK,
        {"decision_rule": "jointly", "cardinality": 2} | MARK,
    ],
)
def test_what_an_issuer_may_say(changes: dict[str, Any]) -> None:
    REPRESENTATION.check(lpa(**changes))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"instrument_type": ...}, "/instrument_type"),
        ({"usable_when": ...}, "/usable_when"),
        (DEPUTY | {"instrument_type": "epa"}, "/instrument_type"),
        (DEPUTY | {"usable_when": "when-capacity-lost"}, "/usable_when"),
        (WELFARE | {"usable_when": "when-has-capacity"}, "/usable_when"),
        (ORDINARY | {"usable_when": "when-capacity-lost"}, "/usable_when"),
        ({"attestation_basis": ...}, "/attestation_basis"),
        ({"attestation_basis": "court-order"}, "/attestation_basis"),
        (DEPUTY | {"attestation_basis": "register"}, "/attestation_basis"),
        (ORDINARY | {"attestation_basis": "register", "evidence": ...}, "/attestation_basis"),
        ({"authority_current": True}, "/authority_current"),
        (EPA | {"authority_current": ...}, "/authority_current"),
        (EPA | {"authority_current": False}, "/authority_current"),
        (EPA | {"attestation_basis": "register"}, "/attestation_basis"),
        (EPA | {"evidence": EVIDENCE}, "/evidence"),
        (EPA | {"registration_date": "2026-01-01"}, "/registration_date"),
        ({"evidence": EVIDENCE}, "/evidence"),
        (INSPECTED | {"evidence": ...}, "/evidence/attested_by"),
        (INSPECTED | {"evidence": {"attested_by": "Hale & Finch LLP"}}, "/evidence/attested_on"),
        ({"decision_rule": "alone", "cardinality": 1}, "/cardinality"),
        ({"cardinality": 0}, "/cardinality"),
        ({"decision_rule": "jointly"}, "/cardinality"),
        ({"decision_rule": "jointly", "cardinality": 1}, "/cardinality"),
        ({"decision_rule": "jointly-for-some-severally-for-others"}, "/cardinality"),
        ({"has_restrictions": True}, "/restrictions_text"),
        ({"restrictions_text": "Not to sell"}, "/restrictions_text"),
        ({"powers": ["banking", "health-decisions"]}, "/powers/1"),
        ({"powers": ["banking", "general"]}, "/powers/1"),
        ({"powers": ["general", "general"]}, "/powers/0"),
        ({"powers": ["banking", "council-tax", "banking"]}, "/powers/2"),
        (WELFARE | {"powers": ["banking"]}, "/powers/0"),
        (APPOINTEE | {"powers": ["banking"]}, "/powers/0"),
        ({"powers": []}, "/powers"),
        ({"powers": ...}, "/powers"),
        ({"decision_rule": "by-lot"}, "/decision_rule"),
        ({"other_attorneys": ["Peter"]}, "/other_attorneys"),
        ({"has_restrictions": ...}, "/has_restrictions"),
        (REPLACEMENT | {"replaces_now": ...}, "/replaces_now"),
        (REPLACEMENT | {"replaces_now": False}, "/replaces_now"),
        ({"replaces_now": True}, "/replaces_now"),
        ({"replaces_now": False}, "/replaces_now"),
        ({"replaces_now": True, "proxy": {"given_name": "Peter", "family_name": "Ashdown"}}, "/proxy/appointment_type"),
        ({"decision_rule": "alone"} | MARK, "/instrument_tag"),
        ({"decision_rule": "alone", "attorney_number": 1}, "/attorney_number"),
        (MARK | {"attorney_number": ...}, "/attorney_number"),
        (MARK | {"attorney_number": 0}, "/attorney_number"),
    ],
)
def test_contradictions_are_pointed_at(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        REPRESENTATION.check(lpa(**changes))
    assert caught.value.where == where


@pytest.mark.parametrize("rule", ["alone", "jointly-and-severally", "jointly", "jointly-for-some-severally-for-others", "by-lot", None])
def test_who_may_act_without_others(rule: str | None) -> None:
    """What only words divide, and what is new or not said, takes all of them: the same as the rules of a use have it."""
    assert acts_alone({"decision_rule": rule}) == (rule in {"alone", "jointly-and-severally"})


RESTRICTED = {"has_restrictions": True, "restrictions_text": "Not to sell Poplar Court while I live"}


@pytest.mark.parametrize(
    ("changes", "use", "error"),
    [
        ({}, {}, None),
        ({}, {"powers": ["banking"]}, None),
        ({}, {"powers": ["banking", "council-tax"]}, None),
        ({"powers": ["general"]}, {"powers": ["utilities"]}, None),
        ({"powers": ["council-tax"]}, {"powers": ["banking"]}, OutsideScope),
        ({"powers": ...}, {"powers": ["banking"]}, OutsideScope),
        ({"powers": ...}, {}, None),
        ({"powers": ["general"]}, {"powers": ["health-decisions"]}, WrongInstrument),
        ({"powers": ["general"]}, {"powers": ["general"]}, None),
        ({"powers": ["banking"]}, {"powers": ["general"]}, OutsideScope),
        (WELFARE, {"powers": ["banking"]}, WrongInstrument),
        (WELFARE, {"powers": ["health-decisions"]}, NeedsCapacityEvidence),
        (WELFARE, {"powers": ["health-decisions"], "capacity_evidence": True}, None),
        (WELFARE, {"powers": ["health-decisions"], "capacity_evidence": "yes"}, NeedsCapacityEvidence),
        ({"has_restrictions": True}, {}, RestrictedUndisclosed),
        (RESTRICTED, {}, RestrictionsToRead),
        (RESTRICTED, {"restrictions_allow": False}, OutsideScope),
        (RESTRICTED, {"restrictions_allow": True}, None),
        (RESTRICTED, {"restrictions_allow": "perhaps"}, RestrictionsToRead),
        ({"decision_rule": "jointly", "cardinality": 2}, {}, NeedsMoreAttorneys),
        ({"decision_rule": "jointly", "cardinality": 2}, {"attorneys": 2}, None),
        ({"decision_rule": "jointly-for-some-severally-for-others", "cardinality": 2}, {}, NeedsMoreAttorneys),
        ({"cardinality": 2}, {}, None),
        ({}, {"instruments": ["epa"]}, WrongInstrument),
        ({}, {"instruments": ["epa", "lpa-property-and-affairs"]}, None),
        (DEPUTY, {"instruments": ["deputyship"]}, None),
        ({}, {"bases": ["register"]}, None),
        (INSPECTED, {"bases": ["register", "court-order"]}, WrongInstrument),
        (EPA, {"bases": ["register", "court-order"]}, WrongInstrument),
        (EPA, {"bases": ["register", "inspection"]}, None),
        (EPA, {"powers": ["banking"]}, None),
        ({"represented": {}, "proxy": {}}, {"powers": ["banking"]}, None),
        (REPLACEMENT, {"powers": ["banking"]}, None),
        ({"proxy": {}, "replaces_now": True}, {"powers": ["banking"]}, None),
        (MARK, {}, None),
    ],
)
def test_judging_a_use(changes: dict[str, Any], use: Mapping[str, Any], error: type[VcError] | None) -> None:
    claims = lpa(**changes)
    if error is None:
        REPRESENTATION.judge(claims, use)
        return
    with pytest.raises(error):
        REPRESENTATION.judge(claims, use)


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_rule": ...},
        {"has_restrictions": ...},
        {"substitution": ...},
        {"representation_kind": ...},
        {"instrument_type": ...},
        {"attestation_basis": ...},
        {"decision_rule": "jointly"},
        {"decision_rule": ["jointly"]},
        {"decision_rule": {"_sd": ["x"]}},
        {"has_restrictions": "false"},
        {"representation_kind": "parental_responsibility"},
        {"cardinality": True},
        {"a_new_limit": True},
        {"attestation_basis": "inspection"},
        {"restrictions_text": "Not to sell"},
        {"replaces_now": False},
        {"replaces_now": True},
        REPLACEMENT | {"replaces_now": ...},
    ],
)
def test_limits_that_are_missing_or_odd_fail_closed(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeRuleBroken):
        REPRESENTATION.judge(lpa(**changes), {})


def test_the_wrong_kind_of_document_is_told_before_anything_else() -> None:
    claims = lpa(**WELFARE, has_restrictions=True)
    with pytest.raises(WrongInstrument) as caught:
        REPRESENTATION.judge(claims, {"powers": ["banking"]})
    assert caught.value.where == "/instrument_type"
