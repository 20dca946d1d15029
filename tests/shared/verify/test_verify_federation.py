"""Check 2 where superiors in a federation vouch for the issuer, in every format (security rules S14-S17)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.federation import MINISTRY, critical, says
from support.federations import Realm, justice
from support.signing import AT, Signer
from support.trial_verify import (
    DAY,
    ISSUER,
    LIST,
    MADE,
    VCT,
    Answers,
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
from shared.jose.jws import parse_jws, prepare_jws
from shared.keys import KeyId, Role
from shared.trust.anchors import TrustAnchors
from shared.trust.federation import Federation
from shared.trust.policy import Policy
from shared.trust.snapshot import KeyState
from shared.verify import Decision, Material

FORMATS = ["dc+sd-jwt", "dc+sd-cwt", "mso_mdoc"]


def known(realm: Realm, **changes: Any) -> Material:
    return replace(material(), **{"policy": realm.policy(MINISTRY), "certificates": {}, **changes})


def judged(realm: Realm, form: str = "dc+sd-jwt", **how: Any) -> Decision:
    shown = show(issue(form, **how.pop("made", {})), format_name=form)
    return decide(shown, want=expectation(format=form), trust=known(realm), **how)


def line(decision: Decision) -> tuple[str, str]:
    found = decision.line("issuer_trust")
    return found.state, found.code


@pytest.mark.parametrize("form", FORMATS)
def test_an_issuer_that_nobody_here_had_heard_of(form: str) -> None:
    decision = judged(justice(), form)
    assert (decision.decision, line(decision)) == ("accepted", ("passed", ""))
    assert decision.credentials[0].issuer_name == f"The body at {ISSUER}"
    assert decision.line("issuer_trust").detail == "by what its superiors said at 2027-01-15T07:59:00+00:00"


@pytest.mark.parametrize("form", FORMATS)
def test_self_declared_vct_not_entitled(form: str) -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = {}
    assert line(judged(realm, form)) == ("failed", "not_entitled")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"until": MADE}, ("failed", "not_entitled")),
        ({"since": MADE + 1}, ("failed", "not_entitled")),
        ({"since": MADE, "until": MADE + 1}, ("passed", "authority_ended")),
        ({"jurisdiction": ["GB-SCT"]}, ("failed", "not_entitled")),
        ({"attestation_basis": ["inspection"]}, ("failed", "not_entitled")),
        ({"jurisdiction": ["GB-EAW"], "attestation_basis": ["register"]}, ("passed", "")),
    ],
)
def test_what_it_might_say_on_the_day(form: str, said: dict[str, Any], found: tuple[str, str]) -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, **said)])
    decision = judged(realm, form)
    assert line(decision) == found
    assert decision.decision == ("accepted" if found[0] == "passed" else "rejected")


def test_ended_in_one_path_ended_in_both() -> None:
    realm = justice()
    realm[MINISTRY].end(registry().signer, state=KeyState.COMPROMISED, until=AT - DAY)
    assert line(judged(realm)) == ("failed", "certificate_revoked")
    carried = replace(material(), policy=replace(material().policy, federation=realm.federation(MINISTRY)))
    assert line(decide(show(issue()), trust=carried)) == ("failed", "certificate_revoked")


def test_a_document_of_a_federated_issuer_by_the_name_of_its_key_alone() -> None:
    wire = issue("dc+sd-cwt", x5c=(), kid=kid_of(registry().signer.public))
    shown, want = show(wire, format_name="dc+sd-cwt"), expectation(format="dc+sd-cwt")
    assert decide(shown, want=want, trust=known(justice()), answer=Answers({LIST: status_cwt(x5c=())})).decision == "accepted"
    other = Signer.new()
    realm = justice()
    realm[ISSUER].keys[Role.CREDENTIAL_ISSUER] = other
    decision = decide(shown, want=want, trust=known(realm), answer=Answers({LIST: status_cwt(x5c=())}))
    assert line(decision) == ("failed", "untrusted")


def test_a_list_by_another_key_of_the_same_issuer() -> None:
    realm = justice()
    other = replace(registry(), signer=Signer.new(), x5c=())
    wire = show(issue("dc+sd-cwt", x5c=(), kid=kid_of(registry().signer.public)), format_name="dc+sd-cwt")
    by_other = Answers({LIST: status_cwt(by=other)})
    want = expectation(format="dc+sd-cwt")
    assert decide(wire, want=want, trust=known(realm), answer=by_other).code == "status_unknown"
    realm[ISSUER].more_keys = (other.signer,)
    realm.again(MINISTRY)
    assert decide(wire, want=want, trust=known(realm), answer=by_other).decision == "accepted"


def test_a_list_after_the_authority_ended() -> None:
    """Who may say no more goes on saying which of its documents it has cancelled."""
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, until=AT - 3_700)])
    assert judged(realm, answer=status_token(iat=AT - 3_600)).decision == "accepted"


def test_a_document_that_does_not_say_when_it_was_made_was_made_now() -> None:
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(VCT, until=AT - 1)])
    token, tail = issue().split("~", 1)
    jws = parse_jws(token)
    payload = {name: value for name, value in json.loads(jws.payload).items() if name != "iat"}
    signed = registry().signer.finish(
        prepare_jws(typ="dc+sd-jwt", payload=json.dumps(payload).encode(), key=KeyId("issuer"), header={"x5c": jws.header["x5c"]})
    )
    assert line(decide(show(f"{signed}~{tail}"), trust=known(realm))) == ("failed", "not_entitled")


@pytest.mark.parametrize("tokens", ["chain", None, "text", 3])
def test_the_chain_may_come_along(tokens: Any) -> None:
    """With an anchor that publishes no snapshot, as its owner pinned it."""
    realm = justice()
    if tokens == "chain":
        tokens = list(realm.federation(MINISTRY).chain(ISSUER, AT).tokens)
    token, tail = issue().split("~", 1)
    jws = parse_jws(token)
    header = {"x5c": jws.header["x5c"], "trust_chain": tokens}
    signed = registry().signer.finish(prepare_jws(typ="dc+sd-jwt", payload=jws.payload, key=KeyId("issuer"), header=header))
    federation = Federation((realm.pin(MINISTRY, without_snapshot=True),))
    decision = decide(show(f"{signed}~{tail}"), trust=known(realm, policy=Policy(TrustAnchors(), federation=federation)))
    assert line(decision) == (("passed", "") if isinstance(tokens, list) else ("failed", "untrusted"))


def test_nothing_fails_open_while_nothing_is_known() -> None:
    """The anchor has been down ever since it was pinned."""
    realm = justice()
    federation = Federation((realm.pin(MINISTRY),))
    decision = decide(show(issue()), trust=known(realm, policy=Policy(TrustAnchors(), federation=federation)))
    assert (decision.decision, decision.code) == ("undecided", "snapshot_missing")
