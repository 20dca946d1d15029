"""Who says to be asking, and how that is proved: certificates, DIDs, and addresses that prove nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, HOST, KEY, QUERY, Asker
from support.signing import AT, Signer, anchor, leaf

from shared.codec import base64url
from shared.did import did_key, render_document
from shared.errors import (
    BadSignature,
    Expired,
    InvalidRequest,
    Malformed,
    Unavailable,
    Untrusted,
    VcError,
    WrongAudience,
    WrongTyp,
)
from shared.flow import Fetch, Fetched, run
from shared.jose import jwe
from shared.jose.jwk import render_jwk
from shared.jose.jws import prepare_jws
from shared.keys import PublicKey
from shared.openid4vp import (
    STRICT,
    Admission,
    ClientId,
    Prefix,
    ResolvedRequest,
    parse_client_id,
    parse_request,
    render_request,
    resolve_request,
)
from shared.openid4vp._client import check_response_uri, host_of
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.urls import parse_form
from shared.x509 import x5c_header

BANK = Asker.new()
OTHER = Asker.new()
NONCE = "qPmxiNFCR3QTm19POc8uAA"
DNS = f"x509_san_dns:{HOST}"
RESPONSE = f"{ENTITY}/vp/response/7"
ADDRESS = f"redirect_uri:{RESPONSE}"
KEYS = Signer.new()
DID = did_key(KEYS.public)
WEB = f"did:web:{HOST}"
LOW = Admission(unsigned=True)
NOBODY = Policy(TrustAnchors())


def nothing(fetch: Fetch) -> Fetched:
    raise Unavailable(fetch.url)


def resolve(client_id: str, token: str, admit: Admission = STRICT, policy: Policy = NOBODY, answer: Any = nothing) -> ResolvedRequest:
    link = f"openid4vp://?{urlencode({'client_id': client_id, 'request': token})}"
    return run(resolve_request(link, wallet_nonce=NONCE, policy=policy, at=AT, admit=admit), answer)


def by_did(did: str, kid: str | None, signer: Signer = KEYS, **claims: Any) -> str:
    header = {} if kid is None else {"kid": kid}
    whole = {**render_request(BANK.request(client_id=f"decentralized_identifier:{did}"), at=AT), **claims}
    payload = json.dumps(whole).encode()
    return signer.finish(prepare_jws(typ="oauth-authz-req+jwt", payload=payload, key=KEY, header=header))


def unsigned(alg: str = "none", typ: str = "oauth-authz-req+jwt", signature: str = "", **claims: Any) -> str:
    whole = {**render_request(BANK.request(client_id=ADDRESS), at=AT), **claims}
    shown = {name: value for name, value in whole.items() if value is not None}
    parts = (json.dumps(each).encode() for each in ({"alg": alg, "typ": typ}, shown))
    return ".".join([*(base64url.encode(each) for each in parts), signature])


# --- identifiers ---------------------------------------------------------------------------------------------------------------------


def test_an_identifier_is_taken_apart_at_its_first_colon() -> None:
    assert parse_client_id(ADDRESS) == ClientId(Prefix.REDIRECT_URI, RESPONSE)
    assert parse_client_id(f"decentralized_identifier:{DID}") == ClientId(Prefix.DID, DID)


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        ":",
        "bank",
        "bank.example",
        "https://bank.example",
        "x509_hash",
        "x509_hash:",
        "X509_HASH:abc",
        " x509_hash:abc",
        "x509_hash :abc",
        "x509_san_uri:https://bank.example",
        "did:web:bank.example",
        "origin:https://bank.example",
        "openid_federation:https://bank.example",
        "verifier_attestation:bank",
        "web-origin:https://bank.example",
        "pre-registered:bank",
        "invalid_scheme:bank",
        "x509_hash\u200b:abc",
    ],
)
def test_prefixes_that_are_not_understood_here_are_refused(client_id: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_client_id(client_id)
    assert caught.value.where == "client_id"


@given(st.text())
def test_any_text_is_an_identifier_or_refused(text: str) -> None:
    try:
        client = parse_client_id(text)
    except InvalidRequest:
        return
    assert f"{client.prefix}:{client.name}" == text


@given(st.sampled_from(Prefix), st.text(), st.text())
def test_any_address_is_allowed_or_refused(prefix: Prefix, name: str, uri: str) -> None:
    try:
        check_response_uri(ClientId(prefix, name), uri)
    except InvalidRequest:
        assert prefix in {Prefix.REDIRECT_URI, Prefix.X509_SAN_DNS}


def test_a_host_is_read_as_a_program_reads_it() -> None:
    assert host_of("https://Bank.Example:8443/x?y#z") == "bank.example"
    assert host_of("https://bank.example@evil.example/") == "evil.example"
    assert host_of("https://bank.example\\@evil.example/") == "https://bank.example\\@evil.example/"
    assert host_of("mailto:somebody") == "mailto:somebody"


# --- x509_san_dns --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", [DNS, "x509_san_dns:BANK.example"])
def test_the_name_in_the_certificate_asks(client_id: str) -> None:
    token = BANK.sign(BANK.request(client_id=client_id))
    resolved = resolve(client_id, token, policy=BANK.policy())
    assert (resolved.proved, resolved.party, resolved.name) == (True, ENTITY, "Test leaf")
    assert resolved.request.audience == client_id
    stranger = resolve(client_id, token)
    assert (stranger.proved, stranger.party, stranger.name) == (False, client_id, "Test leaf")


@pytest.mark.parametrize(
    ("client_id", "request_id", "response_uri"),
    [
        ("x509_san_dns:evil.example", None, f"{ENTITY}/r"),
        ("x509_san_dns:sub.bank.example", None, "https://sub.bank.example/r"),
        ("x509_san_dns:example", None, f"{ENTITY}/r"),
        ("x509_san_dns:bank.example.", None, f"{ENTITY}/r"),
        ("x509_san_dns:*.example", None, f"{ENTITY}/r"),
        (DNS, None, "https://evil.example/r"),
        (DNS, None, "https://bank.example.evil.example/r"),
        (DNS, None, "https://evil.example/bank.example"),
        (DNS, BANK.client_id, f"{ENTITY}/r"),
        (BANK.client_id, DNS, f"{ENTITY}/r"),
    ],
)
def test_another_name_or_another_host_is_refused(client_id: str, request_id: str | None, response_uri: str) -> None:
    asked: list[Fetch] = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        return Fetched(status=200)

    token = BANK.sign(BANK.request(client_id=request_id or client_id, response_uri=response_uri))
    with pytest.raises(InvalidRequest):
        resolve(client_id, token, policy=BANK.policy(), answer=answer)
    assert asked == []  # nobody is told at an address that is not the asker's


def test_a_wildcard_names_nobody() -> None:
    signer, above = Signer.new(), Signer.new()
    certificate = leaf(signer, anchor(above), above, uri=ENTITY, dns=["*.bank.example"])
    claims = render_request(BANK.request(client_id="x509_san_dns:www.bank.example", response_uri="https://www.bank.example/r"), at=AT)
    unsigned_token = prepare_jws(
        typ="oauth-authz-req+jwt", payload=json.dumps(claims).encode(), key=KEY, header={"x5c": x5c_header([certificate])}
    )
    with pytest.raises(VcError):
        resolve("x509_san_dns:www.bank.example", signer.finish(unsigned_token))


def test_the_signature_is_by_the_certificates_key() -> None:
    claims = {"client_id": DNS}
    forged = OTHER.sign_claims(claims, header={"x5c": x5c_header([BANK.certificate])})
    with pytest.raises(BadSignature):
        resolve(DNS, forged)


# --- DIDs ------------------------------------------------------------------------------------------------------------------------------


def jwk_did(public: PublicKey) -> str:
    return f"did:jwk:{base64url.encode(json.dumps(render_jwk(public)).encode())}"


@pytest.mark.parametrize("did", [DID, jwk_did(KEYS.public)])
def test_a_did_that_is_its_own_key_asks_and_is_unproved(did: str) -> None:
    kid = f"{did}#0" if did.startswith("did:jwk") else f"{did}#{did.removeprefix('did:key:')}"
    client_id = f"decentralized_identifier:{did}"
    resolved = resolve(client_id, by_did(did, kid))
    assert (resolved.signer, resolved.asker, resolved.proved, resolved.signed) == (None, None, False, True)
    assert (resolved.name, resolved.party, resolved.request.audience) == (did, client_id, client_id)
    known = resolve(client_id, by_did(did, kid), Admission(dids=[did]))
    assert known.proved


KID = f"{DID}#{DID.removeprefix('did:key:')}"


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (by_did(DID, None), InvalidRequest),
        (by_did(DID, did_key(Signer.new().public)), Malformed),
        (by_did(DID, f"{jwk_did(KEYS.public)}#0"), InvalidRequest),
        (by_did(DID, f"{DID}#another"), Untrusted),
        (by_did(DID, KID, Signer.new()), BadSignature),
        (by_did(DID, KID, client_id="decentralized_identifier:did:web:evil.example"), InvalidRequest),
        (by_did(DID, KID, aud="somebody"), WrongAudience),
        (by_did(DID, KID, exp=AT - 600), Expired),
    ],
)
def test_a_request_by_another_key_or_did_is_refused(token: str, kind: type[VcError]) -> None:
    with pytest.raises(kind):
        resolve(f"decentralized_identifier:{DID}", token)


@pytest.mark.parametrize("did", ["did:example:123", "bank", "did:web:"])
def test_other_methods_are_refused(did: str) -> None:
    with pytest.raises(VcError):
        resolve(f"decentralized_identifier:{did}", by_did(did, f"{did}#1"))


def test_a_did_web_is_looked_up_only_if_it_is_known_or_assurance_is_low() -> None:
    fetched: list[str] = []

    def answer(fetch: Fetch) -> Fetched:
        fetched.append(fetch.url)
        return Fetched(status=200, body=render_document(WEB, KEYS.public))

    client_id, token = f"decentralized_identifier:{WEB}", by_did(WEB, f"{WEB}#key-1")
    with pytest.raises(Untrusted):
        resolve(client_id, token, answer=answer)
    assert fetched == []
    known = resolve(client_id, token, Admission(dids=[WEB]), answer=answer)
    assert (known.proved, known.name) == (True, WEB)
    low = resolve(client_id, token, LOW, answer=answer)
    assert (low.proved, low.name) == (False, WEB)
    assert fetched == [f"{ENTITY}/.well-known/did.json"] * 2


# --- addresses, which prove nothing ----------------------------------------------------------------------------------------------------


def parameters(**changes: Any) -> str:
    claims = render_request(BANK.request(client_id=ADDRESS), at=AT)
    whole = {name: claims[name] for name in ("response_type", "response_mode", "nonce", "state")}
    structured = {name: json.dumps(claims[name]) for name in ("dcql_query", "client_metadata")}
    shown = {**whole, **structured, "client_id": ADDRESS, **changes}
    return f"openid4vp://?{urlencode({name: value for name, value in shown.items() if value is not None})}"


def by_link(link: str, admit: Admission = LOW, answer: Any = nothing) -> ResolvedRequest:
    return run(resolve_request(link, wallet_nonce=NONCE, policy=BANK.policy(), at=AT, admit=admit), answer)


def test_nobody_signed_is_refused_unless_assurance_is_low() -> None:
    with pytest.raises(InvalidRequest) as caught:
        by_link(parameters(), Admission())
    assert caught.value.where == "client_id"
    with pytest.raises(InvalidRequest):
        resolve(ADDRESS, unsigned(), Admission())


def test_a_request_in_the_link_goes_back_to_the_address_that_it_names() -> None:
    resolved = by_link(parameters(response_uri=None))
    assert (resolved.proved, resolved.signed, resolved.signer) == (False, False, None)
    assert (resolved.name, resolved.party, resolved.request.response_uri) == (HOST, ADDRESS, RESPONSE)
    assert by_link(parameters(response_uri=RESPONSE)).request == resolved.request


def test_a_request_object_that_nobody_signed_is_read_too() -> None:
    assert resolve(ADDRESS, unsigned(), LOW).request == BANK.request(client_id=ADDRESS)
    assert not resolve(ADDRESS, unsigned(response_uri=None, aud=None), LOW).signed


def test_it_is_fetched_without_saying_which_signatures_are_read() -> None:
    asked: list[Fetch] = []

    def answer(fetch: Fetch) -> Fetched:
        asked.append(fetch)
        token = unsigned(wallet_nonce=NONCE)
        return Fetched(status=200, headers={"content-type": "application/oauth-authz-req+jwt"}, body=token.encode())

    query = urlencode({"client_id": ADDRESS, "request_uri": f"{ENTITY}/r", "request_uri_method": "post"})
    assert not by_link(f"openid4vp://?{query}", answer=answer).signed
    told = json.loads(parse_form(asked[0].body or b"")["wallet_metadata"])
    assert "request_object_signing_alg_values_supported" not in told
    assert set(told["vp_formats_supported"]) >= {"dc+sd-jwt", "vc+jwt"}


@pytest.mark.parametrize(
    "token",
    [
        unsigned(alg="ES256"),
        unsigned(signature="AAAA"),
        unsigned(response_uri="https://evil.example/"),
        unsigned(response_uri=f"{RESPONSE}/"),
        unsigned(client_id="redirect_uri:https://evil.example/"),
        unsigned(client_id=None),
        BANK.sign(BANK.request(client_id=ADDRESS)),
    ],
)
def test_an_address_signs_nothing_and_answers_go_nowhere_else(token: str) -> None:
    with pytest.raises(InvalidRequest):
        resolve(ADDRESS, token, LOW)


def test_what_nobody_signed_has_its_kind_time_and_audience() -> None:
    for token, kind in (
        (unsigned(typ="JWT"), WrongTyp),
        (unsigned(exp=AT - 600), Expired),
        (unsigned(aud="https://somebody.example"), WrongAudience),
    ):
        with pytest.raises(kind):
            resolve(ADDRESS, token, LOW)


@pytest.mark.parametrize("link", [parameters(request=""), parameters(dcql_query="{"), parameters(client_metadata="[")])
def test_parameters_that_are_no_request_are_refused(link: str) -> None:
    with pytest.raises(VcError):
        by_link(link)


def test_an_unsigned_link_for_one_who_signs_is_refused_even_then() -> None:
    with pytest.raises(InvalidRequest) as caught:
        by_link(parameters(client_id=BANK.client_id))
    assert caught.value.where == "request_uri"


@given(
    st.dictionaries(st.sampled_from(["dcql_query", "client_metadata", "nonce", "response_mode", "transaction_data"]), st.text(max_size=9))
)
def test_any_parameters_are_a_request_or_a_vc_error(changes: dict[str, str]) -> None:
    try:
        by_link(parameters(**changes))
    except VcError:
        return


# --- answers in clear ------------------------------------------------------------------------------------------------------------------


def test_an_answer_in_clear_goes_to_one_who_signed_or_in_low_assurance() -> None:
    plain = BANK.request(response_mode="direct_post", encryption_keys=(), enc_values=("A128GCM",))
    assert not resolve(BANK.client_id, BANK.sign(plain)).request.locked
    in_clear = unsigned(response_mode="direct_post", client_metadata=None)
    assert not resolve(ADDRESS, in_clear, LOW).request.locked
    assert parse_request(render_request(plain, at=AT)) == plain


def test_the_binding_says_which_key_locks_the_answer() -> None:
    request = parse_request(render_request(BANK.request(), at=AT))
    handover = request.binding().handover
    assert handover is not None
    assert handover.response_uri == RESPONSE
    assert base64url.encode(handover.key_thumbprint or b"") == BANK.private_jwk["kid"]
    open_handover = BANK.request(response_mode="direct_post").binding().handover
    assert open_handover is not None
    assert open_handover.key_thumbprint is None
    assert QUERY["credentials"][0]["id"] == request.query.credentials[0].id
    assert "d" not in jwe.public_half(BANK.private_jwk)
