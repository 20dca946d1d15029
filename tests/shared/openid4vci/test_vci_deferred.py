from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidCredentialRequest, InvalidEncryptionParameters, VcError
from shared.jose.jwe import generate_ephemeral, public_half
from shared.openid4vci import (
    CredentialResponse,
    DeferredRequest,
    Encryption,
    parse_challenge_response,
    parse_deferred_request,
    render_challenge_response,
    render_deferred_request,
    response_status,
)


@pytest.mark.parametrize(
    "request_",
    [
        DeferredRequest(transaction_id="t"),
        DeferredRequest(transaction_id="t", encryption=Encryption(public_half(generate_ephemeral()), "A256GCM")),
    ],
)
def test_requests_are_rendered_and_read_back(request_: DeferredRequest) -> None:
    assert parse_deferred_request(json.dumps({**render_deferred_request(request_), "new": 1})) == request_


@pytest.mark.parametrize(
    ("data", "kind", "where"),
    [
        (b"{", InvalidCredentialRequest, ""),
        (b"{}", InvalidCredentialRequest, "/transaction_id"),
        (b'{"transaction_id":7}', InvalidCredentialRequest, "/transaction_id"),
        (b'{"transaction_id":"t","credential_response_encryption":7}', InvalidEncryptionParameters, "/credential_response_encryption"),
    ],
)
def test_other_requests_are_refused(data: bytes, kind: type[VcError], where: str) -> None:
    with pytest.raises(kind) as caught:
        parse_deferred_request(data)
    assert caught.value.where == where


def test_the_status_says_whether_there_are_copies() -> None:
    assert response_status(CredentialResponse(credentials=("a",))) == 200
    assert response_status(CredentialResponse(transaction_id="t", interval=5)) == 202


def test_a_challenge_is_rendered_and_read_back() -> None:
    assert parse_challenge_response(json.dumps(render_challenge_response("c"))) == "c"


@given(st.binary())
def test_any_bytes_are_a_request_or_a_vc_error(data: bytes) -> None:
    for read in (parse_deferred_request, parse_challenge_response):
        try:
            read(data)
        except VcError:
            continue
