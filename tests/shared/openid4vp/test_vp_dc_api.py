"""The Digital Credentials API from the wallet's side: requests that a platform brings, and what goes back to it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, HOST, KEY, Asker
from support.signing import AT, Signer

from shared.codec import base64url
from shared.did import did_key
from shared.errors import AccessDenied, BadSignature, InvalidRequest, Malformed, Unavailable, Untrusted, VcError, WrongAudience, WrongTyp
from shared.flow import Fetch, Fetched, run
from shared.jose import jwe
from shared.jose.jws import prepare_jws
from shared.openid4vp import (
    MULTISIGNED,
    SIGNED,
    STRICT,
    UNSIGNED,
    Admission,
    RequestObject,
    ResolvedRequest,
    VpResponse,
    WalletRefusal,
    parse_dc_api_response,
    render_dc_api_refusal,
    render_dc_api_response,
    render_request,
    resolve_dc_api_request,
)
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import x5c_header

BANK = Asker.new()
OTHER = Asker.new()
KEYS = Signer.new()
DID = did_key(KEYS.public)
NOBODY = Policy(TrustAnchors())
LOW = Admission(unsigned=True)
ASKED = BANK.request(response_uri="", state=None, response_mode="dc_api.jwt", expires_at=None)


def nothing(fetch: Fetch) -> Fetched:
    raise Unavailable(fetch.url)


def resolve(
    protocol: str,
    data: Any,
    origin: str = ENTITY,
    admit: Admission = STRICT,
    policy: Policy | None = None,
) -> ResolvedRequest:
    return run(resolve_dc_api_request(protocol, data, origin, policy=policy or BANK.policy(), at=AT, admit=admit), nothing)


def members(request: RequestObject, **changes: Any) -> dict[str, Any]:
    whole = {**render_request(request, at=AT), **changes}
    return {name: value for name, value in whole.items() if value is not None}


def unsigned(**changes: Any) -> dict[str, Any]:
    shown = members(replace(ASKED, client_id=""), **changes)
    return {name: value for name, value in shown.items() if name not in {"aud", "iat"}}


def signed(by: Asker = BANK, **changes: Any) -> dict[str, str]:
    asked = replace(ASKED, client_id=by.client_id, expected_origins=(ENTITY,))
    payload = json.dumps(members(asked, **changes)).encode()
    header = {"x5c": x5c_header([by.certificate])}
    return {"request": by.signer.finish(prepare_jws(typ="oauth-authz-req+jwt", payload=payload, key=KEY, header=header))}


def multisigned(*signers: tuple[Signer, dict[str, Any]], typ: str = "oauth-authz-req+jwt", **changes: Any) -> dict[str, Any]:
    payload = json.dumps(members(replace(ASKED, client_id="", expected_origins=(ENTITY,)), **changes)).encode()
    signatures = []
    for signer, header in signers:
        token = signer.finish(prepare_jws(typ=typ, payload=payload, key=KEY, header=header))
        protected, _, signature = token.split(".")
        signatures.append({"protected": protected, "signature": signature})
    return {"payload": base64url.encode(payload), "signatures": signatures}


def by(asker: Asker, **header: Any) -> tuple[Signer, dict[str, Any]]:
    return asker.signer, {"client_id": asker.client_id, "x5c": x5c_header([asker.certificate]), **header}


BY_DID = (KEYS, {"client_id": f"decentralized_identifier:{DID}", "kid": f"{DID}#{DID.removeprefix('did:key:')}"})


# --- unsigned ------------------------------------------------------------------------------------------------------------------------


def test_an_unsigned_request_is_known_by_the_site_that_it_came_from() -> None:
    resolved = resolve(UNSIGNED, unsigned())
    assert (resolved.proved, resolved.signed, resolved.name, resolved.party) == (False, False, ENTITY, f"origin:{ENTITY}")
    assert resolved.request.audience == f"origin:{ENTITY}"
    assert (resolved.request.client_id, resolved.request.state, resolved.request.response_uri) == ("", None, "")


def test_what_it_says_of_itself_is_ignored() -> None:
    """Appendix A.2: ``client_id``, ``expected_origins``, and all that is not known over this API."""
    said = unsigned(
        client_id="unknown_prefix:bank", expected_origins=["https://evil.example"], state="s", redirect_uri="x", response_uri="http://x"
    )
    assert resolve(UNSIGNED, said).request == resolve(UNSIGNED, unsigned()).request


def test_an_origin_is_compared_as_it_stands() -> None:
    for origin in ("", "x" * 3_000):
        with pytest.raises(InvalidRequest):
            resolve(UNSIGNED, unsigned(), origin)
    app = "android:apk-key-hash:abc"
    assert resolve(UNSIGNED, unsigned(), app).request.audience == f"origin:{app}"


def test_an_answer_in_clear_is_for_low_assurance() -> None:
    plain = unsigned(response_mode="dc_api", client_metadata=None)
    for protocol, data in ((UNSIGNED, plain), (SIGNED, signed(response_mode="dc_api"))):
        with pytest.raises(InvalidRequest) as caught:
            resolve(protocol, data)
        assert caught.value.where == "/response_mode"
        assert not resolve(protocol, data, admit=LOW).request.locked


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        ("openid4vp", unsigned()),
        ("openid4vp-v2-unsigned", unsigned()),
        ("OPENID4VP-v1-unsigned", unsigned()),
        (UNSIGNED, unsigned(response_mode="direct_post.jwt")),
        (UNSIGNED, unsigned(response_mode=None)),
        (UNSIGNED, unsigned(nonce=None)),
        (UNSIGNED, unsigned(dcql_query=None)),
        (UNSIGNED, unsigned(scope="x")),
        (UNSIGNED, unsigned(client_metadata=None)),
        (UNSIGNED, signed()),
        (SIGNED, unsigned()),
        (SIGNED, {"request": 7}),
        (SIGNED, {"request": "a.b"}),
        (MULTISIGNED, signed()),
        (MULTISIGNED, {"payload": "e30", "signatures": []}),
    ],
)
def test_requests_of_another_form_are_refused(protocol: str, data: dict[str, Any]) -> None:
    with pytest.raises((InvalidRequest, Malformed)):
        resolve(protocol, data)


# --- signed --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", [None, f"x509_san_dns:{HOST}"])
def test_a_signed_request_says_who_asks_and_is_answered_to_the_site(client_id: str | None) -> None:
    resolved = resolve(SIGNED, signed() if client_id is None else signed(client_id=client_id))
    assert (resolved.proved, resolved.party, resolved.name) == (True, ENTITY, "Test leaf")
    assert (resolved.request.audience, resolved.request.client_id) == (f"origin:{ENTITY}", client_id or BANK.client_id)
    assert resolve(SIGNED, signed(aud=None)).request == resolve(SIGNED, signed()).request


@pytest.mark.parametrize(
    "origins",
    [
        None,
        [],
        ENTITY,
        [f"{ENTITY}/"],
        [f"{ENTITY}:443"],
        ["https://BANK.example"],
        ["https://evil.example"],
        [7],
        ["*"],
        [f"origin:{ENTITY}"],
    ],
)
def test_a_request_for_another_site_is_refused(origins: Any) -> None:
    with pytest.raises((InvalidRequest, WrongAudience)):
        resolve(SIGNED, signed(expected_origins=origins, aud=None))
    with pytest.raises(InvalidRequest) as caught:
        resolve(SIGNED, signed(expected_origins=origins))
    assert caught.value.where.startswith("/expected_origins")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (signed(client_id=OTHER.client_id), InvalidRequest),
        (signed(client_id=None), Malformed),
        (signed(client_id=f"origin:{ENTITY}"), InvalidRequest),
        (signed(client_id=f"redirect_uri:{ENTITY}"), InvalidRequest),
        (signed(client_id="unknown:bank"), InvalidRequest),
        (signed(aud="https://somebody.example"), WrongAudience),
        ({"request": signed()["request"][:-8] + "AAAAAAAA"}, BadSignature),
    ],
)
def test_a_signed_request_by_somebody_else_is_refused(data: dict[str, Any], kind: type[VcError]) -> None:
    for admit in (Admission(), LOW):
        with pytest.raises(kind):
            resolve(SIGNED, data, admit=admit)


# --- several signatures --------------------------------------------------------------------------------------------------------------


def test_the_signature_of_somebody_trusted_is_preferred() -> None:
    data = multisigned(by(OTHER), BY_DID, by(BANK))
    assert resolve(MULTISIGNED, data).request.client_id == BANK.client_id
    assert resolve(MULTISIGNED, {"request": data}).proved
    assert resolve(MULTISIGNED, data, policy=NOBODY).request.client_id == OTHER.client_id
    assert resolve(MULTISIGNED, multisigned(BY_DID)).name == DID


def test_what_stands_beside_a_signature_is_read_with_it() -> None:
    info = [{"format": "jwt", "data": "x"}]
    resolved = resolve(MULTISIGNED, multisigned(by(OTHER, verifier_info=[{"format": "jwt", "data": "y"}]), by(BANK, verifier_info=info)))
    assert [entry.data for entry in resolved.request.verifier_info] == ["x"]


def test_one_bad_signature_among_several_is_borne() -> None:
    data = multisigned(by(OTHER), by(BANK))
    for broken, left in ((0, BANK), (1, OTHER)):
        bent = json.loads(json.dumps(data))
        bent["signatures"][broken]["signature"] = base64url.encode(bytes(64))
        assert resolve(MULTISIGNED, bent).request.client_id == left.client_id
    none = json.loads(json.dumps(data))
    for each in none["signatures"]:
        each["signature"] = base64url.encode(bytes(64))
    with pytest.raises(BadSignature):
        resolve(MULTISIGNED, none)


def test_a_signature_over_another_payload_counts_for_nothing() -> None:
    one, two = multisigned(by(BANK)), multisigned(by(BANK), nonce="another-nonce-of-the-bank")
    with pytest.raises(BadSignature):
        resolve(MULTISIGNED, {"payload": two["payload"], "signatures": one["signatures"]})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (multisigned(by(BANK), client_id=BANK.client_id), InvalidRequest),
        (multisigned(by(BANK), verifier_info=[{"format": "jwt", "data": "x"}]), InvalidRequest),
        (multisigned((BANK.signer, {"x5c": x5c_header([BANK.certificate])})), Malformed),
        (multisigned(by(BANK, client_id=OTHER.client_id)), InvalidRequest),
        (multisigned(by(BANK), typ="JWT"), WrongTyp),
        (multisigned(by(BANK), expected_origins=["https://evil.example"]), InvalidRequest),
        ({**multisigned(by(BANK)), "signatures": [{"protected": "e30", "signature": "AA"}]}, Malformed),
        (multisigned((KEYS, {"client_id": f"decentralized_identifier:did:web:{HOST}", "kid": f"did:web:{HOST}#1"})), Untrusted),
    ],
)
def test_a_request_with_signatures_that_do_not_count_is_refused(data: dict[str, Any], kind: type[VcError]) -> None:
    with pytest.raises(kind):
        resolve(MULTISIGNED, data)


PARTS = st.none() | st.integers() | st.text(max_size=6) | st.sampled_from([signed()["request"], base64url.encode(b"{}")])


@given(
    st.sampled_from([UNSIGNED, SIGNED, MULTISIGNED]),
    st.dictionaries(
        st.sampled_from(["request", "payload", "signatures", "protected", "signature", "response_mode", "nonce", "dcql_query"]),
        st.recursive(
            PARTS,
            lambda each: (
                st.lists(each, max_size=2) | st.dictionaries(st.sampled_from(["payload", "signatures", "protected", "signature"]), each)
            ),
        ),
    ),
)
def test_any_data_is_a_request_or_a_vc_error(protocol: str, data: dict[str, Any]) -> None:
    try:
        resolve(protocol, {**(unsigned() if protocol == UNSIGNED else {}), **data})
    except VcError:
        return


# --- answers -------------------------------------------------------------------------------------------------------------------------


def test_the_answer_is_locked_or_in_clear_as_asked() -> None:
    request = resolve(SIGNED, signed()).request
    data = render_dc_api_response(request, {"poa": ["a~b"]})
    assert list(data) == ["response"]
    assert json.loads(jwe.decrypt(data["response"], BANK.private_jwk)) == {"vp_token": {"poa": ["a~b"]}}
    assert parse_dc_api_response(data, BANK.private_jwk) == VpResponse({"poa": ("a~b",)})
    plain = render_dc_api_response(replace(request, response_mode="dc_api"), {"poa": ["a~b"]})
    assert plain == {"vp_token": {"poa": ["a~b"]}}
    assert parse_dc_api_response(plain, None) == VpResponse({"poa": ("a~b",)})


def test_a_refusal_is_its_code_alone() -> None:
    data = render_dc_api_refusal(AccessDenied("the holder said no"))
    assert data == {"error": "access_denied"}
    for key in (None, BANK.private_jwk):
        assert parse_dc_api_response(data, key) == WalletRefusal("access_denied", "")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"vp_token": {"poa": ["a"]}},
        {"response": 7},
        {"response": "a.b.c.d.e"},
        {"error": "access_denied", "response": "x"},
        {"error": "access_denied", "vp_token": {}},
        {"error": "<b>"},
        {"error": None},
        render_dc_api_response(
            resolve(UNSIGNED, unsigned(client_metadata=members(OTHER.request())["client_metadata"])).request, {"poa": ["a"]}
        ),
    ],
)
def test_what_is_neither_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        parse_dc_api_response(data, BANK.private_jwk)
    if "error" not in data and "vp_token" not in data:
        with pytest.raises(InvalidRequest):
            parse_dc_api_response(data, None)


@given(
    st.dictionaries(
        st.sampled_from(["vp_token", "response", "error", "error_description"]),
        st.none() | st.text() | st.dictionaries(st.text(), st.lists(st.text())),
    )
)
def test_any_answer_is_read_or_refused(data: dict[str, Any]) -> None:
    for key in (None, BANK.private_jwk):
        try:
            parse_dc_api_response(data, key)
        except InvalidRequest:
            continue


@pytest.mark.vectors
def test_the_specifications_payloads_are_read_as_they_stand(vectors: Vectors) -> None:
    """Both examples elide their query, and their keys have no ``alg``, which section 8.3 demands: these two are put right."""
    for name in ("signed_request_payload.json", "signed_request_payload_compact.json"):
        text = (vectors("oid4vp-1.0/digital_credentials_api") / name).read_text().replace("{...}", json.dumps(members(ASKED)["dcql_query"]))
        payload = json.loads(text)
        payload["client_metadata"]["jwks"]["keys"][0]["alg"] = "ECDH-ES"
        by_dns = {"client_id": payload.pop("client_id", f"x509_san_dns:{HOST}"), "x5c": x5c_header([BANK.certificate])}
        by_dns["client_id"] = f"x509_san_dns:{HOST}"
        raw = json.dumps(payload).encode()
        token = BANK.signer.finish(prepare_jws(typ="oauth-authz-req+jwt", payload=raw, key=KEY, header=by_dns))
        protected, body, signature = token.split(".")
        data = {"payload": body, "signatures": [{"protected": protected, "signature": signature}]}
        for origin in payload["expected_origins"]:
            resolved = resolve(MULTISIGNED, data, origin, LOW)
            assert (resolved.request.audience, resolved.request.nonce) == (f"origin:{origin}", "n-0S6_WzA2Mj")
    error = json.loads((vectors("oid4vp-1.0/digital_credentials_api") / "error_invalid_request.json").read_text())
    assert render_dc_api_refusal(InvalidRequest("x")) == error
