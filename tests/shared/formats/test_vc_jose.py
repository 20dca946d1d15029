from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
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
    issue,
    jws,
    show,
)
from support.signing import AT, Signer

from shared.errors import Expired, Malformed, NotBound, NotYetValid, OverDisclosed, TypeRuleBroken, VcError, WrongTyp
from shared.formats import Claims, StatusReference, formats
from shared.jose.jwk import render_jwk
from shared.vcdm import CONTEXT

FORM = formats()["vc+jwt"]
INLINE = {"Representation": REPRESENTATION.vct, "@vocab": f"{REPRESENTATION.vct}#"}

LIST = "https://opg.example/status/1/revocation"
MESSAGE = {"status": "0x0", "message": "unset"}


def entry(**members: Any) -> dict[str, Any]:
    base = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "4711",
        "statusListCredential": LIST,
    }
    return {name: value for name, value in (base | members).items() if value is not ...}


def document(**members: Any) -> dict[str, Any]:
    base = {
        "@context": [CONTEXT, INLINE],
        "type": ["VerifiableCredential", "Representation"],
        "issuer": ISSUER_URI,
        "validFrom": "2027-01-15T00:00:00Z",
        "validUntil": "2027-02-14T00:00:00Z",
        "credentialSubject": LPA_1,
        "cnf": {"jwk": render_jwk(HOLDER.public)},
        "status": {"status_list": {"idx": STATUS.idx, "uri": STATUS.uri}},
    }
    return {name: value for name, value in (base | members).items() if value is not ...}


def credential(**members: Any) -> str:
    return jws(document(**members), typ="vc+jwt", cty="vc")


def enveloped(token: str, **changes: Any) -> dict[str, Any]:
    return {"@context": CONTEXT, "type": "EnvelopedVerifiableCredential", "id": f"data:application/vc+jwt,{token}"} | changes


def presentation(token: str, *, holder: Signer = HOLDER, typ: str = "vp+jwt", **members: Any) -> str:
    base = {
        "@context": [CONTEXT],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [enveloped(token)],
        "aud": BINDING.audience,
        "nonce": BINDING.nonce,
        "iat": AT,
    }
    return jws({name: value for name, value in (base | members).items() if value is not ...}, holder, typ=typ)


def verify(wire: str, at: int = AT) -> Claims:
    return FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=at)


def test_the_document() -> None:
    parsed = FORM.parse(issue("vc+jwt"))
    assert dict(parsed.header) == {"alg": "ES256", "typ": "vc+jwt", "cty": "vc"}
    payload = dict(parsed.payload)
    number = payload.pop("id")
    assert number.startswith("urn:uuid:")
    assert number[23] == "4"
    assert payload == document()
    assert "vc" not in payload


def test_the_presentation() -> None:
    parsed = FORM.parse(issue("vc+jwt"))
    shown = FORM.parse(show(FORM, parsed))
    facts = verify(shown.wire)
    claims = dict(facts.binding_claims)
    assert claims["verifiableCredential"] == [enveloped(parsed.wire)]
    assert claims["type"] == ["VerifiablePresentation"]
    assert facts.document["credentialSubject"] == facts.claims == LPA_1
    assert facts.disclosed == ()
    assert FORM.peek(shown).disclosable == ()


def test_ours_and_anothers_are_read_alike() -> None:
    assert verify(presentation(credential())).claims == LPA_1
    assert verify(presentation(credential(), verifiableCredential=enveloped(credential()))).claims == LPA_1
    other = enveloped(credential(), type=["EnvelopedVerifiableCredential"])
    assert verify(presentation(credential(), verifiableCredential=[other], type="VerifiablePresentation")).claims == LPA_1
    assert verify(presentation(credential(issuer={"id": ISSUER_URI, "name": "OPG"}, iss=ISSUER_URI))).issuer == ISSUER_URI
    assert verify(presentation(credential(id="urn:x", jti="urn:x"))).vct == REPRESENTATION.vct


@pytest.mark.parametrize(
    "members",
    [
        {"type": ["VerifiableCredential"], "@context": [CONTEXT]},
        {"type": ["VerifiableCredential", "Other"]},
        {"type": ["VerifiableCredential", "A", "B"]},
        {"type": ["VerifiableCredential", 5]},
        {"@context": [CONTEXT, "https://types.example/context"]},
        {"@context": [CONTEXT, {"Representation": {"@id": REPRESENTATION.vct}}]},
        {"@context": [CONTEXT, {"Representation": "x" * 3000}]},
        {"@context": [CONTEXT, INLINE, INLINE]},
        {"type": "VerifiableCredential"},
    ],
)
def test_documents_whose_type_is_not_said(members: dict[str, Any]) -> None:
    facts = verify(presentation(credential(**members, status=...)))
    assert (facts.vct, facts.status) == ("", None)


