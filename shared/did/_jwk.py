"""``did:jwk``: the identifier is a public JWK."""

from __future__ import annotations

from typing import Final

from ..codec import base64url, strict_json
from ..jose.jwk import parse_public_jwk
from ._document import DidDocument

_MAX_JWK: Final = 2_048  # bytes


def resolve(did: str) -> DidDocument:
    """Its document has this one key, ``#0``, for everything. ``Malformed`` for a private key and for one that is not for signatures."""
    jwk = strict_json.load_object(base64url.decode(did.removeprefix("did:jwk:")), max_bytes=_MAX_JWK, max_depth=4)
    names = frozenset({f"{did}#0"})
    return DidDocument(did=did, keys={f"{did}#0": parse_public_jwk(jwk)}, assertion=names, authentication=names)
