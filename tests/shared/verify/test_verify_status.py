from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from support.signing import AT, Signer, leaf
from support.trial_verify import (
    BANK,
    DAY,
    IDX,
    ISSUER,
    LIST,
    Answers,
    Authority,
    assertion,
    credential_type,
    decide,
    expectation,
    issue,
    material,
    registry,
    resign,
    show,
    status_cwt,
    status_token,
    stranger,
)

from shared.cose import kid_of
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched, run
from shared.formats import StatusReference, formats
from shared.keys import Role
from shared.status import token_status_list as tsl
from shared.status.freshness import Freshness
from shared.status.memory import StatusMemory
from shared.status.token_status_list import INVALID, SUSPENDED, VALID, VerifiedStatusToken, parse_token, verify_origin
from shared.trust.anchors import Anchor
from shared.verify import Decision, allowed_age, verify

WIRE = issue()
SHOWN = show(WIRE)
HOUR = 3600


def down(_fetch: Fetch) -> Fetched:
    raise Unavailable("nobody answers")


def verified(token: str) -> VerifiedStatusToken:
    return verify_origin(parse_token(token), uri=LIST, key=registry().signer.public, at=AT)


def seen(*tokens: str) -> StatusMemory:
    return StatusMemory().learn(ISSUER, *map(verified, tokens))


def is_(decision: Decision, outcome: str, code: str = "") -> None:
    assert (decision.decision, decision.code) == (outcome, code), decision.checks
    if code:
        assert decision.line("status").code == code


# --- values -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "outcome", "code"), [(0, "accepted", ""), (1, "rejected", "revoked"), (2, "rejected", "suspended")])
def test_the_three_values(value: int, outcome: str, code: str) -> None:
    is_(decide(SHOWN, answer=status_token({IDX: value})), outcome, code)


def test_any_other_value_is_unknown() -> None:
    is_(decide(SHOWN, answer=status_token({IDX: 3})), "undecided", "status_unknown")
    for value in (3, 12, 255):
        is_(decide(SHOWN, answer=status_token({IDX: value}, bits=8)), "undecided", "status_unknown")


def test_an_index_beyond_the_list_is_rejected_and_is_no_revocation() -> None:
    is_(decide(SHOWN, answer=status_token(size=IDX - 1)), "rejected", "status_index_out_of_range")


def test_a_small_list_warns_of_tracking() -> None:
    decision = decide(show(issue(status=StatusReference(uri=LIST, idx=5))), answer=status_token(size=1000))
    is_(decision, "accepted")
    assert (decision.line("status").code, decision.line("status").where) == ("small_status_list", "/poa/0")


# --- how old ----------------------------------------------------------------------------------------------------------------------------


def test_age_is_allowed_by_stakes() -> None:
    day_old = status_token(iat=AT - DAY - 1)
    is_(decide(SHOWN, answer=status_token(iat=AT - DAY)), "accepted")
    stale = decide(SHOWN, answer=day_old)
    is_(stale, "undecided", "status_stale")
    assert stale.status_iat == AT - DAY - 1
    for stakes, outcome in (("low", "accepted"), ("high", "undecided"), ("none", "undecided"), (0, "undecided")):
        decision = decide(SHOWN, answer=day_old, want=expectation(use={"stakes": stakes, "powers": ()}))
        assert decision.decision == outcome


def test_a_checker_can_only_be_stricter() -> None:
    hour_old = status_token(iat=AT - HOUR)
    is_(decide(SHOWN, answer=hour_old, trust=material(max_status_age=HOUR)), "accepted")
    is_(decide(SHOWN, answer=hour_old, trust=material(max_status_age=HOUR - 1)), "undecided", "status_stale")
    is_(decide(SHOWN, answer=status_token(iat=AT - 2 * DAY), trust=material(max_status_age=9 * DAY)), "undecided", "status_stale")


def test_ages_where_a_type_says_nothing() -> None:
    silent = replace(credential_type(), status_max_age={})
    assert allowed_age(silent, {}, None) == DAY
    assert allowed_age(silent, {"stakes": "low"}, None) == 7 * DAY
    assert allowed_age(silent, {"stakes": "low"}, 60) == 60


