"""For all metadata policies: what merging and applying have in common (OpenID Federation 1.0 section 6.1)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.errors import PolicyError, VcError
from shared.trust.metadata_policy import OPERATORS, apply, merge, parse_policy

KIND, NAME = "openid_credential_issuer", "parameter"


def one(**operators: Any) -> Any:
    """The policy of one parameter, read."""
    return parse_policy({KIND: {NAME: operators}})


ITEMS = st.lists(st.sampled_from("abcd"), unique=True, max_size=4)
SINGLE = st.sampled_from("abcd")
LISTS = {
    "value": st.one_of(ITEMS, st.none()),
    "add": ITEMS,
    "default": ITEMS,
    "subset_of": ITEMS,
    "superset_of": ITEMS,
    "essential": st.booleans(),
}
TEXTS = {"value": st.one_of(SINGLE, st.none()), "default": SINGLE, "one_of": ITEMS, "essential": st.booleans()}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
FREE = st.dictionaries(
    st.sampled_from(["a", KIND]),
    st.dictionaries(
        st.sampled_from(["scope", NAME]), st.dictionaries(st.sampled_from([*sorted(OPERATORS), "regexp"]), ANY_JSON, max_size=4) | ANY_JSON
    )
    | ANY_JSON,
    max_size=2,
)


def policies(kinds: dict[str, Any], *without: str) -> st.SearchStrategy[Any]:
    wanted = {name: kind for name, kind in kinds.items() if name not in without}
    return (
        st.fixed_dictionaries({}, optional=wanted)
        .map(lambda operators: _or_none(lambda: one(**operators)))
        .filter(lambda each: each is not None)
    )


def _or_none(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except PolicyError:
        return None


def alike(value: Any) -> Any:
    """The order of what a list operator computed is not defined (section 6.1.3)."""
    if isinstance(value, list):
        return "list", frozenset(value)
    return {name: alike(each) for name, each in value.items()} if isinstance(value, dict) else value


EITHER = st.sampled_from([LISTS, TEXTS])


@given(st.data(), EITHER)
def test_merging_is_associative(data: st.DataObject, kinds: dict[str, Any]) -> None:
    first, second, third = (data.draw(policies(kinds)) for _ in range(3))
    left = _or_none(lambda: merge(merge(first, second), third))
    right = _or_none(lambda: merge(first, merge(second, third)))
    assert alike(left) == alike(right)


@given(st.data(), EITHER)
def test_merging_with_itself_changes_nothing(data: st.DataObject, kinds: dict[str, Any]) -> None:
    policy = data.draw(policies(kinds))
    same = _or_none(lambda: merge(policy, policy))
    assert alike(same) == alike(policy) or (same is None and policy[KIND][NAME].get("one_of") == [])
    assert merge(policy, {}) == merge({}, policy) == policy


@given(st.data(), EITHER)
def test_whichever_superior_is_the_higher_one(data: st.DataObject, kinds: dict[str, Any]) -> None:
    first, second = data.draw(policies(kinds)), data.draw(policies(kinds))
    assert alike(_or_none(lambda: merge(first, second))) == alike(_or_none(lambda: merge(second, first)))


@given(st.data(), EITHER)
def test_merged_is_as_one_after_the_other(data: st.DataObject, kinds: dict[str, Any]) -> None:
    """Where neither errs, and nothing sets what is absent before a later superior has added or restricted (``default``)."""
    first, second = data.draw(policies(kinds, "default")), data.draw(policies(kinds, "default"))
    values = data.draw(st.lists(ITEMS if kinds is LISTS else SINGLE, max_size=1))
    metadata = {KIND: dict.fromkeys([NAME], values[0]) if values else {}}
    together = _or_none(lambda: apply(merge(first, second), metadata))
    in_turn = _or_none(lambda: apply(second, apply(first, metadata)))
    assume(together is not None)
    assume(in_turn is not None)
    assert alike(together) == alike(in_turn)


def test_why_default_is_left_out_above() -> None:
    """Section 6.1.3.1: ``add`` comes before ``default`` once they are merged."""
    first, second = one(default=["x"]), one(add=["y"])
    assert apply(merge(first, second), {KIND: {}})[KIND][NAME] == ["y"]
    assert apply(second, apply(first, {KIND: {}}))[KIND][NAME] == ["x", "y"]


@given(st.data(), EITHER)
def test_no_superior_is_made_more_permissive(data: st.DataObject, kinds: dict[str, Any]) -> None:
    """Section 6.1.1, hierarchy: what passes both passes each one's checks."""
    first, second = data.draw(policies(kinds)), data.draw(policies(kinds))
    values = data.draw(st.lists(ITEMS if kinds is LISTS else SINGLE, max_size=1))
    metadata = {KIND: dict.fromkeys([NAME], values[0]) if values else {}}
    together = _or_none(lambda: apply(merge(first, second), metadata))
    assume(together is not None)
    checks = {name: value for name, value in first[KIND][NAME].items() if name not in {"add", "default", "value"}}
    assert alike(apply(one(**checks), together)) == alike(together)


@given(FREE, FREE, ANY_JSON)
def test_a_policy_or_an_error(above: Any, below: Any, value: Any) -> None:
    with suppress(VcError):
        policy = merge(parse_policy(above), parse_policy(below))
        after = apply(policy, {KIND: {NAME: value, "scope": value}} if value is not None else {KIND: {}})
        assert all(each is not None for each in after[KIND].values())
