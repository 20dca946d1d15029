"""Rules of a type that somebody wrote, held against the language of ``_rules`` before any document is judged by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Malformed
from ._rules import CODES, LEAF, OPERATORS, Expression
from ._tree import Node


def check_rules(rules: Any, details: Node, where: str) -> None:
    """``Malformed`` with a JSON pointer to what would never be understood, or asks for a detail that a type with these details has not."""
    if not isinstance(rules, list | tuple):
        raise Malformed("a list of rules belongs here", where=where)
    for at, rule in enumerate(rules):
        _check_rule(rule, details, f"{where}/{at}")


def _check_rule(rule: Any, details: Node, where: str) -> None:
    grouped = isinstance(rule, Mapping) and "rules" in rule
    if not isinstance(rule, Mapping) or not set(rule) <= ({"when", "each", "rules"} if grouped else LEAF):
        raise Malformed("a rule has another form", where=where)
    if grouped:
        check_rules(rule["rules"], details, f"{where}/rules")
    else:
        if "when" not in rule or not isinstance(rule.get("code"), str) or rule["code"] not in CODES:
            raise Malformed(f"a rule has a condition, and a code of these: {', '.join(CODES)}", where=where)
        if not isinstance(rule.get("where"), str) or not isinstance(rule.get("detail"), str):
            raise Malformed("a rule says where and what, in words", where=where)
    for name in ("when", "each", "of"):
        if name in rule:
            _check_expression(rule[name], details, f"{where}/{name}")


def _check_expression(expression: Expression, details: Node, where: str) -> None:
    if type(expression) in {str, int, bool}:
        return
    if not isinstance(expression, list | tuple) or not expression or not isinstance(expression[0], str):
        raise Malformed("an expression belongs here", where=where)
    name, *operands = expression
    if name == "claim":
        _check_detail(operands, details, where)
    elif name == "use":
        if len(operands) != 1 or not isinstance(operands[0], str):
            raise Malformed("one name belongs here", where=where)
    else:
        rest = operands[1:] if name == "look" else operands
        least, most = (2, 2) if name == "look" else OPERATORS.get(name, (1, 0, None))[:2]
        if not least <= len(operands) <= most or (name == "look" and not _is_table(operands[0])):
            raise Malformed("there is no such operator, or it is used otherwise", where=where)
        for at, each in enumerate(rest, len(operands) - len(rest) + 1):
            _check_expression(each, details, f"{where}/{at}")


def _check_detail(names: Sequence[Any], details: Node, where: str) -> None:
    node: Node | None = details if names else None
    for name in names:
        node = node.members.get(name) if node is not None and isinstance(name, str) else None
    if node is None:
        raise Malformed("this type of document has no such detail", where=where)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(words, list | tuple) and all(isinstance(word, str) for word in words) for words in value.values()
    )
