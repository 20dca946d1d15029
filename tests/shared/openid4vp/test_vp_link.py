from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import base64url
from shared.errors import InvalidRequest, Malformed, VcError
from shared.openid4vp import AuthorizationRequest, client_id_of, parse_authorization_link, request_links

CLIENT = client_id_of(b"a certificate")
URI = "https://bank.example/vp/request/7"


def test_the_client_id_is_the_hash_of_the_leaf() -> None:
    assert client_id_of(b"der") == "x509_hash:" + base64url.encode(hashlib.sha256(b"der").digest())


def test_both_links_say_the_same() -> None:
    links = request_links(page="https://bank.example/request/7", client_id=CLIENT, request_uri=URI)
    assert links.https.startswith("https://bank.example/request/7?client_id=x509_hash%3A")
    assert links.scheme.startswith("openid4vp://?client_id=x509_hash%3A")
    expected = AuthorizationRequest(client_id=CLIENT, request_uri=URI, method="post")
    for link in (links.https, links.scheme, links.scheme.replace("openid4vp", "haip-vp"), f"\n{links.https} "):
        assert parse_authorization_link(link) == expected


def test_without_a_method_the_request_is_fetched_by_get() -> None:
    for suffix in ("", "&request_uri_method=get", "&unknown=1"):
        assert parse_authorization_link(f"openid4vp://?client_id={CLIENT}&request_uri={URI}{suffix}").method == "get"


def test_a_signed_request_may_stand_in_the_link() -> None:
    assert parse_authorization_link(f"openid4vp://?client_id={CLIENT}&request=a.b.c") == AuthorizationRequest(
        client_id=CLIENT, request="a.b.c"
    )


@pytest.mark.parametrize(
    ("query", "kind", "where"),
    [
        ("", Malformed, "client_id"),
        ("client_id=", Malformed, "client_id"),
        (f"client_id=bank&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=origin:https://bank.example&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=redirect_uri:https://bank.example&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=openid_federation:https://bank.example&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=verifier_attestation:bank&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=x509_san_dns:&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=:x509_hash:a&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=did:web:bank.example&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id=X509_HASH:a&request_uri={URI}", InvalidRequest, "client_id"),
        (f"client_id={CLIENT}", InvalidRequest, "request_uri"),
        (f"client_id={CLIENT}&request=", InvalidRequest, "request_uri"),
        (f"client_id={CLIENT}&dcql_query=%7B%7D&nonce=n&response_type=vp_token", InvalidRequest, "request_uri"),
        (f"client_id={CLIENT}&request=a.b.c&request_uri={URI}", InvalidRequest, "request_uri"),
        (f"client_id={CLIENT}&request=a.b.c&request_uri_method=get", InvalidRequest, "request_uri_method"),
        (f"client_id={CLIENT}&request_uri={URI}&request_uri_method=POST", InvalidRequest, "request_uri_method"),
        (f"client_id={CLIENT}&request_uri=http://bank.example/", Malformed, "request_uri"),
        (f"client_id={CLIENT}&client_id={CLIENT}&request_uri={URI}", Malformed, ""),
    ],
)
def test_other_links_are_refused(query: str, kind: type[VcError], where: str) -> None:
    with pytest.raises(VcError) as caught:
        parse_authorization_link(f"openid4vp://?{query}")
    assert type(caught.value) is kind
    assert caught.value.where == where


def test_plain_http_only_where_the_deployment_says_so() -> None:
    link = f"openid4vp://?client_id={CLIENT}&request_uri=http://localhost:8103/vp/request/7"
    assert parse_authorization_link(link, plain_http=["localhost:8103"]).request_uri == "http://localhost:8103/vp/request/7"


@given(st.text() | st.text().map(lambda text: f"openid4vp://?client_id={CLIENT}&{text}"))
def test_any_text_is_a_link_or_a_vc_error(link: str) -> None:
    try:
        parse_authorization_link(link)
    except VcError:
        return
