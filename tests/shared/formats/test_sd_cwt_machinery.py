"""Disclosures put back into any claims, as the draft says it; our format uses a part of this."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cwt_forge import SIMPLE_59, digest, disclosure

from shared.codec import cbor
from shared.errors import BadDisclosure, Malformed, VcError
from shared.formats._sd_cwt import Opened, open_claims, parse_disclosures


def hidden(raw: bytes) -> cbor2.CBORTag:
    return cbor2.CBORTag(60, digest(raw))


def opened(claims: dict[Any, Any], *disclosures: bytes) -> Opened:
    return open_claims(cbor.loads(cbor2.dumps(claims), redacted=True), parse_disclosures(list(disclosures)) if disclosures else ())


def test_members_and_elements_at_every_depth() -> None:
    region = disclosure("ca", "region")
    place = disclosure({"country": "us", SIMPLE_59: [digest(region)]}, 503)
    first = disclosure([1, {2: 3}])
    inner = disclosure("x")
    row = disclosure({7: [hidden(inner), 5]})
    claims = {
        1: "iss",
        500: [hidden(first), "y", hidden(row)],
        501: cbor2.CBORTag(24, {SIMPLE_59: [digest(place)]}),
        SIMPLE_59: [bytes(32)],
    }
    whole = opened(claims, region, place, first, inner, row)  # a part may come before the whole that it belongs to
    where = cbor2.CBORTag(24, {503: {"country": "us", "region": "ca"}})
    assert whole == Opened({1: "iss", 500: [[1, {2: 3}], "y", {7: ["x", 5]}], 501: where}, 1, 3)
    assert opened(claims, place, row).claims == {1: "iss", 500: ["y", {7: [5]}], 501: cbor2.CBORTag(24, {503: {"country": "us"}})}
    assert opened(claims) == Opened({1: "iss", 500: ["y"], 501: cbor2.CBORTag(24, {})}, 4, 2)


def test_decoys_stand_for_nothing() -> None:
    one, two = disclosure(), disclosure()
    assert opened({500: [hidden(one)], SIMPLE_59: [digest(two)]}, one, two) == Opened({500: []}, 0, 1)


@pytest.mark.parametrize("where", ["map", "array"])
def test_what_belongs_elsewhere(where: str) -> None:
    member, element = disclosure("v", 500), disclosure("v")
    wrong = element if where == "map" else member
    claims: dict[Any, Any] = {SIMPLE_59: [digest(wrong)]} if where == "map" else {600: [hidden(wrong)]}
    with pytest.raises(BadDisclosure):
        opened(claims, wrong)


def test_what_is_there_twice_or_belongs_nowhere() -> None:
    one, two = disclosure("v", 500), disclosure("w", 500)
    for claims, disclosures in (
        ({500: "x", SIMPLE_59: [digest(one)]}, [one]),
        ({SIMPLE_59: [digest(one), digest(two)]}, [one, two]),
        ({SIMPLE_59: [digest(one), digest(one)]}, []),
        ({SIMPLE_59: [digest(one)], 600: [hidden(one)]}, [one]),
        ({}, [one]),
        ({SIMPLE_59: [digest(one)]}, [one, one]),
        ({SIMPLE_59: [hashlib.sha256(cbor2.dumps(one)).digest()]}, [one]),
    ):
        with pytest.raises(BadDisclosure):
            opened(claims, *disclosures)


@pytest.mark.parametrize(
    "claims", [{500: hidden(b"")}, {SIMPLE_59: 5}, {SIMPLE_59: [b"x"]}, {500: [cbor2.CBORTag(60, "x")]}, {500: [cbor2.CBORTag(60, b"x")]}]
)
def test_digests_that_are_none(claims: dict[Any, Any]) -> None:
    with pytest.raises(Malformed):
        opened(claims)


@pytest.mark.parametrize("element", [True, False])
def test_disclosures_nested_too_deeply(element: bool) -> None:
    made: list[bytes] = []
    inside: Any = 0
    for depth in range(16):
        made.append(disclosure(inside) if element else disclosure(inside, 1))
        inside = [hidden(made[-1])] if element else {SIMPLE_59: [digest(made[-1])]}
        claims: dict[Any, Any] = {2: inside}
        if depth < 15:
            assert opened(claims, *made).claims
    with pytest.raises(BadDisclosure):
        opened({2: inside}, *made)


@pytest.mark.parametrize("listed", [[], {}, None, b"", [5], ["x"], [b""], [b"\x80"], [disclosure()] * 501])
def test_lists_that_are_none(listed: Any) -> None:
    with pytest.raises(Malformed) as caught:
        parse_disclosures(listed, "/17")
    assert caught.value.where.startswith("/17")


def test_where_the_fault_is() -> None:
    with pytest.raises(Malformed) as caught:
        parse_disclosures([disclosure(), disclosure(1, 2), b"\xff"], "/17")
    assert caught.value.where == "/17/2"


@given(
    st.lists(st.binary(max_size=40), max_size=3),
    st.dictionaries(st.integers(-3, 3), st.binary(max_size=33) | st.lists(st.integers()), max_size=3),
)
def test_any_bytes_are_claims_or_a_vc_error(listed: list[bytes], claims: dict[int, Any]) -> None:
    try:
        open_claims(claims, parse_disclosures(listed))
    except VcError:
        return
