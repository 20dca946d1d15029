from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.dcql import CredentialQuery, CredentialSet, DcqlQuery, parse_path, parse_query, render_query
from shared.errors import Malformed, VcError

FULL: dict[str, Any] = {
    "credentials": [
        {
            "id": "pid",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": ["https://a.example/pid", "urn:b"]},
            "multiple": True,
            "require_cryptographic_holder_binding": False,
            "trusted_authorities": [
                {"type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]},
                {"type": "etsi_tl", "values": ["https://lotl.example"]},
                {"type": "openid_federation", "values": ["https://trust.example"]},
            ],
            "claims": [
                {"id": "a", "path": ["nationalities", None], "values": ["GB", 1, True]},
                {"id": "b", "path": ["degrees", 0, "type"]},
            ],
            "claim_sets": [["a", "b"], ["b"]],
        },
        {"id": "vc", "format": "vc+jwt", "meta": {"type_values": [["A", "B"], ["C"]]}},
        {
            "id": "mdl",
            "format": "mso_mdoc",
            "meta": {"doctype_value": "org.iso.18013.5.1.mDL"},
            "claims": [{"path": ["org.iso.18013.5.1", "portrait"], "intent_to_retain": True}, {"path": ["org.iso.18013.5.1", "x"]}],
        },
        {"id": "any", "format": "dc+sd-jwt", "meta": {}},
    ],
    "credential_sets": [{"options": [["pid"], ["vc", "any"]]}, {"options": [["mdl"]], "required": False}],
}


def credential(**members: Any) -> dict[str, Any]:
    return {"id": "a", "format": "dc+sd-jwt", "meta": {}, **members}


def with_credential(**members: Any) -> dict[str, Any]:
    return {"credentials": [credential(**members)]}


def test_a_full_query_is_read_and_rendered_back() -> None:
    query = parse_query(FULL)
    assert render_query(query) == FULL
    assert query.credential_sets[1] == CredentialSet(options=(("mdl",),), required=False)
    assert query.credential("vc") == CredentialQuery(id="vc", format="vc+jwt", type_values=(("A", "B"), ("C",)))
    assert query.credential("none") is None


def test_defaults_are_those_of_the_specification() -> None:
    query = parse_query(with_credential())
    assert query == DcqlQuery(credentials=(CredentialQuery(id="a", format="dc+sd-jwt"),))
    assert (query.credentials[0].multiple, query.credentials[0].holder_binding) == (False, True)
    assert query.sets() == (CredentialSet(options=(("a",),)),)
    assert render_query(query) == with_credential()


def test_unknown_members_are_ignored_everywhere() -> None:
    query = {
        "credentials": [
            credential(
                claims=[{"path": ["x"], "intent_to_retain": True}], trusted_authorities=[{"type": "n", "values": ["v"], "z": 1}], z=1
            )
        ],
        "credential_sets": [{"options": [["a"]], "purpose": "p"}],
        "z": 1,
    }
    assert parse_query(query).credentials[0].trusted_authorities[0].type == "n"


MDL = {"format": "mso_mdoc", "meta": {"doctype_value": "org.iso.18013.5.1.mDL"}}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ([], ""),
        (with_credential(format="mso_mdoc"), "/credentials/0/meta/doctype_value"),
        (with_credential(**MDL, claims=[{"path": ["x"]}]), "/credentials/0/claims/0/path"),
        (with_credential(**MDL, claims=[{"path": ["x", None]}]), "/credentials/0/claims/0/path"),
        (with_credential(**MDL, claims=[{"path": ["x", "y", "z"]}]), "/credentials/0/claims/0/path"),
        (with_credential(**MDL, claims=[{"path": ["x", "y"], "intent_to_retain": 1}]), "/credentials/0/claims/0/intent_to_retain"),
        ({}, "/credentials"),
        ({"credentials": []}, "/credentials"),
        ({"credentials": [1]}, "/credentials/0"),
        ({"credentials": [credential(), credential()]}, "/credentials"),
        ({"credentials": [credential()] * 99}, "/credentials"),
        (with_credential(id=""), "/credentials/0/id"),
        (with_credential(id="a b"), "/credentials/0/id"),
        (with_credential(id="a" * 200), "/credentials/0/id"),
        (with_credential(id="a\n"), "/credentials/0/id"),
        ({"credentials": [{"id": "a", "meta": {}}]}, "/credentials/0/format"),
        ({"credentials": [{"id": "a", "format": "f"}]}, "/credentials/0/meta"),
        (with_credential(meta=[]), "/credentials/0/meta"),
        (with_credential(meta={"vct_values": []}), "/credentials/0/meta/vct_values"),
        (with_credential(meta={"vct_values": [1]}), "/credentials/0/meta/vct_values/0"),
        (with_credential(meta={"type_values": ["A"]}), "/credentials/0/meta/type_values/0"),
        (with_credential(meta={"type_values": [[]]}), "/credentials/0/meta/type_values/0"),
        (with_credential(meta={"type_values": [["A", 1]]}), "/credentials/0/meta/type_values/0/1"),
        (with_credential(multiple="yes"), "/credentials/0/multiple"),
        (with_credential(require_cryptographic_holder_binding=None), "/credentials/0/require_cryptographic_holder_binding"),
        (with_credential(claims=[]), "/credentials/0/claims"),
        (with_credential(claims=[{}]), "/credentials/0/claims/0/path"),
        (with_credential(claims=[{"path": []}]), "/credentials/0/claims/0/path"),
        (with_credential(claims=[{"path": ["a"] * 17}]), "/credentials/0/claims/0/path"),
        (with_credential(claims=[{"path": ["a", -1]}]), "/credentials/0/claims/0/path/1"),
        (with_credential(claims=[{"path": ["a", True]}]), "/credentials/0/claims/0/path/1"),
        (with_credential(claims=[{"path": ["a", 1.0]}]), "/credentials/0/claims/0/path/1"),
        (with_credential(claims=[{"path": ["a"], "values": []}]), "/credentials/0/claims/0/values"),
        (with_credential(claims=[{"path": ["a"], "values": [None]}]), "/credentials/0/claims/0/values/0"),
        (with_credential(claims=[{"path": ["a"], "values": ["x", 1.5]}]), "/credentials/0/claims/0/values/1"),
        (with_credential(claims=[{"path": ["a"], "id": ""}]), "/credentials/0/claims/0/id"),
        (with_credential(claims=[{"path": ["a"], "id": "i"}, {"path": ["b"], "id": "i"}]), "/credentials/0/claims"),
        (with_credential(claim_sets=[["a"]]), "/credentials/0/claim_sets"),
        (with_credential(claims=[{"path": ["a"]}], claim_sets=[["a"]]), "/credentials/0/claim_sets"),
        (with_credential(claims=[{"path": ["a"], "id": "i"}], claim_sets=[]), "/credentials/0/claim_sets"),
        (with_credential(claims=[{"path": ["a"], "id": "i"}], claim_sets=["i"]), "/credentials/0/claim_sets/0"),
        (with_credential(claims=[{"path": ["a"], "id": "i"}], claim_sets=[["i"], ["j"]]), "/credentials/0/claim_sets/1"),
        (with_credential(trusted_authorities=[]), "/credentials/0/trusted_authorities"),
        (with_credential(trusted_authorities=[{"type": "aki"}]), "/credentials/0/trusted_authorities/0/values"),
        (with_credential(trusted_authorities=[{"type": "aki", "values": []}]), "/credentials/0/trusted_authorities/0/values"),
        ({"credentials": [credential()], "credential_sets": []}, "/credential_sets"),
        ({"credentials": [credential()], "credential_sets": [{}]}, "/credential_sets/0/options"),
        ({"credentials": [credential()], "credential_sets": [{"options": []}]}, "/credential_sets/0/options"),
        ({"credentials": [credential()], "credential_sets": [{"options": [[]]}]}, "/credential_sets/0/options/0"),
        ({"credentials": [credential()], "credential_sets": [{"options": [["b"]]}]}, "/credential_sets/0/options/0"),
        ({"credentials": [credential()], "credential_sets": [{"options": [["a"]], "required": 1}]}, "/credential_sets/0/required"),
    ],
)
def test_malformed_queries_point_at_the_place(query: Any, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_query(query, "/dcql_query")
    assert caught.value.where == f"/dcql_query{where}"


def test_a_path_is_an_array() -> None:
    with pytest.raises(Malformed):
        parse_path("a")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["credentials", "id", "format", "meta", "claims", "path", "values", "claim_sets", "credential_sets", "options", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    json_values
    | st.builds(lambda members: with_credential(**members), st.dictionaries(st.sampled_from(sorted(FULL["credentials"][0])), json_values))
)
def test_any_json_is_a_query_or_a_vc_error(value: Any) -> None:
    try:
        query = parse_query(value)
    except VcError:
        return
    assert parse_query(render_query(query)) == query


@pytest.mark.vectors
@pytest.mark.parametrize(
    "name",
    [
        "complex_mdoc",
        "multi_credentials",
        "value_matching_simple",
        "claims_alternatives",
        "simple_mdoc",
        "simple",
        "credentials_alternatives",
    ],
)
def test_the_examples_of_the_specification_are_read(vectors: Vectors, name: str) -> None:
    example = json.loads(vectors(f"oid4vp-1.0/query_lang/{name}.json").read_text())
    assert json.loads(json.dumps(render_query(parse_query(example)))) == example


@pytest.mark.vectors
def test_what_we_render_fits_the_conformance_schema(vectors: Vectors) -> None:
    import jsonschema_rs

    schema = json.loads(vectors("oidf-conformance/json-schemas/oid4vp/dcql_request.json").read_text())
    known = {**FULL, "credentials": [FULL["credentials"][0]], "credential_sets": [{"options": [["pid"]]}]}
    jsonschema_rs.validate(schema, render_query(parse_query(known)))
