from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    InvalidAuthorizationDetails,
    InvalidCredentialRequest,
    InvalidEncryptionParameters,
    InvalidNotificationRequest,
    InvalidProof,
    InvalidRequest,
    Malformed,
    UnsupportedGrantType,
    VcError,
)
from shared.jose.jwe import generate_ephemeral, public_half
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AuthorizationCodeRequest,
    AuthorizationDetail,
    CredentialRequest,
    CredentialResponse,
    Encryption,
    Event,
    NotificationRequest,
    PreAuthorizedRequest,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    parse_credential_request,
    parse_credential_response,
    parse_nonce_response,
    parse_notification,
    parse_token_request,
    parse_token_response,
    render_credential_request,
    render_credential_response,
    render_nonce_response,
    render_notification,
    render_token_request,
    render_token_response,
)

GRANT = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code"


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "request_",
    [
        PreAuthorizedRequest(code="c"),
        PreAuthorizedRequest(code="c", tx_code="493 536", client_id="wallet"),
        PreAuthorizedRequest(code="c", details=(AuthorizationDetail(configuration_id="lpa"),)),
        AuthorizationCodeRequest(code="c", redirect_uri="https://wallet.example/cb", code_verifier="v" * 43),
        AuthorizationCodeRequest(
            code="c",
            redirect_uri="https://wallet.example/" + "x" * 2_000,
            code_verifier="v" * 43,
            client_id="wallet",
            details=(AuthorizationDetail(configuration_id="lpa", locations=("https://issuer.example",)),),
        ),
        RefreshRequest(refresh_token="r"),
        RefreshRequest(refresh_token="r", client_id="wallet"),
    ],
)
def test_token_requests_are_rendered_and_read_back(request_: TokenRequest) -> None:
    assert parse_token_request(render_token_request(request_)) == request_


def test_unknown_token_parameters_are_ignored_and_empty_ones_count_as_omitted() -> None:
    body = f"{GRANT}&pre-authorized_code=c&tx_code=&client_id=&resource=x&authorization_details=%5B%5D"
    assert parse_token_request(body) == PreAuthorizedRequest(code="c")


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        ("", InvalidRequest, "grant_type"),
        ("grant_type=", InvalidRequest, "grant_type"),
        (GRANT, InvalidRequest, "pre-authorized_code"),
        (f"{GRANT}&pre-authorized_code=c&pre-authorized_code=d", InvalidRequest, ""),
        (f"{GRANT}&pre-authorized_code={'c' * 2000}", InvalidRequest, "pre-authorized_code"),
        ("grant_type=refresh_token", InvalidRequest, "refresh_token"),
        ("grant_type=refresh_token&refresh_token=r&tx_code=1", InvalidRequest, "tx_code"),
        ("grant_type=authorization_code&redirect_uri=u&code_verifier=v", InvalidRequest, "code"),
        ("grant_type=authorization_code&code=c&code_verifier=v", InvalidRequest, "redirect_uri"),
        ("grant_type=authorization_code&code=c&redirect_uri=u", InvalidRequest, "code_verifier"),
        ("grant_type=authorization_code&code=c&redirect_uri=u&code_verifier=v&tx_code=1", InvalidRequest, "tx_code"),
        (f"{GRANT}&pre-authorized_code=c&authorization_details=%7B%7D", InvalidAuthorizationDetails, "/authorization_details"),
        (
            f"{GRANT}&pre-authorized_code=c&authorization_details=%5B%7B%22type%22%3A%22payment%22%7D%5D",
            InvalidAuthorizationDetails,
            "/authorization_details/0/type",
        ),
        ("grant_type=password&username=u", UnsupportedGrantType, "grant_type"),
        (b"\xff", InvalidRequest, ""),
    ],
)
def test_token_requests_are_refused_with_the_code_of_oauth(body: str | bytes, kind: type[VcError], where: str) -> None:
    with pytest.raises(VcError) as caught:
        parse_token_request(body)
    assert type(caught.value) is kind
    assert caught.value.where == where


TOKEN = TokenResponse(
    access_token="a",
    expires_in=300,
    refresh_token="r",
    details=(AuthorizationDetail(configuration_id="lpa", identifiers=("lpa-1", "lpa-2")),),
)


def test_token_responses_are_rendered_and_read_back() -> None:
    assert parse_token_response(dumps(render_token_response(TOKEN))) == TOKEN
    tied = TokenResponse(access_token="a", token_type="DPoP")
    assert parse_token_response(dumps(render_token_response(tied))) == tied
    assert parse_token_response(dumps({"access_token": "a", "token_type": "dpop"})).authorization == "DPoP a"
    bare = TokenResponse(access_token="a")
    assert render_token_response(bare) == {"access_token": "a", "token_type": "Bearer"}
    assert parse_token_response(dumps({"access_token": "a", "token_type": "bEARER", "c_nonce": "old", "scope": "x"})).access_token == "a"


