"""Rules of a credential type as data, and what reads them (ADR 0005). Its twin in the browser is ``static/js/ovp/rules.js``.

A rule is a JSON object that *fires* when its condition is true; the first that fires is the answer::

    {"when": CONDITION, "code": error code, "where": JSON pointer, "detail": words, "of": EXPRESSION}

``of`` may be left out; its value (words, a number, or a list of words, joined with ", ") stands for ``{}`` in ``detail``. Rules can
share a condition, or be asked for each element of a list, where ``{at}`` in ``where`` stands for the position; each of the two may be
left out::

    {"when": CONDITION, "each": EXPRESSION, "rules": [rule, …]}

An expression is a literal (words, a whole number, true, false) or an operator with its operands:

    ["claim", name, …]     the disclosed claim at this path        ["use", name]          what is said of the use
    ["item"]               the element of ``each``                 ["earlier"]            those before it
    ["else", x, y]         x, or y where x is nothing              ["look", {word: [word, …]}, x]   the list of the word x
    ["count", list]        how many
    ["has", x]             x is something                          ["is", x, y]           both are the same word, number or truth
    ["in", x, list]        x is a word of the list                 ["less", x, y]         x < y, whole numbers
    ["first-day", x]       the first day that a date may mean, of which only the year or the month may be known
    ["last-day", x]        the last one                            ["before", x, y]       the day x is before the day y
    ["days-after", x, n]   the day n days after the day x
    ["not", x]             x is false                              ["all", x, …] ["any", x, …]   left to right, as far as needed

What is not there is *nothing*: it is the same as nothing, is in no list, and is a list without elements. A condition is true or false.
Anything else (an operator that is not in this table, a number of words, an unknown code) is ``TypeRuleBroken``: a rule that cannot be
understood never lets a document pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NoReturn

from ..errors import (
    NeedsCapacityEvidence,
    NeedsGrant,
    NeedsMoreAttorneys,
    NotDetermined,
    OutsidePermission,
    OutsideScope,
    RestrictedUndisclosed,
    RestrictionsToRead,
    TypeRuleBroken,
    VcError,
    WrongInstrument,
)
from ._tree import days_of, is_date

Rule = Mapping[str, Any]
Expression = Any
"""A JSON value."""

CODES: Mapping[str, type[VcError]] = {
    each.code: each
    for each in (
        NeedsCapacityEvidence,
        NeedsGrant,
        NeedsMoreAttorneys,
        NotDetermined,
        OutsidePermission,
        OutsideScope,
        RestrictedUndisclosed,
        RestrictionsToRead,
        TypeRuleBroken,
        WrongInstrument,
    )
}
"""What a rule may answer."""


# --- rules in the words of a type's file -----------------------------------------------------------------------------------------------


def said(name: str, *more: str) -> Expression:
    """The claim at this path is there."""
    return ["has", ["claim", name, *more]]


def not_admitted(name: str, value: Expression) -> Expression:
    """The use names what it admits, and ``value`` is not of it."""
    return ["all", ["has", ["use", name]], ["not", ["in", value, ["use", name]]]]


def answer(code: str, where: str, when: Expression, detail: str, *, of: Expression = "") -> Rule:
    """A rule that answers with an error code."""
    return {"when": when, "code": code, "where": where, "detail": detail, **({"of": of} if of else {})}


def fault(where: str, when: Expression, detail: str) -> Rule:
    """A rule that such a document breaks."""
    return answer("type_rule_broken", where, when, detail)


@dataclass(slots=True)
class _Scope:
    claims: Mapping[str, Any]
    use: Mapping[str, Any]
    item: Any = None
    at: int = 0
    earlier: Sequence[Any] = ()


Ask = Callable[[_Scope], Any]
Step = Callable[[_Scope], VcError | None]
Judge = Callable[[Mapping[str, Any], Mapping[str, Any]], VcError | None]


def compile_rules(rules: Sequence[Rule]) -> Judge:
    """What answers ``(claims, use)`` with the error of the first rule that fires, or with ``None``. ``claims`` have the type's shape."""
    step = _all_steps(rules)

    def judge(claims: Mapping[str, Any], use: Mapping[str, Any]) -> VcError | None:
        try:
            return step(_Scope(claims, use))
        except TypeRuleBroken as broken:
            return broken

    return judge


def _broken(detail: str) -> NoReturn:
    raise TypeRuleBroken(f"a rule of this type of document cannot be applied: {detail}")


# --- rules ---------------------------------------------------------------------------------------------------------------------------


def _all_steps(rules: Any) -> Step:
    if not isinstance(rules, list | tuple):
        return lambda _scope: _broken("a list of rules belongs here")
    steps = [_step(rule) for rule in rules]

    def first(scope: _Scope) -> VcError | None:
        for step in steps:
            found = step(scope)
            if found is not None:
                return found
        return None

    return first


def _step(rule: Any) -> Step:
    if not isinstance(rule, Mapping) or not set(rule) <= ({"when", "each", "rules"} if "rules" in rule else LEAF):
        return lambda _scope: _broken("a rule has another form")
    then = (
        _each(rule["each"], _all_steps(rule["rules"]))
        if "each" in rule
        else _all_steps(rule["rules"])
        if "rules" in rule
        else _answer(rule)
    )
    if "when" not in rule and "rules" in rule:
        return then
    when = _compile(rule.get("when"))

    def step(scope: _Scope) -> VcError | None:
        value = when(scope)
        return None if value is False else then(scope) if value is True else _broken("a condition is true or false")

    return step


LEAF = {"when", "code", "where", "detail", "of"}


