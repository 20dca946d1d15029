"""Claim trees of any shape that a type allows, and a type that has every kind of detail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import strategies as st

from shared.credentials import Choice, Claim, CredentialType, Disclosure, Group, Kind, Node, Text
from shared.credentials._tree import MAX_INTEGER, portrait_url

WORDS = Text("detail", "manylyn")


def claim(*path: str | None, cwt: int, **fields: Any) -> Claim:
    base: dict[str, Any] = {"path": path, "kind": Kind.TEXT, "label": WORDS, "group": "one", "cwt": cwt}
    return Claim(**(base | fields))


KINDS = CredentialType(
    id="kinds", vct="urn:kinds", vct_int=1, doctype="kinds", title=WORDS, description=WORDS,
    groups=(
        Group(id="clear", label=WORDS), Group(id="one", label=WORDS, cwt=1), Group(id="two", label=WORDS, cwt=2),
        Group(id="inner", label=WORDS, cwt=3, within="two"), Group(id="innermost", label=WORDS, cwt=4, within="inner"),
    ),
    claims=(
        claim("limit", cwt=1, group="clear", disclosure=Disclosure.ALWAYS, required=True),
        claim("box", "limit", cwt=2, group="clear", disclosure=Disclosure.ALWAYS, kind=Kind.CODE, choices=(Choice("a", WORDS), Choice("b", WORDS))),
        claim("limits", None, cwt=3, group="clear", disclosure=Disclosure.ALWAYS, kind=Kind.DATE),
        claim("box", "inside", "day", cwt=4, kind=Kind.DATE),
        claim("about", cwt=40, kind=Kind.PARTIAL_DATE),
        claim("abouts", None, cwt=300, kind=Kind.PARTIAL_DATE),
        claim("number", cwt=7, group="inner", kind=Kind.INTEGER),
        claim("yes", cwt=8, group="inner", kind=Kind.BOOLEAN),
        claim("face", cwt=9, group="innermost", kind=Kind.PORTRAIT),
        claim("codes", None, cwt=10, group="innermost", kind=Kind.CODE, choices=tuple(Choice(f"c{at}", WORDS) for at in range(30))),
    ),
    queries=(), copy_days=1, batch_size=1, status_bits=2, status_max_age={},
)  # fmt: skip

DATES = st.dates(min_value=date(1, 1, 1)).map(date.isoformat)
LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
VALUES: dict[Kind, Callable[[Claim], st.SearchStrategy[Any]]] = {
    Kind.DATE: lambda _claim: DATES,
    Kind.PARTIAL_DATE: lambda _claim: st.builds(lambda day, size: day[:size], DATES, st.sampled_from([4, 7, 10])),
    Kind.INTEGER: lambda _claim: st.integers(0, MAX_INTEGER) | st.sampled_from([23, 24, 255, 256, 65_535, 65_536, 2**32]),
    Kind.BOOLEAN: lambda _claim: st.booleans(),
    Kind.CODE: lambda claim: st.sampled_from([choice.value for choice in claim.choices]),
    Kind.PORTRAIT: lambda _claim: st.binary(max_size=788).map(
        lambda data: portrait_url(b"RIFF" + (len(data) + 4).to_bytes(4, "little") + b"WEBP" + data)
    ),
    Kind.TEXT: lambda claim: st.text(LETTERS, min_size=1, max_size=min(claim.max_length, 300)).filter(lambda text: bool(text.strip())),
}


def trees(node: Node) -> st.SearchStrategy[Any]:
    """Every claim tree that a type allows, as far as its shape goes."""
    if node.claim is not None:
        return VALUES[node.claim.kind](node.claim)
    if node.items is not None:
        return st.lists(trees(node.items), min_size=1, max_size=min(node.max_items, 5))
    needed = {name: trees(child) for name, child in node.members.items() if child.required}
    others = {name: trees(child) for name, child in node.members.items() if not child.required}
    return st.fixed_dictionaries(needed, optional=others).filter(bool)
