"""What superiors demand of the metadata of those below them (OpenID Federation 1.0 section 6.1).

``{entity type: {parameter: {operator: value}}}`` with the operators ``value``, ``add``, ``default``, ``one_of``, ``subset_of``,
``superset_of`` and ``essential``, applied in this order. Others are ignored, as nobody has to understand them; who demands that they be
understood (``metadata_policy_crit``) is refused by ``statements``. ``add``, ``one_of``, ``subset_of`` and ``superset_of`` work on texts,
numbers and objects. ``scope`` is a list of words, written as one text (section 6.1.3.1.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from ..codec.reader import as_object, pointer
from ..errors import PolicyError

Operators = Mapping[str, Any]
Parameters = Mapping[str, Operators]
MetadataPolicy = Mapping[str, Parameters]
Metadata = Mapping[str, Mapping[str, Any]]

_LISTS: Final = ("add", "one_of", "subset_of", "superset_of")
_ABSENT: Final = object()
_T = TypeVar("_T")


def parse_policy(obj: Mapping[str, Any], where: str = "") -> MetadataPolicy:
    """The operators that are known, each with a value of its kinds and beside none that it may not stand beside.

    ``Malformed`` where one of the three levels is no object, ``PolicyError`` otherwise; both with a pointer.
    """
    return {kind: _parse_parameters(as_object(each, pointer(where, kind)), pointer(where, kind)) for kind, each in obj.items()}


def _parse_parameters(obj: Mapping[str, Any], where: str) -> Parameters:
    return {name: _parse_operators(name, as_object(each, pointer(where, name)), pointer(where, name)) for name, each in obj.items()}


def _parse_operators(parameter: str, obj: Mapping[str, Any], where: str) -> Operators:
    found = {name: _words(parameter, obj[name]) for name in _ORDER if name in obj}
    for name, value in found.items():
        if not _is_configured(name, value):
            raise PolicyError("this operator does not take a value of this kind", where=pointer(where, name))
    _check_together(found, where)
    return found


def _words(parameter: str, value: Any) -> Any:
    return value.split() if parameter == "scope" and type(value) is str else value


def _is_configured(name: str, value: Any) -> bool:
    """Section 6.1.3.1, "Operator JSON values"."""
    if name == "essential":
        return type(value) is bool
    if name in _LISTS:
        return type(value) is list and _is_uniform(value)
    return name == "value" or value is not None


def _is_uniform(items: list[Any]) -> bool:
    """Texts only, or numbers only, or objects only."""
    kinds = {float if type(each) is int else type(each) for each in items}
    return len(kinds) < 2 and kinds <= {str, float, dict}


def _key(value: Any) -> Any:
    """Hashable, and equal for what is the same JSON value: ``true`` is not 1, 1.0 is, and members have no order."""
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return "object", frozenset((name, _key(each)) for name, each in value.items())
    if kind is list:
        return "array", tuple(map(_key, value))
    return ("boolean", value) if kind is bool else value


def _keys(items: list[Any]) -> set[Any]:
    return set(map(_key, items))


# --- side by side ------------------------------------------------------------------------------------------------------------------------


def _within(inner: Any, outer: list[Any]) -> bool:
    """Whether ``inner`` is an array, all of it in ``outer``."""
    return type(inner) is list and _keys(inner) <= _keys(outer)


_TOGETHER: Final[Mapping[tuple[str, str], Callable[[Any, Any], bool]]] = {
    ("value", "add"): lambda value, add: type(value) is list and _within(add, value),
    ("value", "default"): lambda value, _: value is not None,
    ("value", "one_of"): lambda value, one_of: _key(value) in _keys(one_of),
    ("value", "subset_of"): _within,
    ("value", "superset_of"): lambda value, superset_of: type(value) is list and _within(superset_of, value),
    ("value", "essential"): lambda value, essential: value is not None or not essential,
    ("add", "one_of"): lambda *_: False,
    ("add", "subset_of"): _within,
    ("one_of", "subset_of"): lambda *_: False,
    ("one_of", "superset_of"): lambda *_: False,
    ("subset_of", "superset_of"): lambda subset_of, superset_of: _within(superset_of, subset_of),
}
"""Section 6.1.3.1, "Combination with other operators": what does not stand here goes together always."""


def _check_together(operators: Operators, where: str) -> None:
    if len(operators) < 2:
        return
    for (first, second), fits in _TOGETHER.items():
        if first in operators and second in operators and not fits(operators[first], operators[second]):
            raise PolicyError(f"{first} and {second} contradict each other here", where=where)


# --- one above the other -----------------------------------------------------------------------------------------------------------------


def merge(superior: MetadataPolicy, subordinate: MetadataPolicy) -> MetadataPolicy:
    """Both at once, never less strict than either (section 6.1.4.1). ``PolicyError`` with a pointer where they contradict each other."""
    return _united(superior, subordinate, "", lambda above, below, where: _united(above, below, where, _merge_operators))


def _united(above: Mapping[str, _T], below: Mapping[str, _T], where: str, both: Callable[[_T, _T, str], _T]) -> dict[str, _T]:
    """All members of either; ``both`` says what becomes of those that are in both."""
    shared = {name: both(above[name], below[name], pointer(where, name)) for name in above if name in below}
    return {**above, **below, **shared}


def _merge_operators(above: Operators, below: Operators, where: str) -> Operators:
    merged = {name: _merge_values(name, above, below, where) for name in _ORDER if name in above or name in below}
    _check_together(merged, where)
    return merged


def _merge_values(name: str, above: Operators, below: Operators, where: str) -> Any:
    """Section 6.1.3.1, "Operator value merge"."""
    if name not in above or name not in below:
        return above[name] if name in above else below[name]
    first, second = above[name], below[name]
    if name == "essential":
        return first or second
    if name in {"add", "superset_of"}:
        return _union(first, second)
    if name in {"one_of", "subset_of"}:
        common = _intersection(first, second)
        if name == "one_of" and not common:
            raise PolicyError("two superiors leave no value to choose from", where=pointer(where, name))
        return common
    if _key(first) != _key(second):
        raise PolicyError("two superiors demand different values", where=pointer(where, name))
    return first


def _union(first: list[Any], second: list[Any]) -> list[Any]:
    """In order, and each value once."""
    found: dict[Any, Any] = {}
    for each in (*first, *second):
        found.setdefault(_key(each), each)
    return list(found.values())


def _intersection(first: list[Any], second: list[Any]) -> list[Any]:
    allowed = _keys(second)
    return [each for each in first if _key(each) in allowed]


# --- on metadata -------------------------------------------------------------------------------------------------------------------------


def apply(policy: MetadataPolicy, metadata: Metadata) -> dict[str, dict[str, Any]]:
    """The metadata with what the policy changes (section 6.1.4.2); ``PolicyError`` with a pointer for what it forbids.

    Entity types that the entity does not have stay absent. A list of which nothing is left is empty, as section 6.1.3.1.5 has it.
    """
    return {kind: _apply_parameters(policy.get(kind, {}), members, pointer("", kind)) for kind, members in metadata.items()}


def _apply_parameters(parameters: Parameters, members: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = dict(members)
    for name, operators in parameters.items():
        value = _words(name, found.pop(name, _ABSENT))
        for operator, configured in operators.items():
            try:
                value = _ORDER[operator](value, configured)
            except PolicyError as error:
                raise error.within(pointer(where, name)) from error.__cause__
        if value is not _ABSENT:
            found[name] = " ".join(value) if name == "scope" and _is_text_list(value) else value
    return found


def _is_text_list(value: Any) -> bool:
    return type(value) is list and all(type(each) is str for each in value)


def _value(_: Any, configured: Any) -> Any:
    return _ABSENT if configured is None else configured


def _add(value: Any, configured: list[Any]) -> Any:
    return configured if value is _ABSENT else _union(_list(value), configured)


def _default(value: Any, configured: Any) -> Any:
    return configured if value is _ABSENT else value


def _one_of(value: Any, configured: list[Any]) -> Any:
    if value is not _ABSENT and _key(value) not in _keys(configured):
        raise PolicyError("this is none of the values that the superiors allow")
    return value


def _subset_of(value: Any, configured: list[Any]) -> Any:
    return value if value is _ABSENT else _intersection(_list(value), configured)


def _superset_of(value: Any, configured: list[Any]) -> Any:
    if value is not _ABSENT and not _within(configured, _list(value)):
        raise PolicyError("this lacks a value that the superiors demand")
    return value


def _essential(value: Any, configured: Any) -> Any:
    if configured and value is _ABSENT:
        raise PolicyError("the superiors demand that this is there")
    return value


def _list(value: Any) -> list[Any]:
    """Section 6.1.3.1, "Metadata parameter JSON values": arrays of texts, numbers or objects."""
    if type(value) is not list or not _is_uniform(value):
        raise PolicyError("the policy is about a list, and this is none")
    return value


_ORDER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "value": _value,
    "add": _add,
    "default": _default,
    "one_of": _one_of,
    "subset_of": _subset_of,
    "superset_of": _superset_of,
    "essential": _essential,
}
OPERATORS: Final = frozenset(_ORDER)


def check_nothing_emptied(before: Metadata, after: Metadata) -> None:
    """``PolicyError`` where policies left nothing of a list that had values.

    An empty list is what section 6.1.3.1.5 computes, and no metadata that may be used (section 6.1.4.2): RFC 8414 section 3.2 and its kin
    know none, and readers who take silence for "anything" would take it for that.
    """
    for kind, members in after.items():
        for name, value in members.items():
            if not value and value in ([], "") and before[kind].get(name):
                raise PolicyError("the superiors leave nothing of this", where=pointer(pointer("", kind), name))


def resolve_policy(policies: Iterable[MetadataPolicy]) -> MetadataPolicy:
    """Those of a chain, the highest superior's first (section 6.1.4.1)."""
    merged: MetadataPolicy = {}
    for each in policies:
        merged = merge(merged, each) if merged else each
    return merged
