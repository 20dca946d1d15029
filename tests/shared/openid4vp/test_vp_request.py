from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, KEY, Asker
from support.signing import AT, Signer, anchor

from shared.codec import base64url
from shared.errors import (
    AlgorithmRefused,
    BadSignature,
    Expired,
    InvalidRequest,
    InvalidTransactionData,
    KeyRoleRefused,
    Malformed,
    NotYetValid,
    Untrusted,
    VcError,
    WrongAudience,
    WrongTyp,
)
from shared.jose import jwe
from shared.jose.jws import parse_jws
from shared.jose.jwt import parse_jwt
from shared.keys import Role, check_role
from shared.openid4vp import (
    VerifierInfo,
    check_request_object,
    client_id_of,
    parse_request,
    prepare_request_object,
    render_request,
)
from shared.x509 import x5c_header

BANK = Asker.new()
CLAIMS = render_request(BANK.request(), at=AT)


def changed(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **members}.items() if value is not None}


def test_a_request_is_rendered_and_read_back() -> None:
    request = BANK.request(
        wallet_nonce="w", verifier_info=(VerifierInfo(format="x", data="y"), VerifierInfo(format="z", data={}, credential_ids=("poa",)))
    )
    assert parse_request(json.loads(json.dumps(render_request(request, at=AT)))) == request


def test_the_wire_form_is_that_of_the_profile() -> None:
    token = BANK.sign()
    header = parse_jws(token).header
    assert (header["typ"], header["alg"]) == ("oauth-authz-req+jwt", "ES256")
    assert list(header["x5c"]) == x5c_header([BANK.certificate])
    claims = parse_jwt(token).claims
    assert claims["aud"] == "https://self-issued.me/v2"
    assert claims["response_mode"] == "direct_post.jwt"
    assert claims["response_type"] == "vp_token"
    assert "redirect_uri" not in claims
    metadata = claims["client_metadata"]
    assert set(metadata) == {"jwks", "encrypted_response_enc_values_supported", "vp_formats_supported"}
    assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    [key] = metadata["jwks"]["keys"]
    assert (key["use"], key["alg"], key["kid"]) == ("enc", "ECDH-ES", BANK.private_jwk["kid"])
    assert "d" not in key
    assert set(metadata["vp_formats_supported"]) == {"dc+sd-jwt"}


def test_members_that_are_not_there_are_left_out() -> None:
    claims = render_request(BANK.request(state=None, expires_at=None), at=AT)
    assert not {"state", "exp", "wallet_nonce", "verifier_info"} & set(claims)
    assert parse_request(claims).state is None


def test_the_relying_partys_role_signs_requests_and_no_other_role_does() -> None:
    unsigned = prepare_request_object(BANK.request(), key=KEY, x5c=[BANK.certificate], at=AT)
    check_role(Role.RELYING_PARTY, unsigned.typ)
    for role in set(Role) - {Role.RELYING_PARTY}:
        with pytest.raises(KeyRoleRefused):
            check_role(role, unsigned.typ)