def test_past_its_end_a_list_says_nothing() -> None:
    expired = decide(SHOWN, answer=status_token(iat=AT - 8 * DAY), want=expectation(use={"stakes": "low"}))
    is_(expired, "undecided", "status_unknown")
    assert expired.status_iat == AT - 8 * DAY


def test_invalid_is_final_even_in_an_expired_list() -> None:
    decision = decide(SHOWN, answer=status_token({IDX: 1}, iat=AT - 8 * DAY))
    is_(decision, "rejected", "revoked")
    assert decision.status_iat == AT - 8 * DAY


def test_a_hold_in_a_list_too_old_is_neither_yes_nor_no() -> None:
    is_(decide(SHOWN, answer=status_token({IDX: 2}, iat=AT - 2 * DAY)), "undecided", "status_stale")


def test_a_list_from_the_future_is_ignored_whatever_it_says() -> None:
    for value in (0, 1, 2):
        is_(decide(SHOWN, answer=status_token({IDX: value}, iat=AT + 61)), "undecided", "status_unknown")


# --- memory and staples -----------------------------------------------------------------------------------------------------------------


def test_staple_never_overrules_invalid() -> None:
    """S19: INVALID once seen is final, wherever it was seen, whatever is newer."""
    old_invalid, new_valid = status_token({IDX: 1}, iat=AT - HOUR), status_token(iat=AT - 60)
    is_(decide(SHOWN, answer=old_invalid, stapled=[new_valid]), "rejected", "revoked")
    is_(decide(SHOWN, answer=new_valid, stapled=[old_invalid]), "rejected", "revoked")
    is_(decide(SHOWN, answer=down, stapled=[new_valid, old_invalid]), "rejected", "revoked")
    first = decide(SHOWN, answer=old_invalid)
    later = decide(SHOWN, answer=new_valid, stapled=[new_valid], trust=material(memory=first.learnt))
    is_(later, "rejected", "revoked")
    assert later.status_iat == AT - HOUR


def test_what_was_cancelled_is_known_without_asking() -> None:
    driver = Answers({LIST: status_token()})
    memory = StatusMemory().learn_invalid(ISSUER, LIST, IDX, until=AT + DAY)
    decision = decide(SHOWN, answer=driver, trust=material(memory=memory))
    is_(decision, "rejected", "revoked")
    assert driver.asked == []
    assert decision.status_iat is None


def test_a_staple_helps_where_nobody_answers() -> None:
    decision = decide(SHOWN, answer=down, stapled=[status_token(iat=AT - 2 * HOUR)])
    is_(decision, "accepted")
    assert decision.status_iat == AT - 2 * HOUR


def test_the_newer_of_known_and_stapled_counts() -> None:
    held, lifted = status_token({IDX: 2}, iat=AT - 100), status_token(iat=AT - 50)
    is_(decide(SHOWN, answer=held, stapled=[lifted]), "accepted")
    is_(decide(SHOWN, answer=lifted, stapled=[held]), "accepted")
    held_again = status_token({IDX: 2}, iat=AT - 10)
    is_(decide(SHOWN, answer=lifted, stapled=[held_again]), "rejected", "suspended")


def test_a_staple_older_than_what_was_seen_says_nothing() -> None:
    memory = seen(status_token(iat=AT - 60))
    is_(decide(SHOWN, answer=down, stapled=[status_token(iat=AT - 61)], trust=material(memory=memory)), "undecided", "status_unknown")


def test_a_staple_that_is_none_is_ignored() -> None:
    junk = ["", "a.b.c", status_token(uri=LIST + "/other"), status_token(by=stranger()), SHOWN]
    is_(decide(SHOWN, answer=down, stapled=junk), "undecided", "status_unknown")
    is_(decide(SHOWN, stapled=junk), "accepted")


def test_staples_are_bounded() -> None:
    many = ["junk"] * 16
    is_(decide(SHOWN, answer=down, stapled=[*many, status_token()]), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=down, stapled=[*many[1:], status_token()]), "accepted")


