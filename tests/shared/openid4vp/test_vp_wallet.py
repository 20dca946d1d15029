from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from support.asking import ENTITY, Asker
from support.signing import AT

from shared.credentials import Text
from shared.errors import (
    AccessDenied,
    CertificateRevoked,
    InvalidRequest,
    InvalidTransactionData,
    Malformed,
    Refused,
    Unavailable,
    Untrusted,
    VcError,
    WrongNonce,
)
from shared.flow import Fetch, Fetched, run
from shared.keys import Role
from shared.openid4vp import (
    IntendedUse,
    ResolvedRequest,
    VerifierInfo,
    VpResponse,
    WalletRefusal,
    parse_request_uri_post,
    parse_response,
    post_refusal,
    post_response,
    render_accepted,
    render_response,
    render_use,
    request_links,
    resolve_request,
)
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.urls import parse_form
from shared.x509 import load_certificate

BANK = Asker.new()
NONCE = "qPmxiNFCR3QTm19POc8uAA"
REQUEST_URI = f"{ENTITY}/vp/request/7"
LINK = request_links(page=f"{ENTITY}/request/7", client_id=BANK.client_id, request_uri=REQUEST_URI).https
GET_LINK = f"openid4vp://?client_id={quote(BANK.client_id)}&request_uri={quote(REQUEST_URI)}"
TRUST_NOBODY = Policy(TrustAnchors())
USE = IntendedUse(identifier="u", purpose=Text("why", "pam"))


def as_json(members: Any, status: int = 200) -> Fetched:
    return Fetched(status=status, headers={"content-type": "application/json"}, body=json.dumps(members).encode())


def as_request(token: str, *, content_type: str = "application/oauth-authz-req+jwt") -> Fetched:
    return Fetched(status=200, headers={"content-type": content_type}, body=token.encode())


class Verifier:
    """Serves one request object and takes one answer."""

    def __init__(self, token: str | Fetched, answer: Fetched | Exception | None = None) -> None:
        self.token = token
        self.answer = answer or as_json({})
        self.asked: list[Fetch] = []

    def __call__(self, fetch: Fetch) -> Fetched:
        self.asked.append(fetch)
        if fetch.url == REQUEST_URI:
            return self.token if isinstance(self.token, Fetched) else as_request(self.token)
        assert fetch.url == f"{ENTITY}/vp/response/7"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def resolve(verifier: Verifier, link: str = LINK, policy: Policy | None = None, **arguments: Any) -> ResolvedRequest:
    return run(resolve_request(link, wallet_nonce=NONCE, policy=policy or BANK.policy(), at=AT, **arguments), verifier)


ECHOED = BANK.request(wallet_nonce=NONCE)


def test_a_request_is_posted_for_checked_and_given_with_who_asks_and_why() -> None:
    request = BANK.request(wallet_nonce=NONCE, verifier_info=(VerifierInfo(format="jwt", data="x"), render_use(USE)))
    verifier = Verifier(BANK.sign(request))
    resolved = resolve(verifier)
    assert resolved.request == request
    assert resolved.asker is not None
    assert (resolved.asker.subject, resolved.asker.uris) == ("Test leaf", (ENTITY,))
    assert resolved.signer == load_certificate(BANK.certificate)
    assert resolved.use == USE
    [asked] = verifier.asked
    assert (asked.method, asked.headers["accept"]) == ("POST", "application/oauth-authz-req+jwt")
    assert parse_request_uri_post(asked.body or b"") == NONCE


def test_a_request_is_fetched_by_get_where_no_method_is_named() -> None:
    verifier = Verifier(BANK.sign())
    resolved = resolve(verifier, GET_LINK)
    assert (verifier.asked[0].method, verifier.asked[0].body) == ("GET", None)
    assert resolved.use is None


def test_a_request_in_the_link_needs_no_fetch() -> None:
    link = f"openid4vp://?client_id={quote(BANK.client_id)}&request={BANK.sign()}"
    assert resolve(Verifier(""), link).request == BANK.request()


def test_somebody_without_a_pinned_anchor_is_unknown_and_not_refused() -> None:
    resolved = resolve(Verifier(BANK.sign(ECHOED)), policy=TRUST_NOBODY)
    assert resolved.asker is None
    assert resolved.signer is not None
    assert resolved.signer.subject == "Test leaf"


@pytest.mark.parametrize("role", [Role.CREDENTIAL_ISSUER, Role.BUNDLE])
def test_a_certificate_for_something_else_does_not_ask(role: Role) -> None:
    """S1: a certificate has one role."""
    other = Asker.new(role=role)
    link = request_links(page=ENTITY, client_id=other.client_id, request_uri=REQUEST_URI).scheme
    with pytest.raises(Untrusted):
        resolve(Verifier(other.sign(other.request(wallet_nonce=NONCE))), link, other.policy())


def test_a_withdrawn_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def withdrawn(*_: object, **__: object) -> None:
        raise CertificateRevoked("withdrawn")

    monkeypatch.setattr(Policy, "check_relying_party", withdrawn)
    with pytest.raises(CertificateRevoked):
        resolve(Verifier(BANK.sign(ECHOED)))


