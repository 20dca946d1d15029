from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import errors
from shared.errors import Refused, Unavailable, VcError
from shared.flow import Fetched
from shared.oauth import is_words, media_type, parse_error, render_challenge, words


def answer(status: int, body: object, **headers: str) -> Fetched:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Fetched(status=status, headers=headers, body=raw)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", errors.InvalidRequest),
        ("invalid_grant", errors.InvalidGrant),
        ("invalid_client", errors.InvalidClient),
        ("unsupported_grant_type", errors.UnsupportedGrantType),
        ("unauthorized_client", errors.UnauthorizedClient),
        ("invalid_client_attestation", errors.InvalidClientAttestation),
        ("use_attestation_challenge", errors.UseAttestationChallenge),
        ("use_fresh_attestation", errors.UseFreshAttestation),
        ("invalid_dpop_proof", errors.InvalidDpopProof),
        ("use_dpop_nonce", errors.UseDpopNonce),
        ("invalid_scope", errors.InvalidScope),
        ("invalid_authorization_details", errors.InvalidAuthorizationDetails),
        ("unsupported_response_type", errors.UnsupportedResponseType),
        ("login_required", errors.LoginRequired),
        ("invalid_transaction_id", errors.InvalidTransactionId),
        ("invalid_token", errors.InvalidToken),
        ("insufficient_scope", errors.InsufficientScope),
        ("invalid_proof", errors.InvalidProof),
        ("invalid_nonce", errors.InvalidNonce),
        ("invalid_credential_request", errors.InvalidCredentialRequest),
        ("unknown_credential_configuration", errors.UnknownCredentialConfiguration),
        ("unknown_credential_identifier", errors.UnknownCredentialIdentifier),
        ("credential_request_denied", errors.CredentialRequestDenied),
        ("invalid_encryption_parameters", errors.InvalidEncryptionParameters),
        ("invalid_notification_id", errors.InvalidNotificationId),
        ("invalid_notification_request", errors.InvalidNotificationRequest),
        ("access_denied", errors.AccessDenied),
        ("something_new", Refused),
    ],
)
def test_every_registered_code_becomes_its_class(code: str, kind: type[Refused]) -> None:
    error = parse_error(answer(400, {"error": code, "error_description": "no"}))
    assert type(error) is kind
    assert error.detail == "no"


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"error": 7}', b'{"error":"a","error":"b"}'])
def test_a_refusal_without_a_readable_code_is_still_a_refusal(body: bytes) -> None:
    error = parse_error(answer(400, body))
    assert type(error) is Refused
    assert "400" in error.detail


def test_words_that_are_no_text_are_left_out_and_long_ones_cut() -> None:
    assert parse_error(answer(400, {"error": "invalid_grant", "error_description": 7})).detail == "the other side refused (400)"
    assert len(parse_error(answer(400, {"error": "invalid_grant", "error_description": "x" * 999})).detail) == 300


def test_401_without_a_code_is_an_unusable_token() -> None:
    assert type(parse_error(answer(401, b""))) is errors.InvalidToken
    assert type(parse_error(answer(401, {"error": "invalid_client"}))) is errors.InvalidClient


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ('DPoP error="use_dpop_nonce", error_description="x"', errors.UseDpopNonce),
        ('DPoP algs="ES256",error="invalid_dpop_proof"', errors.InvalidDpopProof),
        ('Bearer realm="x", Error="invalid_token"', errors.InvalidToken),
        ('Bearer xerror="use_dpop_nonce"', errors.InvalidToken),
    ],
)
def test_a_resource_names_its_error_in_the_header(header: str, kind: type[VcError]) -> None:
    assert type(parse_error(answer(401, b"", **{"www-authenticate": header}))) is kind
    assert type(parse_error(answer(401, {"error": "invalid_client"}, **{"www-authenticate": header}))) is errors.InvalidClient


def test_our_own_header_is_read_back() -> None:
    header = render_challenge(errors.UseDpopNonce('a "fresh" one'), algs=("ES256", "EdDSA"))
    assert header == 'DPoP error="use_dpop_nonce", error_description="a ?fresh? one", algs="ES256 EdDSA"'
    assert type(parse_error(answer(401, b"", **{"www-authenticate": header}))) is errors.UseDpopNonce


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("", 5), ("soon", 5), ("999999", 86_400), ("9" * 50, 5), ("\u0663", 5)])
def test_busy_and_broken_servers_are_unavailable(value: str, seconds: int) -> None:
    for status in (429, 500, 503):
        error = parse_error(Fetched(status=status, headers={"retry-after": value}))
        assert isinstance(error, Unavailable)
        assert error.retry_after == seconds


def test_words_have_only_the_characters_that_oauth_allows() -> None:
    assert words('a "quoted" \\ \u00e4\n') == "a ?quoted? ? ??"
    assert is_words("plain words.")
    assert not is_words('"')
    assert len(words("x" * 400)) == 300


def test_media_type_is_read_without_parameters() -> None:
    assert media_type(Fetched(status=200, headers={"content-type": "Application/JSON; charset=utf-8"})) == "application/json"
    assert media_type(Fetched(status=200)) == ""


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(["retry-after", "content-type", "www-authenticate"]), st.text()), st.binary())
def test_any_answer_becomes_a_vc_error(status: int, headers: dict[str, str], body: bytes) -> None:
    assert isinstance(parse_error(Fetched(status=status, headers=headers, body=body)), VcError)
