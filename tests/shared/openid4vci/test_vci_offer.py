from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed, TooLarge, VcError
from shared.openid4vci import (
    PRE_AUTHORIZED,
    AuthorizationCodeGrant,
    CredentialOffer,
    OfferReference,
    PreAuthorizedGrant,
    TxCode,
    offer_links,
    parse_offer,
    parse_offer_link,
    render_offer,
)

ISSUER = "https://opg.example/lpa"
FULL = CredentialOffer(
    issuer=ISSUER,
    configuration_ids=("lpa.dc+sd-jwt", "lpa.vc+jwt"),
    pre_authorized=PreAuthorizedGrant(
        code="oaKazRN8I0IbtZ0C7JuMn5",
        tx_code=TxCode(input_mode="text", length=6, description="It comes by letter"),
        authorization_server="https://as.example",
    ),
    authorization_code=AuthorizationCodeGrant(issuer_state="s", authorization_server="https://as.example"),
)


def offer(**members: Any) -> bytes:
    return json.dumps({"credential_issuer": ISSUER, "credential_configuration_ids": ["a"], **members}).encode()


def grant(**members: Any) -> bytes:
    return offer(grants={PRE_AUTHORIZED: {"pre-authorized_code": "c", **members}})


def test_an_offer_is_rendered_and_read_back() -> None:
    assert parse_offer(json.dumps(render_offer(FULL))) == FULL
    bare = CredentialOffer(issuer=ISSUER, configuration_ids=("a",))
    assert render_offer(bare) == {"credential_issuer": ISSUER, "credential_configuration_ids": ["a"]}
    assert parse_offer(json.dumps(render_offer(bare))) == bare


def test_a_tx_code_is_needed_even_if_its_object_is_empty() -> None:
    read = parse_offer(grant(tx_code={}))
    assert read.pre_authorized == PreAuthorizedGrant(code="c", tx_code=TxCode())
    assert parse_offer(grant()).pre_authorized == PreAuthorizedGrant(code="c")


def test_an_empty_authorization_code_grant_is_a_grant() -> None:
    assert parse_offer(offer(grants={"authorization_code": {}})).authorization_code == AuthorizationCodeGrant()


