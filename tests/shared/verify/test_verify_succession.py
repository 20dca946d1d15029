"""What a check says of documents whose issuer was taken over, and whose word about their status counts (domain sheet C24)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from support.federation import MINISTRY, critical, says
from support.federations import Member, justice
from support.signing import AT
from support.successions import handed, publish
from support.trial_verify import (
    DAY,
    IDX,
    ISSUER,
    LIST,
    VCT,
    Answers,
    Authority,
    assertion,
    decide,
    expectation,
    issue,
    material,
    registry,
    show,
    status_cwt,
    status_token,
)

from shared.cose import kid_of
from shared.credentials import all_types
from shared.formats import formats
from shared.keys import Role
from shared.status.token_status_list import INVALID, SUSPENDED
from shared.trust.snapshot import COPY_LIFE, KeyState
from shared.verify import VERDICT_SCHEMA, Decision, Material, render_verdict

HEIR, THIRD = "https://heir.example", "https://third.example"
NAMES = {"federation_entity": {"organization_name": "Greater Anytown", "organization_name#cy": "Anytown Fwyaf"}}
FORMATS = ["dc+sd-jwt", "dc+sd-cwt", "mso_mdoc"]
DUTY = {"status_duty": True, "may_cancel": True}


@cache
def heir() -> Authority:
    return Authority.new(HEIR)


class World:
    """The Public Guardian was taken over yesterday by a body that has made no document of its own; ``said`` is how."""

    def __init__(self, **said: Any) -> None:
        self.realm = justice()
        self.heirs = {HEIR: heir(), THIRD: Authority.new(THIRD)}
        for entity, by in self.heirs.items():
            self.realm.members[entity] = Member(
                entity, superiors=(MINISTRY,), keys={Role.CREDENTIAL_ISSUER: by.signer}, metadata=NAMES if entity == HEIR else {}
            )
        self.hand(**said)

    def hand(self, **said: Any) -> None:
        self.handed = [handed(self.realm[ISSUER], ISSUER, self.realm[HEIR], **said)]
        publish(self.realm, MINISTRY, *self.handed)

    def hand_on(self, **said: Any) -> None:
        publish(self.realm, MINISTRY, *self.handed, handed(self.realm[HEIR], HEIR, self.realm[THIRD], **said))

    def trust(self, **changes: Any) -> Material:
        return replace(material(), **{"policy": self.realm.policy(MINISTRY), "certificates": {}, **changes})

    def judge(self, answer: Any = None, form: str = "dc+sd-jwt", **how: Any) -> Decision:
        trust = how.pop("trust", None) or self.trust()
        made = issue(form, **how.pop("made", {}))
        return decide(show(made, format_name=form, at=how.get("at", AT)), want=expectation(format=form), trust=trust, answer=answer, **how)

    def listed(self, by: str = HEIR, values: dict[int, int] | None = None, **how: Any) -> str:
        return status_token(values, by=self.heirs[by], **how)


def told(decision: Decision, name: str = "issuer_trust") -> tuple[str, str]:
    found = decision.line(name)
    return found.state, found.code


# --- who keeps it now ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_an_old_document_verifies_under_the_old_keys_and_names_the_successor(form: str) -> None:
    decision = World(note="Your record is now kept by Greater Anytown.").judge(form=form)
    assert (decision.decision, told(decision)) == ("accepted", ("passed", "succeeded"))
    assert decision.line("issuer_trust").detail.startswith(
        f"Greater Anytown ({HEIR}) has taken over from its issuer; by what its superiors"
    )
    verdict = render_verdict(decision)
    jsonschema_rs.validator_for(VERDICT_SCHEMA).validate(verdict)
    assert verdict["credentials"][0]["succeeded_by"] == {
        "entity": HEIR,
        "name": {"en": "Greater Anytown", "cy": "Anytown Fwyaf"},
        "since": AT - DAY,
        "private": False,
        "note": {"en": "Your record is now kept by Greater Anytown.", "cy": "Your record is now kept by Greater Anytown."},
    }


def test_by_pinned_certificates_too() -> None:
    world = World()
    carried = replace(material(), policy=replace(material().policy, federation=world.realm.federation(MINISTRY)))
    decision = world.judge(trust=carried)
    assert (decision.decision, told(decision)) == ("accepted", ("passed", "succeeded"))
    assert decision.line("issuer_trust").detail == f"Greater Anytown ({HEIR}) has taken over from its issuer"


def test_nobody_is_named_for_other_types_before_the_day_or_in_a_circle() -> None:
    for world in (World(vcts=["urn:other"]), World(**{"from": AT + 1})):
        decision = world.judge()
        assert (decision.decision, told(decision)) == ("accepted", ("passed", ""))
        assert "succeeded_by" not in render_verdict(decision)["credentials"][0]
    world = World()
    publish(world.realm, MINISTRY, *world.handed, handed(world.realm[HEIR], HEIR, world.realm[ISSUER]))
    assert told(world.judge()) == ("passed", "")


@pytest.mark.parametrize(("rule", "private", "passes"), [
    ("anybody", True, True), ("public-body", False, True), ("public-body", True, False), ("nobody", False, False),
])  # fmt: skip
def test_a_kind_of_document_says_who_can_take_it_over(rule: str, monkeypatch: pytest.MonkeyPatch, *, private: bool, passes: bool) -> None:
    """Whoever cannot is not named as its keeper, and what it says became of a document is nobody's word."""
    kinds = {vct: replace(each, successors=rule) for vct, each in all_types().items()}
    monkeypatch.setattr("shared.trust.succession.all_types", lambda: kinds)
    world = World(private=private, **DUTY)
    decision = world.judge(world.listed())
    assert told(decision) == ("passed", "succeeded" if passes else "")
    assert told(decision, "status")[0] == ("passed" if passes else "unchecked")
    (found,) = world.realm.federation(MINISTRY).successors.begun(AT)
    assert (found.covers(VCT), VCT in found.left_behind) == (passes, not passes)


