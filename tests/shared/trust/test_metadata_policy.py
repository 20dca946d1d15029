from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from shared.errors import Malformed, PolicyError
from shared.trust.metadata_policy import OPERATORS, apply, check_nothing_emptied, merge, parse_policy, resolve_policy

KIND, NAME = "openid_credential_issuer", "parameter"


def one(parameter: str = NAME, **operators: Any) -> Any:
    """The policy of one parameter, read."""
    return parse_policy({KIND: {parameter: operators}})


def applied(policy: Any, *value: Any, name: str = NAME) -> Any:
    """What becomes of one parameter: a value, or ``...`` where it is absent."""
    return apply(policy, {KIND: {name: value[0]} if value else {}})[KIND].get(name, ...)


# --- section 6.1.3.1, operator by operator -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operators", "value", "outcome"),
    [
        ({"value": "x"}, (), "x"),
        ({"value": ["x"]}, (["y"],), ["x"]),
        ({"value": None}, ("x",), ...),
        ({"value": None}, (), ...),
        ({"value": {"a": 1}}, (), {"a": 1}),
        ({"value": False}, (True,), False),
        ({"add": ["x"]}, (), ["x"]),
        ({"add": ["x", "y"]}, (["y", "z"],), ["y", "z", "x"]),
        ({"add": [{"a": 1, "b": 2}]}, ([{"b": 2, "a": 1.0}],), [{"b": 2, "a": 1.0}]),
        ({"add": []}, (["x"],), ["x"]),
        ({"default": 5}, (), 5),
        ({"default": 5}, (0,), 0),
        ({"default": ["x"], "add": ["y"]}, (), ["y"]),
        ({"one_of": ["x", "y"]}, ("y",), "y"),
        ({"one_of": ["x", "y"]}, (), ...),
        ({"one_of": [1, 2]}, (1.0,), 1.0),
        ({"one_of": [{"a": [1]}]}, ({"a": [1]},), {"a": [1]}),
        ({"default": "x", "one_of": ["x"]}, (), "x"),
        ({"subset_of": ["x", "y", "z"]}, (["w", "z", "x"],), ["z", "x"]),
        ({"subset_of": ["x"]}, (), ...),
        ({"subset_of": []}, (["x"],), []),
        ({"superset_of": ["x"]}, (["y", "x"],), ["y", "x"]),
        ({"superset_of": ["x"]}, (), ...),
        ({"superset_of": []}, ([],), []),
        ({"subset_of": ["x", "y"], "superset_of": ["y"]}, (["y", "z"],), ["y"]),
        ({"essential": True}, (["y"],), ["y"]),
        ({"essential": False}, (), ...),
        ({"essential": True, "default": 1}, (), 1),
        ({"regexp": "unknown", "default": 1}, (), 1),
        ({}, ("x",), "x"),
    ],
)
def test_what_operators_do(operators: dict[str, Any], value: tuple[Any, ...], outcome: Any) -> None:
    assert applied(one(**operators), *value) == outcome


@pytest.mark.parametrize(
    ("operators", "value"),
    [
        ({"add": ["x"]}, ("x",)),
        ({"add": ["x"]}, ([True],)),
        ({"add": ["x"]}, ([None],)),
        ({"add": ["x"]}, (["y", 1],)),
        ({"one_of": ["x"]}, ("y",)),
        ({"one_of": ["x"]}, (["x"],)),
        ({"one_of": [1]}, (True,)),
        ({"one_of": []}, ("x",)),
        ({"subset_of": ["x"]}, ("x",)),
        ({"subset_of": ["x"]}, ({},)),
        ({"superset_of": ["x"]}, (["y"],)),
        ({"superset_of": ["x"]}, ("x",)),
        ({"superset_of": [1]}, ([True],)),
        ({"subset_of": ["x", "y"], "superset_of": ["y"]}, (["x"],)),
        ({"essential": True}, ()),
        ({"essential": True, "subset_of": ["x"]}, ()),
    ],
)
def test_what_operators_refuse(operators: dict[str, Any], value: tuple[Any, ...]) -> None:
    with pytest.raises(PolicyError) as caught:
        applied(one(**operators), *value)
    assert caught.value.where == f"/{KIND}/{NAME}"