def test_a_type_that_is_not_ours_is_named() -> None:
    contexts = [CONTEXT, {"Other": "urn:other", "@vocab": "urn:other#"}]
    facts = verify(presentation(credential(**{"@context": contexts, "type": ["VerifiableCredential", "Other"]})))
    assert facts.vct == "urn:other"


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"@context": CONTEXT}, "/@context"),
        ({"@context": []}, "/@context"),
        ({"@context": ["https://www.w3.org/2018/credentials/v1", INLINE]}, "/@context"),
        ({"@context": [INLINE, CONTEXT]}, "/@context"),
        ({"@context": [CONTEXT, INLINE | {"powers": "urn:weaknesses"}]}, "/@context"),
        ({"@context": [CONTEXT, {"Representation": REPRESENTATION.vct}]}, "/@context"),
        ({"type": ["Representation"]}, "/type"),
        ({"type": ...}, "/type"),
        ({"vc": {}}, "/vc"),
        ({"vp": {}}, "/vp"),
        ({"issuer": ...}, "/issuer"),
        ({"issuer": {}}, "/id"),
        ({"iss": "https://other.example"}, "/iss"),
        ({"iss": None}, "/iss"),
        ({"id": "urn:a", "jti": "urn:b"}, "/jti"),
        ({"jti": "urn:b"}, "/jti"),
        ({"credentialSubject": ...}, "/credentialSubject"),
        ({"credentialSubject": {}}, "/credentialSubject"),
        ({"credentialSubject": [LPA_1]}, "/credentialSubject"),
        ({"validFrom": 5}, "/validFrom"),
        ({"validFrom": "2027-01-15"}, "/validFrom"),
        ({"validFrom": "2027-01-15T00:00:00"}, "/validFrom"),
        ({"validUntil": "2027-02-30T00:00:00Z"}, "/validUntil"),
        ({"validUntil": "2027-02-14T00:00:00Zulu"}, "/validUntil"),
        ({"status": {"type": "BitstringStatusListEntry"}}, "/status/status_list"),
        ({"status": ..., "credentialStatus": []}, "/credentialStatus"),
        ({"status": ..., "credentialStatus": [5]}, "/credentialStatus"),
        ({"status": ..., "credentialStatus": [entry()] * 9}, "/credentialStatus"),
        ({"status": ..., "credentialStatus": entry(statusPurpose=...)}, "/credentialStatus/0/statusPurpose"),
        ({"status": ..., "credentialStatus": entry(statusPurpose="")}, "/credentialStatus/0/statusPurpose"),
        ({"status": ..., "credentialStatus": [entry(), entry(statusListIndex=5)]}, "/credentialStatus/1/statusListIndex"),
        ({"status": ..., "credentialStatus": entry(statusListIndex="05")}, "/credentialStatus/0/statusListIndex"),
        ({"status": ..., "credentialStatus": entry(statusListIndex="-5")}, "/credentialStatus/0/statusListIndex"),
        ({"status": ..., "credentialStatus": entry(statusListIndex="٣")}, "/credentialStatus/0/statusListIndex"),
        ({"status": ..., "credentialStatus": entry(statusListIndex="9999999999999999")}, "/credentialStatus/0/statusListIndex"),
        ({"status": ..., "credentialStatus": entry(statusListCredential=...)}, "/credentialStatus/0/statusListCredential"),
        ({"status": ..., "credentialStatus": entry(statusListCredential="here")}, "/credentialStatus/0/statusListCredential"),
        ({"status": ..., "credentialStatus": entry(id=LIST)}, "/credentialStatus/0/statusListCredential"),
        ({"status": ..., "credentialStatus": entry(statusListCredential="urn:" + "x" * 3_000)}, "/credentialStatus/0/statusListCredential"),
        ({"status": ..., "credentialStatus": entry(statusSize=0)}, "/credentialStatus/0/statusSize"),
        ({"status": ..., "credentialStatus": entry(statusSize="1")}, "/credentialStatus/0/statusSize"),
        ({"status": ..., "credentialStatus": entry(statusSize=9)}, "/credentialStatus/0/statusSize"),
        ({"status": ..., "credentialStatus": entry(statusSize=2)}, "/credentialStatus/0/statusMessage"),
        ({"status": ..., "credentialStatus": entry(statusSize=2, statusMessage=[MESSAGE] * 3)}, "/credentialStatus/0/statusMessage"),
        ({"status": ..., "credentialStatus": entry(statusMessage=[MESSAGE])}, "/credentialStatus/0/statusMessage"),
        ({"status": ..., "credentialStatus": entry(statusMessage=[MESSAGE, {"status": "0x1"}])}, "/credentialStatus/0/statusMessage"),
        ({"status": ..., "credentialStatus": entry(statusMessage=None)}, "/credentialStatus/0/statusMessage"),
    ],
)
def test_documents_of_the_wrong_form(members: dict[str, Any], where: str) -> None:
    for wire in (credential(**members), presentation(credential(**members))):
        with pytest.raises(Malformed) as caught:
            FORM.parse(wire)
        assert caught.value.where == where


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"@context": [INLINE]}, "/@context"),
        ({"type": ["VerifiableCredential"]}, "/type"),
        ({"verifiableCredential": ...}, "/verifiableCredential"),
        ({"verifiableCredential": []}, "/verifiableCredential"),
        ({"verifiableCredential": [enveloped(credential())] * 2}, "/verifiableCredential"),
        ({"verifiableCredential": [credential()]}, "/verifiableCredential/0"),
        ({"verifiableCredential": [document()]}, "/verifiableCredential/0/type"),
        ({"verifiableCredential": [enveloped(credential(), type="VerifiableCredential")]}, "/verifiableCredential/0/type"),
        ({"verifiableCredential": [enveloped(credential(), id=5)]}, "/verifiableCredential/0/id"),
        ({"verifiableCredential": [enveloped(credential(), id=f"data:application/jwt,{credential()}")]}, "/verifiableCredential/0/id"),
        ({"verifiableCredential": [enveloped(credential(), id=f"data:application/vc+sd-jwt,{credential()}~")]}, "/verifiableCredential"),
        ({"verifiableCredential": [enveloped(credential())] * 17}, "/verifiableCredential"),
        ({"verifiableCredential": [enveloped("a.b")]}, "/verifiableCredential/0/id"),
    ],
)
def test_presentations_of_the_wrong_form(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        FORM.parse(presentation(credential(), **members))
    assert caught.value.where == where


@pytest.mark.parametrize("typ", ["vc+ld+json+jwt", "JWT", "vp+jwt", "kb+jwt", "vc+sd-jwt"])
def test_typs_are_exact(typ: str) -> None:
    for wire in (jws(document(), typ=typ), presentation(jws(document(), typ=typ))):
        with pytest.raises((WrongTyp, Malformed)):
            FORM.parse(wire)
    with pytest.raises((WrongTyp, Malformed)):
        FORM.parse(presentation(credential(), typ=f"x{typ}"))


def test_a_presentation_inside_a_presentation() -> None:
    with pytest.raises(WrongTyp):
        FORM.parse(presentation(presentation(credential())))


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"validFrom": "2027-01-15T08:01:01Z"}, NotYetValid),
        ({"validFrom": "2027-01-15T08:01:00Z"}, None),
        ({"validUntil": "2027-01-15T07:59:00Z"}, Expired),
        ({"validUntil": "2027-01-15T07:59:00.5+00:00"}, Expired),
        ({"validUntil": "2027-01-15T09:59:01+02:00"}, None),
        ({"validUntil": "2027-01-15T05:59:01-02:00"}, None),
        ({"validFrom": ..., "validUntil": ...}, None),
        ({"exp": AT - 60}, Expired),
        ({"nbf": AT + 61}, NotYetValid),
        ({"exp": "x"}, Malformed),
    ],
)
def test_periods(members: dict[str, Any], error: type[VcError] | None) -> None:
    wire = presentation(credential(**members))
    if error is None:
        assert verify(wire).claims == LPA_1
        return
    with pytest.raises(error):
        verify(wire)


