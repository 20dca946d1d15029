"""Decentralized identifiers (DID Core 1.0) as *sources* of keys: which keys does ``did:…`` name? Never whether anybody should be believed.

Three methods and no others: ``did:key`` and ``did:jwk`` are their own documents; ``did:web`` is read from where it says, by a flow. Whose
identifier counts for what is for ``shared.trust`` to say, where each one is pinned by its owner.
"""

from __future__ import annotations

from ..errors import Unavailable
from ..flow import Fetch, Flow
from . import _jwk, _key, _web
from ._document import ASSERTION, AUTHENTICATION, MAX_BYTES, MEDIA_TYPE, DidDocument, parse_document, render_document
from ._url import DidUrl, check_did, is_did, parse_did_url

__all__ = [
    "ASSERTION",
    "AUTHENTICATION",
    "MAX_BYTES",
    "MEDIA_TYPE",
    "DidDocument",
    "DidUrl",
    "address_of",
    "check_did",
    "did_key",
    "did_web",
    "is_did",
    "parse_did_url",
    "parse_document",
    "render_document",
    "resolve",
    "want",
]

did_key = _key.render
did_web = _web.render
address_of = _web.address


def want(did: str) -> Fetch:
    """What has to be fetched for a ``did:web``."""
    return Fetch(url=_web.address(did), headers={"accept": MEDIA_TYPE}, max_bytes=MAX_BYTES)


def resolve(did: str) -> Flow[DidDocument]:
    """The document of ``did``. ``Malformed`` for another method or form; only ``did:web`` yields a ``Fetch``, one, over https.

    ``Unavailable`` where the address does not answer; ``Malformed`` for a document that is about anything but exactly ``did``.
    """
    method = check_did(did)
    if method == "key":
        return _key.resolve(did)
    if method == "jwk":
        return _jwk.resolve(did)
    got = yield want(did)
    if got.status != 200:
        raise Unavailable(f"the address of the DID answered {got.status}")
    return parse_document(got.body, did)