def test_an_older_list_than_one_seen_says_nothing() -> None:
    memory = seen(status_token(iat=AT - 60))
    is_(decide(SHOWN, answer=status_token(iat=AT - 61), trust=material(memory=memory)), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=status_token(iat=AT - 59), trust=material(memory=memory)), "accepted")


def test_two_lists_of_one_second_are_evidence_and_unknown() -> None:
    one, two = status_token(iat=AT - 60), status_token({1: 1}, iat=AT - 60)
    both = decide(SHOWN, answer=one, stapled=[two])
    is_(both, "undecided", "status_unknown")
    assert both.learnt.equivocations[ISSUER, LIST, AT - 60].tokens == {one, two}
    before = decide(SHOWN, answer=two, trust=material(memory=seen(one)))
    is_(before, "undecided", "status_unknown")
    assert before.learnt.equivocations[ISSUER, LIST, AT - 60].tokens == {two}
    after = decide(SHOWN, answer=one, trust=material(memory=seen(one).merge(before.learnt)))
    is_(after, "undecided", "status_unknown")
    newer = decide(SHOWN, answer=status_token(iat=AT - 59), trust=material(memory=seen(one).merge(before.learnt)))
    is_(newer, "accepted")


def test_the_same_list_twice_is_no_contradiction() -> None:
    one = status_token(iat=AT - 60)
    decision = decide(SHOWN, answer=one, stapled=[one], trust=material(memory=seen(one)))
    is_(decision, "accepted")
    assert decision.learnt == StatusMemory()


def test_what_was_learnt_is_told() -> None:
    decision = decide(SHOWN, answer=status_token({IDX: 1}, iat=AT - 60))
    assert decision.learnt.lists[ISSUER, LIST].iat == AT - 60
    assert list(decision.learnt.invalid) == [(ISSUER, LIST, IDX)]
    [until] = decision.learnt.invalid.values()
    assert until > AT
    assert decide(show(issue(by=stranger())), answer=status_token()).learnt == StatusMemory()


# --- the other form ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "outcome", "code"), [(0, "accepted", ""), (1, "rejected", "revoked"), (2, "rejected", "suspended")])
def test_a_list_in_cbor_says_the_same(value: int, outcome: str, code: str) -> None:
    is_(decide(SHOWN, answer=Answers({LIST: status_cwt({IDX: value})})), outcome, code)


def test_both_forms_together_are_one_statement() -> None:
    jwt, cwt = status_token(iat=AT - 60), status_cwt(iat=AT - 60)
    both = decide(SHOWN, answer=Answers({LIST: cwt}), stapled=[jwt, parse_token(cwt).text], trust=material(memory=seen(jwt)))
    is_(both, "accepted")
    assert both.learnt == StatusMemory()


def test_a_lie_in_the_other_form_is_evidence_and_unknown() -> None:
    jwt, cwt = status_token(iat=AT - 60), parse_token(status_cwt({1: 1}, iat=AT - 60)).text
    both = decide(SHOWN, answer=jwt, stapled=[cwt])
    is_(both, "undecided", "status_unknown")
    assert both.learnt.equivocations[ISSUER, LIST, AT - 60].tokens == {jwt, cwt}


def test_a_list_that_only_names_its_key() -> None:
    """The name is looked up among the issuer's known certificates, and what is found there is judged like one that came along."""
    signer = Signer.new()
    kid, made = kid_of(signer.public), leaf(signer, registry().certificate, registry().root, uri=ISSUER, at=AT - DAY, serial=9)
    answer = Answers({LIST: status_cwt(by=replace(registry(), signer=signer), x5c=())})
    is_(decide(SHOWN, answer=answer), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=answer, trust=material(certificates={(ISSUER, kid): (made,)})), "accepted")
    is_(decide(SHOWN, answer=answer, trust=material(certificates={(BANK, kid): (made,)})), "undecided", "status_unknown")
    foreign = leaf(signer, stranger().certificate, stranger().root, uri=ISSUER, at=AT - DAY)
    is_(decide(SHOWN, answer=answer, trust=material(certificates={(ISSUER, kid): (foreign,)})), "undecided", "status_unknown")


