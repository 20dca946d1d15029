"""Looking for something in a list: what was typed, bounded, whether a line says it, and which page of the list is meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MAX_WANTED = 200
"""Characters of what is looked for; the rest is not read."""


def wanted_of(query: Mapping[str, str], name: str = "q") -> str:
    """What somebody looks for, at most ``MAX_WANTED`` characters; empty for the whole list."""
    return query.get(name, "").strip()[:MAX_WANTED].strip()


def fits(wanted: str, texts: Iterable[str]) -> bool:
    """Whether all words that are ``wanted`` stand in the texts of a line, in any order; capital letters make no difference."""
    text = " ".join(texts).casefold()
    return all(word in text for word in wanted.casefold().split())


def number_in(wanted: str) -> str:
    """What was typed as a document's number is stored: without what stands between its parts. Empty for what is no such number."""
    plain = "".join(wanted.split()).replace("-", "").upper()
    return plain if plain.isascii() and plain.isalnum() else ""


def page_of(text: str) -> int:
    """The number of a page, from 1; 1 for whatever is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 7 else 1