@pytest.mark.parametrize(
    ("essential", "given", "outcome"),
    [
        (True, (["a", "e"],), ["a"]),
        (False, (["a", "e"],), ["a"]),
        (True, (["d", "e"],), []),
        (False, (["d", "e"],), []),
        (True, (), PolicyError),
        (False, (), ...),
    ],
)
def test_the_table_of_essential_and_subset_of(*, essential: bool, given: tuple[Any, ...], outcome: Any) -> None:
    """Section 6.1.3.1.8."""
    policy = one(essential=essential, subset_of=["a", "b", "c"])
    if outcome is PolicyError:
        with pytest.raises(PolicyError):
            applied(policy, *given)
    else:
        assert applied(policy, *given) == outcome


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("add", ["x", 1, True, None, {}, [True], [None], [["x"]], ["x", 1], [{}, "x"]]),
        ("one_of", ["x", None, {}, [False], [[]]]),
        ("subset_of", ["x", None, ["x", {}]]),
        ("superset_of", [7, [None]]),
        ("essential", [None, 0, 1, "true", []]),
        ("default", [None]),
    ],
)
def test_values_that_an_operator_does_not_take(operator: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(PolicyError) as caught:
            one(**{operator: value})
        assert caught.value.where == f"/{KIND}/{NAME}/{operator}"


@pytest.mark.parametrize("shape", [{KIND: []}, {KIND: {NAME: []}}, {KIND: None}, {KIND: {NAME: "x"}}])
def test_the_three_levels_are_objects(shape: dict[str, Any]) -> None:
    """Section 6.1.2."""
    with pytest.raises(Malformed):
        parse_policy(shape)


APART: dict[tuple[str, str], tuple[Any, Any]] = {
    ("value", "add"): (["x"], ["y"]),
    ("value", "default"): (None, "x"),
    ("value", "one_of"): ("x", ["y"]),
    ("value", "subset_of"): (["x"], ["y"]),
    ("value", "superset_of"): (["x"], ["y"]),
    ("value", "essential"): (None, True),
    ("add", "one_of"): (["x"], ["x"]),
    ("add", "subset_of"): (["x"], ["y"]),
    ("one_of", "subset_of"): (["x"], ["x"]),
    ("one_of", "superset_of"): (["x"], ["x"]),
    ("subset_of", "superset_of"): (["x"], ["y"]),
}
BESIDE: dict[tuple[str, str], tuple[Any, Any]] = {
    ("value", "add"): (["x", "y"], ["y"]),
    ("value", "default"): ("y", "x"),
    ("value", "one_of"): ("x", ["y", "x"]),
    ("value", "subset_of"): (["x"], ["x", "y"]),
    ("value", "superset_of"): (["x", "y"], ["y"]),
    ("value", "essential"): (None, False),
    ("add", "default"): (["x"], ["y"]),
    ("add", "subset_of"): (["x"], ["y", "x"]),
    ("add", "superset_of"): (["x"], ["y"]),
    ("add", "essential"): (["x"], True),
    ("default", "one_of"): ("x", ["y"]),
    ("default", "subset_of"): (["x"], ["y"]),
    ("default", "superset_of"): (["x"], ["y"]),
    ("default", "essential"): ("x", True),
    ("one_of", "essential"): (["x"], True),
    ("subset_of", "superset_of"): (["x", "y"], ["x"]),
    ("subset_of", "essential"): (["x"], True),
    ("superset_of", "essential"): (["x"], True),
}


def test_every_pair_of_operators_is_in_the_table() -> None:
    pairs = {tuple(sorted((first, second))) for first in OPERATORS for second in OPERATORS if first != second}
    assert {tuple(sorted(each)) for each in APART | BESIDE} == pairs


@pytest.mark.parametrize("pair", APART)
def test_operators_that_contradict_each_other(pair: tuple[str, str]) -> None:
    """Section 6.1.3.1, in one statement and between two superiors, whichever is the higher one."""
    first, second = ({name: value} for name, value in zip(pair, APART[pair], strict=True))
    for attempt in (
        lambda: one(**first, **second),
        lambda: merge(one(**first), one(**second)),
        lambda: merge(one(**second), one(**first)),
    ):
        with pytest.raises(PolicyError) as caught:
            attempt()
        assert caught.value.where == f"/{KIND}/{NAME}"


@pytest.mark.parametrize("pair", BESIDE)
def test_operators_that_stand_side_by_side(pair: tuple[str, str]) -> None:
    first, second = ({name: value} for name, value in zip(pair, BESIDE[pair], strict=True))
    assert one(**first, **second) == merge(one(**first), one(**second)) == merge(one(**second), one(**first))


@pytest.mark.parametrize("other", [["x"], ["x", "y"]])
def test_removal_goes_with_no_list(other: list[str]) -> None:
    for name in ("add", "one_of", "subset_of", "superset_of"):
        with pytest.raises(PolicyError):
            parse_policy({KIND: {NAME: {"value": None, name: other}}})


# --- section 6.1.4.1, one above the other ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "above", "below", "outcome"),
    [
        ("value", "x", "x", "x"),
        ("value", {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}),
        ("value", None, None, None),
        ("default", ["x"], ["x"], ["x"]),
        ("add", ["x", "y"], ["y", "z"], ["x", "y", "z"]),
        ("one_of", ["x", "y"], ["y", "z"], ["y"]),
        ("subset_of", ["x", "y"], ["y", "z"], ["y"]),
        ("subset_of", ["x"], ["y"], []),
        ("superset_of", ["x", "y"], ["y", "z"], ["x", "y", "z"]),
        ("essential", True, False, True),
        ("essential", False, True, True),
        ("essential", False, False, False),
    ],
)
def test_two_values_of_one_operator(operator: str, above: Any, below: Any, outcome: Any) -> None:
    assert merge(one(**{operator: above}), one(**{operator: below})) == one(**{operator: outcome})


