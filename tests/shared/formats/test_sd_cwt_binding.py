"""What the holder of a ``dc+sd-cwt`` signs, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cwt_forge import (
    FORM,
    NAMES,
    document,
    presented,
    sign1,
    taken_apart,
    token,
    verify,
    wire,
)
from support.forge import (
    BINDING,
    DAY,
    ENDS,
    HOLDER,
    ISSUER,
    MADE,
    STRANGER,
    b64,
    issue,
    unb64,
)
from support.signing import AT

from shared.errors import (
    BadSignature,
    Malformed,
    NotBound,
    Rejected,
    StaleBinding,
    VcError,
    WrongTyp,
)

# --- times -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {6: ...}, {6: "now"}, {6: MADE - 1}, {6: ENDS}, {4: ENDS + 1}, {4: AT}, {4: AT, 6: AT + 1}, {5: AT + 1}, {5: "x"}, {4: "x"},
    ],
)  # fmt: skip
def test_a_binding_is_in_force_only_while_its_document_is(changes: dict[int, Any]) -> None:
    """Step 6 of the draft's validation."""
    with pytest.raises(StaleBinding):
        verify(wire(token(document(disclosures=[]), changes)), replace(BINDING, max_age=10 * DAY))


def test_a_binding_with_times_that_fit() -> None:
    verify(wire(token(document(disclosures=[]), {5: AT - 1, 4: AT + 60})))
    verify(wire(token(document(disclosures=[]), {5: MADE, 6: MADE})), replace(BINDING, max_age=DAY))
    live = {4: AT + 60, 5: AT - 1, 7: b"number", -70_001: "another use"}  # docs/ovp.md section 7.1: held to the clock, or to nothing
    verify(wire(token(document(disclosures=[]), live)), replace(BINDING, max_age=None))


@pytest.mark.parametrize("made", [0, MADE - 1, AT + 40 * DAY, ENDS])
def test_where_the_nonce_proves_freshness_a_wrong_clock_is_no_refusal(made: int) -> None:
    item = document(disclosures=[])
    verify(wire(token(item, {6: made})), replace(BINDING, max_age=None))
    for changes in ({6: made, 4: ENDS + 1}, {6: made, 4: made}, {6: "x"}, {6: ...}, {6: made, 5: made + 1}):
        with pytest.raises(StaleBinding):
            verify(wire(token(item, changes)), replace(BINDING, max_age=None))


def test_a_document_ends_after_it_begins() -> None:
    for changes in ({4: MADE}, {4: MADE, 6: MADE + DAY}):
        with pytest.raises(VcError):
            verify(wire(token(document(changes, disclosures=[]))))
    with pytest.raises(Malformed):
        verify(wire(token(document({4: AT + 30, 6: AT + 30}, disclosures=[]))))


def test_a_copy_for_somebody_never_outlives_the_document() -> None:
    own = {"purpose_id": "council-tax", "jti": b64(bytes(16)), "exp": AT + 14 * DAY}
    made = replace(BINDING, nonce=b64(bytes(16)), extra=own)
    soon = issue(FORM, expires_at=MADE + 3 * DAY)
    facts = verify(presented(source=soon, binding=made), replace(made, nonce=None, extra={"purpose_id": "council-tax"}))
    assert facts.binding_claims["exp"] == MADE + 3 * DAY


# --- what a holder signs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {1: "iss"}, {2: "sub"}, {8: {}}, {0: 1}, {b"x": 1}, {"aud": "x"}, {"nonce": "x"}, {"y" * 256: 1}, {39: "text"}, {39: 5}, {7: "id"},
        {"x": b"bytes"}, {"x": None}, {"x": 1.5}, {"x": cbor2.CBORTag(1, 1)}, {"x": [b""]}, {"x": {1: 2}}, {"x": {"y": b""}},
        {-70_001: b"x"}, {3: b"x"}, {6: AT + 0.5}, {4: float("inf")},
        {"x": 2**53}, {"x": [-(2**53)]}, {"x": {"y": 2**60}}, {6: 2**53}, {5: -(2**53)},
    ],
)  # fmt: skip
def test_what_has_no_meaning_in_a_binding(changes: dict[Any, Any]) -> None:
    with pytest.raises((Malformed, Rejected)):
        verify(wire(token(document(disclosures=[]), changes)))


def test_what_a_request_adds_comes_out_again() -> None:
    extra = {"transaction_data_hashes": ["x"], "more": {"deep": [1, True]}, "z": "y"}
    facts = verify(presented(binding=replace(BINDING, extra=extra)), replace(BINDING, extra=extra))
    assert {name: facts.binding_claims[name] for name in extra} == extra
    verify(wire(token(document(disclosures=[]), {"y" * 255: 1})))
    payloads: list[Any] = [[], 5, b""]
    for payload in payloads:
        with pytest.raises(Malformed):
            verify(wire(sign1({1: -9, 13: document(disclosures=[]), 16: 294}, {}, payload, HOLDER)))
    for nonce in ("not base64url!", "abc=", "another"):
        with pytest.raises(Malformed):
            presented(binding=replace(BINDING, nonce=nonce))
    with pytest.raises(Malformed):
        presented(binding=replace(BINDING, extra={"jti": 5}))


def test_other_signers() -> None:
    item = document(disclosures=[])
    with pytest.raises(BadSignature):
        verify(wire(token(document(disclosures=[], signer=STRANGER))))
    with pytest.raises(NotBound):
        verify(wire(token(item, holder=STRANGER)))
    with pytest.raises(NotBound):
        verify(wire(item))
    for signer in (HOLDER, ISSUER):
        with pytest.raises((Malformed, WrongTyp, NotBound)):
            verify(wire(token(token(item), holder=signer)))


@settings(deadline=None, max_examples=150)
@given(at=st.integers(0, 5_000), cut=st.integers(0, 8), piece=st.binary(max_size=6), which=st.sampled_from(range(3)))
def test_any_bytes_under_both_signatures_give_a_value_or_a_vc_error(at: int, cut: int, piece: bytes, which: int) -> None:
    """Issuer and holder have gone mad: payload, disclosure and binding, each with a hole."""
    protected, outside, body, _ = taken_apart(FORM.disclose(FORM.parse(issue(FORM)), NAMES).wire)
    said = cbor2.dumps({3: BINDING.audience, 6: AT, 39: unb64(BINDING.nonce or "")})
    parts = [body, outside[17][0], said]
    begin = at % len(parts[which])
    parts[which] = parts[which][:begin] + piece + parts[which][begin + cut :]
    item = sign1(protected, {17: [parts[1], *outside[17][1:]]}, parts[0], ISSUER)
    try:
        verify(wire(sign1(cbor2.dumps({1: -9, 13: item, 16: 294}), {}, parts[2], HOLDER)))
    except VcError as error:
        assert error.detail  # noqa: PT017 - there may be none
