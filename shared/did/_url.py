"""DIDs and DID URLs as texts (DID Core 1.0 section 3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..errors import Malformed, TooLarge

METHODS: Final = frozenset({"key", "jwk", "web"})
MAX_LENGTH: Final = 2_048  # characters; a did:jwk is the longest
_DID: Final = re.compile(r"did:([a-z0-9]+):((?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2}|:(?!$|:))+)")
_FRAGMENT: Final = re.compile(r"[A-Za-z0-9._~:=-]{1,512}")


class DidUrl(NamedTuple):
    """A key's name: the DID, and what stands behind ``#``."""

    did: str
    fragment: str


def is_did(text: str) -> bool:
    """Whether ``text`` means to be one, of whatever method."""
    return text.startswith("did:")


def check_did(did: str, *, where: str = "") -> str:
    """The method. ``Malformed`` for what is no DID, and for methods other than ``METHODS``: the list is closed."""
    if len(did) > MAX_LENGTH:
        raise TooLarge("this DID is too long", where=where)
    found = _DID.fullmatch(did)
    if found is None:
        raise Malformed("this is not a DID", where=where)
    if found[1] not in METHODS:
        raise Malformed(f"the DIDs read here are did:{', did:'.join(sorted(METHODS))}", where=where)
    return found[1]


def parse_did_url(text: str, *, where: str = "") -> DidUrl:
    """A DID with a fragment and nothing else: neither path nor query names a key here."""
    did, hash_, fragment = text.partition("#")
    check_did(did, where=where)
    if not hash_ or not _FRAGMENT.fullmatch(fragment):
        raise Malformed("a key is named by its DID, # and a name", where=where)
    return DidUrl(did, fragment)