def test_unknown_members_are_ignored() -> None:
    assert parse_offer(offer(x=1, grants={"y": 2})) == CredentialOffer(issuer=ISSUER, configuration_ids=("a",))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"[]", ""),
        (b'{"a":1,"a":2}', ""),
        (offer(credential_issuer="http://opg.example"), "/credential_issuer"),
        (offer(credential_issuer="https://opg.example?x=1"), "/credential_issuer"),
        (offer(credential_issuer="https://opg.example#x"), "/credential_issuer"),
        (offer(credential_issuer=7), "/credential_issuer"),
        (offer(credential_configuration_ids=[]), "/credential_configuration_ids"),
        (offer(credential_configuration_ids=["a", "a"]), "/credential_configuration_ids"),
        (offer(credential_configuration_ids="a"), "/credential_configuration_ids"),
        (offer(credential_configuration_ids=[str(n) for n in range(99)]), "/credential_configuration_ids"),
        (offer(grants=[]), "/grants"),
        (offer(grants={PRE_AUTHORIZED: {}}), f"/grants/{PRE_AUTHORIZED}/pre-authorized_code"),
        (offer(grants={PRE_AUTHORIZED: {"pre-authorized_code": ""}}), f"/grants/{PRE_AUTHORIZED}/pre-authorized_code"),
        (offer(grants={PRE_AUTHORIZED: 1}), f"/grants/{PRE_AUTHORIZED}"),
        (grant(tx_code=True), f"/grants/{PRE_AUTHORIZED}/tx_code"),
        (grant(tx_code={"input_mode": "voice"}), f"/grants/{PRE_AUTHORIZED}/tx_code/input_mode"),
        (grant(tx_code={"length": 0}), f"/grants/{PRE_AUTHORIZED}/tx_code/length"),
        (grant(tx_code={"length": "6"}), f"/grants/{PRE_AUTHORIZED}/tx_code/length"),
        (grant(tx_code={"description": "x" * 301}), f"/grants/{PRE_AUTHORIZED}/tx_code/description"),
        (offer(grants={"authorization_code": 1}), "/grants/authorization_code"),
    ],
)
def test_malformed_offers_point_at_the_place(data: bytes, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_offer(data)
    assert caught.value.where == where


def test_an_issuer_without_tls_only_where_the_deployment_says_so() -> None:
    data = offer(credential_issuer="http://localhost:8101")
    assert parse_offer(data, plain_http=["localhost:8101"]).issuer == "http://localhost:8101"
    with pytest.raises(Malformed):
        parse_offer(data, plain_http=["localhost:8102"])


def test_links_carry_an_offer_by_value_or_by_reference() -> None:
    links = offer_links(FULL, "https://opg.example/offer/7")
    assert links.https.startswith("https://opg.example/offer/7?credential_offer=%7B")
    assert links.scheme.startswith("openid-credential-offer://?credential_offer=%7B")
    reference = OfferReference("https://opg.example/offers/7")
    links_too = offer_links(reference, "https://opg.example/offer/7?lang=cy")
    assert links_too.https == "https://opg.example/offer/7?lang=cy&credential_offer_uri=https%3A%2F%2Fopg.example%2Foffers%2F7"
    for link in (links.https, links.scheme):
        assert parse_offer_link(link) == FULL
    for link in (links_too.https, f" {links_too.scheme}\n", links_too.scheme.replace("openid-credential-offer", "haip-vci")):
        assert parse_offer_link(link) == reference


@pytest.mark.parametrize(
    "link",
    [
        "openid-credential-offer://",
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https://a.example",
        "openid-credential-offer://?credential_offer_uri=https://a.example&credential_offer_uri=https://b.example",
        "openid-credential-offer://?credential_offer_uri=http://a.example",
        "openid-credential-offer://?credential_offer_uri=",
        "openid-credential-offer://?credential_offer=",
        "openid-credential-offer://?credential_offer="
        + quote('{"credential_issuer":"https://a.example","credential_issuer":"https://b.example"}'),
        "just words",
    ],
)
def test_links_that_carry_no_single_offer_are_malformed(link: str) -> None:
    with pytest.raises(Malformed):
        parse_offer_link(link)


def test_a_link_past_any_bound_is_too_large() -> None:
    with pytest.raises(TooLarge) as caught:
        parse_offer_link("openid-credential-offer://?credential_offer=" + "x" * 9_000)
    assert "invitation" in caught.value.detail


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["credential_issuer", "credential_configuration_ids", "grants"]), st.text() | st.lists(st.text())
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_an_offer_or_a_vc_error(data: bytes) -> None:
    try:
        offered = parse_offer(data)
    except VcError:
        offered = None
    try:
        linked = parse_offer_link("openid-credential-offer://?credential_offer=" + quote(data))
    except VcError:
        linked = None
    assert linked == offered


@given(st.text())
def test_any_text_is_an_offer_link_or_a_vc_error(link: str) -> None:
    try:
        parse_offer_link(link)
    except VcError:
        return


@pytest.mark.vectors
@pytest.mark.parametrize(
    "name", ["credential_offer_by_reference", "credential_offer_multiple_credentials", "credential_offer_pre-authz_code"]
)
def test_the_offers_of_the_specification_are_read(vectors: Vectors, name: str) -> None:
    data = vectors(f"oid4vci-1.0/{name}.json").read_bytes()
    assert render_offer(parse_offer(data))["credential_configuration_ids"] == json.loads(data)["credential_configuration_ids"]


@pytest.mark.vectors
def test_our_offers_fit_the_conformance_schema(vectors: Vectors) -> None:
    import jsonschema_rs

    schema = json.loads(vectors("oidf-conformance/json-schemas/oid4vci/credential_offer-1_0.json").read_text())
    jsonschema_rs.validate(schema, render_offer(FULL))
