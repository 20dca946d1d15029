"""Who says to be asking: client identifiers, whose prefix says how that is proved (OpenID4VP 1.0 section 5.9)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ..codec import base64url
from ..errors import InvalidRequest, Malformed
from ..urls import split
from ..x509 import Cert

ORIGIN = "origin:"
"""What an audience begins with over the Digital Credentials API; nobody asks under it (section 5.9.3)."""


class Prefix(StrEnum):
    """The prefixes that are understood here."""

    X509_HASH = "x509_hash"
    X509_SAN_DNS = "x509_san_dns"
    DID = "decentralized_identifier"
    REDIRECT_URI = "redirect_uri"  # proves nothing: such a request cannot be signed


class ClientId(NamedTuple):
    """A client identifier taken apart. Whole, prefix included, it is what is compared, signed and hashed (section 14.10)."""

    prefix: Prefix
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who is heard beside those with a certificate or a key that is its own name.

    ``unsigned``: requests that nobody signed, answers that are not locked, and any ``did:web``; for low assurance. ``dids`` are those that
    the wallet's host knows.
    """

    unsigned: bool = False
    dids: Collection[str] = ()


STRICT: Final = Admission()


def client_id_of(leaf: bytes) -> str:
    """``x509_hash:`` and the base64url SHA-256 of the DER leaf certificate (section 5.9.3)."""
    return f"{Prefix.X509_HASH}:{base64url.encode(hashlib.sha256(leaf).digest())}"


def parse_client_id(client_id: str, where: str = "client_id") -> ClientId:
    """``InvalidRequest`` for every other prefix, ``origin:`` and names without a prefix included: nobody is registered here beforehand."""
    prefix, _, name = client_id.partition(":")
    if prefix not in Prefix._value2member_map_ or not name:
        raise InvalidRequest("whoever asks is named by a certificate, a DID or an address that it answers from", where=where)
    return ClientId(Prefix(prefix), name)


def check_certificate(client: ClientId, leaf: Cert) -> None:
    """``InvalidRequest`` unless ``leaf`` is the certificate, or has the DNS name (never by a wildcard), that the identifier says."""
    if client.prefix is Prefix.X509_HASH:
        fits = f"{client.prefix}:{client.name}" == client_id_of(leaf.der)
    else:
        fits = client.prefix is Prefix.X509_SAN_DNS and client.name.lower() in {name.lower() for name in leaf.dns}
    if not fits:
        raise InvalidRequest("the request is by somebody else than the link says", where="/client_id")


def check_response_uri(client: ClientId, uri: str) -> None:
    """Where an answer may go: ``InvalidRequest`` for another host than the certificate's, and any other address than the one that asks.

    The specification lets a wallet take another host from somebody that it trusts; here nobody needs that.
    """
    if client.prefix is Prefix.REDIRECT_URI:
        fits = uri == client.name
    else:
        fits = client.prefix is not Prefix.X509_SAN_DNS or host_of(uri) == client.name.lower()
    if not fits:
        raise InvalidRequest("the answer would go to somebody else than the one who asks", where="/response_uri")


def host_of(uri: str) -> str:
    """The host in an address, in lower case; the text itself where it has none."""
    try:
        return split(uri).hostname or uri
    except Malformed:
        return uri
