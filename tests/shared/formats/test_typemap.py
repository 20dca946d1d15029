"""A type's claims as numbers: lossless both ways for every claim tree, and one reading on the short way and the long one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cwt_forge import FORM, SIMPLE_59, digest, disclosure
from support.forge import REPRESENTATION, issue, show
from support.trees import KINDS, trees

from shared.codec import cbor
from shared.credentials import CredentialType, Disclosure, Text
from shared.credentials._tree import check_shape, portrait_url
from shared.errors import Malformed, VcError
from shared.formats._payload import _split
from shared.formats._sd_cwt import open_claims, parse_disclosures
from shared.formats._typemap import TypeMap, decode_usual, type_map


def opened(types: TypeMap, claims: dict[str, Any]) -> tuple[dict[int, Any], int]:
    """What stands in a document of which everything was disclosed."""
    found = types.encode(claims)
    maps: dict[int, Any] = {}
    for level in types.levels:
        own = cbor.loads(cbor.head(5, len(found[level.number])) + b"".join(found[level.number]))
        own |= {-inside: maps.pop(inside) for inside in level.groups if maps[inside]}
        maps[level.number] = own
    return maps[0], len(found)


@pytest.mark.parametrize("rules", [REPRESENTATION, KINDS], ids=["representation", "kinds"])
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_every_claim_tree_comes_out_as_it_went_in(rules: CredentialType, data: st.DataObject) -> None:
    claims = data.draw(trees(rules.tree))
    check_shape(rules.tree, claims, whole=True)
    types = type_map(rules)
    decoded, paths, _ = types.decode(opened(types, claims)[0])
    assert decoded == claims
    assert all(types.group_of(path) for path in paths)


@settings(deadline=None, max_examples=60)
@given(claims=trees(REPRESENTATION.tree))
def test_every_claim_tree_survives_its_signature(claims: dict[str, Any]) -> None:
    """Issued, kept, shown whole and read again."""
    parsed = FORM.parse(issue(FORM, claims=claims))
    assert FORM.peek(parsed).claims == claims
    assert FORM.peek(FORM.parse(show(FORM, parsed))).claims == claims


def test_dates_that_are_less_than_dates() -> None:
    """Nobody makes a day of a year."""
    types = type_map(KINDS)
    for about in ("1938", "1938-11", "1938-11-02"):
        found = types.encode({"limit": "x", "about": about, "abouts": [about]})
        assert found[1] == [b"\x18\x28" + cbor2.dumps(about), b"\x19\x01\x2c\x81" + cbor2.dumps(about)]


def test_how_each_kind_is_written() -> None:
    claims = {
        "limit": "ŵ", "box": {"limit": "b", "inside": {"day": "1970-01-02"}}, "limits": ["1969-12-31", "9999-12-31"],
        "number": 500, "yes": True, "face": portrait_url(b"RIFF\x08\0\0\0WEBPVP8 "), "codes": ["c29", "c0"],
    }  # fmt: skip
    found = {number: [each.hex() for each in leaves] for number, leaves in type_map(KINDS).encode(claims).items()}
    assert found == {
        0: ["0162c5b5", "0201", "0382d86420d8641a002cc00e".replace("002cc00e", f"{2_932_896:08x}")],
        1: ["04d86401"],
        2: [],
        3: ["071901f4", "08f5"],
        4: ["095052494646080000005745425056503820", "0a82181d00"],
    }


@pytest.mark.parametrize(
    "claims",
    [
        {"limit": 5}, {"limit": "\ud800"}, {"limit": None}, {"box": {"limit": "c"}}, {"box": {"limit": ["a"]}}, {"box": []}, {"box": "x"},
        {"limits": "1970-01-01"}, {"limits": ["19700101"]}, {"limits": ["1970-02-30"]}, {"limits": [5]}, {"about": 1938}, {"number": True},
        {"number": "1"}, {"yes": 1}, {"face": "RIFF"}, {"face": b"RIFF"}, {"codes": [["c1"]]}, {"codes": {"c1": 1}}, {"other": 1},
        {"box": {"other": 1}}, {"box": {"inside": "1970-01-02"}},
    ],
)  # fmt: skip
def test_what_has_no_form(claims: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        type_map(KINDS).encode(claims)
    assert caught.value.where.startswith(f"/{next(iter(claims))}")


@pytest.mark.parametrize(
    "claims",
    [
        {1: b"x"}, {2: 2}, {2: -1}, {2: True}, {2: "a"}, {3: cbor2.CBORTag(100, 1)}, {3: [5]}, {3: [cbor2.CBORTag(101, 5)]}, {3: {}},
        {3: [cbor2.CBORTag(100, 2**62)]}, {3: [cbor2.CBORTag(100, -(2**62))]}, {3: [cbor2.CBORTag(100, True)]}, {4: 1}, {-1: {1: "x"}},
        {-1: []}, {-1: {40: 1}}, {-2: {-3: {7: True}}}, {-2: {-3: {7: 1.0}}}, {-2: {-3: {8: 1}}}, {-2: {-3: {-4: {9: "x"}}}}, {-3: {}},
        {-2: {-4: {}}}, {-5: {}}, {0: 1}, {"x": 1}, {b"x": 1}, {-2: 5},
    ],
)  # fmt: skip
def test_what_has_no_meaning(claims: dict[Any, Any]) -> None:
    with pytest.raises(Malformed):
        type_map(KINDS).decode(claims)


def test_types_that_have_no_compact_form() -> None:
    first = KINDS.claims[0]
    for changed in (
        replace(first, cwt=0),
        replace(first, group="one"),
        replace(first, disclosure=Disclosure.SELECTIVE),
        replace(first, path=("rows", None, "limit")),
    ):
        with pytest.raises(Malformed):
            TypeMap(replace(KINDS, claims=(changed, *KINDS.claims[1:])))
    assert type_map(KINDS) is type_map(KINDS)
    other = replace(KINDS, title=Text("other", "arall"))
    assert type_map(other) is not type_map(KINDS)
    assert type_map(KINDS).rules is KINDS


def test_groups_and_their_parents() -> None:
    types = type_map(KINDS)
    assert [level.number for level in types.levels] == [1, 4, 3, 2, 0]
    assert types.parents == {1: 0, 2: 0, 3: 2, 4: 3}
    assert types.with_parents([4]) == {4, 3, 2}
    assert types.with_parents([1]) == {1}
    assert types.with_parents([]) == set()
    assert [leaf.path for leaf in types.limits] == [("limit",)]
    bearer = TypeMap(replace(KINDS, bearer=True))
    assert (bearer.parents, [level.number for level in bearer.levels]) == ({}, [0])


# --- the short way -------------------------------------------------------------------------------------------------------------------------

USUAL = type_map(REPRESENTATION)


def both(data: bytes, disclosures: list[bytes]) -> tuple[Any, Any]:
    """The short way's answer, and the long one's."""
    hidden = parse_disclosures(disclosures) if disclosures else ()
    shown = [(each.digest, int(each.key or 0), each.parts[0]) for each in hidden if not each.decoy]
    split = _split(data)
    usual = split and decode_usual(USUAL, split.head, split.digests, shown)
    short = usual and (usual[0], set(usual[1]))
    try:
        found = cbor.loads(data, redacted=True)
        whole = open_claims(found if type(found) is dict else {}, hidden)
        claims, paths, groups = USUAL.decode(whole.claims)
        good = groups == len(shown) and not whole.elements and all(leaf.claim.cwt in whole.claims for leaf in USUAL.limits)
    except VcError:
        return short, None
    return short, (claims, set(paths)) if good and whole.unexplained == 7 - len(hidden) else None


def encoded(digests: list[bytes]) -> bytes:
    claims: dict[Any, Any] = {1: 0, 5: 2, 8: 0, 9: False, 11: cbor2.CBORTag(100, 20_000), 12: "OPG", 13: 0, 14: 0}
    return cbor2.dumps(claims | {SIMPLE_59: digests})


NAMES = disclosure({15: "Margaret", 16: "Ashdown"}, -1)
POWERS = disclosure({21: [1, 3]}, -5)
FURTHER = disclosure({SIMPLE_59: [bytes(32)]}, -7)
DIGESTS = sorted([digest(NAMES), digest(POWERS), digest(FURTHER), *(bytes([at]) * 32 for at in range(4))])


def test_both_ways_give_the_same() -> None:
    for listed in ([], [NAMES], [NAMES, POWERS], [POWERS]):
        short, long = both(encoded(DIGESTS), listed)
        assert short is not None
        assert short == long
        assert short[0]["evidence"] == {"attested_on": "2024-10-04"}
    # What one document adds is not in the next.
    changed, _ = both(encoded(DIGESTS), [NAMES])
    changed[0]["evidence"]["attested_by"] = "somebody"
    again, _ = both(encoded(DIGESTS), [NAMES])
    assert again[0]["evidence"] == {"attested_on": "2024-10-04"}


@pytest.mark.parametrize(
    ("data", "listed"),
    [
        (encoded(DIGESTS), [FURTHER]),  # a group of groups takes the long way
        (encoded(DIGESTS[1:]), []), (encoded([*DIGESTS[1:], DIGESTS[1]]), []), (encoded([*DIGESTS[1:], b"short"]), []),
        (encoded(DIGESTS), [disclosure({15: "M"}, -1)]), (encoded(DIGESTS), [NAMES, NAMES]), (encoded(DIGESTS) + b"\0", []),
        (cbor2.dumps({1: 0, SIMPLE_59: DIGESTS}), []), (cbor2.dumps({SIMPLE_59: DIGESTS}), []), (b"", []), (b"\xa0", []),
        (encoded(DIGESTS) + encoded(DIGESTS), []), (b"\x81" + encoded(DIGESTS)[1:], []), (cbor2.dumps([1, DIGESTS]), []),
        (cbor2.dumps({1: 3, 5: 2, 8: 0, 9: False, 12: "OPG", 13: 0, 14: 0, SIMPLE_59: DIGESTS}), []),
        (cbor2.dumps({1: 0, 5: 2, 8: 0, 9: False, 12: "OPG", 13: 0, 14: 0, 15: "M", SIMPLE_59: DIGESTS}), []),
        (cbor2.dumps({1: 0, 5: 2, 8: 0, 9: False, 12: "OPG", 13: 0, 14: 0, -1: {}, SIMPLE_59: DIGESTS}), []),
        (cbor2.dumps({1: 0, 5: 2, 8: 0, 9: False, 12: "OPG", 13: 0, 14: 0, "x": 1, SIMPLE_59: DIGESTS}), []),
    ],
)  # fmt: skip
def test_what_takes_the_long_way(data: bytes, listed: list[bytes]) -> None:
    assert both(data, listed)[0] is None


def test_groups_that_take_the_long_way() -> None:
    for value, key in (
        ({15: "M", 17: cbor2.CBORTag(100, 1)}, -1),
        ({1: 0}, -1),
        ({"x": 1}, -1),
        ([], -1),
        ({}, -9),
        ({}, -20),
        ({15: 5}, -1),
    ):
        raw = disclosure(value, key)
        digests = sorted([digest(raw), *DIGESTS[1:]])
        hidden = parse_disclosures([raw])
        shown = [(each.digest, int(each.key or 0), each.parts[0]) for each in hidden]
        split = _split(encoded(digests))
        assert split is not None
        try:
            assert decode_usual(USUAL, split.head, split.digests, shown) is None
        except Malformed:
            assert both(encoded(digests), [])[0] is not None


@settings(deadline=None, max_examples=400)
@given(at=st.integers(0, 400), cut=st.integers(0, 3), piece=st.binary(max_size=3), listed=st.sampled_from([[], [NAMES], [POWERS, NAMES]]))
def test_whatever_the_short_way_accepts_the_long_one_does(at: int, cut: int, piece: bytes, listed: list[bytes]) -> None:
    data = encoded(DIGESTS)
    begin = at % len(data)
    try:
        short, long = both(data[:begin] + piece + data[begin + cut :], listed)
    except VcError:
        return
    assert short is None or short == long