@pytest.mark.parametrize(
    ("operator", "above", "below"),
    [
        ("value", "x", "y"),
        ("value", 1, True),
        ("value", ["x", "y"], ["y", "x"]),
        ("value", None, "x"),
        ("default", 0, False),
        ("one_of", ["x"], ["y"]),
        ("one_of", [1], []),
    ],
)
def test_two_superiors_that_disagree(operator: str, above: Any, below: Any) -> None:
    with pytest.raises(PolicyError) as caught:
        merge(one(**{operator: above}), one(**{operator: below}))
    assert caught.value.where == f"/{KIND}/{NAME}/{operator}"


def test_what_only_one_superior_speaks_of_is_copied() -> None:
    above = parse_policy({KIND: {"a": {"value": 1}}, "only above": {"b": {"essential": True}}})
    below = parse_policy({KIND: {"c": {"value": 2}}, "only below": {"d": {"default": 3}}})
    assert merge(above, below) == {**above, **below, KIND: {"a": {"value": 1}, "c": {"value": 2}}}
    assert resolve_policy([]) == {}
    assert resolve_policy([above, below]) == merge(above, below)


# --- section 6.1.4.2 ---------------------------------------------------------------------------------------------------------------------


def test_a_policy_says_nothing_of_entity_types_that_are_not_there() -> None:
    assert apply(one(essential=True), {"another": {"a": 1}}) == {"another": {"a": 1}}


def test_scope_is_a_list_of_words() -> None:
    """Section 6.1.3.1.8."""
    policy = one("scope", subset_of=["openid", "email"], superset_of=["openid"], default="openid email")
    assert applied(policy, "email  openid phone", name="scope") == "email openid"
    assert applied(policy, name="scope") == "openid email"
    assert applied(one("scope", value=["a", "b"]), name="scope") == "a b"
    assert applied(one("scope", value=7), name="scope") == 7
    assert applied(one("scope", add=["b"]), "a", name="scope") == "a b"
    assert applied(one("scope", value="a b", add=["b"]), name="scope") == "a b"
    with pytest.raises(PolicyError):
        applied(one("scope", superset_of=["openid"]), "email", name="scope")


def test_a_policy_that_empties_a_parameter() -> None:
    """Section 6.1.4.2: nobody may use what is then illegal."""
    before = {KIND: {"algs": ["ES256"], "scope": "openid", "empty": [], "removed": ["x"]}}
    check_nothing_emptied(before, {KIND: {"algs": ["ES256"], "scope": "openid", "empty": [], "new": []}})
    for name, nothing in (("algs", []), ("scope", "")):
        with pytest.raises(PolicyError) as caught:
            check_nothing_emptied(before, {KIND: {name: nothing}})
        assert caught.value.where == f"/{KIND}/{name}"


def test_nothing_that_was_read_is_changed() -> None:
    above, below = one(add=["x"], superset_of=["x"]), one(add=["y"], subset_of=["x", "y"])
    metadata = {KIND: {NAME: ["y"]}}
    before = deepcopy((above, below, metadata))
    apply(merge(above, below), metadata)
    assert (above, below, metadata) == before