# --- assertions about one copy ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def carrying(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A presentation with assertions inside, whatever the format: only some have a place for them."""
    form = formats()["dc+sd-jwt"]
    parse = type(form).parse

    def carry(*staples: bytes) -> str:
        monkeypatch.setattr(type(form), "parse", lambda self, wire: msgspec.structs.replace(parse(self, wire), staples=staples))
        return SHOWN

    return carry


Carrying = Callable[..., str]


def test_staple_never_overrules_invalid_also_for_one_copy(carrying: Carrying) -> None:
    """S19, with the status of the copy itself as the staple."""
    is_(decide(carrying(assertion(iat=AT)), answer=status_token({IDX: 1}, iat=AT - HOUR)), "rejected", "revoked")
    first = decide(carrying(assertion(INVALID, iat=AT - HOUR), assertion(iat=AT)), answer=status_token(iat=AT))
    is_(first, "rejected", "revoked")
    assert first.status_iat == AT - HOUR
    later = decide(carrying(assertion(iat=AT)), answer=status_token(iat=AT), trust=material(memory=first.learnt))
    is_(later, "rejected", "revoked")


def test_invalid_in_an_expired_assertion_is_final(carrying: Carrying) -> None:
    decision = decide(carrying(assertion(INVALID, iat=AT - 9 * DAY)), answer=down)
    is_(decision, "rejected", "revoked")
    assert decision.status_freshness is Freshness.EXPIRED


def test_an_assertion_helps_where_the_list_is_old(carrying: Carrying) -> None:
    old = status_token(iat=AT - 2 * DAY)
    is_(decide(carrying(), answer=old), "undecided", "status_stale")
    helped = decide(carrying(assertion(iat=AT - 60)), answer=old)
    is_(helped, "accepted")
    assert (helped.status_iat, helped.status_freshness) == (AT - 60, Freshness.FRESH)
    is_(decide(carrying(assertion(iat=AT - 60)), answer=down), "accepted")


def test_the_newer_of_list_and_assertion_counts(carrying: Carrying) -> None:
    is_(decide(carrying(assertion(SUSPENDED, iat=AT - 60)), answer=status_token(iat=AT - 61)), "rejected", "suspended")
    is_(decide(carrying(assertion(iat=AT - 60)), answer=status_token({IDX: 2}, iat=AT - 61)), "accepted")
    is_(decide(carrying(assertion(SUSPENDED, iat=AT - 61)), answer=status_token(iat=AT - 60)), "accepted")
    for one, other in ((VALID, SUSPENDED), (SUSPENDED, VALID)):  # of the same second, the worse
        is_(decide(carrying(assertion(one, iat=AT)), answer=status_token({IDX: other}, iat=AT)), "rejected", "suspended")
    is_(decide(carrying(assertion(7, iat=AT)), answer=status_token(iat=AT - 60)), "undecided", "status_unknown")
    is_(decide(carrying(assertion(iat=AT)), answer=status_token(size=9, iat=AT)), "rejected", "status_index_out_of_range")
    is_(decide(carrying(assertion(iat=AT)), answer=status_token(size=9, iat=AT - 1)), "accepted")


def test_an_assertion_is_overtaken_by_a_list_seen_before(carrying: Carrying) -> None:
    trust = material(memory=seen(status_token(iat=AT - 60)))
    is_(decide(carrying(assertion(iat=AT - 61)), answer=down, trust=trust), "undecided", "status_unknown")
    is_(decide(carrying(assertion(iat=AT - 60)), answer=down, trust=trust), "accepted")


def test_an_assertion_that_is_none_is_ignored(carrying: Carrying) -> None:
    junk = (
        b"",
        assertion(idx=IDX + 1),
        assertion(uri=LIST + "0"),
        assertion(iat=AT + 61),
        assertion(by=stranger()),
        assertion(by=neighbour(), kid=kid_of(registry().signer.public)),
        status_cwt(),
    )
    is_(decide(carrying(*junk), answer=down), "undecided", "status_unknown")
    is_(decide(carrying(*junk)), "accepted")
    is_(decide(carrying(assertion(INVALID, iat=AT + 61))), "accepted")
    is_(decide(carrying(*[b"junk"] * 16, assertion()), answer=down), "undecided", "status_unknown")


