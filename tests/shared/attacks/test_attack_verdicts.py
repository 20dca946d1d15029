"""Presentations bent in every way: by their holder, by a careless issuer, by another trusted issuer, by whoever carries them."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from support import forge
from support.signing import AT, Signer
from support.trial_verify import (
    BANK,
    COPY,
    DAY,
    IDX,
    ISSUER,
    LIST,
    LIVE,
    VCT,
    Answers,
    Authority,
    copy_binding,
    decide,
    expectation,
    issue,
    material,
    registry,
    show,
    status_token,
)

from shared import addressed
from shared.codec import base64url
from shared.credentials import all_types
from shared.dcql import parse_query
from shared.errors import Malformed, VcError
from shared.flow import run
from shared.formats import Claims, StatusReference, formats
from shared.jose.jws import parse_jws
from shared.status.memory import StatusMemory
from shared.verify import Decision, Level, verify

FORM = formats()["dc+sd-jwt"]
WIRE = issue()
PATHS: tuple[Any, ...] = (("powers", None), ("represented", "family_name"))
SHOWN = show(WIRE, paths=PATHS)


def query(*ids: str, **changes: Any) -> Any:
    claims = [{"path": list(path)} for path in PATHS]
    each = {"format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": claims, **changes}
    return parse_query({"credentials": [{"id": one, **each} for one in ids or ("poa",)]})


def judge(vp_token: dict[str, list[str]], want: Any, **more: Any) -> Decision:
    return run(verify(vp_token, want, material(), at=AT, **more), Answers({LIST: status_token()}))


# --- the holder's signature ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [forge.BINDING.audience]},
        {"aud": [forge.BINDING.audience, "https://evil.example"]},
        {"aud": {"0": forge.BINDING.audience}},
        {"aud": ...},
        {"aud": forge.BINDING.audience + "/"},
        {"aud": forge.BINDING.audience.upper()},
        {"aud": forge.BINDING.audience + ".evil.example"},
        {"aud": " " + forge.BINDING.audience},
        {"nonce": [forge.BINDING.nonce]},
        {"nonce": ...},
        {"nonce": ""},
        {"nonce": f"{forge.BINDING.nonce}\u0000"},
        {"iat": float(AT)},
        {"iat": str(AT)},
        {"iat": True},
        {"iat": None},
        {"iat": ...},
        {"iat": -1},
        {"iat": 2**53 - 1},
        {"iat": AT + 61},
        {"iat": AT - 361},
        {"exp": -1},
        {"exp": 0},
        {"exp": AT},
        {"exp": None},
        {"exp": float(AT + 5)},
        {"exp": AT + 15 * DAY},
        {"nbf": AT + 61},
        {"nbf": "0"},
        {"sd_hash": ...},
        {"sd_hash": None},
        {"sd_hash": ""},
        {"sd_hash": [forge.hashed("x")]},
        {"sd_hash": forge.hashed("x")},
        {"sd_hash": forge.hashed(forge.sd_jwt(forge.envelope()).rstrip("~"))},
        {"sd_hash": forge.hashed(forge.sd_jwt(forge.envelope()), "sha512")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_holders_signature_over_something_else(changes: dict[str, Any]) -> None:
    presented = forge.sd_jwt(forge.envelope())
    with pytest.raises(VcError):
        FORM.verify(FORM.parse(forge.bound(presented, **changes)), forge.ISSUER.public, binding=forge.BINDING, at=AT)


def test_a_nonce_said_twice() -> None:
    presented = forge.sd_jwt(forge.envelope())
    payload = (
        f'{{"iat":{AT},"aud":"{forge.BINDING.audience}","nonce":"x","nonce":"{forge.BINDING.nonce}","sd_hash":"{forge.hashed(presented)}"}}'
    )
    with pytest.raises(Malformed):
        FORM.parse(presented + forge.jws(payload.encode(), forge.HOLDER, typ="kb+jwt"))


def test_a_signature_for_one_selection_serves_no_other() -> None:
    more, less = show(WIRE), SHOWN
    for whole, token in ((more, less), (less, more)):
        bent = whole.rsplit("~", 1)[0] + "~" + token.rsplit("~", 1)[1]
        assert decide(bent).code == "other_presentation"
    parts = more.split("~")
    parts[1], parts[2] = parts[2], parts[1]
    assert decide("~".join(parts)).code == "other_presentation"


# --- disclosures -----------------------------------------------------------------------------------------------------------------------


def opened(payload: dict[str, Any], *disclosures: str) -> dict[str, Any]:
    wire = forge.bound(forge.sd_jwt(forge.envelope(**payload), disclosures))
    claims: Claims = FORM.verify(FORM.parse(wire), forge.ISSUER.public, binding=forge.BINDING, at=AT)
    return dict(claims.claims)


A = forge.disclosure("s", "a", 1)
E = forge.disclosure("s", 1)
CYCLE = forge.disclosure("s", "a", {"_sd": ["self"]})
HIDER = forge.disclosure("s", "outer", {"_sd": [forge.hashed(A)]})


@pytest.mark.parametrize(
    ("payload", "disclosures"),
    [
        ({"_sd": [forge.hashed(A), forge.hashed(A)]}, [A]),
        ({"_sd": [forge.hashed(A)], "b": {"_sd": [forge.hashed(A)]}}, [A]),
        ({"_sd": [forge.hashed(A)], "b": [{"...": forge.hashed(A)}]}, [A]),
        ({"_sd": [forge.hashed(A), forge.hashed(HIDER)]}, [A, HIDER]),
        ({"_sd": [forge.hashed(A)]}, [A, A]),
        ({"_sd": [forge.hashed(A)], "a": 2}, [A]),
        ({"_sd": [forge.hashed(A), forge.hashed(forge.disclosure("t", "a", 2))]}, [A, forge.disclosure("t", "a", 2)]),
        ({"_sd": []}, [A]),
        ({"_sd": [forge.hashed(CYCLE)]}, [CYCLE, A]),
        ({"_sd": [forge.hashed(E)]}, [E]),
        ({"x": [{"...": forge.hashed(A)}]}, [A]),
        ({"x": [{"...": forge.hashed(E), "y": 1}]}, [E]),
        ({"x": [{"...": forge.hashed(E), "_sd": []}]}, [E]),
        ({"x": [{"...": [forge.hashed(E)]}]}, [E]),
        ({"x": {"...": forge.hashed(E)}}, [E]),
        ({"_sd": forge.hashed(A)}, [A]),
        ({"_sd": {forge.hashed(A): 1}}, [A]),
        ({"_sd": [[forge.hashed(A)]]}, [A]),
        ({"_sd": [None]}, []),
        ({"_sd_alg": ["sha-256"]}, []),
        ({"_sd_alg": "SHA-256"}, []),
        ({"_sd_alg": "sha-256 "}, []),
        ({"_sd_alg": "md5"}, []),
        ({"_sd_alg": "sha-1"}, []),
        ({"_sd_alg": None}, []),
        ({"x": {"_sd_alg": "sha-256"}}, []),
        ({"x": [{"_sd_alg": "sha-512"}]}, []),
        *[({"_sd": [forge.hashed(each)]}, [each]) for each in (forge.disclosure("s", name, 1) for name in ("_sd", "...", "_sd_alg"))],
        *[({"_sd": [forge.hashed(each)]}, [each]) for each in (forge.disclosure("s", name, 1) for name in ("cnf", "exp", "status", "vct"))],
        ({"_sd": [forge.hashed(forge.disclosure("s", 5, 1))]}, [forge.disclosure("s", 5, 1)]),
        ({"_sd": [forge.hashed(forge.disclosure(5, "a", 1))]}, [forge.disclosure(5, "a", 1)]),
        ({"_sd": [forge.hashed(forge.disclosure("s", "a", 1, 2))]}, [forge.disclosure("s", "a", 1, 2)]),
        ({"_sd": [forge.hashed(forge.b64('{"0":"s","1":"a","2":1}'))]}, [forge.b64('{"0":"s","1":"a","2":1}')]),
        ({"_sd": [forge.hashed(A + "=")]}, [A + "="]),
    ],
)
def test_disclosures_that_deceive(payload: dict[str, Any], disclosures: list[str]) -> None:
    with pytest.raises(VcError):
        opened(payload, *disclosures)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "é", unicodedata.normalize("NFD", "é"), "", " a", "a\u0000", "0", "length"])
def test_names_are_texts_and_nothing_else(name: str) -> None:
    """No name means anything to us; two that look alike are two."""
    text = forge.disclosure("s", name, {"x": 1})
    assert opened({"_sd": [forge.hashed(text)]}, text) == {name: {"x": 1}}
    composed, taken_apart = forge.disclosure("s", "é", 1), forge.disclosure("s", unicodedata.normalize("NFD", "é"), 2)
    assert len(opened({"_sd": [forge.hashed(composed), forge.hashed(taken_apart)]}, composed, taken_apart)) == 2


def test_a_power_whose_name_only_looks_right_is_none() -> None:
    wire = issue()
    for power in ("banking\u0000", "BANKING", "bankıng", "banking "):
        with pytest.raises(VcError):
            all_types()[VCT].judge({**FORM.peek(FORM.parse(wire)).claims, "powers": [power]}, {"powers": ("banking",)})


def test_a_chain_of_disclosures_ends() -> None:
    texts: list[str] = []
    for _ in range(400):
        inner: object = {"_sd": [forge.hashed(texts[-1])]} if texts else 1
        texts.append(forge.disclosure("s", "a", inner))
    with pytest.raises(VcError):
        opened({"_sd": [forge.hashed(texts[-1])]}, *texts)


# --- what was asked --------------------------------------------------------------------------------------------------------------------


def test_one_document_signed_twice_is_no_second_document() -> None:
    """Joint attorneys are counted by their documents: one of them must not come twice, however often its holder signs."""
    want = expectation(query=query(multiple=True))
    again = show(WIRE, paths=PATHS, at=AT - 1)
    less = show(WIRE, paths=PATHS, by=None, at=AT - 2)
    assert len({SHOWN, again, less}) == 3
    assert decide(SHOWN, want=want).decision == "accepted"
    for wires in ((SHOWN, again), (again, show(issue(seed="other"), paths=PATHS), less)):
        decision = decide(*wires, want=want)
        assert (decision.decision, decision.code, decision.credentials) == ("rejected", "replayed", ())
    name = "vc+jwt"
    whole = issue(name)
    twice = [show(whole, format_name=name, at=at) for at in (AT, AT - 1)]
    assert decide(*twice, want=expectation(format=name)).code == "replayed"


def test_one_presentation_for_two_questions_is_fine_and_two_for_one_is_not() -> None:
    want = expectation(query=query("one", "two"))
    assert judge({"one": [SHOWN], "two": [SHOWN]}, want).decision == "accepted"
    second = show(issue(seed="second"), paths=PATHS)
    assert judge({"one": [SHOWN, second], "two": [SHOWN]}, want).code == "request_not_satisfied"
    assert judge({"one": [SHOWN]}, want).code == "request_not_satisfied"


@pytest.mark.parametrize(
    "vp_token", [{}, {"poa": []}, {"other": [SHOWN]}, {"poa": [SHOWN], "other": [SHOWN]}, {"": [SHOWN]}, {"poa": [""]}]
)
def test_tokens_that_answer_another_question(vp_token: dict[str, list[str]]) -> None:
    decision = judge(vp_token, expectation(query=query()))
    assert (decision.decision, decision.credentials) == ("rejected", ())


def test_a_pointer_is_one_whatever_the_name() -> None:
    decision = judge({"a/b~c": ["x"]}, expectation())
    assert decision.line("parse").where == "/a~1b~0c/0"
    assert judge({"a/b": [SHOWN]}, expectation(query=query())).line("request").where == "/a~1b"


def test_good_bad_and_undecided_together() -> None:
    """One failed rejects whatever else stands; an undecided one never hides behind a good one."""
    want = expectation(query=query(multiple=True))
    elsewhere = StatusReference(uri=LIST + "/unknown", idx=1)
    unknown = show(issue(seed="unknown", status=elsewhere), paths=PATHS)
    cancelled = show(issue(seed="cancelled", status=StatusReference(uri=LIST, idx=5)), paths=PATHS)
    answers = status_token({5: 1})
    cases = {
        (SHOWN,): "accepted",
        (SHOWN, unknown): "undecided",
        (unknown, SHOWN): "undecided",
        (SHOWN, cancelled): "rejected",
        (unknown, cancelled): "rejected",
        (cancelled, unknown, SHOWN): "rejected",
        (unknown, "broken"): "rejected",
        (SHOWN, show(issue(seed="x"), paths=PATHS, by=Signer.new()), unknown): "rejected",
    }
    for wires, outcome in cases.items():
        decision = decide(*wires, want=want, answer=answers)
        assert decision.decision == outcome, wires
        assert (decision.credentials == ()) is (outcome == "rejected")
        assert decision.line("status").state != "passed" or outcome == "accepted" or "broken" in wires


def test_no_mode_reaches_another() -> None:
    for text in ("l:", "c:", "a:", "A:", "a", "", "b:", "a:a:"):
        made = replace(LIVE, audience=text + BANK)
        shown = show(WIRE, binding=made)
        for expected in (LIVE, COPY, replace(LIVE, audience="l:" + BANK), replace(LIVE, audience="c:" + BANK)):
            decision = decide(shown, want=expectation(binding=expected))
            same = made.audience == expected.audience and expected is not COPY
            assert (decision.decision == "accepted") is same, (made.audience, expected.audience)


@pytest.mark.parametrize(
    "entity", [BANK + ".evil.example", BANK + "/", BANK.upper(), BANK + "/branch", BANK[:-1], BANK + "?", BANK.replace("https", "http"), ""]
)
def test_a_copy_for_a_body_of_a_like_name(entity: str) -> None:
    shown = show(WIRE, binding=replace(copy_binding(), audience=addressed.audience(entity)))
    assert decide(shown, want=expectation(binding=COPY)).code == "wrong_audience"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": AT + 14 * DAY + 1}, "stale_binding"),
        ({"exp": float(AT + DAY)}, "stale_binding"),
        ({"exp": None}, "stale_binding"),
        ({"exp": AT}, "stale_binding"),
        ({"jti": 5}, "not_bound"),
        ({"jti": None}, "not_bound"),
        ({"jti": ""}, "not_bound"),
        ({"purpose_id": ["open-account"]}, "purpose_mismatch"),
        ({"purpose_id": "open-account "}, "purpose_mismatch"),
        ({"purpose_id": None}, "purpose_mismatch"),
    ],
)
def test_copies_that_live_too_long_or_say_too_little(changes: dict[str, Any], code: str) -> None:
    whole = copy_binding()
    shown = show(WIRE, binding=replace(whole, extra={**whole.extra, **changes}))
    decision = decide(shown, want=expectation(binding=COPY))
    assert (decision.decision, decision.code) == ("rejected", code)
    assert decision.level is Level.ADDRESSED


def test_a_copy_for_no_purpose_is_for_none() -> None:
    """Also where the body would take any purpose: it has to say one (S8)."""
    whole = copy_binding()
    anything = expectation(binding=addressed.expected_binding(entity=BANK))
    assert decide(show(WIRE, binding=whole), want=anything).decision == "accepted"
    extra = {name: value for name, value in whole.extra.items() if name != "purpose_id"}
    assert decide(show(WIRE, binding=replace(whole, extra=extra)), want=anything).code == "purpose_mismatch"
    assert decide(show(WIRE, binding=replace(whole, extra={**extra, "purpose_id": ""})), want=anything).code == "purpose_mismatch"


# --- other issuers ---------------------------------------------------------------------------------------------------------------------

OTHER = Authority.new("https://other-registry.example", subject="Other registry")
BOTH = (registry().pin(), OTHER.pin())


def test_one_trusted_issuer_does_not_cancel_what_another_made() -> None:
    """It signs a list under the other's address, for a document of its own that points there: nothing of the other's changes."""
    rogue = status_token({IDX: 1, 3: 1}, by=OTHER, iat=AT + 30)
    pointing = show(issue(by=OTHER, seed="rogue", status=StatusReference(uri=LIST, idx=IDX)))
    first = decide(pointing, trust=material(*BOTH), answer=rogue)
    assert (first.decision, first.code) == ("rejected", "revoked")
    assert first.learnt != StatusMemory()
    genuine = show(WIRE)
    for remembered in (StatusMemory(), first.learnt):
        trust = material(*BOTH, memory=remembered)
        assert decide(genuine, trust=trust, answer=status_token(iat=AT - 60), stapled=[rogue]).decision == "accepted"
        assert decide(pointing, trust=trust, answer=status_token(iat=AT - 60)).decision != "accepted"
        assert decide(genuine, trust=trust, answer=rogue).code == "status_unknown"
    together = decide(pointing, genuine, trust=material(*BOTH), stapled=[rogue])
    assert together.line("status").where == "/poa/0"


def test_one_trusted_issuer_does_not_make_another_contradict_itself() -> None:
    rogue = status_token({3: 1}, by=OTHER, iat=AT - 60)
    pointing = show(issue(by=OTHER, seed="rogue", status=StatusReference(uri=LIST, idx=9)))
    taught = decide(pointing, trust=material(*BOTH), answer=rogue).learnt
    decision = decide(show(WIRE), trust=material(*BOTH, memory=taught), answer=status_token(iat=AT - 60), stapled=[rogue])
    assert decision.decision == "accepted"
    assert decision.learnt.equivocations == {}


def test_an_issuer_does_not_speak_for_another() -> None:
    lent = show(issue(by=replace(OTHER, entity=ISSUER)))
    assert decide(lent, trust=material(*BOTH)).code == "not_entitled"
    assert decide(show(WIRE), trust=material(*BOTH), answer=status_token(by=OTHER)).code == "status_unknown"


# --- status ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("idx", [-1, 1.0, True, "5", None, 2**63, 2**53, [5], {}])
def test_an_index_is_a_number_of_the_list(idx: object) -> None:
    payload = json.loads(parse_jws(WIRE.split("~")[0]).payload)
    status = {"status_list": {"uri": LIST, "idx": idx}}
    token = forge.jws(payload | {"status": status}, registry().signer, x5c=list(parse_jws(WIRE.split("~")[0]).header["x5c"]))
    decision = decide(forge.bound(f"{token}~"))
    assert (decision.decision, decision.line("parse").state) == ("rejected", "failed")


@pytest.mark.parametrize(
    "status",
    [None, [], {}, {"status_list": None}, {"status_list": [LIST, 1]}, {"status_list": {"uri": [LIST], "idx": 1}}, {"other": {}}, "x"],
)
def test_a_status_of_another_form_is_not_no_status(status: object) -> None:
    presented = forge.sd_jwt(forge.envelope(status=status))
    with pytest.raises(Malformed) as caught:
        FORM.parse(forge.bound(presented))
    assert caught.value.where.startswith("/status")


@pytest.mark.parametrize("bits", [0, 3, 16, -1, 2.0, True, "2", None])
def test_a_list_of_another_width(bits: object) -> None:
    token = status_token()
    payload = json.loads(parse_jws(token).payload)
    payload["status_list"]["bits"] = bits
    bent = forge.jws(payload, registry().signer, typ="statuslist+jwt", x5c=list(parse_jws(token).header["x5c"]))
    assert decide(show(WIRE), answer=bent).code == "status_unknown"


def test_a_signature_that_spells_itself_twice_is_one_statement() -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = status_token()
    head, signature = token.rsplit(".", 1)
    raw = base64url.decode(signature)
    other = f"{head}.{base64url.encode(raw[:32] + (order - int.from_bytes(raw[32:], 'big')).to_bytes(32, 'big'))}"
    decision = decide(show(WIRE), answer=token, stapled=[other])
    assert decision.decision == "accepted"
    assert decision.learnt.equivocations == {}


def test_a_copy_shows_what_its_purpose_needs_and_may_show_more() -> None:
    """Nobody asks for a copy, so that too much is the holder's own choice; too little is not what the purpose needs."""
    want = expectation(query=query(), binding=COPY)
    for paths, outcome in ((None, "accepted"), (PATHS, "accepted"), ([("powers", None)], "rejected")):
        decision = decide(show(WIRE, paths=paths, binding=copy_binding()), want=want)
        assert decision.decision == outcome
        assert decision.line("request").code == ("" if outcome == "accepted" else "request_not_satisfied")
    assert decide(show(WIRE), want=expectation(query=query())).code == "over_disclosed"
