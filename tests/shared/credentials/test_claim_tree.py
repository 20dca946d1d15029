from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.forge import LPA_1, REPRESENTATION

from shared.credentials import Choice, Claim, CredentialType, Disclosure, Group, Kind, Text
from shared.credentials._tree import MAX_INTEGER, check_shape, grow, leaves, pointer, portrait_bytes, portrait_url
from shared.errors import Malformed, TooLarge, TypeRuleBroken, VcError

WORDS = Text("detail", "manylyn")


def claim(*path: str | None, **fields: Any) -> Claim:
    base: dict[str, Any] = {"path": path, "kind": Kind.TEXT, "label": WORDS, "group": "g"}
    return Claim(**(base | fields))


CLAIMS = (
    claim("text", max_length=5, required=True),
    claim("day", kind=Kind.DATE),
    claim("about", kind=Kind.PARTIAL_DATE),
    claim("number", kind=Kind.INTEGER),
    claim("yes", kind=Kind.BOOLEAN, disclosure=Disclosure.ALWAYS),
    claim("code", kind=Kind.CODE, choices=(Choice("a", WORDS), Choice("b", WORDS))),
    claim("face", kind=Kind.PORTRAIT),
    claim("rows", None, "limit", required=True, disclosure=Disclosure.ALWAYS, max_items=2),
    claim("rows", None, "detail", max_items=2),
    claim("deep", "deeper", "deepest"),
)
TREE = grow(CLAIMS)
FACE = portrait_url(b"RIFF\x08\0\0\0WEBPVP8 ")
WHOLE: Mapping[str, Any] = {"text": "word", "rows": [{"limit": "l"}]}


def test_the_tree_knows_what_is_needed_and_what_stays_open() -> None:
    assert TREE.members["rows"].required
    assert TREE.members["rows"].open
    assert not TREE.members["rows"].whole
    assert TREE.members["yes"].whole
    assert not TREE.members["deep"].open
    assert not TREE.whole
    assert [name for name, _ in TREE.kept] == ["yes", "rows"]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"day": "2024-02-29", "about": "1938-11-02", "number": 0, "yes": False, "code": "b"},
        {"about": "1938"},
        {"about": "1938-11", "number": MAX_INTEGER},
        {"rows": [{"limit": "l", "detail": "d"}, {"limit": "m"}]},
        {"rows": ({"limit": "l"},)},
        {"deep": {"deeper": {"deepest": "one line\nand another"}}},
        {"text": "żółw!"},
        {"face": FACE},
        {"face": portrait_url(b"RIFF\x18\x03\0\0WEBP" + bytes(788))},
    ],
)
def test_what_has_the_shape(more: dict[str, Any]) -> None:
    check_shape(TREE, {**WHOLE, **more}, whole=True)