def test_periods_that_are_not_said_are_zero() -> None:
    facts = verify(presentation(credential(validFrom=..., validUntil=...)))
    assert (facts.issued_at, facts.expires_at) == (0, 0)
    facts = verify(presentation(credential()))
    assert (facts.issued_at, facts.expires_at) == (MADE, ENDS)


@pytest.mark.parametrize("name", ["decision_rule", "has_restrictions", "issuing_authority"])
def test_limits_are_there_or_it_is_malformed(name: str) -> None:
    subject = {key: value for key, value in LPA_1.items() if key != name}
    wire = credential(credentialSubject=subject)
    with pytest.raises(Malformed):
        verify(presentation(wire))
    with pytest.raises(Malformed):
        FORM.check_received(FORM.parse(wire), ISSUER.public, holder=HOLDER.public, at=AT)


def test_a_known_type_has_its_status() -> None:
    with pytest.raises(Malformed) as caught:
        verify(presentation(credential(status=...)))
    assert caught.value.where == "/status"


def test_what_the_type_does_not_know_is_judged() -> None:
    facts = verify(presentation(credential(credentialSubject=LPA_1 | {"id": "did:example:margaret"})))
    with pytest.raises(TypeRuleBroken):
        REPRESENTATION.judge(facts.claims, {})


