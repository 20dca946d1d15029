"""A locked link of the small world, and the page around it."""

from __future__ import annotations

import hashlib

from shared.addressed import AddressedPresentation, parse_file
from shared.credentials import Text
from shared.sealed_link import Detail, Link, generate_words, seal

NAME = "Brightwater Utilities"
WELSH_NAME = "Cyfleustodau Brightwater"


def dice(size: int) -> bytes:
    """Always the same throw."""
    return hashlib.shake_256(b"locked").digest(size)


WORDS = generate_words(dice)
WRONG = generate_words(lambda size: hashlib.shake_256(b"others").digest(size))


def link_to(file: bytes, *, until: int, name: str = NAME, welsh: str = WELSH_NAME) -> Link:
    """A link around a copy's file, with one detail in plain words."""
    return Link(
        name=Text(name, welsh),
        until=until,
        title=Text("Authority to act for somebody", "Awdurdod i weithredu dros rywun"),
        purpose=Text("to close the account", "i gau’r cyfrif"),
        copy=_copy(file),
        details=(Detail(label=Text("Family name", "Cyfenw"), value=Text("Ashdown", "Ashdown")),),
    )


def _copy(file: bytes) -> AddressedPresentation:
    return parse_file(file)


def locked(file: bytes, *, until: int, name: str = NAME) -> str:
    """That link, sealed with ``WORDS``."""
    return seal(link_to(file, until=until, name=name), WORDS, entropy=dice)
