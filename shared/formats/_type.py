"""What a credential type says about disclosure, obeyed when issuing and enforced when receiving.

Members stand in the type's own order. That in which a register wrote them would be the same in all copies of a document, and would tell
them from those of others (S22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from ..credentials import CredentialType, Node
from ..errors import Malformed
from ._sd_jwt import SD, Redaction

_ABSENT: Final = object()


def redact(rules: CredentialType, claims: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    """``claims`` with a digest in place of each leaf that the holder may withhold.

    Objects stay in clear around their digests, array elements are hidden one by one; an array that need not be there is hidden as a
    whole as well (RFC 9901 section 4.2.6), because its length alone would tell something. ``Malformed`` for what the type lacks.
    """
    return _object(rules.tree, claims, redaction)


def _object(node: Node, claims: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    out: dict[str, Any] = {}
    hidden: list[tuple[str, Any]] = []
    for name, child in node.members.items():
        if name not in claims:
            continue
        value = claims[name]
        if child.whole:
            out[name] = value if child.claim is not None else in_order(child, value, f"/{name}")
        elif child.claim is not None:
            hidden.append((name, value))
        elif child.items is None:
            out[name] = _object(child, value, redaction)
        elif child.required or child.open:
            out[name] = _array(child.items, value, redaction)
        else:
            hidden.append((name, _array(child.items, value, redaction)))
    if len(out) + len(hidden) != len(claims):
        _refuse_foreign(node, claims, "")
    if hidden:
        # Sorted, so that the order says nothing about which claim is which (section 4.2.4.1).
        out[SD] = sorted(redaction.members(hidden))
    return out


def _array(node: Node, values: Sequence[Any], redaction: Redaction) -> list[Any]:
    if node.claim is not None:
        return redaction.elements(values)
    inside = [_object(node, value, redaction) for value in values]
    return inside if node.open else redaction.elements(inside)


def in_order(node: Node, value: Any, where: str = "") -> Any:
    """``value`` with all its members in the type's order, where nothing is redacted. ``Malformed`` for what the type lacks."""
    if node.claim is not None:
        return value
    if node.items is not None:
        if not isinstance(value, list | tuple):
            raise Malformed("a list belongs here", where=where)
        items = node.items
        return [in_order(items, each, f"{where}/{at}") for at, each in enumerate(value)]
    if not isinstance(value, Mapping):
        raise Malformed("an object belongs here", where=where)
    out = {name: in_order(child, value[name], f"{where}/{name}") for name, child in node.members.items() if name in value}
    if len(out) != len(value):
        _refuse_foreign(node, value, where)
    return out


def _refuse_foreign(node: Node, claims: Mapping[str, Any], where: str) -> NoReturn:
    foreign = next(name for name in claims if name not in node.members)
    raise Malformed("this type of document has no such detail", where=f"{where}/{foreign}")


def check_limits(rules: CredentialType, clear: Mapping[str, Any], opened: Mapping[str, Any]) -> None:
    """``Malformed`` if what the type keeps in clear was hidden in ``clear`` (the signed payload), shown by a disclosure or not (S3).

    Disclosures leave unhidden parts as they are: a limit is in clear exactly if it is the same before and after opening.
    """
    _check_open(rules.tree, clear, opened, "")


def _check_open(node: Node, clear: Any, opened: Any, where: str) -> None:
    for name, child in node.kept:
        before, after = clear.get(name, _ABSENT), opened.get(name, _ABSENT)
        if before is _ABSENT and after is _ABSENT:
            if child.required:
                raise Malformed("a limit is missing or hidden", where=f"{where}/{name}")
        elif before is not after and (before != after if child.whole else type(before) is not type(after)):
            raise Malformed("a limit is missing or hidden", where=f"{where}/{name}")
        elif not child.whole:
            _check_below(child, before, after, f"{where}/{name}")


def _check_below(node: Node, clear: Any, opened: Any, where: str) -> None:
    if type(clear) is dict and node.items is None:
        _check_open(node, clear, opened, where)
    elif type(clear) is list and node.items is not None:
        if len(clear) != len(opened):
            raise Malformed("a limit is missing or hidden", where=where)
        for at, (before, after) in enumerate(zip(clear, opened, strict=True)):
            _check_below(node.items, before, after, f"{where}/{at}")
    else:
        raise Malformed("a limit is missing or hidden", where=where)
