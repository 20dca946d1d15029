from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from support.forge import (
    BINDING,
    ENDS,
    HOLDER,
    ISSUER,
    ISSUER_URI,
    LPA_1,
    MADE,
    REPRESENTATION,
    STATUS,
    bound,
    disclosure,
    hashed,
    issue,
    jws,
    show,
)
from support.signing import AT, Signer

from shared.clock import system_clock
from shared.errors import BadDisclosure, Expired, Malformed, NotBound, NotYetValid, OtherPresentation, VcError, WrongTyp
from shared.formats import Claims, formats
from shared.formats.vc_sd_jwt import NEVER
from shared.jose.jwk import render_jwk
from shared.vcdm import CONTEXT, check_credential, render_instant

FORM = formats()["vc+sd-jwt"]
OTHER = formats()["dc+sd-jwt"]
SUBJECT = "credentialSubject"
LIMITS = ("instrument_type", "attestation_basis", "decision_rule", "usable_when", "has_restrictions", "substitution")


def document(**members: Any) -> dict[str, Any]:
    """Of a type that this installation does not know."""
    base = {
        "@context": [CONTEXT, {"Other": "urn:other", "@vocab": "urn:other#"}],
        "type": ["VerifiableCredential", "Other"],
        "issuer": ISSUER_URI,
        "validFrom": "2027-01-15T00:00:00Z",
        "validUntil": "2027-02-14T00:00:00Z",
        SUBJECT: {"a": 1, "b": [2]},
        "cnf": {"jwk": render_jwk(HOLDER.public)},
    }
    return {name: value for name, value in (base | members).items() if value is not ...}


def credential(*disclosures: str, **members: Any) -> str:
    typ = members.pop("typ", "vc+sd-jwt")
    return "~".join([jws(document(**members), typ=typ, cty="vc"), *disclosures, ""])


def verify(wire: str, at: int = AT) -> Claims:
    return FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=at)


def test_the_document() -> None:
    parsed = FORM.parse(issue(FORM, bitstrings={"revocation": "https://opg.example/status/1/revocation"}))
    assert dict(parsed.header) == {"alg": "ES256", "typ": "vc+sd-jwt", "cty": "vc"}
    payload = dict(parsed.payload)
    check_credential(payload)
    assert payload["type"] == ["VerifiableCredential", "Representation"]
    assert payload["credentialStatus"][0]["statusListIndex"] == str(STATUS.idx)
    assert payload["_sd_alg"] == "sha-256"
    assert "_sd" not in payload
    subject = payload[SUBJECT]
    assert {name: subject[name] for name in LIMITS} == {name: LPA_1[name] for name in LIMITS}  # S3
    assert "grant_date" not in subject
    assert len(subject["_sd"]) > 1
    assert FORM.peek(parsed).document[SUBJECT] == LPA_1
    assert all(path[0] == SUBJECT for path in FORM.peek(parsed).disclosable)


def test_some_of_it_is_shown() -> None:
    parsed = FORM.parse(issue(FORM))
    shown = FORM.disclose(parsed, [(SUBJECT, "represented", "given_name"), (SUBJECT, "powers", 0)])
    facts = verify(show(FORM, shown))
    assert (
        facts.claims["represented"] == {"given_name": "Margaret", "address": {}, "also_known_as": []}
        or facts.claims["represented"]["given_name"] == "Margaret"
    )
    assert "family_name" not in facts.claims["represented"]
    assert "grant_date" not in facts.claims
    assert set(facts.disclosed) == {(SUBJECT, "represented", "given_name"), (SUBJECT, "powers", 0)}
    assert facts.document[SUBJECT] == facts.claims
    assert (facts.vct, facts.issued_at, facts.expires_at) == (REPRESENTATION.vct, MADE, ENDS)
    with pytest.raises(OtherPresentation):
        verify(show(FORM, shown).replace(f"~{shown.disclosures[0]}~", "~", 1))


