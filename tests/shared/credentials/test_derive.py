from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from support.forge import LPA_1, REPRESENTATION, lpa

from shared.credentials import Claim, Kind, Text
from shared.credentials import _derive as derive
from shared.credentials._tree import grow, portrait_url
from shared.dcql import parse_query
from shared.errors import Malformed

SHA256 = derive.integrity(REPRESENTATION)
DATA = derive.type_metadata_bytes(REPRESENTATION)


def expression(name: str, data: bytes = DATA) -> str:
    return f"{name}-{base64.b64encode(hashlib.new(name, data).digest()).decode()}"


def is_valid(claims: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(derive.json_schema(REPRESENTATION)).is_valid(claims)


def test_the_schema_is_one_and_takes_what_an_issuer_may_say() -> None:
    schema = derive.json_schema(REPRESENTATION)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert is_valid(LPA_1)
    assert is_valid(lpa(evidence={"attested_by": "Hale & Finch LLP", "attested_on": "2026-11-01"}, cardinality=2))


@pytest.mark.parametrize(
    "changes",
    [
        {"powers": []},
        {"powers": ["banking"] * 33},
        {"powers": ["sorcery"]},
        {"powers": ...},
        {"represented": {"given_name": "Margaret"}},
        {"represented": LPA_1["represented"] | {"nino": "QQ123456C"}},
        {"has_restrictions": "no"},
        {"cardinality": -1},
        {"cardinality": 1.5},
        {"grant_date": "02/11/1938"},
        {"grant_date": "1938-13-02"},
        {"register_entry": "x" * 201},
        {"register_entry": ""},
        {"register_entry": "tab\t"},
        {"evidence": {}},
        {"other": 1},
    ],
)
def test_the_schema_is_closed_and_bounded(changes: dict[str, Any]) -> None:
    assert not is_valid(lpa(**changes))


def test_partial_dates_have_a_schema_too() -> None:
    claim = Claim(path=("d",), kind=Kind.PARTIAL_DATE, label=Text("d", "d"), group="g")
    schema = derive._schema(grow([claim]))
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert all(validator.is_valid({"d": value}) for value in ("1938", "1938-11", "1938-11-02"))
    assert not any(validator.is_valid({"d": value}) for value in ("38", "1938-00", "1938-11-32", 1938))


def test_a_picture_has_a_schema_too() -> None:
    small, large = (portrait_url(b"RIFF" + (size - 8).to_bytes(4, "little") + b"WEBP" + bytes(size - 12)) for size in (800, 802))
    assert is_valid(lpa(proxy=LPA_1["proxy"] | {"portrait": small}))
    for refused in (large, small.replace("webp", "png"), "UklGR", 5):
        assert not is_valid(lpa(proxy=LPA_1["proxy"] | {"portrait": refused}))


def test_groups_are_shown_whole_where_they_have_numbers() -> None:
    donor = (("represented", "given_name"), ("represented", "family_name"))
    assert derive.whole_groups(REPRESENTATION, [donor[1]]) == donor
    assert derive.whole_groups(REPRESENTATION, [("powers", 3), ("decision_rule",)]) == (("powers", None),)
    assert derive.whole_groups(REPRESENTATION, [("powers",)]) == (("powers", None),)
    assert {path[0] for path in derive.whole_groups(REPRESENTATION, [("represented",)])} == {"represented"}
    dates = {("grant_date",), ("registration_date",), ("proxy", "appointment_type")}
    assert set(derive.whole_groups(REPRESENTATION, [("grant_date",)])) == dates
    assert derive.whole_groups(REPRESENTATION, [("nino",)]) == ()


def test_type_metadata_has_a_line_for_each_leaf() -> None:
    metadata = derive.type_metadata(REPRESENTATION)
    assert metadata["vct"] == REPRESENTATION.vct
    assert [each["locale"] for each in metadata["display"]] == ["en-GB", "cy-GB"]
    lines = {tuple(line["path"]): line for line in metadata["claims"]}
    assert len(lines) == len(REPRESENTATION.claims)
    assert lines["decision_rule",]["sd"] == "never"
    assert lines["powers", None] == {
        "path": ["powers", None],
        "display": [{"locale": "en-GB", "label": "Power"}, {"locale": "cy-GB", "label": "Pŵer"}],
        "mandatory": True,
        "sd": "always",
    }
    assert lines["register_entry",]["display"][0]["description"]
    assert json.loads(DATA) == metadata


def test_integrity_is_over_the_exact_bytes() -> None:
    assert SHA256 == expression("sha256") == derive.integrity(REPRESENTATION)
    for expected in (None, SHA256, expression("sha512"), f"sha256-AAAA {expression('sha384')}", f"{SHA256}?option sha256-AAAA"):
        assert derive.check_type_metadata(DATA, vct=REPRESENTATION.vct, expected=expected)["vct"] == REPRESENTATION.vct


@pytest.mark.parametrize(
    "expected", ["", "md5-AAAA", "sha256-AAAA", expression("sha256", DATA + b" "), f"{SHA256} {expression('sha512', b'')}"]
)
def test_other_bytes_than_the_issuer_meant_are_refused(expected: str) -> None:
    with pytest.raises(Malformed) as caught:
        derive.check_type_metadata(DATA, vct=REPRESENTATION.vct, expected=expected)
    assert caught.value.where == "/vct#integrity"


def test_metadata_of_another_type_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        derive.check_type_metadata(DATA, vct="urn:other", expected=SHA256)
    assert caught.value.where == "/vct"
    with pytest.raises(Malformed):
        derive.check_type_metadata(b"[]", vct="urn:other", expected=None)


def test_integrity_follows_the_type_and_not_its_name() -> None:
    renamed = replace(REPRESENTATION, title=Text("Authority", "Awdurdod"))
    assert derive.integrity(renamed) == expression("sha256", derive.type_metadata_bytes(renamed)) != SHA256
    assert derive.integrity(REPRESENTATION) == SHA256


def test_issuer_metadata_lists_the_claims_where_the_format_has_them() -> None:
    plain = derive.credential_metadata(REPRESENTATION)
    assert plain["display"][1] == {
        "name": "Atwrneiaeth",
        "locale": "cy-GB",
        "description": "Yn dangos y caiff un person weithredu dros un arall, ym mha faterion, a chyda pha derfynau",
    }
    assert plain["claims"][0] == {
        "path": ["representation_kind"],
        "mandatory": True,
        "display": [{"locale": "en-GB", "name": "Kind of authority"}, {"locale": "cy-GB", "name": "Math o awdurdod"}],
    }
    w3c = derive.credential_metadata(REPRESENTATION, "vc+jwt")
    assert [each["path"] for each in w3c["claims"]] == [["credentialSubject", *each["path"]] for each in plain["claims"]]


def test_an_mdoc_has_elements_in_one_namespace() -> None:
    """OpenID4VCI appendix A.2, OpenID4VP appendix B.2: namespace and element; a list is one element, of which no value is asked for."""
    space = REPRESENTATION.doctype
    paths = [entry["path"] for entry in derive.credential_metadata(REPRESENTATION, "mso_mdoc")["claims"]]
    assert [space, "represented_address_postal_code"] in paths
    assert paths.count([space, "powers"]) == 1
    assert len(paths) == len(REPRESENTATION.claims)
    query = derive.dcql(REPRESENTATION, "bank", "mso_mdoc")["credentials"][0]
    assert query["meta"] == {"doctype_value": space}
    powers = next(claim for claim in query["claims"] if claim["path"] == [space, "powers"])
    assert "values" not in powers
    assert parse_query({"credentials": [query]}).credentials[0].doctype_value == space
    with pytest.raises(Malformed):
        derive.path_in(REPRESENTATION, ("nino",), "mso_mdoc")


@pytest.mark.parametrize("query_id", ["council-tax", "bank", "utility", "pensions"])
@pytest.mark.parametrize("form", ["dc+sd-jwt", "vc+jwt"])
def test_ready_queries_are_dcql(query_id: str, form: str) -> None:
    query = derive.dcql(REPRESENTATION, query_id, form)
    assert parse_query(query).credential(query_id) is not None
    ready = REPRESENTATION.query(query_id)
    assert ready is not None
    sets = query["credentials"][0]["claim_sets"]
    assert len(sets) == 2 ** len(ready.optional)
    assert len(sets[-1]) == len(ready.paths)
    assert len(sets[0]) == len(ready.paths) + len(ready.optional)


def test_a_ready_query_in_full() -> None:
    assert derive.dcql(REPRESENTATION, "bank") == {
        "credentials": [
            {
                "id": "bank",
                "format": "dc+sd-jwt",
                "meta": {"vct_values": ["urn:fdc:vct.example:2027:representation:1"]},
                "claims": [
                    {"id": "c0", "path": ["represented", "given_name"]},
                    {"id": "c1", "path": ["represented", "family_name"]},
                    {"id": "c2", "path": ["represented", "birthdate"]},
                    {"id": "c3", "path": ["represented", "address", "postal_code"]},
                    {"id": "c4", "path": ["proxy", "given_name"]},
                    {"id": "c5", "path": ["proxy", "family_name"]},
                    {"id": "c6", "path": ["powers", None], "values": ["banking", "general"]},
                    {"id": "c7", "path": ["restrictions_text"]},
                    {"id": "c8", "path": ["proxy", "portrait"]},
                ],
                "claim_sets": [
                    ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"],
                    ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"],
                    ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c8"],
                    ["c0", "c1", "c2", "c3", "c4", "c5", "c6"],
                ],
            }
        ]
    }
    w3c = derive.dcql(REPRESENTATION, "bank", "vc+jwt")["credentials"][0]
    assert w3c["meta"] == {"type_values": [["https://www.w3.org/2018/credentials#VerifiableCredential", REPRESENTATION.vct]]}
    assert w3c["claims"][-3]["path"] == ["credentialSubject", "powers", None]


def test_a_ready_query_by_groups() -> None:
    """Half a name cannot be asked for, and nobody has to tick both halves; what some documents lack is not demanded."""
    attorney = {"path": ["proxy", "given_name"]}, {"path": ["proxy", "family_name"]}
    utility = derive.dcql(REPRESENTATION, "utility", "dc+sd-cwt")["credentials"][0]
    assert utility["meta"] == {"vct_values": [REPRESENTATION.vct]}
    assert [each["path"] for each in utility["claims"][4:]] == [["restrictions_text"], *(each["path"] for each in attorney)]
    asked = ["c0", "c1", "c2", "c3"]
    assert utility["claim_sets"] == [[*asked, "c4", "c5", "c6"], [*asked, "c4"], [*asked, "c5", "c6"], asked]
    halves = replace(
        REPRESENTATION.queries[0],
        id="half",
        paths=(("represented", "family_name"), ("grant_date",)),
        optional=(("represented", "given_name"), ("registration_date",), ("issuing_country",)),
        values={},
    )
    query = derive.dcql(replace(REPRESENTATION, queries=(halves,)), "half", "dc+sd-cwt")["credentials"][0]
    names = [["represented", "family_name"], ["grant_date"], ["represented", "given_name"], ["issuing_country"]]
    assert [each["path"] for each in query["claims"]] == names
    assert query["claim_sets"] == [["c0", "c1", "c2", "c3"], ["c0", "c1", "c2"]]


def test_a_ready_query_without_options_has_no_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = REPRESENTATION.query("bank")
    assert ready is not None
    monkeypatch.setattr(
        type(REPRESENTATION), "query", lambda _self, _id: type(ready)(id="q", title=ready.title, purpose=ready.purpose, paths=ready.paths)
    )
    assert "claim_sets" not in derive.dcql(REPRESENTATION, "q")["credentials"][0]


def test_an_unknown_ready_query() -> None:
    with pytest.raises(Malformed):
        derive.dcql(REPRESENTATION, "everything")


def test_leaves_in_the_order_of_the_type() -> None:
    found = derive.leaves(REPRESENTATION, LPA_1)
    assert [path for path, _, _ in found][:2] == [("representation_kind",), ("instrument_type",)]
    assert (("powers", 1), "banking") in [(path, value) for path, _, value in found]
    assert len(found) == 25


@pytest.mark.vectors
def test_type_metadata_passes_the_schema_of_the_conformance_suite(vectors: Any) -> None:
    schema = json.loads(vectors("oidf-conformance/json-schemas/sdjwtvc/type_metadata.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(json.loads(DATA))
