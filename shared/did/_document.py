"""DID documents (DID Core 1.0 section 5): which keys there are, and which of them sign statements or prove who is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..codec import strict_json
from ..codec.reader import as_object, as_str, get_list, get_str
from ..errors import Malformed, Untrusted
from ..jose.jwk import parse_public_jwk, render_jwk
from ..keys import PublicKey
from . import _multikey
from ._url import parse_did_url

MEDIA_TYPE: Final = "application/did+json, application/json;q=0.9"
MAX_BYTES: Final = 65_536
ASSERTION, AUTHENTICATION = "assertionMethod", "authentication"
_MAX_KEYS: Final = 64
_CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class DidDocument:
    """``keys`` by their whole DID URL; ``assertion`` and ``authentication`` are the names of those that serve for it."""

    did: str
    keys: Mapping[str, PublicKey]
    assertion: frozenset[str]
    authentication: frozenset[str]

    def key(self, name: str, purpose: str) -> PublicKey:
        """The key of that DID URL (or ``#…`` alone), if the document names it for ``purpose``; without a name, the only one that it names.

        ``Untrusted`` for all else: a key that is there for something else signs nothing here.
        """
        named = self.assertion if purpose == ASSERTION else self.authentication
        usable = {each for each in named if each in self.keys}
        whole = f"{self.did}{name}" if name.startswith("#") else name
        if not name and len(usable) == 1:
            whole = next(iter(usable))
        if whole not in usable:
            raise Untrusted("the DID does not name this key for that")
        return self.keys[whole]


def parse_document(data: bytes, did: str) -> DidDocument:
    """``Malformed`` or ``TooLarge`` unless ``data`` is the document of exactly ``did``.

    Keys of other kinds than ours, and those that somebody else controls, are passed over; one name twice is ``Malformed``.
    """
    document = strict_json.load_object(data, max_bytes=MAX_BYTES, max_depth=8)
    if get_str(document, "id") != did:
        raise Malformed("the document is about another DID", where="/id")
    keys: dict[str, PublicKey] = {}
    seen: set[str] = set()

    def read(method: Mapping[str, Any], where: str) -> str:
        name = _name(get_str(method, "id", where), did, f"{where}/id")
        if name in seen:
            raise Malformed("one name stands for two keys", where=f"{where}/id")
        seen.add(name)
        key = _key(method) if get_str(method, "controller", where) == did else None
        if key is not None:
            keys[name] = key
        return name

    for at, entry in enumerate(get_list(document, "verificationMethod", optional=True, max_items=_MAX_KEYS) or ()):
        read(as_object(entry, f"/verificationMethod/{at}"), f"/verificationMethod/{at}")
    return DidDocument(
        did=did,
        assertion=_relation(document, ASSERTION, did, read),
        authentication=_relation(document, AUTHENTICATION, did, read),
        keys=keys,
    )


def _relation(document: Mapping[str, Any], name: str, did: str, read: Callable[[Mapping[str, Any], str], str]) -> frozenset[str]:
    """References, or keys that serve for this alone."""
    entries: Sequence[Any] = get_list(document, name, optional=True, max_items=_MAX_KEYS) or ()
    return frozenset(
        read(entry, f"/{name}/{at}") if type(entry) is dict else _name(as_str(entry, f"/{name}/{at}"), did, f"/{name}/{at}")
        for at, entry in enumerate(entries)
    )


def _name(text: str, did: str, where: str) -> str:
    """The whole DID URL; a key of another DID's document is not looked up."""
    whole = f"{did}{text}" if text.startswith("#") else text
    parse_did_url(whole, where=where)
    return whole


def _key(method: Mapping[str, Any]) -> PublicKey | None:
    """``JsonWebKey``, its older name, and ``Multikey``; ``None`` for what is no public key of ours in one of these."""
    kind, jwk, text = method.get("type"), method.get("publicKeyJwk"), method.get("publicKeyMultibase")
    try:
        if kind in {"JsonWebKey", "JsonWebKey2020"} and type(jwk) is dict and text is None:
            return parse_public_jwk(jwk)
        if kind == "Multikey" and type(text) is str and jwk is None:
            return _multikey.parse(text)
    except Malformed:
        return None
    return None


def render_document(did: str, key: PublicKey, name: str = "key-1") -> bytes:
    """The document of a DID with one key that signs statements."""
    whole = f"{did}#{name}"
    method = {"id": whole, "type": "JsonWebKey", "controller": did, "publicKeyJwk": render_jwk(key)}
    return strict_json.dumps({"@context": list(_CONTEXTS), "id": did, "verificationMethod": [method], ASSERTION: [whole]})