@pytest.mark.parametrize("wallet_nonce", [None, "another"])
def test_a_request_without_the_wallets_nonce_is_refused(wallet_nonce: str | None) -> None:
    verifier = Verifier(BANK.sign(BANK.request(wallet_nonce=wallet_nonce)))
    with pytest.raises(WrongNonce):
        resolve(verifier)
    assert len(verifier.asked) == 1


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (Fetched(status=404), Refused),
        (Fetched(status=302, headers={"location": "https://evil.example"}), Refused),
        (Fetched(status=500), Unavailable),
        (as_request("x", content_type="application/json"), Malformed),
        (as_request("x", content_type="text/html"), Malformed),
        (as_request("\u00e4"), Malformed),
        (as_request("x"), Malformed),
    ],
)
def test_what_is_no_request_object_is_refused(got: Fetched, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        resolve(Verifier(got))


def test_a_link_for_another_client_is_refused_and_nobody_is_told() -> None:
    link = request_links(page=ENTITY, client_id=Asker.new().client_id, request_uri=REQUEST_URI).https
    verifier = Verifier(BANK.sign(ECHOED))
    with pytest.raises(InvalidRequest):
        resolve(verifier, link)
    assert len(verifier.asked) == 1


@pytest.mark.parametrize(
    ("members", "kind", "code"),
    [
        ({"redirect_uri": f"{ENTITY}/cb"}, InvalidRequest, "invalid_request"),
        ({"transaction_data": ["x"]}, InvalidTransactionData, "invalid_transaction_data"),
        ({"nonce": None}, InvalidRequest, "invalid_request"),
        ({"verifier_info": [{"format": "muniment-use", "data": {}}]}, Malformed, "invalid_request"),
    ],
)
def test_who_asks_what_cannot_be_answered_is_told_so(members: dict[str, Any], kind: type[VcError], code: str) -> None:
    verifier = Verifier(BANK.sign_claims({"wallet_nonce": NONCE, **members}))
    with pytest.raises(kind):
        resolve(verifier)
    assert parse_form(verifier.asked[1].body or b"")["error"] == code
    assert parse_form(verifier.asked[1].body or b"")["state"] == BANK.request().state


def test_a_refusal_that_cannot_be_told_is_still_a_refusal() -> None:
    claims = {"wallet_nonce": NONCE, "redirect_uri": ENTITY}
    with pytest.raises(InvalidRequest):
        resolve(Verifier(BANK.sign_claims(claims), Unavailable("no answer")))
    no_way_back = Verifier(BANK.sign_claims({**claims, "response_uri": "http://bank.example"}))
    with pytest.raises(InvalidRequest):
        resolve(no_way_back)
    assert len(no_way_back.asked) == 1


def answered(got: Fetched, **arguments: Any) -> Any:
    verifier = Verifier("", got)
    result = run(post_response(BANK.request(), render_response(BANK.request(), {"poa": ["a~"]}), **arguments), verifier)
    [asked] = verifier.asked
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    body = parse_response(asked.body or b"", BANK.private_jwk, state=BANK.request().state or "")
    assert body == VpResponse({"poa": ("a~",)})
    return result


def test_the_verifier_says_where_to_go_and_gives_a_receipt() -> None:
    members = render_accepted(redirect_uri=f"{ENTITY}/cb#response_code=1", receipt="a.b.c")
    result = answered(as_json({**members, "unknown": 1}))
    assert (result.redirect_uri, result.receipt, result.refusal) == (f"{ENTITY}/cb#response_code=1", "a.b.c", None)


def test_an_empty_answer_is_an_answer() -> None:
    result = answered(as_json({}))
    assert (result.redirect_uri, result.receipt, result.refusal) == (None, None, None)


def test_a_refusal_is_a_result_and_may_come_with_a_receipt() -> None:
    result = answered(as_json({"error": "invalid_request", "error_description": "not accepted", "receipt": "a.b.c"}, 400))
    assert result.receipt == "a.b.c"
    assert isinstance(result.refusal, InvalidRequest)


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (Fetched(status=302, headers={"location": "https://evil.example"}), Refused),
        (Fetched(status=400, headers={"content-type": "text/html"}, body=b"<html>"), Refused),
        (Fetched(status=503), Unavailable),
    ],
)
def test_whatever_is_not_200_is_a_refusal(got: Fetched, kind: type[VcError]) -> None:
    assert isinstance(answered(got).refusal, kind)


@pytest.mark.parametrize(
    "got",
    [
        Fetched(status=200, headers={"content-type": "text/html"}, body=b"{}"),
        Fetched(status=200, headers={"content-type": "application/json"}, body=b"x"),
        as_json({"redirect_uri": "javascript:alert(1)"}),
        as_json({"redirect_uri": "http://bank.example/"}),
        as_json({"redirect_uri": 7}),
        as_json({"receipt": 7}),
    ],
)
def test_an_answer_that_cannot_be_followed_is_malformed(got: Fetched) -> None:
    with pytest.raises(Malformed):
        answered(got)


def test_a_plain_redirect_only_where_the_deployment_says_so() -> None:
    got = as_json({"redirect_uri": "http://localhost:8103/cb"})
    assert answered(got, plain_http=["localhost:8103"]).redirect_uri == "http://localhost:8103/cb"


def test_a_person_who_says_no_is_reported_as_access_denied() -> None:
    verifier = Verifier("", as_json({}))
    assert run(post_refusal(BANK.request(), AccessDenied("the holder said no")), verifier).refusal is None
    body = parse_response(verifier.asked[0].body or b"", BANK.private_jwk, state=BANK.request().state or "")
    assert body == WalletRefusal("access_denied", "the holder said no")
