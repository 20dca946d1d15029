from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.signing import AT, Signer
from support.trial_verify import (
    BANK,
    BEARER,
    CLAIMS,
    COPY,
    DAY,
    IDX,
    ISSUER,
    LIST,
    LIVE,
    MADE,
    VCT,
    Answers,
    Authority,
    copy_binding,
    credential_type,
    decide,
    expectation,
    issue,
    material,
    registry,
    resign,
    show,
    states,
    status_token,
    stranger,
)

from shared.codec import base64url
from shared.credentials import Claim, Disclosure, Kind, Text, all_types
from shared.dcql import parse_query
from shared.errors import BundleStale, Malformed, Untrusted
from shared.flow import run
from shared.formats import BearerType, Binding, Claims, formats
from shared.keys import KeyId
from shared.verify import CHECKS, Check, Decision, Expectation, Level, decide_error, level_of, replayed, verify
from shared.verify import _outcome as outcome
from shared.verify._examine import _check_limits as check_limits
from shared.x509 import parse_crl, prepare_crl

WIRE = issue()
SHOWN = show(WIRE)
PATHS: tuple[Any, ...] = (("powers", None), ("represented", "family_name"))


def query(paths: tuple[Any, ...] = PATHS, **changes: Any) -> Any:
    claims = [{"path": list(path)} for path in paths]
    return parse_query({"credentials": [{"id": "poa", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": claims, **changes}]})


def rejected(decision: Decision, line: str, code: str) -> None:
    """``line`` failed and decided, nothing came out, and no later check of the document was counted as passed."""
    assert (decision.decision, decision.code) == ("rejected", code), decision.checks
    assert (decision.line(line).state, decision.line(line).code) == ("failed", code)
    assert decision.credentials == ()


def undecided(decision: Decision, line: str, code: str) -> None:
    assert (decision.decision, decision.code) == ("undecided", code), decision.checks
    assert (decision.line(line).state, decision.line(line).code) == ("unchecked", code)


def test_everything_right_is_accepted() -> None:
    wire = show(WIRE, paths=PATHS)
    decision = decide(wire, want=expectation(query=query()))
    assert (decision.decision, decision.code) == ("accepted", "")
    assert states(decision) == dict.fromkeys(CHECKS, "passed")
    assert decision.status_iat == AT - 3600
    assert decision.level is Level.LIVE
    [credential] = decision.credentials
    assert (credential.query_id, credential.format, credential.issuer_name) == ("poa", "dc+sd-jwt", "Test leaf")
    assert credential.claims.claims["represented"]["family_name"] == "Ashdown"
    assert "given_name" not in credential.claims.claims["represented"]
    assert len(decision.replay_keys) == 1


def test_what_was_not_asked_for_is_said_and_needs_no_query() -> None:
    decision = decide(SHOWN)
    assert decision.decision == "accepted"
    assert (decision.line("request").state, decision.line("request").code, decision.line("request").needed) == (
        "unchecked",
        "not_asked",
        False,
    )


# --- 0 time -----------------------------------------------------------------------------------------------------------------------------


def test_a_clock_a_little_behind_is_overruled() -> None:
    decision = decide(SHOWN, trust=material(floor=AT), at=AT - 600)
    assert (decision.decision, decision.at) == ("accepted", AT)
    assert decision.line("time").code == "clock_behind"


def test_a_clock_far_behind_decides_nothing() -> None:
    undecided(decide(SHOWN, trust=material(floor=AT), at=AT - DAY - 1), "time", "clock_behind")


def test_a_clock_set_back_revives_nothing() -> None:
    end = MADE + 30 * DAY
    late = show(WIRE, at=end + 600)
    driver = Answers({LIST: status_token(iat=end)})
    assert decide(late, at=end + 600, answer=driver).code == "expired"
    assert decide(late, at=end - 10, trust=material(floor=end + 600), answer=driver).code == "expired"


# --- 1 parse ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["", "~", "a.b.c~", SHOWN[1:], SHOWN.rsplit("~", 1)[0]])
def test_garbage_is_rejected_not_raised(wire: str) -> None:
    decision = decide(wire)
    rejected(decision, "parse", "malformed")
    assert decision.line("parse").where.startswith("/poa/0")
    assert [decision.line(name).code for name in CHECKS[2:9]] == ["not_reached"] * 7


def test_the_format_is_the_one_that_was_asked_for() -> None:
    for name in (None, "", "ldp_vc", "_sd_jwt"):
        rejected(decide(SHOWN, want=expectation(format=name)), "parse", "malformed")
    other = next((name for name in formats() if name not in {"dc+sd-jwt", "mso_mdoc"}), "vc+jwt")
    assert decide(SHOWN, want=expectation(query=query(format=other))).line("parse").state == "failed"


# --- 2 issuer -------------------------------------------------------------------------------------------------------------------------


def test_a_stranger_is_not_believed() -> None:
    decision = decide(show(issue(by=stranger())))
    rejected(decision, "issuer_trust", "untrusted")
    assert decision.line("signature").code == "not_reached"


def test_an_issuer_may_only_say_what_it_is_pinned_for() -> None:
    rejected(decide(SHOWN, trust=material(registry().pin(vcts=("urn:other",)))), "issuer_trust", "not_entitled")
    rejected(decide(SHOWN, trust=material(registry().pin(entity="https://x.example"))), "issuer_trust", "not_entitled")
    rejected(decide(show(issue(issuer="https://x.example"))), "issuer_trust", "not_entitled")
    rejected(decide(show(resign(WIRE, iss=None))), "issuer_trust", "not_entitled")


def test_without_a_certificate_nobody_speaks() -> None:
    rejected(decide(show(issue(x5c=()))), "issuer_trust", "untrusted")


def test_a_withdrawn_certificate_is_final_and_an_old_list_is_no_answer() -> None:
    def crl(*serials: int) -> Any:
        revoked = [(serial, AT - 5 * DAY) for serial in serials]
        made = prepare_crl(issuer=registry().certificate, key=KeyId("a"), revoked=revoked, at=AT - 5 * DAY, days=4, number=1)
        return parse_crl(registry().root.finish(made))

    rejected(decide(SHOWN, trust=material(crls=(crl(2),))), "issuer_trust", "certificate_revoked")
    undecided(decide(SHOWN, trust=material(crls=(crl(9),))), "issuer_trust", "crl_stale")


# --- 3 to 5 ---------------------------------------------------------------------------------------------------------------------------


def test_a_changed_payload_is_rejected() -> None:
    head, body, rest = SHOWN.split(".", 2)
    payload = base64url.decode(body).replace(b"power_of_attorney", b"power_of_attorneY")
    rejected(decide(f"{head}.{base64url.encode(payload)}.{rest}"), "signature", "bad_signature")


def test_a_signature_by_another_key_under_the_same_certificate_is_rejected() -> None:
    forged = replace(registry(), signer=stranger().signer)
    rejected(decide(show(issue(by=forged))), "signature", "bad_signature")


def test_validity() -> None:
    for at, code in ((MADE - 2 * DAY, "not_yet_valid"), (MADE + 30 * DAY + 600, "expired")):
        decision = decide(show(WIRE, at=at), at=at, answer=Answers({LIST: status_token(iat=at)}))
        rejected(decision, "validity", code)
        assert decision.line("signature").state == "passed"
        assert decision.line("status").code == "not_reached"


def test_what_waited_had_to_be_in_force_when_it_came() -> None:
    """Whether it was cancelled is asked as of now."""
    late = MADE + 30 * DAY + 600
    came = replace(expectation(), shown_at=AT)
    assert decide(SHOWN, want=came, at=late, answer=Answers({LIST: status_token(iat=late)})).decision == "accepted"
    rejected(decide(SHOWN, want=came, at=late, answer=Answers({LIST: status_token({IDX: 1}, iat=late)})), "status", "revoked")
    rejected(
        decide(SHOWN, want=replace(came, shown_at=late), at=late, answer=Answers({LIST: status_token(iat=late)})), "validity", "expired"
    )


def test_status_is_only_asked_about_a_document_in_force() -> None:
    """Token Status List section 8.3."""
    driver = Answers({LIST: status_token()})
    at = MADE + 40 * DAY
    decide(show(WIRE, at=at), at=at, answer=driver)
    assert driver.asked == []


def test_a_changed_disclosure_is_rejected() -> None:
    parts = SHOWN.split("~")
    salt_name_value = base64url.decode(parts[1])
    parts[1] = base64url.encode(salt_name_value[:-2] + b"x" + salt_name_value[-2:])
    decision = decide("~".join(parts))
    assert decision.decision == "rejected"
    assert decision.line("disclosures").state == "failed" or decision.line("parse").state == "failed"


# --- 6 holder -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("binding", "at", "code"),
    [
        (replace(LIVE, audience="x509_hash:other"), AT, "wrong_audience"),
        (replace(LIVE, nonce="another-nonce-altogether"), AT, "wrong_nonce"),
        (LIVE, AT - 365, "stale_binding"),
        (LIVE, AT + 365, "stale_binding"),
    ],
)
def test_a_presentation_for_another_moment_or_party_is_rejected(binding: Binding, at: int, code: str) -> None:
    decision = decide(show(WIRE, binding=binding, at=at))
    rejected(decision, "holder_binding", code)
    assert decision.line("signature").state == "passed"


def test_another_key_cannot_present() -> None:
    rejected(decide(show(WIRE, by=Signer.new())), "holder_binding", "not_bound")


def test_a_binding_of_another_selection_is_rejected() -> None:
    token = show(WIRE, paths=PATHS).rsplit("~", 1)[1]
    rejected(decide(SHOWN.rsplit("~", 1)[0] + "~" + token), "holder_binding", "other_presentation")


@pytest.mark.parametrize("name", sorted(formats()))
def test_stripped_binding_is_not_bearer(name: str) -> None:
    """S2: whatever was asked, and whichever the format."""
    bare = issue(name)
    for binding in (LIVE, COPY, BEARER, BearerType(vct="urn:unknown")):
        decision = decide(bare, want=expectation(binding=binding, format=name))
        assert decision.decision == "rejected"
    rejected(decide(bare, want=expectation(binding=BEARER, format=name)), "holder_binding", "not_bound")


def test_a_query_cannot_switch_the_holder_off() -> None:
    bare = formats()["dc+sd-jwt"].disclose(formats()["dc+sd-jwt"].parse(WIRE), PATHS).wire
    want = expectation(query=query(require_cryptographic_holder_binding=False))
    rejected(decide(bare, want=want), "holder_binding", "not_bound")


def test_only_an_addressed_copy_brings_its_own_nonce() -> None:
    with pytest.raises(ValueError, match="addressed copy"):
        expectation(binding=replace(LIVE, nonce=None))
    assert expectation(binding=COPY).binding == COPY


def test_levels_follow_from_the_mode_that_was_opened() -> None:
    assert level_of(LIVE) is Level.LIVE
    assert level_of(COPY) is Level.ADDRESSED
    assert level_of(replace(COPY, audience="c:" + BANK)) is Level.RELAYABLE
    assert level_of(BEARER) is Level.BEARER
    assert [level.number for level in Level] == [3, 2, 1, 0]


def test_mode_swap_matrix() -> None:
    """S6: what was made for one mode is refused in every other, and never counted at a lower level."""
    made = {"live": LIVE, "copy": copy_binding(), "code": replace(LIVE, audience=f"c:{BANK}")}
    asked = {"live": LIVE, "copy": COPY, "code": replace(LIVE, audience=f"c:{BANK}")}
    for (mode, binding), (other, expected) in product(made.items(), asked.items()):
        decision = decide(show(WIRE, binding=binding), want=expectation(binding=expected))
        assert (decision.decision == "accepted") is (mode == other)
        assert decision.level is level_of(expected)


def test_an_addressed_copy() -> None:
    want = expectation(binding=COPY)
    decision = decide(
        show(WIRE, binding=copy_binding()), want=want, at=AT + 3 * DAY, answer=Answers({LIST: status_token(iat=AT + 3 * DAY)})
    )
    assert (decision.decision, decision.level) == ("accepted", Level.ADDRESSED)
    late = decide(show(WIRE, binding=copy_binding(days=2)), want=want, at=AT + 3 * DAY)
    rejected(late, "holder_binding", "stale_binding")
    other = copy_binding()
    other = replace(other, extra={**other.extra, "purpose_id": "something-else"})
    rejected(decide(show(WIRE, binding=other), want=want), "holder_binding", "purpose_mismatch")
    forwarded = decide(show(WIRE, binding=copy_binding()), want=expectation(binding=replace(COPY, audience="a:https://other.example")))
    rejected(forwarded, "holder_binding", "wrong_audience")


def test_a_copy_without_randomness_end_or_number_is_no_copy() -> None:
    whole = copy_binding()
    for name in ("exp", "jti"):
        extra = {member: value for member, value in whole.extra.items() if member != name}
        rejected(decide(show(WIRE, binding=replace(whole, extra=extra)), want=expectation(binding=COPY)), "holder_binding", "not_bound")
    rejected(decide(show(WIRE, binding=replace(whole, nonce="short")), want=expectation(binding=COPY)), "holder_binding", "wrong_nonce")


def test_replay_is_the_callers_store_and_our_line() -> None:
    decision = decide(SHOWN)
    again = replayed(decision)
    rejected(again, "holder_binding", "replayed")
    assert again.replay_keys == decision.replay_keys
    assert states(again) == {**states(decision), "holder_binding": "failed"}


def test_the_replay_key_is_of_what_was_signed_not_how() -> None:
    """S9: respelling the signature (s for n - s) gives the same key; another nonce another."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    head, signature = SHOWN.rsplit(".", 1)
    raw = base64url.decode(signature)
    respelt = base64url.encode(raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big"))
    assert decide(f"{head}.{respelt}").replay_keys == decide(SHOWN).replay_keys
    assert decide(show(WIRE, at=AT - 1)).replay_keys != decide(SHOWN).replay_keys


# --- 8 type ---------------------------------------------------------------------------------------------------------------------------


def test_the_types_own_check_decides() -> None:
    rejected(decide(SHOWN, want=expectation(use={"powers": ("telecare",)})), "type_rules", "outside_scope")
    joint = {**CLAIMS, "decision_rule": "jointly", "cardinality": 2}
    decision = decide(show(issue(claims=joint)))
    undecided(decision, "type_rules", "needs_more_attorneys")
    assert [each.query_id for each in decision.credentials] == ["poa"]
    assert decide(show(issue(claims=joint)), want=expectation(use={"attorneys": 2})).decision == "accepted"


def test_unknown_vct_is_never_looked_up() -> None:
    driver = Answers({LIST: status_token()})
    decision = decide(SHOWN, trust=material(types={}), answer=driver)
    rejected(decision, "type_rules", "unknown_credential_type")
    assert decision.line("status").code == "not_reached"
    assert driver.asked == []


def facts(claims: dict[str, Any], *disclosed: tuple[Any, ...]) -> Claims:
    return Claims(
        vct=VCT,
        issuer=ISSUER,
        claims=claims,
        document=claims,
        disclosed=disclosed,
        issued_at=MADE,
        expires_at=MADE + DAY,
        status=None,
        holder=None,
        binding_claims={},
        signing_input_digest=b"",
    )


def test_limits_always_disclosed() -> None:
    """S3, whatever the format lets through: a limit that could have been withheld, or is missing, is none."""
    whole = credential_type()
    inside = Claim(
        path=("terms", None, "end"),
        kind=Kind.TEXT,
        label=Text("End", "Diwedd"),
        group="limits",
        disclosure=Disclosure.ALWAYS,
        required=True,
        cwt=99,
    )
    nested = replace(whole, claims=(*whole.claims, inside))
    check_limits(whole, facts(CLAIMS, ("powers", 0), ("represented", "given_name")), "dc+sd-jwt")
    check_limits(nested, facts({**CLAIMS, "terms": [{"end": "x"}, {"end": "y"}]}), "dc+sd-jwt")
    for kind, found, where in (
        (whole, facts(CLAIMS, ("has_restrictions",)), "/has_restrictions"),
        (whole, facts({**CLAIMS, "evidence": {"attested_by": "x"}}, ("evidence",)), "/evidence/attested_by"),
        (whole, facts({name: value for name, value in CLAIMS.items() if name != "decision_rule"}), "/decision_rule"),
        (nested, facts({**CLAIMS, "terms": {}}, ("terms", 3, "end")), "/terms/-/end"),
        (nested, facts({**CLAIMS, "terms": "x"}), "/terms/-/end"),
        (nested, facts({**CLAIMS, "terms": {}}), "/terms/-/end"),
        (nested, facts({**CLAIMS, "terms": []}), "/terms/-/end"),
        (nested, facts({**CLAIMS, "terms": [{"end": "x"}, {}]}), "/terms/-/end"),
    ):
        inside_subject = msgspec.structs.replace(found, disclosed=tuple(("credentialSubject", *path) for path in found.disclosed))
        for form, said in (("dc+sd-jwt", found), ("vc+sd-jwt", inside_subject)):  # a W3C document has its claims one step further in
            with pytest.raises(Exception, match="limit") as caught:
                check_limits(kind, said, form)
            assert getattr(caught.value, "where", "") == where


# --- 9 request ------------------------------------------------------------------------------------------------------------------------


def test_nothing_over_asked_and_nothing_missing() -> None:
    rejected(decide(SHOWN, want=expectation(query=query())), "request", "over_disclosed")
    bare = show(WIRE, paths=(("powers", None),))
    rejected(decide(bare, want=expectation(query=query())), "request", "request_not_satisfied")


def test_an_unrequested_document_is_never_accepted() -> None:
    want = expectation(query=query())
    decision = decide(show(WIRE, paths=PATHS), want=want, query_id="other")
    assert decision.decision == "rejected"
    assert (decision.line("request").state, decision.line("request").code) == ("failed", "over_disclosed")
    both = run(
        verify({"poa": [show(WIRE, paths=PATHS)], "other": [SHOWN]}, want, material(), at=AT),
        Answers({LIST: status_token()}),
    )
    assert both.decision == "rejected"
    assert both.credentials == ()


def test_nothing_shown_is_rejected() -> None:
    nothing: list[dict[str, list[str]]] = [{}, {"poa": []}]
    for vp_token in nothing:
        for want in (expectation(query=query()), expectation()):
            decision = run(verify(vp_token, want, material(), at=AT), Answers())
            rejected(decision, "request", "request_not_satisfied")
            assert decision.line("parse").code == "not_reached"


def test_more_presentations_than_anybody_asks_for() -> None:
    decision = decide(*["x"] * 17)
    assert (decision.line("request").state, decision.line("request").code) == ("failed", "too_large")


def test_a_type_is_told_the_day_of_the_check() -> None:
    """Whatever is said of the use: a record counts from a day, and a permission ends on one."""
    today = datetime.fromtimestamp(AT, UTC).date().isoformat()
    other = {"when": ["not", ["is", ["use", "today"], today]], "code": "outside_scope", "where": "", "detail": ""}
    told = material(types={**all_types(), VCT: replace(credential_type(), uses=(other,))})
    assert decide(SHOWN, trust=told, want=expectation(use={"today": "2000-01-01"})).line("type_rules").state == "passed"
    odd = material(types={**all_types(), VCT: replace(credential_type(), uses=({**other, "when": ["is", ["use", "today"], today]},))})
    rejected(decide(SHOWN, trust=odd), "type_rules", "outside_scope")


def test_several_documents_are_one_decision() -> None:
    second = show(issue(seed="second"), paths=PATHS)
    want = expectation(query=query(multiple=True))
    good = decide(show(WIRE, paths=PATHS), second, want=want)
    assert good.decision == "accepted"
    assert len(good.credentials) == len(good.replay_keys) == 2
    bad = decide(show(WIRE, paths=PATHS), show(issue(by=stranger()), paths=PATHS), want=want)
    rejected(bad, "issuer_trust", "untrusted")
    assert bad.line("issuer_trust").where == "/poa/1"
    assert bad.line("request").code == "not_reached"


def test_one_presentation_twice_is_no_second_document() -> None:
    wire = show(WIRE, paths=PATHS)
    rejected(decide(wire, wire, want=expectation(query=query(multiple=True))), "holder_binding", "replayed")


def test_a_document_that_cannot_be_cancelled_needs_no_status() -> None:
    forever = replace(credential_type(), status_bits=0)
    types = {**all_types(), VCT: forever}
    asked = decide(SHOWN, trust=material(types=types))
    assert asked.line("status").state == "passed"
    plain = replace(forever, vct="urn:fdc:vct.example:2027:plain:1")
    wire = resign(WIRE, status=None, vct=plain.vct)
    decision = decide(show(wire), trust=material(types={plain.vct: plain}), answer=Answers())
    line = decision.line("status")
    assert decision.decision == "accepted", decision.checks
    assert (line.state, line.code, line.needed) == ("unchecked", "no_status", False)


# --- the decision -----------------------------------------------------------------------------------------------------------------------


def test_overall_never_true_with_a_failed_check() -> None:
    """All 6^4 combinations of what a line can be: accepted if and only if every needed line passed."""
    kinds = [
        Check("a", "passed"),
        Check("a", "passed", code="remark"),
        Check("a", "failed", code="f"),
        Check("a", "unchecked", code="u"),
        Check("a", "unchecked", code="not_reached"),
        Check("a", "unchecked", code="spare", needed=False),
    ]
    for lines in product(kinds, repeat=4):
        decided, code = outcome(lines)
        if any(line.state == "failed" for line in lines):
            assert (decided, code) == ("rejected", "f")
        elif any(line.state == "unchecked" and line.needed for line in lines):
            assert decided == "undecided"
            assert code == ("u" if any(line.code == "u" for line in lines) else "not_reached")
        else:
            assert (decided, code) == ("accepted", "")


def test_what_failed_before_is_a_decision_too() -> None:
    stale = decide_error(BundleStale("old"), at=AT)
    undecided(stale, "issuer_trust", "bundle_stale")
    rejected(decide_error(Untrusted("who"), at=AT), "issuer_trust", "untrusted")
    broken = decide_error(Malformed("no file", where="/x"), at=AT, level=Level.LIVE)
    rejected(broken, "parse", "malformed")
    assert (broken.line("parse").where, broken.level) == ("/x", Level.LIVE)


_ALPHABET = 'ABCabc019-_~.{}"=\x00é'


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(st.data())
def test_no_change_anywhere_is_accepted_or_raised(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SHOWN) - 1))
    letter = data.draw(st.sampled_from(_ALPHABET))
    cut = data.draw(st.integers(0, 3))
    changed = SHOWN[:at] + letter + SHOWN[at + cut :]
    decision = decide(changed)
    assert decision.decision != "accepted" or changed == SHOWN


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=20), max_size=2), max_size=2))
def test_any_text_is_a_decision(text: str, vp_token: dict[str, list[str]]) -> None:
    want = Expectation(query=query(), binding=LIVE)
    for shown in ({"poa": [text]}, vp_token):
        decision = run(verify(shown, want, material(), at=AT, stapled=(text,)), Answers())
        assert decision.decision == "rejected"
        assert [line.name for line in decision.checks] == list(CHECKS)


def test_a_document_of_an_eddsa_or_p384_issuer() -> None:
    for alg in ("EdDSA", "ES384"):
        by = Authority.new(alg=alg)
        decision = decide(show(issue(by=by)), trust=material(by.pin()), answer=status_token(by=by))
        assert decision.decision == "accepted", decision.checks


def test_idx_is_the_one_in_the_signed_part() -> None:
    assert decide(SHOWN, answer=status_token({IDX: 1})).code == "revoked"
    assert decide(SHOWN, answer=status_token({IDX + 1: 1})).decision == "accepted"