def test_a_picture_comes_out_as_it_went_in() -> None:
    assert portrait_bytes(FACE) == b"RIFF\x08\0\0\0WEBPVP8 "
    assert portrait_bytes("") is None


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"text": ""}, "/text"),
        ({"text": "  \n"}, "/text"),
        ({"text": 5}, "/text"),
        ({"text": None}, "/text"),
        ({"text": "tab\t"}, "/text"),
        ({"text": "\x85"}, "/text"),
        ({"text": "\ud800"}, "/text"),
        ({"day": "2023-02-29"}, "/day"),
        ({"day": "20230228"}, "/day"),
        ({"day": "2023-W01-1"}, "/day"),
        ({"day": "2023-1-001"}, "/day"),
        ({"day": "٢٠٢٣-٠١-٠١"}, "/day"),
        ({"day": "2023-01-01T00:00:00Z"}, "/day"),
        ({"day": 20230101}, "/day"),
        ({"about": "193"}, "/about"),
        ({"about": "1938-13"}, "/about"),
        ({"about": 1938}, "/about"),
        ({"number": True}, "/number"),
        ({"number": 1.0}, "/number"),
        ({"number": -1}, "/number"),
        ({"number": MAX_INTEGER + 1}, "/number"),
        ({"yes": 1}, "/yes"),
        ({"code": "c"}, "/code"),
        ({"code": ["a"]}, "/code"),
        ({"face": 5}, "/face"),
        ({"face": "RIFF"}, "/face"),
        ({"face": "data:image/webp;base64,%%%%"}, "/face"),
        ({"face": FACE.replace("webp", "jpeg")}, "/face"),
        ({"face": FACE + "\n"}, "/face"),
        ({"face": portrait_url(b"RIFF\x09\0\0\0WEBPVP8 ")}, "/face"),  # says that it is longer
        ({"face": portrait_url(b"RIFF\x08\0\0\0WAVEVP8 ")}, "/face"),
        ({"face": portrait_url(b"RIFF\x19\x03\0\0WEBP" + bytes(789))}, "/face"),
        ({"face": portrait_url(b"RIFF\x28\x03\0\0WEBP" + bytes(804))}, "/face"),
        ({"rows": []}, "/rows"),
        ({"rows": {"limit": "l"}}, "/rows"),
        ({"rows": [{"detail": "d"}]}, "/rows/0/limit"),
        ({"rows": ["l"]}, "/rows/0"),
        ({"rows": [{"limit": "l"}, {"limit": "l", "more": "x"}]}, "/rows/1/more"),
        ({"deep": {}}, "/deep"),
        ({"deep": {"deeper": []}}, "/deep/deeper"),
        ({"un/known~": 1}, "/un~1known~0"),
    ],
)
def test_what_has_not(more: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_shape(TREE, {**WHOLE, **more}, whole=True)
    assert caught.value.where == where


@pytest.mark.parametrize("more", [{"text": "longer"}, {"rows": [{"limit": "l"}] * 3}])
def test_bounds(more: dict[str, Any]) -> None:
    with pytest.raises(TooLarge):
        check_shape(TREE, {**WHOLE, **more}, whole=True)


def test_a_disclosed_part_lacks_what_was_withheld() -> None:
    parts: list[dict[str, Any]] = [{}, {"rows": []}, {"rows": [{}]}, {"deep": {"deeper": {}}}]
    for part in parts:
        check_shape(TREE, part, whole=False)
    for missing in ("text", "rows"):
        with pytest.raises(Malformed) as caught:
            check_shape(TREE, {name: value for name, value in WHOLE.items() if name != missing}, whole=True)
        assert caught.value.where == f"/{missing}"
    with pytest.raises(Malformed, match="an object"):
        check_shape(TREE, ["text"], whole=False)


def test_pointers_and_leaves() -> None:
    assert pointer(("a", None, 3, "b/c~")) == "/a/-/3/b~1c~0"
    value = {"deep": {"deeper": {"deepest": "d"}}, "rows": [{"detail": "x", "limit": "l"}], "text": "t", "unknown": 1}
    assert [(path, leaf) for path, _, leaf in leaves(TREE, value)] == [
        (("text",), "t"),
        (("rows", 0, "limit"), "l"),
        (("rows", 0, "detail"), "x"),
        (("deep", "deeper", "deepest"), "d"),
    ]


def test_a_type_without_rules_of_its_own_checks_shape_alone() -> None:
    plain = CredentialType(
        id="two-words",
        vct="urn:x",
        vct_int=1,
        doctype="x",
        title=WORDS,
        description=WORDS,
        groups=(Group(id="g", label=WORDS),),
        claims=CLAIMS,
        queries=(),
        copy_days=1,
        batch_size=1,
        status_bits=0,
        status_max_age={},
    )
    assert plain.vcdm_type == "TwoWords"
    plain.check(WHOLE)
    plain.judge({"text": "t"}, {})
    with pytest.raises(TypeRuleBroken) as caught:
        plain.judge({"text": 1}, {})
    assert caught.value.where == "/text"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*LPA_1, "x", "given_name"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*LPA_1, "evidence", "cardinality"]), JSON), st.sets(st.sampled_from([*LPA_1])))
def test_any_claims_give_an_answer_or_a_vc_error(changes: dict[str, Any], kept: set[str]) -> None:
    claims = {name: LPA_1[name] for name in kept} | changes
    for judge in (REPRESENTATION.check, lambda value: REPRESENTATION.judge(value, {"powers": ["banking"]})):
        try:
            judge(claims)
        except VcError as error:
            assert error.detail  # noqa: PT017 - there may be none
