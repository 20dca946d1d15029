from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import Asker

from shared.errors import AccessDenied, InvalidRequest, InvalidTransactionData, Malformed, TooLarge, VcError
from shared.jose import jwe
from shared.openid4vp import (
    VpResponse,
    WalletRefusal,
    parse_request_uri_post,
    parse_response,
    render_accepted,
    render_refusal,
    render_response,
)
from shared.urls import parse_form, render_form

BANK = Asker.new()
REQUEST = BANK.request()
STATE = REQUEST.state or ""


def parse(body: bytes | str) -> VpResponse | WalletRefusal:
    return parse_response(body, BANK.private_jwk, state=STATE)


def locked(payload: Any, **header: Any) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return render_form({"response": jwe.encrypt(raw, jwe.public_half(BANK.private_jwk), enc="A128GCM", header=header)})


def test_an_answer_is_locked_and_opened_with_the_requests_own_key() -> None:
    body = render_response(REQUEST, {"poa": ["a~b~c"], "more": ["x", "y"]})
    header = jwe.peek_header(parse_form(body)["response"])
    assert (header["alg"], header["enc"], header["kid"]) == ("ECDH-ES", "A256GCM", BANK.private_jwk["kid"])
    assert parse(body) == VpResponse({"poa": ("a~b~c",), "more": ("x", "y")})


def test_the_senders_apu_and_apv_are_honoured() -> None:
    body = locked({"vp_token": {"a": ["b"]}, "state": STATE}, apu="dXNlcg", apv="dmVyaWZpZXI")
    assert parse(body) == VpResponse({"a": ("b",)})


def test_without_a_state_none_is_sent() -> None:
    body = render_response(BANK.request(state=None), {"poa": ["a"]})
    assert json.loads(jwe.decrypt(parse_form(body)["response"], BANK.private_jwk)) == {"vp_token": {"poa": ["a"]}}


PLAIN = BANK.request(response_mode="direct_post")


def test_an_answer_in_clear_is_read_where_the_request_asked_for_one() -> None:
    body = render_response(PLAIN, {"poa": ["a~b~c"]})
    assert parse_form(body) == {"vp_token": '{"poa":["a~b~c"]}', "state": STATE}
    assert parse_response(body, None, state=STATE) == VpResponse({"poa": ("a~b~c",)})
    assert "state" not in parse_form(render_response(BANK.request(response_mode="direct_post", state=None), {"poa": ["a"]}))
    for broken in (body.replace(b"vp_token", b"response"), body.replace(b"%7B", b""), render_response(REQUEST, {"poa": ["a"]})):
        with pytest.raises(InvalidRequest):
            parse_response(broken, None, state=STATE)
    with pytest.raises(InvalidRequest):
        parse(body)
    assert parse_response(render_refusal(AccessDenied("no"), STATE), None, state=STATE) == WalletRefusal("access_denied", "no")


def test_an_error_comes_in_clear_or_locked() -> None:
    refusal = render_refusal(AccessDenied('no "thanks"'), STATE)
    assert parse(refusal) == WalletRefusal("access_denied", "no ?thanks?")
    assert parse(locked({"error": "access_denied", "state": STATE})) == WalletRefusal("access_denied", "")
    assert parse_form(render_refusal(InvalidTransactionData("x"), None)) == {"error": "invalid_transaction_data", "error_description": "x"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "response"),
        (b"\xff", ""),
        (b"response=a&response=b", ""),
        (b"response=a.b", ""),
        (render_form({"vp_token": '{"a":["b"]}', "state": STATE}), "response"),
        (render_response(Asker.new().request(), {"poa": ["a"]}), "/kid"),
        (locked(b"x"), ""),
        (locked(b'{"state":"a","state":"b"}'), ""),
        (locked({"vp_token": {"a": ["b"]}}), "/state"),
        (locked({"vp_token": {"a": ["b"]}, "state": "other"}), "/state"),
        (locked({"vp_token": {"a": ["b"]}, "state": 7}), "/state"),
        (locked({"state": STATE}), "/vp_token"),
        (locked({"state": STATE, "vp_token": "a"}), "/vp_token"),
        (locked({"state": STATE, "vp_token": {}}), "/vp_token"),
        (locked({"state": STATE, "vp_token": {str(n): ["a"] for n in range(99)}}), "/vp_token"),
        (locked({"state": STATE, "vp_token": {"a": "b"}}), "/vp_token/a"),
        (locked({"state": STATE, "vp_token": {"a": []}}), "/vp_token/a"),
        (locked({"state": STATE, "vp_token": {"a": [{}]}}), "/vp_token/a/0"),
        (locked({"state": STATE, "vp_token": {"a": ["b"]}, "error": "access_denied"}), "error"),
        (locked({"state": STATE, "error": 7}), "/error"),
        (locked({"state": STATE, "error": "access denied"}), "/error"),
        (locked({"state": STATE, "error": "e", "error_description": 7}), "/error_description"),
        (render_form({"error": "access_denied", "state": "other"}), "/state"),
        (render_form({"error": "access_denied"}), "/state"),
        (render_form({"error": "access_denied", "state": STATE, "response": "x"}), "error"),
        (render_form({"error": "<b>", "state": STATE}), "/error"),
    ],
)
def test_what_is_neither_answer_nor_error_is_refused(body: bytes, where: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert caught.value.where == where


def test_an_empty_description_is_fine_and_a_long_one_is_cut() -> None:
    assert parse(render_form({"error": "e", "error_description": "", "state": STATE})) == WalletRefusal("e", "")
    read = parse(render_form({"error": "e", "error_description": "x" * 900, "state": STATE}))
    assert isinstance(read, WalletRefusal)
    assert len(read.description) == 300


def test_an_oversized_form_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        parse(b"response=" + b"x" * 2_000_001)


def test_the_wallets_nonce_is_read() -> None:
    assert parse_request_uri_post("wallet_metadata=%7B%7D&wallet_nonce=qPmxiNFCR3QTm19POc8u") == "qPmxiNFCR3QTm19POc8u"
    assert parse_request_uri_post(b"") is None
    for body in (b"wallet_nonce=", b"wallet_nonce=" + b"x" * 2000, b"wallet_nonce=a&wallet_nonce=b"):
        with pytest.raises(Malformed):
            parse_request_uri_post(body)
    with pytest.raises(TooLarge):
        parse_request_uri_post(b"wallet_metadata=" + b"x" * 70_000)


def test_the_answer_to_the_post_names_only_what_there_is() -> None:
    assert render_accepted() == {}
    assert render_accepted(redirect_uri="https://bank.example/cb#response_code=1", receipt="a.b.c") == {
        "redirect_uri": "https://bank.example/cb#response_code=1",
        "receipt": "a.b.c",
    }


@given(st.binary() | st.dictionaries(st.sampled_from(["response", "error", "state", "error_description"]), st.text()).map(render_form))
def test_any_body_is_a_response_or_a_refusal(body: bytes) -> None:
    try:
        parse(body)
    except InvalidRequest:
        return


@given(
    st.dictionaries(
        st.sampled_from(["vp_token", "state", "error"]), st.none() | st.text() | st.dictionaries(st.text(), st.lists(st.text()))
    )
)
def test_any_plaintext_is_a_response_or_a_refusal(payload: dict[str, Any]) -> None:
    try:
        parse(locked({"state": STATE, **payload}))
    except InvalidRequest:
        return


@given(st.binary())
def test_any_posted_form_gives_a_nonce_or_a_vc_error(body: bytes) -> None:
    try:
        parse_request_uri_post(body)
    except VcError:
        return
