from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Vectors
from hypothesis import given
from hypothesis import strategies as st

from shared.credentials import Text
from shared.errors import Malformed, VcError
from shared.openid4vp import IntendedUse, VerifierInfo, find_use, parse_use, render_use
from shared.openid4vp._use import parse_verifier_info

FULL = IntendedUse(
    identifier="urn:bank:open-account",
    purpose=Text("to open an account for Margaret", "i agor cyfrif i Margaret"),
    privacy_policy="https://bank.example/privacy",
    retention_days=365,
    claims_kept=("given name", "powers"),
    contact="help@bank.example",
    how_to_complain="https://ico.example/complain",
    registration=b"certificate",
    agreed=1,
)
BARE: dict[str, Any] = {"intendedUseIdentifier": "u", "purpose": [{"lang": "en", "content": "why"}]}


def test_a_use_is_rendered_and_read_back() -> None:
    info = render_use(FULL)
    assert info.format == "muniment-use"
    assert find_use([VerifierInfo(format="registration_cert", data="ey"), info]) == FULL
    bare = IntendedUse(identifier="u", purpose=Text("why", ""))
    assert render_use(bare).data == BARE
    assert parse_use(BARE) == IntendedUse(identifier="u", purpose=Text("why", "why"))


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        ([("cy", "pam"), ("en", "why")], Text("why", "pam")),
        ([("cy", "pam")], Text("pam", "pam")),
        ([("fr", "pourquoi")], Text("pourquoi", "pourquoi")),
    ],
)
def test_where_one_language_is_missing_the_other_stands_in(words: list[tuple[str, str]], purpose: Text) -> None:
    data = {"intendedUseIdentifier": "u", "purpose": [{"lang": lang, "content": text} for lang, text in words]}
    assert parse_use(data).purpose == purpose


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"intendedUseIdentifier": ""}, "/intendedUseIdentifier"),
        ({"purpose": "why"}, "/purpose"),
        ({"purpose": []}, "/purpose"),
        ({"purpose": [{"lang": "en"}]}, "/purpose/0/content"),
        ({"purpose": [{"lang": "en", "content": "x" * 2000}]}, "/purpose/0/content"),
        ({"privacyPolicy": {}}, "/privacyPolicy/policyURI"),
        ({"registration": 7}, "/registration"),
        ({"registration": "+"}, "/registration"),
        ({"retention_days": -1}, "/retention_days"),
        ({"claims_kept": "all"}, "/claims_kept"),
        ({"contact": 7}, "/contact"),
        ({"how_to_complain": 7}, "/how_to_complain"),
    ],
)
def test_a_malformed_use_points_at_the_place(members: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_use({**BARE, **members}, "/x")
    assert caught.value.where == f"/x{where}"


def test_no_use_is_found_where_there_is_none_of_our_format() -> None:
    assert find_use([]) is None
    assert find_use([VerifierInfo(format="muniment-use", data="a text"), VerifierInfo(format="jwt", data={})]) is None


def test_a_use_that_cannot_be_read_is_pointed_at() -> None:
    with pytest.raises(Malformed) as caught:
        find_use([VerifierInfo(format="muniment-use", data={})])
    assert caught.value.where == "/verifier_info/0/data/intendedUseIdentifier"


def test_entries_of_every_format_are_kept() -> None:
    entries = [{"format": "jwt", "data": "ey"}, {"format": "x", "data": {"a": 1}, "credential_ids": ["q"], "unknown": 1}]
    assert parse_verifier_info({"verifier_info": entries}, ["q"]) == (
        VerifierInfo(format="jwt", data="ey"),
        VerifierInfo(format="x", data={"a": 1}, credential_ids=("q",)),
    )
    assert parse_verifier_info({}, ["q"]) == ()


@pytest.mark.parametrize(
    ("entries", "where"),
    [
        ([], "/verifier_info"),
        ({}, "/verifier_info"),
        ([{"format": "x"}], "/verifier_info/0/data"),
        ([{"format": "x", "data": 7}], "/verifier_info/0/data"),
        ([{"data": "x"}], "/verifier_info/0/format"),
        ([{"format": "x", "data": "x", "credential_ids": []}], "/verifier_info/0/credential_ids"),
        ([{"format": "x", "data": "x", "credential_ids": ["other"]}], "/verifier_info/0/credential_ids"),
    ],
)
def test_malformed_entries_point_at_the_place(entries: Any, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_verifier_info({"verifier_info": entries}, ["q"])
    assert caught.value.where == where


@given(
    st.dictionaries(st.sampled_from([*BARE, "privacyPolicy", "retention_days", "claims_kept"]), st.none() | st.text() | st.lists(st.text()))
)
def test_any_members_are_a_use_or_a_vc_error(members: dict[str, Any]) -> None:
    try:
        parse_use({**BARE, **members})
    except VcError:
        return


@pytest.mark.vectors
def test_our_entry_fits_the_conformance_schema(vectors: Vectors) -> None:
    import jsonschema_rs

    schema = json.loads(vectors("oidf-conformance/json-schemas/oid4vp/verifier_info.json").read_text())
    info = render_use(FULL)
    jsonschema_rs.validate(schema, {"verifier_info": [{"format": info.format, "data": info.data}]})
