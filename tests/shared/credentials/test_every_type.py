"""What holds of every type of document, whatever it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.consistent import whole
from support.documents import DOCUMENTS, document
from support.trees import trees

from shared.credentials import Claim, CredentialType, Disclosure, Follow, Kind, Reason, Text, all_types
from shared.credentials._claim import ClaimPath
from shared.credentials._joint import NUMBER, TAG, is_joint
from shared.errors import Malformed, Rejected, Undecided, VcError

TYPES = list(all_types().values())
each_type = pytest.mark.parametrize("rules", TYPES, ids=lambda rules: rules.id)
ISSUER = {("issuing_authority",), ("issuing_country",), ("issuing_jurisdiction",)}
CLEAR = {
    "person": "",
    "representation": "representation_kind instrument_type attestation_basis authority_current decision_rule cardinality usable_when "
    "has_restrictions substitution replaces_now evidence/attested_by evidence/attested_on",
    "representation-granted": "",
    "mandate-receipt": "accepted_by decision received_at effective_from scope/* review_on",
    "disclosure-permission": "discloser recipient data_categories/* purpose legal_basis not_before expires max_uses withdraw_at on_behalf_of",
    "life-event": "registration_state",
    "life-event-full": "",
    "estate-authority": "authority_level decision_rule cardinality acts_for_another has_limits",
    "known-here": "",
}
"""What nobody can hide beside the issuer (domain sheets C01 to C06, C22; security rule S3)."""
ONCE = {
    "representation": "register_entry instrument_tag attorney_number report_tag",
    "representation-granted": "report_secret",
    "mandate-receipt": "case_ref",
    "life-event": "register_entry",
    "life-event-full": "cause_of_death certified_by place_of_death occupation informant/given_name informant/family_name informant/capacity "
    "partner_name parents_names register_entry",
    "estate-authority": "grant_number instrument_tag attorney_number",
}


def told(claim: Claim) -> str:
    return "/".join(part or "*" for part in claim.path)


def texts(rules: CredentialType) -> Iterator[Text]:
    yield from (rules.title, rules.description, *rules.cancelled_by)
    yield from (group.label for group in rules.groups)
    yield from (reason.label for reason in rules.reasons)
    yield from (words for query in rules.queries for words in (query.title, query.purpose))
    for claim in rules.claims:
        yield from (claim.label, *([claim.hint] if claim.hint else []), *(choice.label for choice in claim.choices))


def test_there_is_a_document_of_each_type() -> None:
    assert {each.id for each in TYPES} == set(DOCUMENTS)
    for name in ("id", "vct", "vct_int", "doctype", "title"):
        values = [getattr(each, name) for each in TYPES]
        assert len(set(values)) == len(values)


@each_type
def test_every_word_for_people_is_there_in_both_languages(rules: CredentialType) -> None:
    assert all(text.en.strip() and text.cy.strip() for text in texts(rules))
    assert {text.en for text in texts(rules) if text.en == text.cy} <= {"Braille"}


@each_type
def test_whoever_is_asked_for_a_postcode_reads_what_stands_for_no_fixed_address(rules: CredentialType) -> None:
    asked = [claim for claim in rules.claims if claim.path[-1] == "postal_code"]
    assert all(claim.hint and "ZZ99 3VZ" in claim.hint.en and "ZZ99 3VZ" in claim.hint.cy for claim in asked), rules.id


@each_type
def test_a_type_is_consistent_with_itself(rules: CredentialType) -> None:
    groups = [group.id for group in rules.groups]
    assert len(set(groups)) == len(groups)
    assert {claim.group for claim in rules.claims} | {group.within for group in rules.groups} <= {*groups, ""}
    assert all(any(claim.group == group.id for claim in rules.claims) for group in rules.groups if group.id != "further")
    numbers = sorted(group.cwt for group in rules.groups if group.cwt)
    assert numbers == list(range(1, len(numbers) + 1))
    for unique in ("cwt", "path", "mdoc_element"):
        values = [getattr(claim, unique) for claim in rules.claims]
        assert all(values)
        assert len(set(values)) == len(values)
    assert all((claim.kind is Kind.CODE) == bool(claim.choices) for claim in rules.claims)
    assert (rules.status_bits, sorted(rules.status_max_age)) == (2, ["high", "low"])
    assert rules.cancelled_by
    assert rules.kept_days is not None


@each_type
def test_the_numbers_of_what_is_in_clear_are_one_byte(rules: CredentialType) -> None:
    numbered = {group.id for group in rules.groups if group.cwt}
    for claim in rules.claims:
        assert (claim.disclosure is Disclosure.ALWAYS) == (claim.group not in numbered)
        assert claim.disclosure is not Disclosure.ALWAYS or claim.cwt <= 23 or claim.path == ("replaces_now",)


@each_type
def test_limits_are_always_in_clear_and_nothing_else_is(rules: CredentialType) -> None:
    found = {told(claim) for claim in rules.claims if claim.disclosure is Disclosure.ALWAYS and claim.path not in ISSUER}
    assert found == set(CLEAR[rules.id].split())
    assert {claim.path for claim in rules.claims if claim.disclosure is Disclosure.ALWAYS} >= ISSUER
    assert {told(claim) for claim in rules.claims if claim.disclosure is Disclosure.ONCE} == set(ONCE.get(rules.id, "").split())


@each_type
def test_ready_questions_ask_for_what_there_is(rules: CredentialType) -> None:
    assert bool(rules.queries) is not rules.private
    for query in rules.queries:
        assert len(query.optional) <= 3
        assert all(rules.claim(path) for path in query.paths + query.optional)
        assert not set(query.paths) & set(query.optional)
        for path, admitted in query.values.items():
            claim = rules.claim(path)
            assert claim is not None
            assert path in query.paths
            assert all(claim.kind is Kind.BOOLEAN or claim.choice(value) for value in admitted)
        assert query is rules.query(query.id)
        once = {claim.path for claim in rules.claims if claim.disclosure is Disclosure.ONCE}
        asked = {TAG, NUMBER} if is_joint(query) else set()  # what several show who act together is asked for in that case alone
        assert rules.id == "life-event-full" or once & set(query.paths + query.optional) == asked
    assert rules.query("everything") is None


def test_a_ready_question_has_one_name_in_all_types() -> None:
    names = [query.id for each in TYPES for query in each.queries]
    assert len(set(names)) == len(names)


@each_type
def test_reasons_belong_to_actions(rules: CredentialType) -> None:
    assert len({reason.value for reason in rules.reasons}) == len(rules.reasons)
    assert all(set(reason.actions) <= {"cancel", "hold", "reinstate"} and reason.actions for reason in rules.reasons)
    for action in ("cancel", "hold", "reinstate"):
        reasons = rules.reasons_for(action)
        assert reasons or rules.id == "life-event-full"
        assert all(type(reason) is Reason and action in reason.actions for reason in reasons)


@each_type
def test_what_a_type_follows_is_there_on_both_sides(rules: CredentialType) -> None:
    """A change always has a reason for people, and compares details of the same form."""
    assert set(rules.states.values()) <= {"valid", "on-hold", "cancelled", "never"}
    for follow in rules.follows:
        assert type(follow) is Follow
        other = all_types()[follow.vct]
        assert follow.on in {"shown", "valid", "on-hold", "cancelled"}
        assert follow.reason in {reason.value for reason in rules.reasons_for(follow.action)}
        assert all(rules.claim(own) and other.claim(theirs) for own, theirs in follow.match)
        assert len(follow.match) >= 3
        for path, values in follow.values.items():
            claim = other.claim(path)
            assert claim is not None
            assert all(claim.choice(value) for value in values)


@each_type
def test_who_holds_a_document_is_named_in_it_or_nowhere(rules: CredentialType) -> None:
    assert len(rules.holder_paths) in ({0} if rules.holder is None else {2, 3})
    assert (rules.holder is None) == (rules.id in {"life-event", "life-event-full", "known-here"})
    assert bool(rules.represents) == (rules.id in {"representation", "mandate-receipt", "estate-authority"})


def test_a_death_ends_what_the_dead_gave_and_held() -> None:
    died = {each.id for each in TYPES for follow in each.follows if follow.on == "shown" and follow.action == "cancel"}
    assert died == {"representation", "person"}
    rests = {each.id: {follow.on: follow.action for follow in each.follows} for each in TYPES if len(each.follows) == 4}
    steps = {"cancelled": "hold", "on-hold": "hold", "valid": "reinstate", "shown": "reinstate"}
    assert rests == {"mandate-receipt": steps, "disclosure-permission": steps}


@each_type
def test_nothing_ends_for_good_by_a_list_that_cannot_tell_cancelled_from_corrected(rules: CredentialType) -> None:
    """Of another's document a list says only that the copy counts no longer: what rests on it waits, and goes on when it is shown anew."""
    assert [follow for follow in rules.follows if (follow.on, follow.action) == ("cancelled", "cancel")] == []
    waits = {follow.vct for follow in rules.follows if follow.on == "cancelled"}
    assert waits == {follow.vct for follow in rules.follows if (follow.on, follow.action) == ("shown", "reinstate")}


