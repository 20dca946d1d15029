"""Check 9 where somebody asked by groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.trial_verify import BANK, CLAIMS, LIVE, VCT, copy_binding, decide, expectation, issue, material, show

from shared.credentials import all_types
from shared.errors import OverDisclosed, RequestNotSatisfied
from shared.formats import Binding, Claims
from shared.verify import Asked, Decision
from shared.verify._groups import check_groups

NAME = (("represented", "given_name"), ("represented", "family_name"))
POWERS = (("powers",),)
ASKED = Asked(vct=VCT, required=("donor-name", "powers"), optional=("donor-postcode",))


def judge(paths: Any, *asked: Asked, binding: Binding = LIVE) -> Decision:
    want = replace(expectation(), asked=asked or (ASKED,))
    if binding is not LIVE:
        want = replace(want, binding=Binding(audience=f"a:{BANK}", nonce=None, max_age=14 * 86_400))
    return decide(show(issue(), paths=paths, binding=binding), want=want)


def test_groups_that_were_asked_for() -> None:
    assert judge([*NAME, *POWERS]).decision == "accepted"
    assert judge([*NAME, *POWERS, ("represented", "address", "postal_code")]).decision == "accepted"


@pytest.mark.parametrize("paths", [[*POWERS], [*NAME], [NAME[0], *POWERS]])
def test_a_required_group_that_is_not_there_or_not_whole(paths: Any) -> None:
    assert judge(paths).line("request").code == "request_not_satisfied"


def test_a_group_that_nobody_asked_for() -> None:
    decision = judge([*NAME, *POWERS, ("represented", "birthdate")])
    assert (decision.decision, decision.line("request").code) == ("rejected", "over_disclosed")
    assert judge([*NAME, *POWERS, ("represented", "birthdate")], binding=copy_binding()).decision == "accepted"
    assert judge([*NAME], binding=copy_binding()).line("request").code == "request_not_satisfied"


def test_any_of_several_kinds_serves_and_no_other() -> None:
    other = Asked(vct="urn:other", required=("x",))
    assert judge([*NAME, *POWERS], other, ASKED).decision == "accepted"
    assert judge([*NAME, *POWERS], other).line("request").code == "over_disclosed"


def test_what_nobody_asked_for_fails_beside_what_could_not_be_checked() -> None:
    good, broken = show(issue(), paths=[*NAME, *POWERS]), "rubbish"
    want = replace(expectation(), asked=(ASKED,))
    assert decide(good, broken, want=want).line("request").state == "unchecked"
    assert decide(show(issue(), paths=[*POWERS]), broken, want=want).line("request").code == "request_not_satisfied"


def test_an_unknown_kind_is_refused_by_its_own_check() -> None:
    decision = decide(show(issue(), paths=[*NAME]), want=replace(expectation(), asked=(ASKED,)), trust=material(types={}))
    assert decision.line("type_rules").code == "unknown_credential_type"
    assert decision.line("request").state == "passed"


def test_half_a_group_is_no_group() -> None:
    """Also where a format would give an empty list for a leaf that repeats."""
    whole = decide(show(issue(), paths=[*NAME, *POWERS])).credentials[0].claims

    def claims(**changes: Any) -> Claims:
        return msgspec.structs.replace(whole, claims={**whole.claims, **changes})

    check_groups([ASKED], claims(), all_types(), or_more=False)
    broken: dict[str, Any]
    for broken in ({"powers": []}, {"represented": {"family_name": CLAIMS["represented"]["family_name"]}}, {"represented": "x"}):
        with pytest.raises(RequestNotSatisfied):
            check_groups([ASKED], claims(**broken), all_types(), or_more=False)
    with pytest.raises(OverDisclosed):
        check_groups([], claims(), all_types(), or_more=False)
