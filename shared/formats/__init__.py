"""What a credential format does, whichever it is. One format is one file of this package that ends in ``FORMAT = …``.

A format has no key, no clock, no socket: keys are named, time and entropy are arguments, signing is ``shared.keys.Unsigned``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

from msgspec import Struct

from ..clock import Entropy
from ..credentials import ClaimPath, CredentialType
from ..keys import KeyId, PublicKey, Unsigned
from ..registry import exports

NOTHING: Mapping[str, Any] = MappingProxyType({})


class StatusReference(Struct, frozen=True, kw_only=True):
    """Where a copy's status stands (Token Status List section 6): the list's address and an index into it.

    With a ``purpose`` it stands in a Bitstring Status List of that purpose, in ``size`` bits; of a purpose that is not known here nobody
    can tell the status.
    """

    uri: str
    idx: int
    purpose: str = ""
    size: int = 1


class Credential(Struct, frozen=True, kw_only=True):
    """What an issuer says. ``claims`` is the claim tree of ``type``; instants are seconds and already rounded to the day.

    ``kid`` names the issuer's key (8 bytes of its RFC 9679 thumbprint) for a format that does; by default that of the first certificate.
    ``bitstrings`` are the addresses where W3C formats find the same status once more, by purpose (Bitstring Status List section 2.1).
    """

    type: CredentialType
    claims: Mapping[str, Any]
    issuer: str
    issued_at: int
    expires_at: int
    status: StatusReference | None = None
    x5c: tuple[bytes, ...] = ()  # DER, leaf first, anchor never inside
    kid: bytes = b""
    alg: str = "ES256"
    bitstrings: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What an mdoc is tied to beside audience and nonce (OpenID4VP appendix B.2.6); other formats do not look at it.

    ``response_uri`` is where the answer goes; empty with the Digital Credentials API, whose origin is the audience after ``origin:``.
    ``key_thumbprint`` is the RFC 7638 SHA-256 (32 bytes) of the key that the answer is locked with, ``None`` where it is not locked.
    ``agree`` gives the secret shared with a device key, where the checker can also verify a device's MAC (ISO/IEC 18013-5 section 9.1.3.5).
    """

    response_uri: str = ""
    key_thumbprint: bytes | None = None
    agree: Callable[[PublicKey], bytes] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Whom a presentation is for: to ``verify`` the expected values, to ``present`` the values to sign.

    ``nonce`` is a text; a format that signs bytes takes base64url of them. It is ``None`` only to verify an addressed copy, whose nonce the holder chose: it must then be of 128 bits or more, beside
    ``exp``, ``jti`` and ``purpose_id`` (S8). ``max_age`` (seconds) bounds the age of the holder's signature, ``issued_after`` (epoch seconds) is an
    earlier bound of its own, e.g. when our nonce was made; a signed ``exp`` only narrows. Where ``max_age`` is ``None`` the nonce alone
    proves freshness, and the holder's clock is not judged. ``extra`` members are signed by the holder and, when verifying, must be there
    with equal values.
    """

    audience: str
    nonce: str | None
    issued_after: int | None = None
    max_age: int | None = 300
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    handover: Handover | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerType:
    """Only for a type whose file says bearer, and a credential without ``cnf`` (security rule S2)."""

    vct: str


class Parsed(Struct, frozen=True, kw_only=True):
    """The structure of received bytes. Nothing in it is a fact before ``verify``; only ``parse`` and ``disclose`` make one.

    ``payload`` is what the issuer signed: as it was sent where that is JSON, digests included, else its members under their JSON names.
    ``vct``, ``issuer``, ``status`` and ``holder`` (where a format has it at hand) are hints, empty or ``None`` where absent. ``doctype`` is only
    there where a document signer of others signed it (ISO/IEC 18013-5 annex B): then whoever trusts its authority says who the issuer is.
    """

    format: str
    wire: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    disclosures: tuple[str, ...] = ()  # as received, base64url
    binding_token: str | None = None
    vct: str = ""
    issuer: str = ""
    doctype: str = ""
    x5c: tuple[bytes, ...] = ()
    kid: bytes = b""  # where no certificates came along: which of the issuer's keys (RFC 9052 section 3.1)
    status: StatusReference | None = None
    further: tuple[StatusReference, ...] = ()  # other places where something about the status stands; each of them counts
    holder: PublicKey | None = None
    staples: tuple[bytes, ...] = ()  # status assertions that came along inside; unverified
    inner: Any = None  # the format's own parse, so that nothing is parsed twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeked:
    """What a wallet may show of a credential that it holds: ``document`` with every disclosure at hand applied.

    ``claims`` is the type's claim tree inside it; ``disclosable`` are the paths into ``document`` that may be withheld (numbers for
    array positions), ``holder`` is the key it is bound to, ``issued_at`` and
    ``expires_at`` are epoch seconds, 0 where the document does not say.
    """

    document: Mapping[str, Any]
    claims: Mapping[str, Any]
    disclosable: tuple[ClaimPath, ...]
    issued_at: int
    expires_at: int
    holder: PublicKey | None


class Claims(Struct, frozen=True, kw_only=True):
    """Facts: what a verified presentation says.

    ``claims`` is the claim tree of the type, the same for every format, with the withheld leaves gone. ``document`` is the whole
    processed document in the format's own shape: DCQL paths point into it (for ``vc+jwt`` they begin with ``credentialSubject``).
    ``disclosed`` are paths into ``document`` of the leaves that the holder could have withheld and did not, in no order.
    ``issued_at`` and ``expires_at`` are epoch seconds, 0 where the document does not say. ``signing_input_digest`` is the replay key
    (S9): SHA-256 of what the holder signed, or the issuer where there is no holder.
    """

    vct: str
    issuer: str
    claims: Mapping[str, Any]
    document: Mapping[str, Any]
    disclosed: tuple[ClaimPath, ...]
    issued_at: int
    expires_at: int
    status: StatusReference | None
    further: tuple[StatusReference, ...] = ()
    holder: PublicKey | None
    binding_claims: Mapping[str, Any]
    signing_input_digest: bytes


class CredentialFormat(Protocol):
    """One format. ``parse`` raises ``Malformed``; ``verify`` raises the ``Rejected`` classes of ``shared.errors`` as well."""

    name: str
    """The OpenID4VCI and OpenID4VP identifier, e.g. ``dc+sd-jwt``."""
    withholds: bool
    """Whether details can be left out of a document; one that is shown whole has no marks (``credentials._marks``)."""

    def prepare(self, credential: Credential, *, key: KeyId, holder: PublicKey | None, entropy: Entropy) -> Unsigned[str]:
        """The credential, lacking only the issuer's signature. ``holder`` is ``None`` for bearer types alone (S2)."""

    def parse(self, wire: str) -> Parsed:
        """Structure only."""

    def peek(self, parsed: Parsed) -> Peeked:
        """What a wallet shows of its own document; checks digests and disclosures, no signature."""

    def check_received(self, parsed: Parsed, issuer: PublicKey, *, holder: PublicKey, at: int) -> Claims:
        """A wallet's check of a new copy: signed, bound to ``holder``, in force, and nothing hidden in it (S3)."""

    def verify(self, parsed: Parsed, issuer: PublicKey, *, binding: Binding | BearerType, at: int) -> Claims:
        """Checks 3 to 6 of ``shared.verify``: signature, validity, digests and disclosures, holder binding."""

    def disclose(self, parsed: Parsed, paths: Sequence[ClaimPath]) -> Parsed:
        """Only what ``paths`` (into ``document``) select, with everything below; ``OverDisclosed`` where a format cannot withhold."""

    def present(self, parsed: Parsed, binding: Binding, *, key: KeyId, at: int, alg: str = "ES256") -> Unsigned[str]:
        """The presentation, lacking only the holder's signature; ``alg`` is the algorithm of the holder's key."""


@cache
def formats() -> Mapping[str, CredentialFormat]:
    """Every format of this installation by its name."""
    found: dict[str, CredentialFormat] = {each.name: each for each in exports(sys.modules[__name__], "FORMAT").values()}
    return MappingProxyType(found)
