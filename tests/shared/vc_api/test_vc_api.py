from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc.did.did_key import DidKeyResolver
from openvc.keys import P256SigningKey
from openvc.proof._jws import sign_compact, verify_compact
from openvc.proof.vc_jwt import VcJwtProofSuite
from openvc.proof.vp_jwt import VpJwtProofSuite
from support.forge import disclosure, hashed, jws
from support.signing import AT, Signer
from support.trial_verify import ISSUER, Answers, holder, issue, material, registry, show, status_list

from shared.did import did_key, render_document
from shared.errors import InvalidRequest, Malformed, TooLarge, VcError
from shared.flow import run
from shared.formats import Binding, formats
from shared.jose.jwk import render_jwk
from shared.jose.jws import parse_jws, verify_jws
from shared.keys import KeyId, Role, check_role
from shared.status.bitstring import bits_of, encode_list, prepare_list
from shared.trust.anchors import TrustAnchors
from shared.trust.dids import DidPin
from shared.trust.policy import Policy
from shared.vc_api import (
    Verification,
    check_credential_request,
    check_presentation_request,
    parse_issue_request,
    prepare_credential,
    prepare_presentation,
    render_issued,
)
from shared.vcdm import CONTEXT, envelope
from shared.verify import Knowledge, Material

OFFICE = Signer.new()
DID = did_key(OFFICE.public)
NAME = f"{DID}#{DID.removeprefix('did:key:')}"
WALLET = Signer.new()
WALLET_DID = did_key(WALLET.public)
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
OPTIONS = {"challenge": "n-0123456789-0123456789", "domain": "https://verifier.example"}
BINDING = Binding(audience=OPTIONS["domain"], nonce=OPTIONS["challenge"])
LIST = "https://opg.example/w3c/1"


def credential(**members: Any) -> dict[str, Any]:
    base = {
        "@context": [CONTEXT, EXAMPLES],
        "type": ["VerifiableCredential", "ExampleDegree"],
        "credentialSubject": {"id": WALLET_DID, "degree": "BA"},
    }
    return {name: value for name, value in (base | members).items() if value is not ...}


def issued(by: Signer = OFFICE, did: str = DID, **members: Any) -> str:
    name = f"{did}#{did.removeprefix('did:key:')}"
    return by.finish(prepare_credential(credential(**members), did=did, name=name, key=KeyId("w3c"), alg=by.public.alg))


def trust(*dids: str, **changes: Any) -> Material:
    pins = tuple(DidPin(did=each, name="Office") for each in dids or (DID,))
    policy = Policy(TrustAnchors(anchors=(registry().pin(),), dids=pins))
    return material(policy=policy, **changes)


def knowing(at: int = AT, of: Material | None = None) -> Knowledge:
    return Knowledge(material=of or trust(), staples=(), at=at)


def verified(token: str, media_type: str = "application/vc+jwt", *, driver: Any = None, **options: Any) -> Verification:
    body = json.dumps({"verifiableCredential": envelope(media_type, token), "options": {}}).encode()
    return run(check_credential_request(body, knowing(**options)), driver or Answers())


def presented(
    *contents: tuple[str, str], by: Signer = WALLET, holder_did: str = WALLET_DID, binding: Binding = BINDING, at: int = AT
) -> str:
    return by.finish(prepare_presentation(contents, binding, key=KeyId("holder"), at=at, alg=by.public.alg, holder=holder_did))


def shown(token: str, options: Any = OPTIONS, media_type: str = "application/vp+jwt", *, driver: Any = None, **more: Any) -> Verification:
    held = envelope(media_type, token, "EnvelopedVerifiablePresentation")
    body = json.dumps({"verifiablePresentation": held, "options": options}).encode()
    return run(check_presentation_request(body, knowing(**more)), driver or Answers())


def codes(found: Verification) -> list[str]:
    assert found.status == (400 if found.problems else 200)
    assert found.render()["verified"] is not bool(found.problems)
    return [each.code for each in found.problems]


# --- issuing ---------------------------------------------------------------------------------------------------------------------------


