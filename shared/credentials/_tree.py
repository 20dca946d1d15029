"""The claim tree of a type: its leaves hung into the objects and arrays that hold them, and the check of a claim set's shape."""

from __future__ import annotations

from base64 import b64decode, b64encode
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ..errors import Malformed, TooLarge
from ._claim import Claim, ClaimPath, Disclosure, Kind

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259 section 6)."""


@dataclass(slots=True, kw_only=True)
class Node:
    """A leaf (``claim``), an object (``members``) or an array (``items``): exactly one of the three is there."""

    claim: Claim | None = None
    members: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    required: bool = False
    max_items: int = 0
    open: bool = False
    """Something below is always in clear, so that nothing may hide this node."""
    whole: bool = False
    """Everything below is always in clear."""
    kept: tuple[tuple[str, Node], ...] = ()
    """The ``open`` ones of ``members``."""


def grow(claims: Iterable[Claim]) -> Node:
    """The root object over ``claims``."""
    root = Node(required=True)
    for claim in claims:
        _plant(root, claim)
    _seal(root)
    return root


def _seal(node: Node) -> bool:
    """Set ``whole`` and ``kept`` from the leaves upwards."""
    below = [node.items] if node.items is not None else list(node.members.values())
    parts = [_seal(child) for child in below]
    node.whole = all(parts) if parts else node.open
    node.kept = tuple((name, child) for name, child in node.members.items() if child.open)
    return node.whole


def _plant(node: Node, claim: Claim) -> None:
    for part in claim.path:
        node.required |= claim.required
        node.open |= claim.disclosure is Disclosure.ALWAYS
        if part is None:
            node.items = node.items or Node()
            node.max_items = claim.max_items
            node = node.items
        else:
            node = node.members.setdefault(part, Node())
    node.claim = claim
    node.required = claim.required
    node.open = claim.disclosure is Disclosure.ALWAYS


def pointer(path: Iterable[str | int | None]) -> str:
    """RFC 6901 pointer of a claim path; ``None`` becomes ``-``."""
    return "".join("/" + ("-" if part is None else str(part).replace("~", "~0").replace("/", "~1")) for part in path)


def check_shape(node: Node, value: Any, *, whole: bool, path: ClaimPath = ()) -> None:
    """Raise ``Malformed`` unless ``value`` has the form of ``node``; ``whole`` also demands what is required."""
    if node.claim is not None:
        _CHECKS[node.claim.kind](node.claim, value, pointer(path))
    elif node.items is not None:
        _check_array(node, node.items, value, whole=whole, path=path)
    else:
        _check_object(node, value, whole=whole, path=path)


def _check_object(node: Node, value: Any, *, whole: bool, path: ClaimPath) -> None:
    if not isinstance(value, Mapping):
        raise Malformed("an object belongs here", where=pointer(path))
    for name, member in value.items():
        child = node.members.get(name)
        if child is None:
            raise Malformed("this type of document has no such detail", where=pointer((*path, name)))
        check_shape(child, member, whole=whole, path=(*path, name))
    if not whole:
        return
    if not value and path:
        raise Malformed("leave out what is empty", where=pointer(path))
    for name, child in node.members.items():
        if child.required and name not in value:
            raise Malformed("this detail is needed", where=pointer((*path, name)))


def _check_array(node: Node, items: Node, value: Any, *, whole: bool, path: ClaimPath) -> None:
    if not isinstance(value, list | tuple):
        raise Malformed("a list belongs here", where=pointer(path))
    if len(value) > node.max_items:
        raise TooLarge(f"at most {node.max_items} entries", where=pointer(path))
    if whole and not value:
        raise Malformed("give at least one, or leave it out", where=pointer(path))
    for at, item in enumerate(value):
        check_shape(items, item, whole=whole, path=(*path, at))


def _check_text(claim: Claim, value: Any, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise Malformed("words belong here", where=where)
    if len(value) > claim.max_length:
        raise TooLarge(f"at most {claim.max_length} characters", where=where)
    if any((char < " " and char != "\n") or "\x7f" <= char < "\xa0" or "\ud800" <= char <= "\udfff" for char in value):
        raise Malformed("there are characters here that nobody can read", where=where)


def _check_date(_claim: Claim, value: Any, where: str) -> None:
    if not is_date(value):
        raise Malformed("a date like 1938-11-02 belongs here", where=where)


def _check_partial_date(_claim: Claim, value: Any, where: str) -> None:
    if days_of(value) is None:
        raise Malformed("a date like 1938-11-02, 1938-11 or 1938 belongs here", where=where)


_COMPLETED = {4: "-01-01", 7: "-01", 10: ""}


def days_of(value: Any) -> tuple[str, str] | None:
    """The first and the last day that a date may mean, of which only the year or the month may be known; ``None`` where it is none."""
    if not isinstance(value, str) or len(value) not in _COMPLETED or not is_date(value + _COMPLETED[len(value)]):
        return None
    first = value + _COMPLETED[len(value)]
    if len(value) == 4:
        return first, value + "-12-31"
    return first, value if len(value) == 10 else f"{value}-{monthrange(int(value[:4]), int(value[5:]))[1]}"


def is_date(value: Any) -> bool:
    """RFC 3339 full-date of a day that exists; ``date.fromisoformat`` alone would take more forms."""
    if not isinstance(value, str) or len(value) != 10 or value[4] != "-" or value[7] != "-" or not value.isascii():
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _check_integer(_claim: Claim, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise Malformed("a whole number belongs here", where=where)


def _check_boolean(_claim: Claim, value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise Malformed("true or false belongs here", where=where)


def _check_code(claim: Claim, value: Any, where: str) -> None:
    if not isinstance(value, str) or claim.choice(value) is None:
        raise Malformed(f"one of these belongs here: {', '.join(choice.value for choice in claim.choices)}", where=where)


PORTRAIT = "data:image/webp;base64,"
MAX_PORTRAIT = 800
"""Bytes of a picture: with more of them a code on a screen is not read by every camera."""
MAX_PORTRAIT_URL = len(PORTRAIT) + -(-MAX_PORTRAIT // 3) * 4


def _check_portrait(_claim: Claim, value: Any, where: str) -> None:
    if isinstance(value, str) and len(value) > MAX_PORTRAIT_URL:
        raise TooLarge(f"at most {MAX_PORTRAIT} bytes", where=where)
    if not isinstance(value, str) or portrait_bytes(value) is None:
        raise Malformed("a small picture in the form WebP belongs here", where=where)


def portrait_bytes(url: str) -> bytes | None:
    """The WebP file inside a ``data:`` URL; ``None`` if there is none, it is too large, or the URL could be spelled otherwise."""
    try:
        data = b64decode(url.removeprefix(PORTRAIT), validate=True)
    except ValueError:
        return None
    fits = url == portrait_url(data) and len(data) <= MAX_PORTRAIT
    # RIFF container of a WebP (RFC 9649 section 2.4): its size counts what follows the first eight bytes.
    riff = data[:4] == b"RIFF" and data[8:12] == b"WEBP" and data[4:8] == (len(data) - 8).to_bytes(4, "little")
    return data if fits and riff else None


def portrait_url(data: bytes) -> str:
    """The one ``data:`` URL of a WebP file."""
    return PORTRAIT + b64encode(data).decode()


_CHECKS: Mapping[Kind, Callable[[Claim, Any, str], None]] = {
    Kind.TEXT: _check_text,
    Kind.DATE: _check_date,
    Kind.PARTIAL_DATE: _check_partial_date,
    Kind.INTEGER: _check_integer,
    Kind.BOOLEAN: _check_boolean,
    Kind.CODE: _check_code,
    Kind.PORTRAIT: _check_portrait,
}


def leaves(node: Node, value: Any, path: ClaimPath = ()) -> Iterator[tuple[ClaimPath, Claim, Any]]:
    """Each leaf of ``value`` that the type knows, in the type's order: path with numbers, what it is, and its value."""
    if node.claim is not None:
        yield path, node.claim, value
    elif node.items is not None:
        for at, item in enumerate(value):
            yield from leaves(node.items, item, (*path, at))
    else:
        for name, child in node.members.items():
            if name in value:
                yield from leaves(child, value[name], (*path, name))
