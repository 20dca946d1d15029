from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidAuthorizationDetails, VcError
from shared.oauth import parse_detail_objects
from shared.openid4vci import AuthorizationDetail, asked_details, detail_objects, granted_details

ISSUER = "https://credential-issuer.example.com"
WANTED: dict[str, Any] = {"type": "openid_credential", "credential_configuration_id": "lpa"}


def test_details_are_rendered_and_read_back() -> None:
    details = (
        AuthorizationDetail(configuration_id="lpa"),
        AuthorizationDetail(configuration_id="person", locations=(ISSUER,), claims=({"path": ["name"]},)),
    )
    assert asked_details(detail_objects(details), issuer=ISSUER) == details
    granted = (AuthorizationDetail(configuration_id="lpa", identifiers=("a", "b")),)
    assert granted_details({"authorization_details": detail_objects(granted)}) == granted


def test_unknown_members_are_ignored_and_nobody_grants_himself_anything() -> None:
    assert asked_details([{**WANTED, "credential_identifiers": ["x"], "new": 1}]) == (AuthorizationDetail(configuration_id="lpa"),)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({}, "/type"),
        ({"type": "payment"}, "/type"),
        ({"type": "openid_credential"}, "/credential_configuration_id"),
        ({**WANTED, "locations": ISSUER}, "/locations"),
        ({**WANTED, "locations": ["https://evil.example"]}, "/locations"),
        ({**WANTED, "claims": []}, "/claims"),
        ({**WANTED, "claims": ["x"]}, "/claims/0"),
    ],
)
def test_other_details_are_refused_with_their_own_code(entry: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidAuthorizationDetails) as caught:
        asked_details([WANTED, entry], issuer=ISSUER)
    assert caught.value.where == f"/authorization_details/1{where}"


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.integers(),
        lambda each: st.lists(each) | st.dictionaries(st.sampled_from([*WANTED, "claims"]), each),
    )
)
def test_any_json_is_details_or_a_vc_error(value: Any) -> None:
    for text in (json.dumps(value), json.dumps([value]), json.dumps([{**WANTED, "claims": value}])):
        try:
            asked_details(parse_detail_objects(text))
        except VcError:
            continue


@pytest.mark.vectors
@pytest.mark.parametrize(
    "name",
    [
        "authorization_details",
        "authorization_details_jwt_vc_json",
        "authorization_details_ldp_vc",
        "authorization_details_mso_doc",
        "authorization_details_multiple_credentials",
        "authorization_details_sd_jwt_vc",
        "authorization_details_with_as",
    ],
)
def test_the_details_of_the_specification_are_read_and_written_back(vectors: Vectors, name: str) -> None:
    text = vectors(f"oid4vci-1.0/{name}.json").read_text()
    read = asked_details(parse_detail_objects(text), issuer=ISSUER)
    assert detail_objects(read) == json.loads(text)