def test_an_old_assertion_is_as_old_as_a_list(carrying: Carrying) -> None:
    is_(decide(carrying(assertion(iat=AT - 2 * DAY, exp=AT + DAY)), answer=down), "undecided", "status_stale")
    is_(decide(carrying(assertion(iat=AT - 60, exp=AT)), answer=down), "undecided", "status_unknown")


def test_an_assertion_by_another_key_of_the_issuer(carrying: Carrying) -> None:
    signer = Signer.new()
    made = leaf(signer, registry().certificate, registry().root, uri=ISSUER, at=AT - DAY, serial=9)
    shown, trust = (
        carrying(assertion(by=replace(registry(), signer=signer))),
        material(certificates={(ISSUER, kid_of(signer.public)): (made,)}),
    )
    is_(decide(shown, answer=down), "undecided", "status_unknown")
    is_(decide(shown, answer=down, trust=trust), "accepted")


# --- fresh, as of, expired --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "outcome", "found"),
    [(0, "accepted", "fresh"), (HOUR, "accepted", "fresh"), (HOUR + 1, "accepted", "as_of"), (2 * DAY, "undecided", "as_of")],
)
def test_a_verdict_says_how_fresh_its_knowledge_is(age: int, outcome: str, found: str) -> None:
    decision = decide(SHOWN, answer=status_token(iat=AT - age))
    assert (decision.decision, decision.status_freshness, decision.status_iat) == (outcome, found, AT - age)


def test_past_its_end_knowledge_is_expired() -> None:
    assert decide(SHOWN, answer=status_token(iat=AT - 60, exp=AT)).status_freshness is Freshness.EXPIRED
    memory = StatusMemory().learn(ISSUER, verified(status_token(iat=AT - 8 * DAY))).learn_invalid(ISSUER, LIST, IDX, until=AT + DAY)
    assert decide(SHOWN, answer=down, trust=material(memory=memory)).status_freshness is Freshness.EXPIRED
    assert decide(SHOWN, answer=down).status_freshness is None


# --- who speaks -------------------------------------------------------------------------------------------------------------------------


def neighbour() -> Authority:
    """Another issuer under the very same anchor."""
    signer = Signer.new()
    made = leaf(signer, registry().certificate, registry().root, uri="https://neighbour.example", at=AT - DAY)
    return replace(registry(), signer=signer, x5c=(made,), entity="https://neighbour.example")


def test_trap_1_an_unverified_status_token_is_no_answer() -> None:
    head, _, signature = status_token().split(".")
    body = status_token({IDX + 1: 1}).split(".")[1]
    is_(decide(SHOWN, answer=f"{head}.{body}.{signature}"), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=status_token(signer=Signer.new())), "undecided", "status_unknown")


def test_trap_6_the_list_is_checked_with_a_certificate_of_the_same_issuer() -> None:
    relying_party = leaf(registry().signer, registry().certificate, registry().root, role=Role.RELYING_PARTY, uri=ISSUER, at=AT - DAY)
    for token in (
        status_token(by=neighbour()),
        status_token(by=stranger()),
        status_token(x5c=(relying_party,)),
        status_token(x5c=stranger().x5c),
        status_token(signer=registry().root, x5c=()),
    ):
        is_(decide(SHOWN, answer=token), "undecided", "status_unknown")


def test_another_key_of_the_same_issuer_may_sign_the_list() -> None:
    signer = Signer.new()
    made = leaf(signer, registry().certificate, registry().root, uri=ISSUER, at=AT - DAY, serial=9)
    is_(decide(SHOWN, answer=status_token(signer=signer, x5c=(made,))), "accepted")


def test_a_list_without_certificate_is_by_the_documents_own_key() -> None:
    is_(decide(SHOWN, answer=status_token(x5c=())), "accepted")


