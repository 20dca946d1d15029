from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import AT
from support.trial_verify import ISSUER, LIST, registry, status_cwt, status_token

from shared.errors import Malformed, StatusUnknown, TooLarge, VcError
from shared.status.memory import (
    MAX_DIGESTS,
    MAX_EQUIVOCATIONS,
    MAX_EVIDENCE,
    Equivocation,
    Seen,
    StatusMemory,
    parse_statuses,
    render_statuses,
)
from shared.status.token_status_list import MAX_ADDRESS, VerifiedStatusToken, parse_token, verify_token


def seen_token(iat: int, values: dict[int, int] | None = None) -> VerifiedStatusToken:
    return verify_token(parse_token(status_token(values, iat=iat)), uri=LIST, key=registry().signer.public, at=AT)


OLD, NEW, OTHER = seen_token(AT - 20), seen_token(AT - 10), seen_token(AT - 10, {5: 1})


def test_nothing_is_known_at_first() -> None:
    StatusMemory().check(ISSUER, OLD)


def test_an_overtaken_list_says_nothing() -> None:
    memory = StatusMemory().learn(ISSUER, NEW)
    memory.check(ISSUER, NEW)
    with pytest.raises(StatusUnknown):
        memory.check(ISSUER, OLD)
    assert memory.learn(ISSUER, OLD).lists[ISSUER, LIST].iat == NEW.iat


def test_two_lists_of_one_second_are_evidence_and_unknown() -> None:
    memory = StatusMemory().learn(ISSUER, NEW).learn(ISSUER, OTHER)
    for token in (NEW, OTHER):
        with pytest.raises(StatusUnknown):
            memory.check(ISSUER, token)
    proof = memory.equivocations[ISSUER, LIST, NEW.iat]
    assert proof.digests == {NEW.said, OTHER.said}
    assert OTHER.text in proof.tokens


def test_both_tokens_are_kept_where_both_are_at_hand() -> None:
    third = seen_token(AT - 10, {6: 1})
    memory = StatusMemory().learn(ISSUER, NEW, OTHER)
    assert memory.equivocations[ISSUER, LIST, NEW.iat].tokens == {NEW.text, OTHER.text}
    more = StatusMemory().learn(ISSUER, NEW, OTHER, third).equivocations[ISSUER, LIST, NEW.iat]
    assert more.digests == {NEW.said, OTHER.said, third.said}
    assert len(more.tokens) == MAX_EVIDENCE