def test_what_is_issued_is_the_credential_under_our_did() -> None:
    unsigned = prepare_credential(credential(issuer={"name": "Office"}), did=DID, name=NAME, key=KeyId("w3c"))
    check_role(Role.CREDENTIAL_ISSUER, unsigned.typ)
    token = OFFICE.finish(unsigned)
    parsed = parse_jws(token)
    verify_jws(parsed, OFFICE.public, typ="vc+jwt")
    assert dict(parsed.header) == {"alg": "ES256", "typ": "vc+jwt", "cty": "vc", "kid": NAME}
    assert json.loads(parsed.payload) == credential(issuer={"name": "Office", "id": DID})
    answer = render_issued(token)["verifiableCredential"]
    assert answer == {"@context": CONTEXT, "type": "EnvelopedVerifiableCredential", "id": f"data:application/vc+jwt,{token}"}
    assert verified(token) == Verification()
    assert Verification().render() == {"verified": True}


@pytest.mark.parametrize(
    ("members", "error", "where"),
    [
        ({"issuer": "https://other.example"}, InvalidRequest, "/credential/issuer"),
        ({"issuer": {"id": "https://other.example"}}, InvalidRequest, "/credential/issuer"),
        ({"issuer": None}, Malformed, "/credential/issuer"),
        ({"issuer": {"id": None}}, Malformed, "/credential/issuer/id"),
        ({"credentialSubject": {}}, Malformed, "/credential/credentialSubject"),
        ({"@context": [EXAMPLES]}, Malformed, "/credential/@context"),
        ({"exp": AT}, InvalidRequest, "/credential/exp"),
        ({"iss": DID}, InvalidRequest, "/credential/iss"),
        ({"vc": {}}, InvalidRequest, "/credential/vc"),
        ({"_sd": []}, InvalidRequest, "/credential/_sd"),
        ({"status": {}}, InvalidRequest, "/credential/status"),
        ({"type": ["VerifiableCredential", "BitstringStatusListCredential"]}, InvalidRequest, "/credential/type"),
        ({"cnf": {"kid": "x"}}, Malformed, "/cnf/jwk"),
        ({"name": "x" * 270_000}, TooLarge, "/credential"),
    ],
)
def test_what_is_not_issued(members: dict[str, Any], error: type[VcError], where: str) -> None:
    with pytest.raises(error) as caught:
        issued(**members)
    assert caught.value.where == where


def test_requests_to_issue() -> None:
    assert parse_issue_request(json.dumps({"credential": credential(), "options": {"mandatoryPointers": []}}).encode()) == credential()
    for body in (b"", b"[]", b"{}", b'{"credential": []}', b'{"credential": {}, "options": 1}'):
        with pytest.raises(Malformed):
            parse_issue_request(body)


# --- credentials -----------------------------------------------------------------------------------------------------------------------


def test_credentials_of_every_form() -> None:
    assert codes(verified(issued(credentialSubject=[{"id": "urn:a"}, {"b": 1}]))) == []
    assert codes(verified(issued(by=WALLET, did=WALLET_DID), of=trust(WALLET_DID))) == []
    hidden = disclosure("salt", "degree", "BA")
    payload = credential(issuer=DID, credentialSubject={"id": "urn:x", "_sd": [hashed(hidden)]})
    for tail in (f"~{hidden}~", "~"):
        assert codes(verified(jws(payload, OFFICE, typ="vc+sd-jwt", kid=NAME) + tail, "application/vc+sd-jwt")) == []


@pytest.mark.parametrize(
    ("token", "options", "code", "kind"),
    [
        (issued, {"of": material()}, "untrusted", "about:blank"),
        (lambda: issued()[:-8] + "AAAAAAAA", {}, "bad_signature", "CRYPTOGRAPHIC_SECURITY_ERROR"),
        (lambda: jws(credential(issuer=DID), OFFICE, typ="vp+jwt", kid=NAME), {}, "wrong_typ", "CRYPTOGRAPHIC_SECURITY_ERROR"),
        (lambda: jws(credential(issuer=DID), OFFICE, typ="vc+jwt", kid="did:key:other#x"), {}, "untrusted", "about:blank"),
        (lambda: jws(credential(issuer=DID, vc={}), OFFICE, typ="vc+jwt", kid=NAME), {}, "malformed", "MALFORMED_VALUE_ERROR"),
        (lambda: jws(credential(issuer=DID, type=["X"]), OFFICE, typ="vc+jwt", kid=NAME), {}, "malformed", "MALFORMED_VALUE_ERROR"),
        (lambda: issued(validUntil="2020-01-01T00:00:00Z"), {}, "expired", "RANGE_ERROR"),
        (lambda: issued(validFrom="2120-01-01T00:00:00Z"), {}, "not_yet_valid", "RANGE_ERROR"),
        (lambda: issued(cnf={"jwk": render_jwk(WALLET.public)}), {}, "not_bound", "about:blank"),
        (lambda: issue("vc+jwt"), {"driver": Answers()}, "status_unknown", "STATUS_VERIFICATION_ERROR"),
        (lambda: "a.b", {}, "malformed", "MALFORMED_VALUE_ERROR"),
    ],
)
def test_credentials_that_are_not_verified(token: Callable[[], str], options: dict[str, Any], code: str, kind: str) -> None:
    found = verified(token(), **options)
    assert codes(found) == [code]
    (problem,) = found.render()["problemDetails"]
    assert problem["type"].endswith(kind)
    assert (problem["title"], bool(problem["detail"])) == (code, True)


