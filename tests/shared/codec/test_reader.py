from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.codec import reader
from shared.errors import Malformed, TooLarge

OBJ: dict[str, Any] = {
    "s": "text",
    "e": "",
    "i": 7,
    "b": True,
    "f": 1.0,
    "n": None,
    "o": {"a": 1},
    "l": ["a", 1],
    "ss": ["a", "b"],
    "oo": [{}, {"x": 1}],
}


def test_what_is_there() -> None:
    assert reader.get_str(OBJ, "s") == "text"
    assert reader.get_str(OBJ, "e", min_length=0) == ""
    assert reader.get_int(OBJ, "i") == 7
    assert reader.get_instant({"at": reader.LAST}, "at") == reader.LAST
    assert reader.get_bool(OBJ, "b") is True
    assert reader.get_object(OBJ, "o") == {"a": 1}
    assert reader.get_list(OBJ, "l") == ["a", 1]
    assert reader.get_strings(OBJ, "ss") == ("a", "b")
    assert reader.get_objects(OBJ, "oo") == ({}, {"x": 1})


@pytest.mark.parametrize(
    "get", [reader.get_str, reader.get_int, reader.get_bool, reader.get_object, reader.get_list, reader.get_strings, reader.get_objects]
)
def test_absent_null_and_wrong(get: Callable[..., object]) -> None:
    assert get(OBJ, "absent", optional=True) is None
    for name in ("absent", "n", "f"):
        with pytest.raises(Malformed) as caught:
            get(OBJ, name, "/at", optional=name != "absent")
        assert caught.value.where == f"/at/{name}"


@pytest.mark.parametrize(
    ("kind", "read", "where"),
    [
        (Malformed, lambda: reader.get_str(OBJ, "e", "/w"), "/w/e"),
        (TooLarge, lambda: reader.get_str(OBJ, "s", "/w", max_length=3), "/w/s"),
        (Malformed, lambda: reader.get_int(OBJ, "b", "/w"), "/w/b"),
        (Malformed, lambda: reader.get_int(OBJ, "i", "/w", maximum=6), "/w/i"),
        (Malformed, lambda: reader.get_int(OBJ, "i", "/w", minimum=8), "/w/i"),
        (Malformed, lambda: reader.get_instant({"at": reader.LAST + 1}, "at", "/w"), "/w/at"),
        (Malformed, lambda: reader.get_bool(OBJ, "i", "/w"), "/w/i"),
        (Malformed, lambda: reader.get_list(OBJ, "l", "/w", min_items=3), "/w/l"),
        (TooLarge, lambda: reader.get_list(OBJ, "l", "/w", max_items=1), "/w/l"),
        (Malformed, lambda: reader.get_strings(OBJ, "l", "/w"), "/w/l/1"),
        (Malformed, lambda: reader.get_objects(OBJ, "ss", "/w"), "/w/ss/0"),
    ],
)
def test_refused_at_its_place(kind: type[Malformed], read: Callable[[], object], where: str) -> None:
    with pytest.raises(kind) as caught:
        read()
    assert caught.value.where == where


def test_pointer_escapes() -> None:
    assert reader.pointer("/a", "b/c~d") == "/a/b~1c~0d"
    assert reader.pointer("", 3) == "/3"
