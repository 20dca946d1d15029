"""``did:key``: the identifier is the key."""

from __future__ import annotations

from ..keys import PublicKey
from . import _multikey
from ._document import DidDocument


def resolve(did: str) -> DidDocument:
    """Its document has this one key, for everything. ``Malformed`` if there is no usable key in it."""
    text = did.removeprefix("did:key:")
    name = f"{did}#{text}"
    names = frozenset({name})
    return DidDocument(did=did, keys={name: _multikey.parse(text)}, assertion=names, authentication=names)


def render(key: PublicKey) -> str:
    """The identifier of ``key``."""
    return f"did:key:{_multikey.render(key)}"