def test_unknown_members_and_iss_are_ignored() -> None:
    assert parse_request(changed(iss="somebody", presentation_definition={}, x=1)) == BANK.request()


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"response_mode": "dc_api.jwt"}, "/response_mode"),
        ({"client_id": None}, "/client_id"),
        ({"client_id": "origin:https://bank.example"}, "/client_id"),
        ({"response_mode": "fragment"}, "/response_mode"),
        ({"response_uri": None}, "/response_uri"),
        ({"response_uri": "http://bank.example/"}, "/response_uri"),
        ({"response_uri": "https://user@bank.example/"}, "/response_uri"),
        ({"state": "a b"}, "/state"),
        ({"state": ""}, "/state"),
        ({"response_type": "code"}, "/response_type"),
        ({"redirect_uri": f"{ENTITY}/cb"}, "/redirect_uri"),
        ({"scope": "org.example.pid"}, "/scope"),
        ({"scope": "org.example.pid", "dcql_query": None}, "/scope"),
        ({"dcql_query": None}, "/dcql_query"),
        ({"dcql_query": {"credentials": []}}, "/dcql_query/credentials"),
        ({"nonce": None}, "/nonce"),
        ({"nonce": ""}, "/nonce"),
        ({"nonce": "a/b"}, "/nonce"),
        ({"client_metadata": None}, "/client_metadata"),
        ({"client_metadata": {}}, "/client_metadata/jwks"),
        ({"client_metadata": {"jwks": {"keys": []}}}, "/client_metadata/jwks"),
        ({"client_metadata": {"jwks": {"keys": ["x"]}}}, "/client_metadata/jwks/keys/0"),
        ({"verifier_info": []}, "/verifier_info"),
        ({"exp": "soon"}, "/exp"),
    ],
)
def test_requests_that_cannot_be_answered_are_refused(members: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(changed(**members))
    assert caught.value.where == where


def test_a_request_for_unbound_documents_has_a_state() -> None:
    query = {"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {}, "require_cryptographic_holder_binding": False}]}
    assert parse_request(changed(dcql_query=query)).state
    with pytest.raises(InvalidRequest) as caught:
        parse_request(changed(dcql_query=query, state=None))
    assert caught.value.where == "/state"


@pytest.mark.parametrize("data", [["eyJ0eXBlIjoidW5rbm93biJ9"], [], "x"])
def test_unknown_transaction_data_are_refused(data: Any) -> None:
    with pytest.raises(InvalidTransactionData):
        parse_request(changed(transaction_data=data))


def test_a_plain_response_uri_only_where_the_deployment_says_so() -> None:
    assert (
        parse_request(changed(response_uri="http://localhost:8103/r"), plain_http=["localhost:8103"]).response_uri
        == "http://localhost:8103/r"
    )


GOOD = jwe.public_half(BANK.private_jwk)


@pytest.mark.parametrize(
    "unusable",
    [
        {**GOOD, "use": "sig"},
        {**GOOD, "alg": "ECDH-ES+A256KW"},
        {name: value for name, value in GOOD.items() if name != "alg"},
        {name: value for name, value in GOOD.items() if name != "kid"},
        {"kty": "OKP", "crv": "X25519", "alg": "ECDH-ES", "kid": "1", "x": "WPX7wnwq10hFNK9aDSyG1QlLswE_CJY14LdhcFUIVVc"},
        {"kty": "EC", "crv": "P-384", "alg": "ECDH-ES", "kid": "1", "x": "AA", "y": "AA"},
        {**GOOD, "d": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "alg": "ECDH-ES", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ],
)
def test_unusable_keys_are_passed_over(unusable: dict[str, Any]) -> None:
    metadata = {**CLAIMS["client_metadata"], "jwks": {"keys": [unusable, {**GOOD, "kid": "second"}]}}
    key, enc = parse_request(changed(client_metadata=metadata)).encryption()
    assert (key["kid"], enc) == ("second", "A256GCM")
    with pytest.raises(InvalidRequest):
        parse_request(changed(client_metadata={**metadata, "jwks": {"keys": [unusable]}}))


@pytest.mark.parametrize(("encs", "chosen"), [(None, "A128GCM"), (["A128GCM"], "A128GCM"), (["A128CBC-HS256", "A256GCM"], "A256GCM")])
def test_the_content_encryption_is_one_that_the_verifier_reads(encs: list[str] | None, chosen: str) -> None:
    metadata = {"jwks": {"keys": [GOOD]}, **({} if encs is None else {"encrypted_response_enc_values_supported": encs})}
    assert parse_request(changed(client_metadata=metadata)).encryption()[1] == chosen


def test_a_content_encryption_that_is_not_spoken_here_is_refused() -> None:
    metadata = {"jwks": {"keys": [GOOD]}, "encrypted_response_enc_values_supported": ["A128CBC-HS256"]}
    with pytest.raises(InvalidRequest):
        parse_request(changed(client_metadata=metadata))


def test_a_request_object_by_the_key_that_it_names_is_taken() -> None:
    signed = check_request_object(BANK.sign(), client_id=BANK.client_id, at=AT)
    assert (signed.claims["client_id"], signed.chain) == (BANK.client_id, (BANK.certificate,))
    listed = check_request_object(BANK.sign_claims({"aud": ["https://self-issued.me/v2"]}), client_id=BANK.client_id, at=AT)
    assert listed.chain == signed.chain


OTHER = Asker.new()
SELF_SIGNED = anchor(BANK.signer, subject="Bank").der


@pytest.mark.parametrize(
    ("token", "client_id", "kind"),
    [
        (BANK.sign_claims({}, typ="JWT"), BANK.client_id, WrongTyp),
        (BANK.sign_claims({}, typ="receipt+jwt"), BANK.client_id, WrongTyp),
        (BANK.sign_claims({}, typ="kb+jwt"), BANK.client_id, WrongTyp),
        (BANK.sign(), OTHER.client_id, InvalidRequest),
        (BANK.sign(), "origin:https://bank.example", InvalidRequest),
        (BANK.sign_claims({"client_id": OTHER.client_id}), BANK.client_id, InvalidRequest),
        (BANK.sign_claims({"client_id": None}), BANK.client_id, InvalidRequest),
        (BANK.sign_claims({}, header={}), BANK.client_id, Malformed),
        (BANK.sign_claims({}, header={"x5c": []}), BANK.client_id, Malformed),
        (BANK.sign_claims({}, header={"x5c": x5c_header([OTHER.certificate])}), BANK.client_id, InvalidRequest),
        (OTHER.sign_claims({"client_id": BANK.client_id}, header={"x5c": x5c_header([BANK.certificate])}), BANK.client_id, BadSignature),
        (BANK.sign_claims({}, header={"x5c": x5c_header([SELF_SIGNED])}), client_id_of(SELF_SIGNED), Untrusted),
        (BANK.sign_claims({"aud": "https://wallet.example"}), BANK.client_id, WrongAudience),
        (BANK.sign_claims({"aud": None}), BANK.client_id, WrongAudience),
        (BANK.sign_claims({"exp": AT - 61}), BANK.client_id, Expired),
        (BANK.sign_claims({"iat": AT + 3600}), BANK.client_id, NotYetValid),
        (BANK.sign()[:-8] + "AAAAAAAA", BANK.client_id, BadSignature),
        ("a.b", BANK.client_id, Malformed),
    ],
)
def test_a_request_object_that_is_not_what_it_says_is_refused(token: str, client_id: str, kind: type[VcError]) -> None:
    with pytest.raises(VcError) as caught:
        check_request_object(token, client_id=client_id, at=AT)
    assert type(caught.value) is kind


def test_an_unsigned_request_object_is_refused() -> None:
    header, payload, _ = BANK.sign_claims({}).split(".")
    unsigned = {**parse_jws(BANK.sign_claims({})).header, "alg": "none"}
    with pytest.raises((AlgorithmRefused, BadSignature)):
        check_request_object(f"{base64url.encode(json.dumps(unsigned).encode())}.{payload}.", client_id=BANK.client_id, at=AT)
    with pytest.raises(BadSignature):
        check_request_object(f"{header}.{payload}.", client_id=BANK.client_id, at=AT)


def test_a_certificate_out_of_its_time_is_refused() -> None:
    later = AT + 400 * 86_400
    with pytest.raises(Expired):
        check_request_object(BANK.sign(BANK.request(expires_at=None)), client_id=BANK.client_id, at=later)
    early = Asker.new(at=AT + 86_400)
    with pytest.raises(NotYetValid):
        check_request_object(early.sign(), client_id=early.client_id, at=AT)


members_of_requests = st.dictionaries(
    st.sampled_from([*CLAIMS, "scope", "verifier_info", "exp", "wallet_nonce"]),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["jwks", "keys", "credentials"]), each),
    ),
    max_size=4,
)