def test_details_of_another_type_are_passed_over() -> None:
    details = [
        {"type": "payment"},
        {"type": "openid_credential", "credential_configuration_id": "a", "credential_identifiers": ["b"], "z": 1},
    ]
    read = parse_token_response(dumps({"access_token": "a", "token_type": "Bearer", "authorization_details": details}))
    assert read.details == (AuthorizationDetail(configuration_id="a", identifiers=("b",)),)


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({}, "/token_type"),
        ({"token_type": "mac", "access_token": "a"}, "/token_type"),
        ({"token_type": "Bearer"}, "/access_token"),
        ({"token_type": "Bearer", "access_token": "a", "expires_in": "300"}, "/expires_in"),
        ({"token_type": "Bearer", "access_token": "a", "authorization_details": {}}, "/authorization_details"),
        ({"token_type": "Bearer", "access_token": "a", "authorization_details": [1]}, "/authorization_details/0"),
        (
            {"token_type": "Bearer", "access_token": "a", "authorization_details": [{"type": "openid_credential"}]},
            "/authorization_details/0/credential_identifiers",
        ),
    ],
)
def test_malformed_token_responses_point_at_the_place(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_token_response(dumps(members))
    assert caught.value.where == where


def test_a_nonce_is_rendered_and_read_back() -> None:
    assert parse_nonce_response(dumps(render_nonce_response("wKI4LT17ac15ES9bw8ac4"))) == "wKI4LT17ac15ES9bw8ac4"
    with pytest.raises(Malformed):
        parse_nonce_response(b'{"c_nonce":""}')


@pytest.mark.parametrize(
    "request_",
    [
        CredentialRequest(configuration_id="lpa", proofs=("a.b.c", "d.e.f")),
        CredentialRequest(identifier="lpa-1"),
        CredentialRequest(configuration_id="x"),
        CredentialRequest(configuration_id="x", attestation="a.b.c"),
        CredentialRequest(configuration_id="x", proofs=("a.b.c",), encryption=Encryption(public_half(generate_ephemeral()), "A256GCM")),
    ],
)
def test_credential_requests_are_rendered_and_read_back(request_: CredentialRequest) -> None:
    assert parse_credential_request(dumps(render_credential_request(request_))) == request_


@pytest.mark.parametrize(
    ("data", "kind", "where"),
    [
        (b"{", InvalidCredentialRequest, ""),
        (b'{"credential_configuration_id":"a","credential_configuration_id":"b"}', InvalidCredentialRequest, ""),
        (dumps({}), InvalidCredentialRequest, "/credential_configuration_id"),
        (
            dumps({"credential_configuration_id": "a", "credential_identifier": "b"}),
            InvalidCredentialRequest,
            "/credential_configuration_id",
        ),
        (dumps({"credential_configuration_id": 7}), InvalidCredentialRequest, "/credential_configuration_id"),
        (dumps({"credential_identifier": ""}), InvalidCredentialRequest, "/credential_identifier"),
        (
            dumps({"credential_configuration_id": "a", "credential_response_encryption": {"jwk": {}, "enc": "x"}}),
            InvalidEncryptionParameters,
            "/credential_response_encryption/enc",
        ),
        (dumps({"credential_configuration_id": "a", "proofs": []}), InvalidProof, "/proofs"),
        (dumps({"credential_configuration_id": "a", "proofs": {}}), InvalidProof, "/proofs"),
        (dumps({"credential_configuration_id": "a", "proofs": {"di_vp": [{}]}}), InvalidProof, "/proofs"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": ["a"], "attestation": ["b"]}}), InvalidProof, "/proofs"),
        (dumps({"credential_configuration_id": "a", "proofs": {"attestation": ["a", "b"]}}), InvalidProof, "/proofs/attestation"),
        (dumps({"credential_configuration_id": "a", "proofs": {"attestation": []}}), InvalidProof, "/proofs/attestation"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": []}}), InvalidProof, "/proofs/jwt"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": "a"}}), InvalidProof, "/proofs/jwt"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": [1]}}), InvalidProof, "/proofs/jwt/0"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": ["a", "a"]}}), InvalidProof, "/proofs/jwt"),
        (dumps({"credential_configuration_id": "a", "proofs": {"jwt": ["a", "b", "c"]}}), InvalidProof, "/proofs/jwt"),
    ],
)
def test_credential_requests_are_refused_with_the_code_of_the_specification(data: bytes, kind: type[VcError], where: str) -> None:
    with pytest.raises(VcError) as caught:
        parse_credential_request(data, max_proofs=2)
    assert type(caught.value) is kind
    assert caught.value.where == where


