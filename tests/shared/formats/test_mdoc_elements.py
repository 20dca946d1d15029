"""A type's claims as the data elements of an mdoc: lossless both ways for every claim tree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import REPRESENTATION
from support.mdocs import SPACE, issue, show, verify
from support.trees import KINDS, claim, trees

from shared.codec import cbor
from shared.credentials import CredentialType, Disclosure, Kind
from shared.credentials._tree import check_shape, portrait_url
from shared.errors import BadDisclosure, Malformed
from shared.formats._elements import Elements, elements_of, of_doctype
from shared.formats.mdoc import FORMAT

NESTED = replace(
    KINDS,
    vct="urn:nested",
    claims=(
        claim("limit", cwt=1, disclosure=Disclosure.ALWAYS, required=True),
        claim("people", None, "name", "first", cwt=2),
        claim("people", None, "name", "last", cwt=3),
        claim("people", None, "born", cwt=4, kind=Kind.DATE),
        claim("rules", None, "text", cwt=6, disclosure=Disclosure.ALWAYS),
        claim("rules", None, "more", None, cwt=5, kind=Kind.INTEGER),
        claim("inside", "named", cwt=7, mdoc="renamed"),
    ),
)


def through(rules: CredentialType, claims: dict[str, Any]) -> dict[str, Any]:
    elements = elements_of(rules)
    decoded: dict[str, Any] = {}
    for element, value in elements.encode(claims):
        elements.put(element.number or b"\x18\x64", element.name, cbor.loads(value), decoded)
    return decoded


@pytest.mark.parametrize("rules", [REPRESENTATION, KINDS, NESTED], ids=["representation", "kinds", "nested"])
@settings(max_examples=80)
@given(data=st.data())
def test_every_claim_tree_comes_out_as_it_went_in(rules: CredentialType, data: st.DataObject) -> None:
    claims = data.draw(trees(rules.tree))
    check_shape(rules.tree, claims, whole=True)
    assert through(rules, claims) == claims


@settings(max_examples=40)
@given(claims=trees(REPRESENTATION.tree))
def test_every_claim_tree_survives_its_signature(claims: dict[str, Any]) -> None:
    parsed = FORMAT.parse(issue(claims=claims))
    assert FORMAT.peek(parsed).claims == claims
    assert verify(show(parsed.wire, ((SPACE,),))).claims == claims


def test_how_each_kind_is_written() -> None:
    """What JSON has as it is; a date in tag 1004, a picture as its bytes."""
    face = b"RIFF\x08\0\0\0WEBPVP8 "
    claims = {
        "limit": "ŵ", "box": {"limit": "b", "inside": {"day": "1970-01-02"}}, "limits": ["1969-12-31"], "about": "1938-11",
        "number": 500, "yes": True, "face": portrait_url(face), "codes": ["c29", "c0"],
    }  # fmt: skip
    found = {element.name: cbor.loads(value) for element, value in elements_of(KINDS).encode(claims)}
    assert found == {
        "limit": "ŵ", "box_limit": "b", "box_inside_day": cbor2.CBORTag(1004, "1970-01-02"), "limits": [cbor2.CBORTag(1004, "1969-12-31")],
        "about": "1938-11", "number": 500, "yes": True, "face": face, "codes": ["c29", "c0"],
    }  # fmt: skip


def test_elements_of_a_type() -> None:
    elements = elements_of(NESTED)
    assert elements_of(NESTED) is elements
    numbers = {"limit": b"\1", "people": b"", "rules": b"\6", "renamed": b"", "disputed": b"\x18\x3f"}
    assert {name: each.number for name, each in elements.by_name.items()} == numbers
    assert set(elements.required) == {b"\1"}
    assert len(elements.free) == 2
    assert elements_of(replace(NESTED)) is not elements
    assert of_doctype(NESTED.doctype, (REPRESENTATION, NESTED)) is NESTED
    assert of_doctype("other", (REPRESENTATION, NESTED)) is None


@pytest.mark.parametrize(
    "claims",
    [
        (),
        (claim("limit", cwt=64, disclosure=Disclosure.ALWAYS),),
        (claim("limit", cwt=0, disclosure=Disclosure.ALWAYS),),
        (claim("a", cwt=1, disclosure=Disclosure.ALWAYS), claim("b", cwt=1, disclosure=Disclosure.ALWAYS)),
        (claim("a", "b", cwt=1), claim("a_b", cwt=2)),
    ],
)
def test_types_without_this_form(claims: tuple[Any, ...]) -> None:
    with pytest.raises(Malformed):
        Elements(replace(KINDS, claims=claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"limit": 5},
        {"limit": "\ud800"},
        {"other": 5},
        {"people": {}},
        {"people": [5]},
        {"people": [{"age": 5}]},
        {"people": [{"name": {"middle": "x"}}]},
        {"people": [{"born": "1938-1-1"}]},
        {"people": [{"born": "1938-01-01", "height": 5}]},
        {"inside": []},
        {"inside": {"other": 5}},
    ],
)
def test_claims_that_the_type_lacks(claims: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        elements_of(NESTED).encode(claims)


@pytest.mark.parametrize(
    ("number", "name", "value", "error"),
    [
        (b"\x18\x64", "other", 5, Malformed),
        (b"\x18\x64", "people", 5, Malformed),
        (b"\x18\x64", "people", [5], Malformed),
        (b"\x18\x64", "people", [{"age": 5}], Malformed),
        (b"\x18\x64", "people", [{5: 5}], Malformed),
        (b"\x18\x64", "people", [{"born": "1938-11-02"}], Malformed),
        (b"\x18\x64", "limit", "x", BadDisclosure),
        (b"\x02", "limit", "x", BadDisclosure),
        (b"\x02", "people", [], BadDisclosure),
    ],
)
def test_values_that_the_type_lacks(number: bytes, name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        elements_of(NESTED).put(number, name, value, {})