def test_envelopes_that_are_not_read() -> None:
    assert codes(verified(issued(), "application/jwt")) == ["malformed"]
    assert codes(verified(issued() + "~", "application/vc+sd-jwt")) == ["wrong_typ"]
    for body in (
        b"",
        b"{}",
        json.dumps({"verifiableCredential": credential(issuer=DID)}).encode(),
        json.dumps({"verifiableCredential": "x"}).encode(),
    ):
        assert codes(run(check_credential_request(body, knowing()), Answers())) == ["malformed"]


def test_a_vc_sd_jwt_hides_nothing_that_is_needed() -> None:
    hidden = disclosure("salt", "issuer", DID)
    token = jws(credential(_sd=[hashed(hidden)]), OFFICE, typ="vc+sd-jwt", kid=NAME)
    assert codes(verified(f"{token}~{hidden}~", "application/vc+sd-jwt")) == ["malformed"]


@pytest.mark.parametrize(("values", "code", "kind"), [({}, [], ""), ({7: 1}, ["revoked"], "about:blank")])
def test_a_status_is_asked(values: dict[int, int], code: list[str], kind: str) -> None:
    entry = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7", "statusListCredential": LIST}
    listed = OFFICE.finish(
        prepare_list(
            encoded=encode_list(bits_of(status_list(values), 1)), purpose="revocation", uri=LIST, issuer=DID, iat=AT - 5, key=KeyId("w")
        )
    )
    found = verified(issued(credentialStatus=entry), driver=Answers({LIST: listed}))
    assert codes(found) == code
    assert not kind or found.render()["problemDetails"][0]["type"] == kind
    assert codes(verified(issued(credentialStatus=entry))) == ["status_unknown"]  # nothing is fetched for it
    beyond = verified(issued(credentialStatus=entry | {"statusListIndex": "131072"}), driver=Answers({LIST: listed}))
    assert beyond.render()["problemDetails"][0]["type"] == "https://www.w3.org/ns/credentials/status-list#RANGE_ERROR"
    assert (
        codes(verified(issued(credentialStatus=entry), driver=Answers({LIST: listed}), of=trust(max_status_age=1))) == ["status_stale"]
        or code
    )


# --- presentations ---------------------------------------------------------------------------------------------------------------------


def bound(**members: Any) -> tuple[str, str]:
    return "vc+jwt", issued(cnf={"jwk": render_jwk(WALLET.public)}, credentialSubject={"id": "urn:someone"}, **members)


def hidden_one() -> tuple[str, str]:
    payload = credential(issuer=DID, cnf={"jwk": render_jwk(WALLET.public)}, credentialSubject={"_sd": [hashed(disclosure("s", "a", 1))]})
    return "vc+sd-jwt", f"{jws(payload, OFFICE, typ='vc+sd-jwt', kid=NAME)}~{disclosure('s', 'a', 1)}~"


def test_presentations_of_several_credentials() -> None:
    assert codes(shown(presented(bound(), hidden_one(), holder_did=""))) == []
    assert codes(shown(presented(bound(), ("vc+jwt", issued()), hidden_one()))) == []  # one of them about the holder's DID
    as_object = json.loads(parse_jws(presented(bound())).payload) | {"holder": {"id": WALLET_DID}}
    assert codes(shown(jws(as_object, WALLET, typ="vp+jwt", kid=f"{WALLET_DID}#{WALLET_DID.removeprefix('did:key:')}"))) == []
    web = "did:web:wallet.example"
    about = ("vc+jwt", issued(credentialSubject={"id": web}))
    document = json.loads(render_document(web, WALLET.public))
    driver = Answers(
        {"https://wallet.example/.well-known/did.json": json.dumps(document | {"authentication": document["assertionMethod"]})}
    )
    assert codes(shown(presented(about, holder_did=web), driver=driver)) == []
    assert codes(shown(presented(about, holder_did=web))) == ["issuer_keys_unknown"]


