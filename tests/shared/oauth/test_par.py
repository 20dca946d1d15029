from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    InvalidAuthorizationDetails,
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    Malformed,
    UnsupportedResponseType,
    VcError,
)
from shared.oauth import (
    REQUEST_URI,
    AuthorizationRequest,
    PushedReference,
    PushedResponse,
    authorization_url,
    check_redirect_uri,
    parse_detail_objects,
    parse_pushed_reference,
    parse_pushed_request,
    parse_pushed_response,
    parse_scope,
    render_pushed_request,
    render_pushed_response,
)

CALLBACK = "https://wallet.example/cb?a=b"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
BARE = AuthorizationRequest(client_id="wallet", redirect_uri=CALLBACK, code_challenge=CHALLENGE)
FULL = AuthorizationRequest(
    client_id="wallet",
    redirect_uri=CALLBACK,
    code_challenge=CHALLENGE,
    scope=("poa", "person"),
    details=({"type": "openid_credential", "credential_configuration_id": "poa"}, {"type": "payment", "sum": 1}),
    state="s t",
    issuer_state="eyJ…",
    resource="https://issuer.example",
    dpop_jkt="A" * 43,
)
FORM = {
    "response_type": "code",
    "client_id": "wallet",
    "redirect_uri": CALLBACK,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def form(**changes: str | None) -> bytes:
    return urlencode({name: value for name, value in {**FORM, **changes}.items() if value is not None}).encode()


@pytest.mark.parametrize("request_", [BARE, FULL])
def test_requests_are_rendered_and_read_back(request_: AuthorizationRequest) -> None:
    assert parse_pushed_request(render_pushed_request(request_)) == request_
    assert parse_pushed_request(render_pushed_request(request_), client_id="wallet") == request_


def test_what_is_not_understood_or_empty_is_ignored() -> None:
    assert parse_pushed_request(form(foo="bar", prompt="login", scope="", state="", response_mode="query", nonce="n")) == BARE
    assert parse_pushed_request(form(client_id=None), client_id="wallet") == BARE


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        (form() + b"&state=a&state=b", InvalidRequest, ""),
        (b"\xff", InvalidRequest, ""),
        (form(state="x" * 5_000), InvalidRequest, ""),
        (form(request_uri=REQUEST_URI + "x"), InvalidRequest, "request_uri"),
        (form(request="e30.e30."), InvalidRequest, "request"),
        (form(response_type=None), InvalidRequest, "response_type"),
        (form(response_type="token"), UnsupportedResponseType, "response_type"),
        (form(response_type="code id_token"), UnsupportedResponseType, "response_type"),
        (form(response_mode="fragment"), InvalidRequest, "response_mode"),
        (form(client_id=None), InvalidRequest, "client_id"),
        (form(redirect_uri=None), InvalidRequest, "redirect_uri"),
        (form(redirect_uri="https://wallet.example/cb#f"), InvalidRequest, "redirect_uri"),
        (form(code_challenge=None), InvalidRequest, "code_challenge"),
        (form(code_challenge_method="plain"), InvalidRequest, "code_challenge_method"),
        (form(code_challenge_method=None), InvalidRequest, "code_challenge_method"),
        (form(scope='a "b"'), InvalidScope, "scope"),
        (form(state="a\nb"), InvalidRequest, "state"),
        (form(dpop_jkt="short"), InvalidRequest, "dpop_jkt"),
        (form(authorization_details="{"), InvalidAuthorizationDetails, ""),
        (form(authorization_details="{}"), InvalidAuthorizationDetails, "/authorization_details"),
        (form(authorization_details="[1]"), InvalidAuthorizationDetails, "/authorization_details/0"),
        (form(authorization_details="[{}]"), InvalidAuthorizationDetails, "/authorization_details/0/type"),
    ],
)
def test_requests_are_refused_with_the_code_of_oauth(body: bytes, kind: type[VcError], where: str) -> None:
    with pytest.raises(VcError) as caught:
        parse_pushed_request(body)
    assert type(caught.value) is kind
    assert caught.value.where == where


def test_nobody_asks_in_the_name_of_another_client() -> None:
    with pytest.raises(InvalidClient):
        parse_pushed_request(form(), client_id="other")


@pytest.mark.parametrize(
    "uri",
    [
        "https://wallet.example/cb",
        "http://127.0.0.1:49152/cb",
        "http://localhost:1/cb",
        "http://[::1]/cb",
        "org.example.wallet:/cb",
        "eudi-wallet://authorize",
        "eu.europa.ec.euidi://authorization",
        "haip-vci://cb",
        "openid-credential-offer://",
    ],
)
def test_people_are_sent_back_to_addresses_and_apps(uri: str) -> None:
    assert check_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "http://wallet.example/cb",
        "https://user@wallet.example/cb",
        "https:///cb",
        "/cb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "ms-msdt:/id",
        "search-ms:query=x",
        "chrome://settings",
        "intent://x",
        "foo:/cb",
        "x-openid:/cb",
        "org.example.wallet:/cb#f",
        "https://wallet.example/ü",
        "x" * 9_000,
    ],
)
def test_and_nowhere_else(uri: str) -> None:
    with pytest.raises(InvalidRequest):
        check_redirect_uri(uri)


def test_a_deployment_may_allow_a_host_without_tls() -> None:
    assert check_redirect_uri("http://wallet.test/cb", plain_http=("wallet.test",))


def test_scopes_come_once_each() -> None:
    assert parse_scope("a b a") == ("a", "b")
    assert parse_scope(None) == parse_scope("") == ()
    for text in ("a  b", " a", "ä", " ".join(map(str, range(65)))):
        with pytest.raises(InvalidScope):
            parse_scope(text)


def test_no_details_are_none() -> None:
    assert parse_detail_objects(None) == parse_detail_objects("[]") == ()


def test_answers_are_rendered_and_read_back() -> None:
    response = PushedResponse(request_uri=REQUEST_URI + "x", expires_in=60)
    assert parse_pushed_response(json.dumps(render_pushed_response(response))) == response


@pytest.mark.parametrize(
    "members", [{}, {"request_uri": "u"}, {"request_uri": "", "expires_in": 60}, {"request_uri": "u", "expires_in": 0}]
)
def test_other_answers_are_malformed(members: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_pushed_response(json.dumps(members))


def test_a_browser_brings_the_reference() -> None:
    url = authorization_url("https://as.example/authorize?x=1", "https://wallet.example", REQUEST_URI + "a b")
    query = url.partition("?")[2]
    assert parse_pushed_reference(query) == PushedReference("https://wallet.example", REQUEST_URI + "a b")


@pytest.mark.parametrize(
    "query", ["", "client_id=w", "request_uri=u", "client_id=w&client_id=w&request_uri=u", "client_id=w&response_type=code"]
)
def test_a_request_that_was_not_pushed_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_pushed_reference(query)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from([*FORM, "scope", "state", "authorization_details", "dpop_jkt"]), st.text()).map(
        lambda changes: urlencode({**FORM, **changes}, errors="replace").encode()
    )
)
def test_any_bytes_are_a_request_or_a_vc_error(body: bytes) -> None:
    for read in (
        lambda: parse_pushed_request(body),
        lambda: parse_pushed_reference(body.decode("latin-1")),
        lambda: parse_pushed_response(body),
    ):
        try:
            read()
        except VcError:
            continue
