"""Documents whose details are shown by whole groups."""

from __future__ import annotations

from typing import Any

import pytest
from support.forge import BINDING, ISSUER, issue, lpa, show
from support.signing import AT

from shared.credentials import ClaimPath, by_id
from shared.credentials._derive import dcql
from shared.dcql import Candidate, DcqlQuery, Held, check_satisfied, match, parse_query
from shared.errors import OverDisclosed, RequestNotSatisfied
from shared.formats import Claims, formats

FORM = formats()["dc+sd-cwt"]
VCT = by_id("representation").vct
DONOR: tuple[ClaimPath, ...] = (("represented", "given_name"), ("represented", "family_name"))
ATTORNEY: tuple[ClaimPath, ...] = (("proxy", "given_name"), ("proxy", "family_name"))
POWERS: tuple[ClaimPath, ...] = (("powers", 0), ("powers", 1))


def query(*claims: dict[str, Any], **members: Any) -> DcqlQuery:
    asked = {"id": "q", "format": "dc+sd-cwt", "meta": {"vct_values": [VCT]}, "claims": list(claims), **members}
    return parse_query({"credentials": [asked]})


def held(wire: str, *, vct: str = VCT) -> Held:
    peeked = FORM.peek(FORM.parse(wire))
    return Held(id="copy", format=FORM.name, vct=vct, document=peeked.document, disclosable=peeked.disclosable)


def candidate(asked: DcqlQuery) -> Candidate:
    return match(asked, [held(issue(FORM))]).candidates["q"][0]


def shown(*paths: ClaimPath) -> Claims:
    wire = show(FORM, FORM.disclose(FORM.parse(issue(FORM)), paths))
    return FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=AT)


def test_asking_for_one_detail_asks_for_its_group() -> None:
    found = candidate(query({"path": ["represented", "family_name"]}, {"path": ["powers", None], "values": ["banking"]})).least()
    assert set(found.paths) == {*DONOR, *POWERS}
    assert set(found.shown) == {*DONOR, *POWERS}
    chosen = FORM.disclose(FORM.parse(issue(FORM)), found.paths)
    assert set(FORM.peek(chosen).disclosable) == {*DONOR, *POWERS}
    limit = candidate(query({"path": ["decision_rule"]})).least()
    assert (limit.paths, limit.shown) == ((("decision_rule",),), ())


def test_an_optional_group_is_shown_whole_or_not_at_all() -> None:
    asked = parse_query(dcql(by_id("representation"), "utility", FORM.name))
    found = match(asked, [held(issue(FORM, claims=lpa(powers=["utilities"])))]).candidates["utility"][0]
    assert found.optional() == ATTORNEY
    assert set(ATTORNEY) <= set(found.choose(ATTORNEY).paths)
    assert not set(ATTORNEY) & set(found.choose(ATTORNEY[:1]).paths)


def test_what_stands_beside_a_detail_is_no_more_than_was_asked() -> None:
    asked = query({"path": ["represented", "family_name"]})
    check_satisfied(asked, {"q": [shown(*DONOR)]})
    for more in (ATTORNEY, POWERS):
        with pytest.raises(OverDisclosed):
            check_satisfied(asked, {"q": [shown(*DONOR, *more)]})
        check_satisfied(asked, {"q": [shown(*DONOR, *more)]}, or_more=True)
    with pytest.raises(RequestNotSatisfied):
        check_satisfied(asked, {"q": [shown(*ATTORNEY)]})


def test_groups_within_another_are_asked_for_one_by_one() -> None:
    asked = query({"path": ["grant_date"]})
    dates = candidate(asked).least()
    assert set(dates.paths) == {("grant_date",), ("registration_date",), ("proxy", "appointment_type")}
    check_satisfied(asked, {"q": [shown(*dates.paths)]})
    with pytest.raises(OverDisclosed):
        check_satisfied(asked, {"q": [shown(*dates.paths, ("register_entry",))]})


def test_a_type_that_is_not_known_has_no_groups() -> None:
    found = match(query({"path": ["represented", "family_name"]}, meta={"vct_values": ["urn:other"]}), [held(issue(FORM), vct="urn:other")])
    assert found.candidates["q"][0].least().paths == (("represented", "family_name"),)