def test_a_pin_for_other_types_does_not_let_its_list_speak() -> None:
    """Two anchors for one entity: the one for another type vouches for no status of this one."""
    other = Authority.new(ISSUER, subject="Other anchor")
    pins: tuple[Anchor, ...] = (registry().pin(), other.pin(vcts=("urn:other",)))
    is_(decide(SHOWN, trust=material(*pins), answer=status_token(by=other)), "undecided", "status_unknown")


# --- what is no list --------------------------------------------------------------------------------------------------------------------


def test_trap_7_not_in_list_host_down_and_revoked_are_three_things() -> None:
    is_(decide(SHOWN, answer=status_token(size=9)), "rejected", "status_index_out_of_range")
    is_(decide(SHOWN, answer=down), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=status_token({IDX: 1})), "rejected", "revoked")


@pytest.mark.parametrize("status", [204, 301, 304, 404, 500])
def test_an_error_page_is_no_list(status: int) -> None:
    decision = decide(SHOWN, answer=Answers({LIST: status_token()}, status=status))
    is_(decision, "undecided", "status_unknown")
    assert str(status) in decision.line("status").detail


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"{}", b"a.b.c"])
def test_another_page_is_no_list(body: bytes) -> None:
    is_(decide(SHOWN, answer=Answers({LIST: body})), "undecided", "status_unknown")


def test_another_lists_token_is_no_answer() -> None:
    is_(decide(SHOWN, answer=status_token(uri=LIST + "0")), "undecided", "status_unknown")


def test_trap_2_a_bomb_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsl.StatusList, "compressed", lambda _self: zlib.compress(bytes(100_000_000), 9))
    bomb = status_token()
    monkeypatch.undo()
    is_(decide(SHOWN, answer=bomb), "undecided", "status_unknown")
    is_(decide(SHOWN, answer=bomb, stapled=[status_token()]), "accepted")


def test_an_empty_list_is_no_answer() -> None:
    is_(decide(SHOWN, answer=status_token(size=0)), "undecided", "status_unknown")


def test_a_list_is_asked_for_once_and_as_a_list() -> None:
    asked: list[Fetch] = []

    def driver(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return Fetched(status=200, body=status_token().encode())

    wires = [SHOWN, show(issue(seed="other", status=StatusReference(uri=LIST, idx=IDX + 1)))]
    decision = run(verify({"poa": wires}, expectation(), material(), at=AT), driver)
    is_(decision, "accepted")
    [fetch] = asked
    assert (fetch.url, fetch.method, dict(fetch.headers)) == (
        LIST,
        "GET",
        {"accept": "application/statuslist+cwt, application/statuslist+jwt"},
    )
    assert fetch.max_bytes == tsl.MAX_TOKEN


def test_the_oldest_list_tells_how_old_the_knowledge_is() -> None:
    other = LIST + "/2"
    second = show(issue(seed="other", status=StatusReference(uri=other, idx=3)))
    driver = Answers({LIST: status_token(iat=AT - 60), other: status_token(uri=other, iat=AT - 500)})
    decision = run(verify({"poa": [SHOWN, second]}, expectation(), material(), at=AT), driver)
    is_(decision, "accepted")
    assert decision.status_iat == AT - 500


def test_one_cancelled_among_several_is_rejected() -> None:
    second = show(issue(seed="other", status=StatusReference(uri=LIST, idx=3)))
    decision = decide(SHOWN, second, answer=status_token({3: 1}))
    is_(decision, "rejected", "revoked")
    assert decision.line("status").where == "/poa/1"
    assert decision.credentials == ()


@pytest.mark.parametrize("name", sorted(formats()))
def test_trap_5_status_is_checked_for_every_format(name: str) -> None:
    wire = show(issue(name), format_name=name)
    want = expectation(format=name)
    is_(decide(wire, want=want), "accepted")
    is_(decide(wire, want=want, answer=status_token({IDX: 1})), "rejected", "revoked")
    is_(decide(wire, want=want, answer=status_token({IDX: 2})), "rejected", "suspended")
    is_(decide(wire, want=want, answer=down), "undecided", "status_unknown")


def test_a_document_that_lost_its_status_is_refused() -> None:
    decision = decide(show(resign(WIRE, status=None)))
    assert decision.decision == "rejected"