def _each(expression: Expression, then: Step) -> Step:
    ask = _compile(expression)

    def step(scope: _Scope) -> VcError | None:
        items = _list(ask(scope))
        found = (then(_Scope(scope.claims, scope.use, item, at, items[:at])) for at, item in enumerate(items))
        return next((error for error in found if error is not None), None)

    return step


def _answer(rule: Rule) -> Step:
    code, where, detail = rule.get("code"), rule.get("where"), rule.get("detail")
    error = CODES.get(code) if isinstance(code, str) else None
    if error is None or not isinstance(where, str) or not isinstance(detail, str):
        return lambda _scope: _broken("its answer is not known")
    of = _compile(rule.get("of", ""))
    return lambda scope: error(detail.replace("{}", _words(of(scope))), where=where.replace("{at}", str(scope.at)))


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(each) for each in value)
    return str(value) if type(value) in {str, int} else _broken("words belong here")


# --- expressions ---------------------------------------------------------------------------------------------------------------------


def _compile(expression: Expression) -> Ask:
    if type(expression) in {str, int, bool}:
        return lambda _scope: expression
    if isinstance(expression, list | tuple) and expression and isinstance(expression[0], str):
        name, *operands = expression
        if name in _READERS:
            return _READERS[name](operands)
        least, most, apply = OPERATORS.get(name, (1, 0, None))
        if apply is not None and least <= len(operands) <= most:
            return apply(*[_compile(each) for each in operands])
    return lambda _scope: _broken("an operator is not known")


def _claim(names: Sequence[Any]) -> Ask:
    if not names or not all(isinstance(name, str) for name in names):
        return _compile(None)
    first, *more = names

    def ask(scope: _Scope) -> Any:
        value: Any = scope.claims.get(first)
        for name in more:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return ask


def _use(names: Sequence[Any]) -> Ask:
    if len(names) != 1 or not isinstance(names[0], str):
        return _compile(None)
    return lambda scope: scope.use.get(names[0])


def _look(operands: Sequence[Any]) -> Ask:
    if len(operands) != 2 or not isinstance(operands[0], Mapping):
        return _compile(None)
    table, ask = operands[0], _compile(operands[1])
    return lambda scope: table.get(_word(ask(scope)))


def _is(one: Ask, other: Ask) -> Ask:
    def ask(scope: _Scope) -> bool:
        x, y = one(scope), other(scope)
        if type(x) not in _SCALARS or type(y) not in _SCALARS:
            _broken("a word, a number or a truth belongs here")
        return x is not None and type(x) is type(y) and bool(x == y)

    return ask


def _not(one: Ask) -> Ask:
    def ask(scope: _Scope) -> bool:
        value = one(scope)
        return value is False or (value is not True and _broken("true or false belongs here"))

    return ask


def _until(asks: Sequence[Ask], *, enough: bool) -> Ask:
    def ask(scope: _Scope) -> bool:
        for each in asks:
            value = each(scope)
            if value is not True and value is not False:
                _broken("true or false belongs here")
            if value == enough:
                return enough
        return not enough

    return ask


def _in(one: Ask, many: Ask) -> Ask:
    def ask(scope: _Scope) -> bool:
        word, words = _word(one(scope)), _list(many(scope))
        return word is not None and word in words

    return ask


def _else(one: Ask, other: Ask) -> Ask:
    def ask(scope: _Scope) -> Any:
        value = one(scope)
        return other(scope) if value is None else value

    return ask


_READERS: Mapping[str, Callable[[Sequence[Any]], Ask]] = {"claim": _claim, "use": _use, "look": _look}
"""Operators whose operands are not all expressions."""

_SCALARS = frozenset({str, int, bool, type(None)})
_ANY_NUMBER = 64
OPERATORS: Mapping[str, tuple[int, int, Callable[..., Ask] | None]] = {  # the fewest and the most operands
    "item": (0, 0, lambda: lambda scope: scope.item),
    "earlier": (0, 0, lambda: lambda scope: scope.earlier),
    "else": (2, 2, _else),
    "count": (1, 1, lambda ask: lambda scope: len(_list(ask(scope)))),
    "has": (1, 1, lambda ask: lambda scope: ask(scope) is not None),
    "is": (2, 2, _is),
    "in": (2, 2, _in),
    "less": (2, 2, lambda one, other: lambda scope: _number(one(scope)) < _number(other(scope))),
    "first-day": (1, 1, lambda ask: lambda scope: _edges(ask(scope))[0]),
    "last-day": (1, 1, lambda ask: lambda scope: _edges(ask(scope))[1]),
    "days-after": (2, 2, lambda day, days: lambda scope: _later(_day(day(scope)), _number(days(scope)))),
    "before": (2, 2, lambda one, other: lambda scope: _day(one(scope)) < _day(other(scope))),
    "not": (1, 1, _not),
    "all": (1, _ANY_NUMBER, lambda *asks: _until(asks, enough=False)),
    "any": (1, _ANY_NUMBER, lambda *asks: _until(asks, enough=True)),
}


def _number(value: Any) -> int:
    return value if type(value) is int else _broken("a whole number belongs here")


def _edges(value: Any) -> tuple[str, str]:
    return days_of(value) or _broken("a date belongs here")


def _day(value: Any) -> str:
    return value if isinstance(value, str) and is_date(value) else _broken("a day belongs here")


def _later(day: str, days: int) -> str:
    """ISO 8601 days compare as words do, as long as their years have four digits."""
    if not 0 <= days <= _LONGEST:
        _broken("so many days are not counted here")
    try:
        return (date.fromisoformat(day) + timedelta(days)).isoformat()
    except OverflowError:
        return _broken("that day has no name")


_LONGEST = 36_525
"""A hundred years."""


def _word(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _broken("a word belongs here")


def _list(value: Any) -> Sequence[Any]:
    return () if value is None else value if isinstance(value, list | tuple) else _broken("a list belongs here")
