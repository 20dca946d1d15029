"""What a credential type says about disclosure, obeyed when issuing and enforced when receiving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

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
    members = node.members
    out: dict[str, Any] = {}
    digests: list[str] = []
    for name, value in claims.items():
        child = members.get(name)
        if child is None:
            raise Malformed("this type of document has no such detail", where=f"/{name}")
        if child.whole:
            out[name] = value
        elif child.claim is not None:
            digests.append(redaction.member(name, value))
        elif child.items is None:
            out[name] = _object(child, value, redaction)
        else:
            elements = [_element(child.items, item, redaction) for item in value]
            if child.required or child.open:
                out[name] = elements
            else:
                digests.append(redaction.member(name, elements))
    if digests:
        # Sorted, so that the order says nothing about which claim is which (section 4.2.4.1).
        digests.sort()
        out[SD] = digests
    return out


def _element(node: Node, value: Any, redaction: Redaction) -> Any:
    if node.claim is not None:
        return redaction.element(value)
    inside = _object(node, value, redaction)
    return inside if node.open else redaction.element(inside)


def check_members(rules: CredentialType, claims: Mapping[str, Any]) -> None:
    """``Malformed`` for a top-level detail that the type lacks, where nothing is redacted."""
    for name in claims:
        if name not in rules.tree.members:
            raise Malformed("this type of document has no such detail", where=f"/{name}")


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