@given(members_of_requests)
def test_any_members_are_a_request_or_a_refusal(members: dict[str, Any]) -> None:
    try:
        parse_request({**CLAIMS, **members})
    except (InvalidRequest, InvalidTransactionData):
        return


@given(st.text(), st.text())
def test_any_text_is_a_request_object_or_a_vc_error(token: str, client_id: str) -> None:
    with pytest.raises(VcError):
        check_request_object(token, client_id=client_id, at=AT)


def test_the_key_of_a_stranger_does_not_sign_for_the_bank() -> None:
    stranger = Signer.new()
    unsigned = prepare_request_object(BANK.request(), key=KEY, x5c=[BANK.certificate], at=AT)
    with pytest.raises(BadSignature):
        check_request_object(stranger.finish(unsigned), client_id=BANK.client_id, at=AT)


@pytest.mark.vectors
def test_our_client_metadata_have_the_members_of_the_specifications_example(vectors: Vectors) -> None:
    example = json.loads(vectors("oid4vp-1.0/client_metadata/sd_jwt_vc_verifier_metadata.json").read_text())
    ours = CLAIMS["client_metadata"]["vp_formats_supported"]["dc+sd-jwt"]
    assert set(example["vp_formats_supported"]["dc+sd-jwt"]) == set(ours)