@pytest.mark.parametrize("typ", ["dc+sd-jwt", "vc+jwt", "vp+sd-jwt", "example+sd-jwt", "JWT", "application/vc+sd-jwt", "vc+ld+json+sd-jwt"])
def test_typs_are_exact(typ: str) -> None:
    with pytest.raises(WrongTyp):
        FORM.parse(credential(typ=typ))


def test_the_two_sd_jwts_are_never_taken_for_each_other() -> None:
    """standards.md 6: accepting both blindly would confuse two formats."""
    for one, other in ((FORM, OTHER), (OTHER, FORM)):
        issued = issue(one)
        with pytest.raises(WrongTyp):
            other.parse(issued)
        with pytest.raises(WrongTyp):
            other.parse(show(one, one.parse(issued)))
        renamed = "~".join([jws(dict(one.parse(issued).payload), typ=other.name), *issued.split("~")[1:]])
        with pytest.raises(Malformed):
            other.parse(renamed)  # nor does the same payload under the other's name have the other's members
    with pytest.raises(WrongTyp):
        formats()["vc+jwt"].parse(issue(FORM).partition("~")[0])
    with pytest.raises(Malformed):
        FORM.parse(issue("vc+jwt"))


@pytest.mark.parametrize("name", sorted(NEVER))
def test_what_is_needed_is_never_hidden(name: str) -> None:
    values = document() | {"status": {"status_list": {"idx": 1, "uri": "urn:x"}}, "iss": ISSUER_URI}
    hidden = disclosure("salt", name, values.get(name, 5))
    with pytest.raises((Malformed, NotBound)):
        verify(bound(credential(hidden, **{name: ..., "_sd": [hashed(hidden)]})))
    with pytest.raises((Malformed, NotBound, BadDisclosure)):  # a digest alone is refused by the wallet that gets it
        FORM.check_received(FORM.parse(credential(**{name: ..., "_sd": [hashed(hidden)]})), ISSUER.public, holder=HOLDER.public, at=AT)


@pytest.mark.parametrize(
    "members",
    [
        {"@context": [CONTEXT, {"Other": "urn:other", "@vocab": "urn:other#"}, {"...": "A" * 43}]},
        {"@context": [CONTEXT, {"Other": "urn:other", "_sd": ["A" * 43]}]},
        {"type": ["VerifiableCredential", "Other", {"...": "A" * 43}]},
        {"issuer": {"id": ISSUER_URI, "_sd": ["A" * 43]}},
        {"cnf": {"jwk": render_jwk(HOLDER.public), "_sd": ["A" * 43]}},
        {"status": {"status_list": {"idx": 1, "uri": "urn:x", "_sd": ["A" * 43]}}},
        {"credentialStatus": [{"type": "Other"}, {"type": "Other", "_sd": []}]},
        {"termsOfUse": {"type": "urn:x", "_sd": ["A" * 43]}},
    ],
)
def test_nothing_is_hidden_inside_of_it_either(members: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        verify(bound(credential(**members)))


def test_limits_always_disclosed() -> None:
    parsed = FORM.parse(issue(FORM))
    for name in LIMITS:
        hidden = disclosure("salt", name, LPA_1[name])
        subject = {key: value for key, value in parsed.payload[SUBJECT].items() if key != name}
        subject["_sd"] = sorted([*subject["_sd"], hashed(hidden)])
        for shown in [[hidden], []] if REPRESENTATION.tree.members[name].required else [[hidden]]:
            wire = "~".join([jws(dict(parsed.payload) | {SUBJECT: subject}, typ="vc+sd-jwt"), *shown, ""])
            with pytest.raises(Malformed) as caught:
                verify(bound(wire))
            assert caught.value.where == f"/{name}"
    with pytest.raises(Malformed) as caught:
        verify(bound("~".join([jws({key: value for key, value in parsed.payload.items() if key != "status"}, typ="vc+sd-jwt"), ""])))
    assert caught.value.where == "/status"


def test_a_subject_that_is_hidden_as_a_whole_is_none() -> None:
    hidden = disclosure("salt", SUBJECT, {"a": 1})
    with pytest.raises(Malformed):
        FORM.parse(credential(hidden, **{SUBJECT: ..., "_sd": [hashed(hidden)]}))
    hidden = disclosure("salt", "a", 1)
    wire = bound(credential(**{SUBJECT: {"_sd": [hashed(hidden)]}}))
    assert verify(wire).claims == {}


def test_unexplained_digest_refused_by_wallet() -> None:
    wire = credential(**{SUBJECT: {"a": 1, "_sd": ["A" * 43]}})
    with pytest.raises(BadDisclosure):
        FORM.check_received(FORM.parse(wire), ISSUER.public, holder=HOLDER.public, at=AT)
    assert FORM.check_received(FORM.parse(credential()), ISSUER.public, holder=HOLDER.public, at=AT).claims == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"validFrom": "2027-01-15T08:01:01Z"}, NotYetValid),
        ({"validUntil": "2027-01-15T07:59:00Z"}, Expired),
        ({"exp": AT - 60}, Expired),
        ({"nbf": AT + 61}, NotYetValid),
        ({"cnf": ...}, NotBound),
        ({"iss": "https://other.example"}, Malformed),
        ({"vc": {}}, Malformed),
    ],
)
def test_periods_and_holders(members: dict[str, Any], error: type[VcError]) -> None:
    with pytest.raises(error):
        verify(bound(credential(**members)))


