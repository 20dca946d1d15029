"""What no format of ours does: the judge must not depend on their good behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.trial_verify import BEARER, ISSUER, LIST, VCT, Answers, credential_type, decide, expectation, issue, material, show, states

from shared.errors import BadSignature, BundleStale, Expired, NotBound, TypeRuleBroken, VcError
from shared.formats import BearerType, Binding, Claims, Parsed, formats
from shared.verify import Decision, Level
from shared.verify import _examine as examining

SHOWN = show(issue())
HONEST = formats()["dc+sd-jwt"]


class Odd:
    """The honest format with another end."""

    name = "dc+sd-jwt"

    def __init__(self, bend: Callable[[Claims], Claims]) -> None:
        self._bend = bend

    def parse(self, wire: str) -> Parsed:
        return HONEST.parse(wire)

    def verify(self, parsed: Parsed, issuer: Any, *, binding: Binding | BearerType, at: int) -> Claims:
        if isinstance(binding, BearerType):
            binding = expectation().binding
        return self._bend(HONEST.verify(parsed, issuer, binding=binding, at=at))


@pytest.fixture
def with_format(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Decision]:
    def judge(bend: Callable[[Claims], Claims], **arguments: Any) -> Decision:
        monkeypatch.setattr(examining, "formats", lambda: {"dc+sd-jwt": Odd(bend)})
        return decide(SHOWN, **arguments)

    return judge


Judge = Callable[..., Decision]


def test_facts_have_to_be_those_that_trust_was_asked_for(with_format: Judge) -> None:
    for change in ({"issuer": "https://other.example"}, {"vct": "urn:other"}):
        decision = with_format(lambda claims, change=change: msgspec.structs.replace(claims, **change))
        assert (decision.decision, decision.code, decision.credentials) == ("rejected", "not_entitled", ())
    assert with_format(lambda claims: claims).decision == "accepted"
    assert (decide(SHOWN).credentials[0].claims.issuer, decide(SHOWN).credentials[0].claims.vct) == (ISSUER, VCT)


def test_trap_3_a_document_without_an_end_does_not_live_for_ever(with_format: Judge) -> None:
    decision = with_format(lambda claims: msgspec.structs.replace(claims, expires_at=0))
    assert (decision.decision, decision.code) == ("rejected", "expired")
    assert decision.line("validity").state == "failed"


def test_a_type_with_a_status_needs_one_in_every_format(with_format: Judge) -> None:
    decision = with_format(lambda claims: msgspec.structs.replace(claims, status=None))
    assert (decision.decision, decision.code) == ("undecided", "status_unknown")


def fail(error: VcError) -> Callable[[Claims], Claims]:
    def bend(_claims: Claims) -> Claims:
        raise error

    return bend


@pytest.mark.parametrize(
    ("error", "line", "passed"),
    [
        (BadSignature("x"), "signature", False),
        (Expired("x"), "validity", True),
        (NotBound("x"), "holder_binding", True),
        (TypeRuleBroken("x"), "type_rules", False),
        (VcError("x"), "signature", False),
    ],
)
def test_a_format_names_its_line_and_no_other_counts_as_passed(with_format: Judge, error: VcError, line: str, *, passed: bool) -> None:
    decision = with_format(fail(error))
    assert decision.decision == "rejected"
    assert [name for name, state in states(decision).items() if state == "failed"] == [line]
    assert (decision.line("signature").state == "passed") is passed
    for name in ("validity", "disclosures", "holder_binding", "status"):
        assert decision.line(name).state != "passed"


def test_an_undecided_format_is_undecided(with_format: Judge) -> None:
    assert with_format(fail(BundleStale("x"))).decision == "undecided"


def test_a_bearer_type_is_accepted_at_the_lowest_level_only(with_format: Judge) -> None:
    bearer = replace(credential_type(), bearer=True)
    decision = with_format(lambda claims: claims, want=expectation(binding=BEARER), trust=material(types={VCT: bearer}))
    assert (decision.decision, decision.level) == ("accepted", Level.BEARER)
    line = decision.line("holder_binding")
    assert (line.state, line.code, line.needed) == ("unchecked", "bearer", False)


def test_a_bug_is_not_a_verdict(with_format: Judge) -> None:
    with pytest.raises(ZeroDivisionError):
        with_format(lambda claims: msgspec.structs.replace(claims, expires_at=1 // 0))


def test_a_driver_that_breaks_is_not_a_verdict() -> None:
    def broken(_fetch: object) -> Any:
        raise KeyError(LIST)

    with pytest.raises(KeyError):
        decide(SHOWN, answer=broken)
    assert decide(SHOWN, answer=Answers()).decision == "undecided"