@each_type
@settings(max_examples=60)
@given(data=st.data())
def test_what_fits_together_is_accepted(rules: CredentialType, data: st.DataObject) -> None:
    claims = data.draw(whole(rules))
    rules.check(claims)


@each_type
@settings(max_examples=60)
@given(data=st.data())
def test_checking_and_judging_any_tree_gives_an_answer_or_a_vc_error(rules: CredentialType, data: st.DataObject) -> None:
    claims = data.draw(trees(rules.tree) | whole(rules) | st.dictionaries(st.text(max_size=4), st.integers() | st.none(), max_size=3))
    shown = {name: claims[name] for name in data.draw(st.sets(st.sampled_from(sorted(claims) or ["x"]))) if name in claims}
    for kept in (claims, shown):
        answers(lambda kept=kept: rules.check(kept), Malformed)  # type: ignore[misc] # a default of the loop
        answers(lambda kept=kept: rules.judge(kept, data.draw(uses(rules))), Rejected, Undecided)  # type: ignore[misc] # as above


def uses(rules: CredentialType) -> st.SearchStrategy[dict[str, Any]]:
    """What rules of any type ask of a use, sensible and not."""
    codes = [choice.value for claim in rules.claims for choice in claim.choices] or ["x"]
    lists = st.lists(st.sampled_from(codes), max_size=3)
    days = st.dates(min_value=date(1, 1, 1)).map(date.isoformat)
    known: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("powers", "acts", "bands", "instruments", "bases", "events", "states", "categories", "accepted_by"), lists),
        **dict.fromkeys(("today", "died_by"), days),
        **dict.fromkeys(("attorneys", "used"), st.integers(0, 4)),
        **dict.fromkeys(("full_date", "capacity_evidence", "restrictions_allow"), st.booleans()),
        **dict.fromkeys(("authority", "discloser", "recipient"), st.sampled_from(codes)),
    }
    odd = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
    return st.fixed_dictionaries({}, optional=known) | st.fixed_dictionaries({}, optional=dict.fromkeys(known, odd))


def answers(ask: Callable[[], None], *kinds: type[VcError]) -> None:
    try:
        ask()
    except VcError as error:
        assert isinstance(error, (*kinds, Malformed))  # noqa: PT017 - none is an answer too


@each_type
def test_every_limit_that_is_missing_is_refused(rules: CredentialType) -> None:
    """S3: what is always in clear and has to be there is demanded of every presentation, whatever else is shown."""
    limits = [claim.path[0] for claim in rules.claims if claim.disclosure is Disclosure.ALWAYS and claim.required]
    own = [name for name in limits if (name,) not in ISSUER]
    for name in own:
        with pytest.raises(Rejected) as caught:
            rules.judge(document(rules, **{str(name): ...}), {})
        assert caught.value.where == f"/{name}"


@each_type
def test_two_holders_share_no_detail_by_necessity(rules: CredentialType) -> None:
    """Whatever links is in a group of its own, so that it is shown with nothing else (security rule S22)."""
    linking: set[ClaimPath] = {("register_entry",), ("case_ref",), ("grant_number",)}
    groups = [claim.group for claim in rules.claims if claim.path in linking]
    assert all(sum(claim.group == group for claim in rules.claims) == 1 for group in groups)
    assert not any(one == other for one, other in combinations(groups, 2))