def test_our_own_documents_are_presented_so_too() -> None:
    from support.trial_verify import LIST as TOKENS
    from support.trial_verify import status_token

    wire = issue("vc+jwt")
    token = presented(("vc+jwt", wire), by=holder(), holder_did="")
    assert codes(shown(token, driver=Answers({TOKENS: status_token()}))) == []
    ours = show(wire, format_name="vc+jwt", binding=BINDING)
    assert codes(shown(ours, driver=Answers({TOKENS: status_token()}))) == []
    assert formats()["vc+jwt"].parse(ours).issuer == ISSUER


STRANGER = Signer.new()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (lambda: presented(bound(), by=STRANGER, holder_did=""), "not_bound"),
        (lambda: presented(bound(), by=STRANGER), "not_bound"),
        (lambda: presented(bound(), by=STRANGER, holder_did=did_key(STRANGER.public)), "not_bound"),
        (lambda: presented(("vc+jwt", issued()), holder_did=""), "not_bound"),
        (lambda: presented(("vc+jwt", issued()), holder_did="https://wallet.example"), "not_bound"),
        (lambda: presented(bound(), holder_did="https://victim.example/nora"), "not_bound"),
        (lambda: presented(("vc+jwt", issued(credentialSubject={"id": "did:key:zother"}))), "not_bound"),
        (lambda: presented(("vc+jwt", issued(credentialSubject=[{"id": WALLET_DID}, {"id": "urn:x"}]))), "not_bound"),
        (lambda: presented(("vc+jwt", issued(credentialSubject={"a": 1}))), "not_bound"),
        (lambda: presented(bound(), ("vc+jwt", issued(validUntil="2020-01-01T00:00:00Z"))), "expired"),
        (lambda: presented(bound(), ("vc+jwt", issued(by=STRANGER, did=did_key(STRANGER.public)))), "untrusted"),
        (lambda: presented(bound(), binding=Binding(audience="https://other.example", nonce=OPTIONS["challenge"])), "wrong_audience"),
        (lambda: presented(bound(), binding=Binding(audience=OPTIONS["domain"], nonce="other")), "wrong_nonce"),
        (lambda: presented(bound(), at=AT - 3_600), "stale_binding"),
        (presented, "malformed"),
        (lambda: presented(*[bound()] * 17), "too_large"),
        (lambda: presented(("vp+jwt", "x")), "malformed"),
        (lambda: jws(json.loads(parse_jws(presented(bound())).payload), WALLET, typ="vc+jwt"), "wrong_typ"),
        (
            lambda: jws(
                json.loads(parse_jws(presented(bound())).payload) | {"verifiableCredential": [credential(issuer=DID)]}, WALLET, typ="vp+jwt"
            ),
            "malformed",
        ),
        (lambda: presented(bound(), holder_did="did:example:x"), "malformed"),
        (lambda: "a.b.c", "malformed"),
    ],
)
def test_presentations_that_are_not_verified(token: Callable[[], str], code: str) -> None:
    assert codes(shown(token())) == [code]


def test_a_binding_of_its_own_is_for_another_place() -> None:
    wire = show(issue("vc+sd-jwt"), format_name="vc+sd-jwt", binding=BINDING)
    assert codes(shown(presented(("vc+sd-jwt", wire), by=holder(), holder_did=""))) == ["malformed"]


@pytest.mark.parametrize("options", [{}, {"challenge": "x"}, {"domain": "x"}, {"challenge": "", "domain": "x"}, 5])
def test_challenge_and_domain_are_demanded(options: Any) -> None:
    assert codes(shown(presented(bound()), options)) == ["malformed"]
    assert codes(shown(presented(bound()), media_type="application/vc+jwt")) == ["malformed"]


GOOD = {"verifiablePresentation": envelope("application/vp+jwt", presented(bound()), "EnvelopedVerifiablePresentation"), "options": OPTIONS}
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=6),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=4), below, max_size=2),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    name=st.sampled_from(["verifiableCredential", "verifiablePresentation", "options"]),
    value=JSON,
    inner=st.sampled_from(["id", "type", "@context", ""]),
)
def test_any_request_gives_an_answer(name: str, value: Any, inner: str) -> None:
    made = GOOD | {name: {**GOOD.get(name, {}), inner: value} if inner else value}
    for check in (check_credential_request, check_presentation_request):
        found = run(check(json.dumps(made).encode(), knowing()), Answers())
        assert found.render()["verified"] is (not found.problems)