GOOD = bound(credential(disclosure("salt", "c", 3), **{SUBJECT: {"a": 1, "_sd": [hashed(disclosure("salt", "c", 3))]}}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "id", "type"]), below, max_size=2)
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(name=st.sampled_from(["@context", "type", "issuer", SUBJECT, "cnf", "_sd", "_sd_alg", "credentialStatus", "validFrom"]), value=JSON)
def test_any_member_gives_facts_or_an_error(name: str, value: Any) -> None:
    for step in (FORM.parse, verify):
        try:
            step(bound(credential(**{name: value})))
        except VcError:
            continue


# --- openvc-core -----------------------------------------------------------------------------------------------------------------------

PEER = SdJwtVcProofSuite()


def by_peer(wire: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = PEER.verify(
            wire, public_key_jwk=render_jwk(ISSUER.public), audience=BINDING.audience, nonce=BINDING.nonce, require_key_binding=True
        ).claims
    except Exception:  # noqa: BLE001 - whatever a peer raises is its refusal
        return None
    return found


@pytest.mark.real
def test_openvc_agrees_on_good_and_on_broken_ones() -> None:
    now = system_clock()  # openvc-core reads the clock itself
    period = {"validFrom": render_instant(now - 60), "validUntil": render_instant(now + 600)}
    hidden = disclosure("salt", "c", 3)
    made: dict[str, Any] = {**period, SUBJECT: {"a": 1, "_sd": [hashed(hidden)]}}
    stranger = Signer.new()
    cases = {
        "shown": bound(credential(hidden, **made), iat=now),
        "withheld": bound(credential(**made), iat=now),
        "another holder": bound(credential(hidden, **made), holder=stranger, iat=now),
        "another nonce": bound(credential(hidden, **made), iat=now, nonce="other"),
        "another selection": bound(credential(hidden, **made), iat=now, sd_hash=hashed("x")),
        "no binding": credential(hidden, **made),
        "expired": bound(credential(hidden, **made | {"validUntil": render_instant(now - 3_600)}), iat=now),
        "no context": bound(credential(hidden, **made, **{"@context": ["urn:x"]}), iat=now),
        "type hidden": bound(credential(hidden, **made, type=..., _sd=[hashed(disclosure("s", "type", "VerifiableCredential"))]), iat=now),
    }
    for name, wire in cases.items():
        try:
            ours: Any = verify(wire, at=now).document
        except VcError:
            ours = None
        theirs = by_peer(wire)
        assert (ours is not None) is (theirs is not None), name
        assert ours == theirs, name
    whole = issue(FORM, issued_at=now - 60, expires_at=now + 600)
    shown = show(FORM, FORM.parse(whole), at=now)
    found = by_peer(shown)
    assert found is not None
    assert json.loads(json.dumps(found))[SUBJECT] == LPA_1