def test_the_last_in_line_keeps_it() -> None:
    world = World()
    world.hand_on()
    assert render_verdict(world.judge())["credentials"][0]["succeeded_by"]["entity"] == THIRD


def test_the_authority_of_the_outgoing_body_has_ended_too() -> None:
    world = World()
    world.realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, until=AT - DAY)])
    world.realm.again(MINISTRY)
    decision = world.judge(made={"issued_at": AT - 2 * DAY})
    assert told(decision) == ("passed", "succeeded")
    assert "; authority_ended; " in decision.line("issuer_trust").detail


def test_nothing_else_is_inherited() -> None:
    """What the successor may say, it may by the word of its own superiors (S14)."""
    world = World(**DUTY)
    by = world.heirs[HEIR]
    decision = world.judge(made={"by": by}, trust=world.trust(certificates={}))
    assert told(decision) == ("failed", "not_entitled")


def test_the_body_is_gone() -> None:
    """Ten days later its own configuration has run out, and its superior publishes it still."""
    world = World(**DUTY)
    world.realm[ISSUER].claims = {"iat": AT - 3 * DAY, "exp": AT - 60}
    world.realm.again(MINISTRY)
    assert world.judge(world.listed()).decision == "accepted"
    publish(world.realm, MINISTRY)
    assert told(world.judge(world.listed())) == ("failed", "expired")


def test_its_document_key_was_compromised() -> None:
    world = World(**DUTY)
    world.realm[MINISTRY].end(registry().signer, state=KeyState.COMPROMISED, until=AT)
    world.realm.again(MINISTRY)
    assert told(world.judge(world.listed())) == ("failed", "certificate_revoked")


# --- whose word about the status counts ----------------------------------------------------------------------------------------------------


def test_a_list_by_the_successor() -> None:
    world = World(**DUTY)
    assert world.judge(world.listed()).decision == "accepted"
    assert told(world.judge(world.listed(values={IDX: INVALID})), "status") == ("failed", "revoked")
    assert told(world.judge(world.listed(values={IDX: SUSPENDED})), "status") == ("failed", "suspended")


@pytest.mark.parametrize(
    ("rights", "counts"),
    [
        ([says(VCT)], True),
        ([says(VCT, until=AT - DAY)], True),
        ([], False),
        ([says("urn:other")], False),
        ([says(VCT, until=AT - COPY_LIFE)], False),
    ],
)
def test_a_list_by_whom_a_superior_without_a_say_made_the_successor(*, rights: list[dict[str, Any]], counts: bool) -> None:
    """The issuer is known by its certificate; somebody in a federation gives it a successor, and could not let it say anything."""
    world = World(**DUTY)
    world.realm[MINISTRY].about[ISSUER] = critical(entitlements=rights) if rights else {}
    world.realm.again(MINISTRY)
    carried = replace(material(), policy=replace(material().policy, federation=world.realm.federation(MINISTRY)))
    for values, state in ((None, "passed"), ({IDX: INVALID}, "failed")):
        decision = world.judge(world.listed(values=values), trust=carried)
        assert decision.line("status").state == (state if counts else "unchecked")


def test_status_list_by_successor_without_status_duty() -> None:
    world = World(may_cancel=True)
    for values in (None, {IDX: INVALID}):
        line = world.judge(world.listed(values=values)).line("status")
        assert (line.state, line.code) == ("unchecked", "status_unknown")
        assert "not the duty" in line.detail