@pytest.mark.parametrize(
    ("claims", "where"),
    [
        ({"more": 1}, "/more"),
        ({"represented": {"more": 1}}, "/represented/more"),
        ({"represented": "Margaret"}, "/represented"),
        ({"powers": "banking"}, "/powers"),
    ],
)
def test_what_the_type_lacks_is_not_issued(claims: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        issue("vc+jwt", claims=LPA_1 | claims)
    assert caught.value.where == where


def test_unknown_types_are_received_without_rules() -> None:
    wire = credential(**{"@context": [CONTEXT], "type": "VerifiableCredential", "credentialSubject": {"a": 1}, "status": ...})
    assert FORM.check_received(FORM.parse(wire), ISSUER.public, holder=HOLDER.public, at=AT).claims == {"a": 1}


def test_without_a_holder_it_is_not_bound() -> None:
    with pytest.raises(NotBound):
        verify(presentation(credential(cnf=...)))


def test_it_is_shown_whole_or_not_at_all() -> None:
    parsed = FORM.parse(issue("vc+jwt"))
    whole = FORM.disclose(parsed, [("credentialSubject",)])
    assert whole.wire == parsed.wire
    assert FORM.disclose(FORM.parse(show(FORM, parsed)), [("credentialSubject",)]).wire == parsed.wire
    every = [("credentialSubject", name) for name in LPA_1]
    assert FORM.disclose(parsed, every).wire == parsed.wire
    with pytest.raises(OverDisclosed) as caught:
        FORM.disclose(parsed, every[:-1])
    assert caught.value.where == "/credentialSubject/issuing_jurisdiction"
    with pytest.raises(OverDisclosed):
        FORM.disclose(parsed, [])
    with pytest.raises(OverDisclosed):
        FORM.disclose(
            parsed, [("credentialSubject", "represented", "also_known_as", 0), *(path for path in every if path[1] != "represented")]
        )


def test_a_part_without_members_counts() -> None:
    contexts = {"@context": [CONTEXT], "type": "VerifiableCredential", "status": ...}
    parsed = FORM.parse(credential(**contexts, credentialSubject={"a": {}, "b": []}))
    assert FORM.disclose(parsed, [("credentialSubject", "a"), ("credentialSubject", "b")]).wire == parsed.wire
    with pytest.raises(OverDisclosed):
        FORM.disclose(parsed, [("credentialSubject", "a")])


def test_another_audience_list() -> None:
    with pytest.raises(VcError):
        verify(presentation(credential(), aud=[BINDING.audience]))
    assert replace(BINDING) == BINDING


def test_the_status_stands_in_both_kinds_of_list() -> None:
    lists = {"revocation": LIST, "suspension": "https://opg.example/status/1/suspension"}
    parsed = FORM.parse(issue("vc+jwt", bitstrings=lists))
    assert parsed.payload["credentialStatus"] == [entry(), entry(statusPurpose="suspension", statusListCredential=lists["suspension"])]
    assert (parsed.status, parsed.further) == (STATUS, ())  # the other kind repeats it
    assert "credentialStatus" not in FORM.parse(issue("vc+jwt")).payload


def test_a_status_of_the_other_kind_alone() -> None:
    entries = [entry(), entry(type=["BitstringStatusListEntry"], statusPurpose="suspension", statusSize=2, statusMessage=[MESSAGE] * 4)]
    refresh = entry(statusPurpose="refresh", statusMessage=[MESSAGE] * 2)
    wire = credential(status=..., credentialStatus=[*entries, refresh, {"type": "Other"}])
    parsed = FORM.parse(wire)
    assert parsed.status == StatusReference(uri=LIST, idx=4711, purpose="revocation")
    assert parsed.further == (
        StatusReference(uri=LIST, idx=4711, purpose="suspension", size=2),
        StatusReference(uri="", idx=0, purpose="?"),
    )
    assert verify(presentation(wire)).further == parsed.further
    assert FORM.parse(credential(status=..., credentialStatus=refresh)).status is None