@settings(deadline=None)
@given(at=st.integers(0, 400), piece=st.text(alphabet='eyJ.~A0-_"{}', max_size=5), cut=st.integers(0, 4))
def test_any_token_gives_an_answer(at: int, piece: str, cut: int) -> None:
    token = presented(bound())
    spoilt = token[:at] + piece + token[at + cut :]
    found = shown(spoilt)
    assert bool(found.problems) or spoilt == token


# --- others ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_openvc_verifies_what_is_issued() -> None:
    """Its own VC-JWT suite wants ``iss`` and the ``vc`` claim of the older model. VC-JOSE-COSE section 3.1.3 forbids the latter and does
    without the former, so it judges the parts.
    """
    token = issued()
    key = DidKeyResolver().resolve(DID).key_by_kid(NAME)
    assert key is not None
    header, claims = verify_compact(token, public_key_jwk=key.public_key_jwk)
    assert (header["typ"], claims["issuer"]) == ("vc+jwt", DID)
    with pytest.raises(Exception, match="iss"):
        VcJwtProofSuite().verify(token, public_key_jwk=key.public_key_jwk)
    with pytest.raises(Exception, match="ignature"):
        verify_compact(issued(by=STRANGER), public_key_jwk=key.public_key_jwk)


@pytest.mark.real
def test_what_openvc_makes_is_of_the_older_model() -> None:
    """It signs ``vc`` and ``vp`` claims under ``typ`` JWT: by VC-JOSE-COSE section 3.1 no ``vc+jwt`` and no ``vp+jwt``, and refused as such.
    What it signs without that wrapper, as its lower layer does, is read.
    """
    private = OFFICE.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = P256SigningKey.from_pem(private, NAME)
    wrapped = VcJwtProofSuite().sign(credential(issuer=DID), signing_key=key)
    assert codes(verified(wrapped)) == ["wrong_typ"]
    assert codes(shown(VpJwtProofSuite().sign([wrapped], holder_key=key, audience=OPTIONS["domain"], nonce=OPTIONS["challenge"]))) == [
        "wrong_typ"
    ]
    header = {"alg": "ES256", "typ": "vc+jwt", "kid": NAME}
    assert codes(verified(sign_compact(header, {"vc": credential(issuer=DID)} | credential(issuer=DID), signing_key=key))) == ["malformed"]
    assert codes(verified(sign_compact(header, credential(issuer=DID), signing_key=key))) == []


def _issuable(document: dict[str, Any]) -> bool:
    return all(value not in {"FUTURE DATE", "PAST DATE"} for value in document.values() if isinstance(value, str))


@pytest.mark.vectors
def test_inputs_of_the_suite_are_issued_and_verified(vectors: Callable[[str], Path]) -> None:
    """As the suite does over HTTP: what it calls ok comes back verified, what should fail is not issued."""
    files: Sequence[Path] = sorted(vectors("w3c-vcdm2-inputs").rglob("*.json"))
    done = 0
    for file in files:
        document = json.loads(file.read_bytes())
        if file.name.startswith("presentation") or not _issuable(document):
            continue
        done += 1
        if "-fail" in file.stem:
            with pytest.raises(VcError):
                prepare_credential(document, did=DID, name=NAME, key=KeyId("w3c"))
            continue
        token = OFFICE.finish(prepare_credential(document, did=DID, name=NAME, key=KeyId("w3c")))
        found = codes(verified(token))
        late = "validfrom-far-future" in file.stem
        past = "validuntil" in file.stem
        status = "credential-status" in file.stem
        assert found == (["not_yet_valid"] if late else ["expired"] if past else ["status_unknown"] if status else []), file.name
    assert done > 80


@pytest.mark.vectors
def test_presentations_of_the_suite_that_hold_unsecured_credentials(vectors: Callable[[str], Path]) -> None:
    """VC-JOSE-COSE section 3.1.2: what is in a presentation is secured. What a holder says about itself, unsecured, is nobody's word."""
    for file in sorted(vectors("w3c-vcdm2-inputs").glob("presentation-self-asserted-vc-*.json")):
        document = json.loads(file.read_bytes()) | {"aud": OPTIONS["domain"], "nonce": OPTIONS["challenge"], "iat": AT}
        assert codes(shown(jws(document, WALLET, typ="vp+jwt"))) == ["malformed"]
