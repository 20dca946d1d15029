from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from support.signing import AT
from support.trial_verify import BANK, CLAIMS, Answers, decide, issue, material, show, stranger

from shared.codec import strict_json
from shared.trust.bundle import Source
from shared.verify import CHECKS, COPY_SEEN, VERDICT_SCHEMA, Decision, render_verdict, shown_again

SHOWN = show(issue())
SOURCE = Source(iss=BANK, signer="thumb", seq=4, iat=AT - 50, exp=AT + 50)
VALIDATOR = jsonschema_rs.validator_for(VERDICT_SCHEMA)


def rendered(decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(strict_json.dumps(render_verdict(decision)))
    VALIDATOR.validate(found)
    return found


def test_an_accepted_verdict() -> None:
    verdict = rendered(decide(SHOWN, trust=material(source=SOURCE)))
    assert verdict["schema"] == VERDICT_SCHEMA["$id"] == "urn:fdc:muniment.example:2027:verdict:1"
    assert (verdict["decision"], verdict["code"], verdict["checked_at"]) == ("accepted", "", AT)
    assert verdict["level"] == {"name": "live", "number": 3}
    assert [line["name"] for line in verdict["checks"]] == list(CHECKS)
    assert verdict["status"] == {"as_of": AT - 3600, "age": 3600, "freshness": "fresh"}
    assert verdict["pack"] == {"issuer": BANK, "signer": "thumb", "seq": 4, "as_of": AT - 50, "age": 50, "expires_at": AT + 50}
    [credential] = verdict["credentials"]
    assert credential["claims"] == CLAIMS
    assert ["represented", "given_name"] in credential["disclosed"]
    assert (credential["issuer_name"], credential["format"]) == ("Test leaf", "dc+sd-jwt")


@pytest.mark.parametrize(
    ("wire", "answers", "outcome"),
    [(SHOWN, None, "undecided"), (show(issue(by=stranger())), None, "rejected"), ("", None, "rejected")],
)
def test_other_verdicts_have_the_same_form(wire: str, answers: Any, outcome: str) -> None:
    verdict = rendered(decide(wire, answer=answers or Answers()))
    assert verdict["decision"] == outcome
    assert verdict["status"] is None
    assert verdict["pack"] is None
    assert bool(verdict["credentials"]) is (outcome == "undecided")


def test_a_verdict_shares_nothing_with_the_decision() -> None:
    decision = decide(SHOWN)
    render_verdict(decision)["credentials"][0]["claims"]["powers"].append("everything")
    assert decision.credentials[0].claims.claims["powers"] == CLAIMS["powers"]


def test_each_member_of_a_verdict_is_in_the_schema() -> None:
    def compare(schema: dict[str, Any], value: dict[str, Any]) -> None:
        assert set(schema["properties"]) == set(value)

    verdict = rendered(decide(SHOWN, trust=material(source=SOURCE)))
    sometimes = {
        "agreed": ["poa"],
        "together": {},
    }  # only where the holder was asked to agree to something, and others are to agree as well
    compare(VERDICT_SCHEMA, verdict | sometimes)
    members = VERDICT_SCHEMA["properties"]
    compare(members["level"], verdict["level"])
    compare(members["checks"]["items"], verdict["checks"][0])
    compare(
        members["credentials"]["items"], verdict["credentials"][0] | {"succeeded_by": {}}
    )  # only where somebody took over from its issuer
    compare(members["status"]["anyOf"][1], verdict["status"])
    compare(members["pack"]["anyOf"][1], verdict["pack"])


def test_a_copy_that_comes_again_changes_nothing_but_a_remark() -> None:
    once, never = decide(SHOWN), decide("")
    again = shown_again(once)
    assert (again.decision, again.line("holder_binding").state, again.line("holder_binding").code) == (once.decision, "passed", COPY_SEEN)
    assert [each for each in again.checks if each.name != "holder_binding"] == [
        each for each in once.checks if each.name != "holder_binding"
    ]
    assert shown_again(never) == never
