"""Whether several act together (security rule S26)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from support.signing import Signer
from support.trial_verify import CLAIMS, VCT, decide, expectation, issue, show

from shared.cose import thumbprint
from shared.credentials import all_types
from shared.errors import OtherInstrument
from shared.verify import Decision, Mark, VerifiedCredential, find_mark, is_another, ruled_out

TAG = "AAAAAAAAAAAAAAAAAAAAAA"
JOINT = CLAIMS | {"decision_rule": "jointly", "cardinality": 2, "instrument_tag": TAG, "attorney_number": 1}
FIRST = Mark(vct=VCT, issuer="https://opg.example", tag=TAG, number=1, needed=2, holder=b"1")
SECOND = replace(FIRST, number=2, holder=b"2")


def shown(claims: dict[str, Any], paths: Any = (("instrument_tag",), ("attorney_number",), ("powers", 1)), **use: Any) -> Decision:
    return decide(show(issue(claims=claims), paths=paths), want=expectation(use={"powers": ("banking",)} | use))


def credential(decision: Decision, **changes: Any) -> VerifiedCredential:
    (only,) = decision.credentials
    return replace(only, claims=msgspec.structs.replace(only.claims, **changes))


def test_a_joint_document_says_whose_it_is_and_how_many_it_takes() -> None:
    decision = shown(JOINT)
    assert (decision.decision, decision.code) == ("undecided", "needs_more_attorneys")
    mark = find_mark(decision.credentials, all_types())
    assert mark is not None
    holder = decision.credentials[0].claims.holder
    assert holder is not None
    assert mark == replace(FIRST, holder=thumbprint(holder))
    assert shown(JOINT, attorneys=2).decision == "accepted"


def test_a_document_that_shows_no_mark_has_none() -> None:
    assert find_mark(shown(JOINT, (("powers", 1),)).credentials, all_types()) is None
    assert find_mark(shown(JOINT, (("powers", 1), ("instrument_tag",))).credentials, all_types()) is None
    assert find_mark(shown(CLAIMS | {"instrument_tag": TAG, "attorney_number": 1}).credentials, all_types()) is None
    assert find_mark((), all_types()) is None


def test_a_kind_without_marks_and_a_document_for_anybody_have_none() -> None:
    decision = shown(JOINT)
    assert find_mark([credential(decision, holder=None)], all_types()) is None
    assert find_mark([credential(decision, vct="urn:unknown")], all_types()) is None
    person = next(vct for vct, kind in all_types().items() if kind.id == "person")
    assert find_mark([credential(decision, vct=person)], all_types()) is None
    assert find_mark([credential(decision, vct=person), *decision.credentials], all_types()) is not None


def test_two_people_of_one_instrument_act_together() -> None:
    assert is_another(FIRST, [])
    assert is_another(SECOND, [FIRST])
    assert is_another(replace(SECOND, number=3, holder=b"3"), [FIRST, SECOND])


def test_one_person_is_not_two() -> None:
    assert not is_another(replace(FIRST, holder=b"2"), [FIRST])  # with another copy
    assert not is_another(replace(FIRST, number=2), [FIRST])
    assert not is_another(SECOND, [FIRST, SECOND])


@pytest.mark.parametrize("changes", [{"tag": "B" * 22}, {"issuer": "https://court.example"}, {"vct": "urn:other"}, {"needed": 3}])
def test_joint_other_instrument(changes: dict[str, Any]) -> None:
    with pytest.raises(OtherInstrument):
        is_another(replace(SECOND, **changes), [FIRST])


def test_what_only_the_caller_knows_rules_a_decision_out() -> None:
    decision = ruled_out(shown(JOINT), OtherInstrument("of another instrument"))
    assert (decision.decision, decision.code, decision.credentials) == ("rejected", "other_instrument", ())
    assert decision.line("type_rules").state == "failed"


def test_another_key_is_another_holder() -> None:
    one, two = (decide(show(issue(claims=JOINT, to=key), by=key)) for key in (Signer.new(), Signer.new()))
    marks = [find_mark(each.credentials, all_types()) for each in (one, two)]
    assert marks[0] is not None
    assert marks[1] is not None
    assert marks[0].holder != marks[1].holder