def test_a_liar_does_not_fill_the_memory_until_nobody_can_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By large lists and by many: that it lied stays known, as digests."""
    monkeypatch.setattr("shared.status.memory.MAX_PROOF", len(NEW.text) - 1)
    memory = StatusMemory()
    for idx in range(MAX_DIGESTS + 4):
        memory = memory.learn(ISSUER, seen_token(AT - 10, {idx: 1}))
    proof = memory.equivocations[ISSUER, LIST, AT - 10]
    assert (proof.tokens, len(proof.digests)) == (frozenset(), MAX_DIGESTS)
    assert parse_statuses(render_statuses(memory)) == memory
    with pytest.raises(StatusUnknown):
        memory.check(ISSUER, OTHER)


def test_names_of_lists_that_change_each_hour_take_room_from_whoever_changes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.status.memory.MAX_LISTS", 6)
    memory = StatusMemory(lists={(ISSUER, str(each)): Seen(AT - 50, b"x") for each in range(3)})
    for hour in range(20):
        memory = memory.merge(StatusMemory(lists={("rogue", str(hour)): Seen(AT + hour, b"x")}))
    assert {(name, memory.lists[name].iat) for name in memory.lists if name[0] == "rogue"} == {
        (("rogue", str(each)), AT + each) for each in (17, 18, 19)
    }
    assert len(memory.lists) == 6


def test_an_address_that_fills_memory_and_databases_is_refused() -> None:
    address = LIST.ljust(MAX_ADDRESS, "x")
    for make in (lambda uri: status_token(uri=uri), lambda uri: status_cwt(uri=uri)):
        assert parse_token(make(address)).uri == address
        with pytest.raises(TooLarge):
            parse_token(make(address + "x"))


def test_a_contradiction_unseen_so_far_is_noticed_at_once() -> None:
    with pytest.raises(StatusUnknown):
        StatusMemory().learn(ISSUER, NEW).check(ISSUER, OTHER)


def test_both_forms_of_one_version_are_one_statement() -> None:
    """S19: whoever compared what was signed would take every issuer that serves both forms for a liar."""
    cwt = verify_token(parse_token(status_cwt(iat=AT - 10)), uri=LIST, key=registry().signer.public, at=AT)
    memory = StatusMemory().learn(ISSUER, NEW, cwt)
    assert memory == StatusMemory().learn(ISSUER, NEW) == StatusMemory().learn(ISSUER, cwt)
    memory.check(ISSUER, cwt)
    memory.check(ISSUER, NEW)


def test_a_lie_in_the_other_form_is_evidence() -> None:
    lie = verify_token(parse_token(status_cwt({5: 1}, iat=AT - 10)), uri=LIST, key=registry().signer.public, at=AT)
    memory = StatusMemory().learn(ISSUER, NEW, lie)
    assert memory.equivocations[ISSUER, LIST, NEW.iat].tokens == {NEW.text, lie.text}
    for token in (NEW, lie):
        with pytest.raises(StatusUnknown):
            memory.check(ISSUER, token)
    assert {parse_token(text).media_type for text in (NEW.text, lie.text)} == {NEW.media_type, lie.media_type}


def test_a_word_about_one_copy_is_overtaken_too() -> None:
    memory = StatusMemory().learn(ISSUER, NEW)
    memory.check_newest(ISSUER, LIST, NEW.iat)
    memory.check_newest(ISSUER, LIST + "2", 0)
    with pytest.raises(StatusUnknown):
        memory.check_newest(ISSUER, LIST, NEW.iat - 1)


def test_what_version_0_1_wrote_counts_by_its_dates() -> None:
    written = {"lists": {ISSUER: {LIST: {"iat": NEW.iat, "digest": "eA"}}}, "invalid": {}, "equivocations": []}
    memory = parse_statuses(written)
    memory.check(ISSUER, NEW)
    with pytest.raises(StatusUnknown):
        memory.check(ISSUER, OLD)
    later = memory.learn(ISSUER, NEW)
    assert (later.lists[ISSUER, LIST], later.equivocations) == (Seen(NEW.iat, NEW.said), {})
    assert parse_statuses(render_statuses(memory)) == memory


def test_the_next_list_is_believed_again() -> None:
    later = seen_token(AT)
    memory = StatusMemory().learn(ISSUER, NEW, OTHER, later)
    memory.check(ISSUER, later)


def test_invalid_is_kept_until_the_document_has_ended_anyway() -> None:
    memory = (
        StatusMemory()
        .learn_invalid(ISSUER, LIST, 7, until=AT + 5)
        .learn_invalid(ISSUER, LIST, 8, until=AT + 9)
        .learn_invalid(ISSUER, LIST, 7, until=AT)
    )
    assert dict(memory.invalid) == {(ISSUER, LIST, 7): AT + 5, (ISSUER, LIST, 8): AT + 9}
    assert dict(memory.forget(AT + 5).invalid) == dict(memory.invalid)  # they may pass for a minute more
    assert dict(memory.forget(AT + 125).invalid) == {(ISSUER, LIST, 8): AT + 9}


_URIS = st.sampled_from(["https://a.example/1", "https://b.example/2"])
_ISSUERS = st.sampled_from(["https://a.example", "https://b.example/~/x"])
_DIGESTS = st.sampled_from([b"x", b"y", b"z"])
_MEMORIES = st.builds(
    StatusMemory,
    lists=st.dictionaries(st.tuples(_ISSUERS, _URIS), st.builds(Seen, st.integers(0, 3), _DIGESTS)),
    invalid=st.dictionaries(st.tuples(_ISSUERS, _URIS, st.integers(0, 9)), st.integers(0, 9)),
    equivocations=st.lists(
        st.builds(
            Equivocation,
            _ISSUERS,
            _URIS,
            st.integers(0, 3),
            st.frozensets(_DIGESTS, min_size=2),
            st.frozensets(st.sampled_from(["t1", "t2", "t3"]), max_size=MAX_EVIDENCE),
        ),
        max_size=2,
    ).map(lambda found: {each.entry: each for each in found}),
)


@given(_MEMORIES, _MEMORIES, _MEMORIES)
def test_memories_join_in_any_order(one: StatusMemory, two: StatusMemory, three: StatusMemory) -> None:
    assert one.merge(two) == two.merge(one)
    assert one.merge(one) == one
    whole = one.merge(two).merge(three)
    assert whole.invalid == one.merge(three).merge(two).invalid
    assert whole.lists == two.merge(three).merge(one).lists
    for name in whole.lists:
        assert whole.lists[name].iat == max(each.lists[name].iat for each in (one, two, three) if name in each.lists)


@given(_MEMORIES)
def test_a_memory_survives_the_file(memory: StatusMemory) -> None:
    assert parse_statuses(render_statuses(memory)) == memory


def test_evidence_is_bounded() -> None:
    many = {(ISSUER, LIST, iat): Equivocation(ISSUER, LIST, iat, frozenset({b"x", b"y"})) for iat in range(MAX_EQUIVOCATIONS + 5)}
    kept = StatusMemory().merge(StatusMemory(equivocations=many)).equivocations
    assert min(iat for _, _, iat in kept) == 5
    assert len(kept) == MAX_EQUIVOCATIONS


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lists": []}, "/lists"),
        ({"lists": {"i": 1}}, "/lists/i"),
        ({"lists": {"i": {"u/": 1}}}, "/lists/i/u~1"),
        ({"lists": {"i": {"u": {"iat": 1}}}}, "/lists/i/u/said"),
        ({"lists": {"i": {"u": {"iat": 1, "said": "="}}}}, "/lists/i/u/said"),
        ({"invalid": {"i": 1}}, "/invalid/i"),
        ({"invalid": {"i": {"u": 1}}}, "/invalid/i/u"),
        ({"invalid": {"i": {"u": {"01": 1}}}}, "/invalid/i/u/01"),
        ({"invalid": {"i": {"u": {"": 1}}}}, "/invalid/i/u/"),
        ({"invalid": {"i": {"u": {"٣": 1}}}}, "/invalid/i/u/٣"),
        ({"invalid": {"i": {"u": {"1": "x"}}}}, "/invalid/i/u/1"),
        ({"equivocations": [{"issuer": "i", "uri": "u", "iat": 1, "digests": ["eA"], "tokens": []}]}, "/equivocations/0/digests"),
        ({"equivocations": [{"issuer": "i", "uri": "u", "iat": 1, "digests": ["eA", "!"], "tokens": []}]}, "/equivocations/0/digests/1"),
    ],
)
def test_a_broken_memory_is_never_an_empty_one(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_statuses({"lists": {}, "invalid": {}, "equivocations": [], **change})
    assert caught.value.where == where


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)
)


@given(st.dictionaries(st.sampled_from(["lists", "invalid", "equivocations"]), _JSON))
def test_any_object_is_a_memory_or_a_vc_error(obj: dict[str, Any]) -> None:
    with suppress(VcError):
        parse_statuses(obj)
