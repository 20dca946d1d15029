from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.codec import strict_json
from shared.errors import Malformed, TooLarge, VcError

SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4))


def test_plain_values() -> None:
    assert strict_json.loads(b'{"a":[1,2.5,"\\ud83d\\ude00",true,null]}') == {"a": [1, 2.5, "😀", True, None]}
    assert strict_json.loads(' "text" ') == "text"
    assert strict_json.load_object("{}") == {}


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"x":{"a":1,"a":1}}',
        b'[{"a":{},"a":{}}]',
        # white space before the colon, and colons in strings that make up for the lost member
        b'{"a" :1,"a":1,":":1}',
        b'{"a"\n:1,"a":1,":":1}',
        b'{"a"\t:1,"a":1,":":1}',
        b'{"a"\r:1,"a":1,":":1}',
        b'{"u":"x:","a":1,"a":1}',
    ],
)
def test_repeated_members(text: bytes) -> None:
    with pytest.raises(Malformed, match="repeats a member"):
        strict_json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"u":"https://x.example/","a" :1}',
        b'{"u": "a: \\":b", "a": {"b": 1}}',
        b'{\n\t"u":\r\n1}',
        b'{":":":"}',
        b'{"u":"https://x.example/"}',
    ],
)
def test_colons_and_white_space_are_no_repetition(text: bytes) -> None:
    assert strict_json.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e400",
        "-1e999",
        "01",
        "1.",
        "+1",
        "[1,]",
        '{"a":1,}',
        "{1:2}",
        "'a'",
        "1 2",
        "{} {}",
        "[]\x00",
        "\ufeff1",
        "\xa01",
        '"\x01"',
        '"\\x"',
        '"\\ud800"',
        '"\\udc00"',
        '"\\ud800\\ud800"',
        '"\\ud800\\u0041"',
        '{"\\ud800":1}',
        '"\ud800"',
        "9007199254740992",
        "[-9007199254740992]",
        '{"a":12345678901234567890123}',
        "9" * 5000,
        b"\xff",
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
    ],
)
def test_refused(text: str | bytes) -> None:
    with pytest.raises(Malformed) as caught:
        strict_json.loads(text, where="/here")
    assert caught.value.where == "/here"


def test_largest_integers() -> None:
    assert strict_json.loads("[9007199254740991,-9007199254740991]") == [2**53 - 1, -(2**53) + 1]


def test_bounds() -> None:
    assert strict_json.loads(b"[" * 32 + b"]" * 32)
    for deep in (b"[" * 33 + b"]" * 33, b"[" * 400_000 + b"]" * 400_000, b'{"a":' * 33 + b"1" + b"}" * 33):
        with pytest.raises(TooLarge):
            strict_json.loads(deep)
    assert strict_json.loads(b"[[]]", max_depth=2) == [[]]
    with pytest.raises(TooLarge):
        strict_json.loads(b"[[]]", max_depth=1)
    for text, bounds in (('"é"', {"max_bytes": 3}), ("[[]]", {"max_depth": 1}), ("[" * 400_000, {}), ('{"a":1,"a":1}', {})):
        with pytest.raises(Malformed) as caught:
            strict_json.loads(text, **bounds, where="/here")
        assert caught.value.where == "/here"
    assert strict_json.loads('"é"', max_bytes=4) == "é"


def test_an_object_is_demanded() -> None:
    with pytest.raises(Malformed) as caught:
        strict_json.load_object("[]", where="/b")
    assert caught.value.where == "/b"


def test_dumps() -> None:
    assert strict_json.dumps({"b": "é", "a": [None, MappingProxyType({"x": 1.5})]}) == '{"b":"é","a":[null,{"x":1.5}]}'.encode()
    for number in (float("nan"), float("inf")):
        with pytest.raises(Malformed):
            strict_json.dumps([number])
    with pytest.raises(Malformed):
        strict_json.dumps("\ud800")
    with pytest.raises(TypeError):
        strict_json.dumps(object())


@given(VALUES, st.booleans())
def test_round_trip(value: Any, pretty: bool) -> None:
    assert strict_json.loads(strict_json.dumps(value)) == value
    assert strict_json.loads(json.dumps(value, indent=1 if pretty else None, ensure_ascii=pretty)) == value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError
    return dict(pairs)


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\ud8 0123456789.eE-+ntrfalsabN\n\t', max_size=40))
@example('{"a":1,"b":{"a":1,"a" :2}}')
def test_a_value_that_the_reference_reads_alike_or_an_error(text: bytes | str) -> None:
    try:
        value = strict_json.loads(text)
    except VcError:
        return
    assert json.loads(text, object_pairs_hook=_pairs) == value


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", ":", '":', " :"]), st.sampled_from(["1", '":"', '" :"', '{"a":1}'])), max_size=4),
    st.booleans(),
)
def test_repetition_is_found_in_any_layout(members: list[tuple[str, str]], loose: bool) -> None:
    colon = " : " if loose else ":"
    text = "{" + ",".join(f"{json.dumps(name)}{colon}{value}" for name, value in members) + "}"
    unique = len({name for name, _ in members}) == len(members)
    if unique:
        assert strict_json.loads(text) == json.loads(text)
    else:
        with pytest.raises(Malformed):
            strict_json.loads(text)