def test_unknown_members_of_a_credential_request_are_ignored() -> None:
    data = dumps({"credential_configuration_id": "a", "format": "x", "proof": {"proof_type": "jwt"}})
    assert parse_credential_request(data) == CredentialRequest(configuration_id="a")


@pytest.mark.parametrize(
    "response",
    [
        CredentialResponse(credentials=("a~",)),
        CredentialResponse(credentials=("a~", "b~"), notification_id="n"),
        CredentialResponse(credentials=("a~",), report_pass="p"),
        CredentialResponse(transaction_id="t", interval=3600),
    ],
)
def test_credential_responses_are_rendered_and_read_back(response: CredentialResponse) -> None:
    assert parse_credential_response(dumps(render_credential_response(response))) == response


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({}, "/credentials"),
        ({"credential": "a"}, "/credentials"),
        ({"credentials": []}, "/credentials"),
        ({"credentials": ["a"]}, "/credentials/0"),
        ({"credentials": [{"credential": {"@context": []}}]}, "/credentials/0/credential"),
        ({"credentials": [{"credential": "a"}], "transaction_id": "t"}, "/credentials"),
        ({"transaction_id": "t"}, "/interval"),
        ({"transaction_id": "t", "interval": 0}, "/interval"),
        ({"credentials": [{"credential": "a"}], "notification_id": 7}, "/notification_id"),
    ],
)
def test_malformed_credential_responses_point_at_the_place(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_credential_response(dumps(members))
    assert caught.value.where == where


@pytest.mark.parametrize(
    "request_",
    [NotificationRequest(notification_id="n", event=event) for event in Event]
    + [NotificationRequest(notification_id="n", event=Event.FAILURE, description="Out of storage.")],
)
def test_notifications_are_rendered_and_read_back(request_: NotificationRequest) -> None:
    assert parse_notification(dumps(render_notification(request_))) == request_


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", ""),
        (dumps({"event": "credential_accepted"}), "/notification_id"),
        (dumps({"notification_id": "n"}), "/event"),
        (dumps({"notification_id": "n", "event": "Credential_Accepted"}), "/event"),
        (dumps({"notification_id": "n", "event": "credential_failure", "event_description": 'a "b"'}), "/event_description"),
    ],
)
def test_notifications_are_refused_with_the_code_of_the_specification(data: bytes, where: str) -> None:
    with pytest.raises(InvalidNotificationRequest) as caught:
        parse_notification(data)
    assert caught.value.where == where


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(
            ["credentials", "credential", "proofs", "jwt", "event", "notification_id", "transaction_id", "interval", "c_nonce"]
        ),
        st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda each: st.lists(each) | st.dictionaries(st.just("jwt"), each)),
    ).map(dumps)
)
@pytest.mark.parametrize(
    "read",
    [
        parse_token_request,
        parse_token_response,
        parse_nonce_response,
        parse_credential_request,
        parse_credential_response,
        parse_notification,
    ],
)
def test_any_bytes_are_a_message_or_a_vc_error(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        read(data)
    except VcError:
        return


@pytest.mark.vectors
def test_our_credential_requests_fit_the_conformance_schema(vectors: Vectors) -> None:
    import jsonschema_rs

    schema = json.loads(vectors("oidf-conformance/json-schemas/oid4vci/credential_request-1_0.json").read_text())
    jsonschema_rs.validate(schema, render_credential_request(CredentialRequest(configuration_id="lpa", proofs=("a.b.c",))))


@pytest.mark.vectors
def test_a_request_in_the_manner_of_drafts_is_refused(vectors: Vectors) -> None:
    with pytest.raises(InvalidCredentialRequest):
        parse_credential_request(vectors("oid4vci-1.0/credential_request_iso_mdl.json").read_bytes())


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["credential_response_jwt_vc_json", "credential_response_sd_jwt_vc", "credential_response_mso_mdoc"])
def test_the_responses_of_the_specification_are_read(vectors: Vectors, name: str) -> None:
    text = vectors(f"oid4vci-1.0/{name}.txt").read_text()
    # Long strings are broken over lines there.
    assert parse_credential_response(re.sub(r"\n\s+(?=[\w.-])", "", text[text.index("{") :])).credentials


def test_the_grant_has_the_registered_name() -> None:
    assert PRE_AUTHORIZED == "urn:ietf:params:oauth:grant-type:pre-authorized_code"