def test_a_list_from_before_the_successor_took_over() -> None:
    world = World(**DUTY)
    decision = world.judge(world.listed(iat=AT - DAY - 1), trust=world.trust(max_status_age=7 * DAY))
    assert told(decision, "status") == ("unchecked", "status_unknown")
    assert "before its signer took over" in decision.line("status").detail


def test_a_list_by_the_outgoing_body_still_counts() -> None:
    assert World(**DUTY).judge(status_token()).decision == "accepted"
    assert told(World(**DUTY).judge(status_token({IDX: INVALID})), "status") == ("failed", "revoked")


@pytest.mark.parametrize("value", [INVALID, SUSPENDED])
def test_a_successor_that_may_not_cancel(value: int) -> None:
    """It can pass on that a document counts. Where it says that one does not, nobody can tell; a word by the issuer itself is final."""
    world = World(status_duty=True)
    assert world.judge(world.listed()).decision == "accepted"
    against = world.listed(values={IDX: value}, iat=AT - 60)
    decision = world.judge(against, stapled=[status_token()])
    assert told(decision, "status") == ("unchecked", "status_unknown")
    assert not decision.learnt.invalid
    assert told(world.judge(against, stapled=[status_token({IDX: INVALID})]), "status") == ("failed", "revoked")


def test_a_list_by_a_stranger() -> None:
    assert told(World(**DUTY).judge(status_token(by=Authority.new(ISSUER))), "status") == ("unchecked", "status_unknown")


def test_a_key_of_the_successor_that_was_compromised() -> None:
    world = World(**DUTY)
    world.realm[MINISTRY].end(world.heirs[HEIR].signer, state=KeyState.COMPROMISED, until=AT)
    world.realm.again(MINISTRY)
    assert told(world.judge(world.listed()), "status") == ("unchecked", "status_unknown")


@pytest.mark.parametrize(("first", "second", "good"), [(DUTY, DUTY, True), (DUTY, {}, False), ({}, DUTY, False)])
def test_the_duty_is_handed_on(first: dict[str, Any], second: dict[str, Any], good: bool) -> None:
    world = World(**first)
    world.hand_on(**second)
    decision = world.judge(world.listed(THIRD))
    assert told(decision, "status") == (("passed", "") if good else ("unchecked", "status_unknown"))


def test_the_power_to_cancel_is_not_handed_on() -> None:
    world = World(**DUTY)
    world.hand_on(status_duty=True)
    assert told(world.judge(world.listed(THIRD, {IDX: INVALID})), "status") == ("unchecked", "status_unknown")
    assert told(world.judge(world.listed(HEIR, {IDX: INVALID})), "status") == ("failed", "revoked")


def test_by_the_name_of_the_successors_key() -> None:
    """Where no certificate comes along, for a federated issuer and for one whose certificate is pinned."""
    world = World(**DUTY)
    wire = {"x5c": (), "kid": kid_of(registry().signer.public)}
    answer = Answers({LIST: status_cwt(by=world.heirs[HEIR], x5c=())})
    assert world.judge(answer, "dc+sd-cwt", made=wire).decision == "accepted"
    pinned = replace(material(), policy=replace(material().policy, federation=world.realm.federation(MINISTRY)))
    assert world.judge(answer, "dc+sd-cwt", made=wire, trust=pinned).decision == "accepted"
    by_certificate = replace(
        pinned, certificates={**pinned.certificates, (HEIR, kid_of(world.heirs[HEIR].signer.public)): world.heirs[HEIR].x5c}
    )
    assert world.judge(answer, "dc+sd-cwt", made=wire, trust=by_certificate).decision == "accepted"
    world.realm[MINISTRY].end(world.heirs[HEIR].signer, state=KeyState.COMPROMISED, until=AT)
    world.realm.again(MINISTRY)
    assert world.judge(answer, "dc+sd-cwt", made=wire).code == "status_unknown"


def test_an_assertion_by_the_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    form = type(formats()["dc+sd-jwt"])
    parse = form.parse

    def carry(*staples: bytes) -> None:
        monkeypatch.setattr(form, "parse", lambda self, wire: msgspec.structs.replace(parse(self, wire), staples=staples))

    def judged(**said: Any) -> tuple[str, str]:
        return told(World(**said).judge(Answers(), stapled=()), "status")

    carry(assertion(by=heir()))
    assert judged(**DUTY) == ("passed", "")
    assert judged(may_cancel=True) == ("unchecked", "status_unknown")
    carry(assertion(INVALID, by=heir()))
    assert judged(**DUTY) == ("failed", "revoked")
    assert judged(status_duty=True) == ("unchecked", "status_unknown")
