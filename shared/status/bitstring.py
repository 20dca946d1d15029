"""Bitstring Status List 1.0 (W3C): the same values as a Token Status List, one purpose a list, as a credential secured with ``vc+jwt``.

Unlike there, entry 0 stands in the most significant bit, the bits are gzipped, ``ttl`` counts milliseconds, and what a set bit means is
the ``statusPurpose``. Read with the same care: only after its signature was verified, never beyond ``MAX_INFLATED``, and what is no sane
list says nothing at all. ``problem_of`` gives errors the names of section 3.5 of that specification.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ..codec import base64url, strict_json
from ..codec.inflate import gunzip
from ..codec.reader import get_int, get_object, get_str
from ..errors import Malformed, StatusIndexOutOfRange, StatusListTooShort, StatusUnknown, Unavailable, VcError, WrongTyp
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from ..vcdm import CONTEXT, check_credential, instant, render_instant
from ..x509 import parse_x5c, x5c_header
from ._budget import Budget
from .freshness import LIFETIME, TTL, check_not_ahead
from .token_status_list import INVALID, MAX_INFLATED, MAX_TOKEN, MIN_SIZE, SUSPENDED, VALID, StatusList

TYP: Final = "vc+jwt"
MEDIA_TYPE: Final = "application/vc+jwt"
PURPOSES: Final[Mapping[str, int]] = {"revocation": INVALID, "suspension": SUSPENDED}
"""The purposes that tell whether a document counts, and what a set bit says in the words of a Token Status List."""
MAX_SIZE: Final = 8  # bits of one entry
_LIST, _CREDENTIAL = "BitstringStatusList", "BitstringStatusListCredential"
_ERRORS: Final = "https://www.w3.org/ns/credentials/status-list#"
_MAX_PURPOSES: Final = 8


def bits_of(values: StatusList, value: int) -> bytes:
    """One bit an entry, set where the entry is ``value``; the first in the most significant bit of byte 0."""
    bits, many = values.bits, 8 // values.bits  # entries in one byte of ``values``
    mask, size = (1 << bits) - 1, (values.size + 7) // 8
    found = 0
    for at in range(bits):  # so many of its bytes make one of ours
        table = bytes(sum((byte >> n * bits & mask == value) << 7 - at * many - n for n in range(many)) for byte in range(256))
        found |= int.from_bytes(bytes(values.data[at::bits]).translate(table).ljust(size, b"\0"), "big")
    spare = size * 8 - values.size
    return (found >> spare << spare).to_bytes(size, "big")


def encode_list(bits: bytes) -> str:
    """Gzip, base64url, multibase: the same text for the same bits."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return "u" + base64url.encode(deflater.compress(bits) + deflater.flush())


def prepare_list(
    *,
    encoded: str,
    purpose: str,
    uri: str,
    issuer: str,
    iat: int,
    key: KeyId,
    x5c: Sequence[bytes] = (),
    exp: int | None = None,
    ttl: int = TTL,
    alg: str = "ES256",
) -> Unsigned[str]:
    """The list's credential, lacking only its signature. ``encoded`` is from ``encode_list``, ``uri`` what documents name, ``ttl`` seconds."""
    document = {
        "@context": [CONTEXT],
        "id": uri,
        "type": ["VerifiableCredential", _CREDENTIAL],
        "issuer": issuer,
        "validFrom": render_instant(iat),
        "validUntil": render_instant(iat + LIFETIME if exp is None else exp),
        "credentialSubject": {"id": f"{uri}#list", "type": _LIST, "statusPurpose": purpose, "encodedList": encoded, "ttl": ttl * 1_000},
    }
    header: dict[str, Any] = {"cty": "vc"} | ({"x5c": x5c_header(x5c)} if x5c else {})
    return prepare_jws(typ=TYP, payload=strict_json.dumps(document), key=key, alg=alg, header=header)


@dataclass(frozen=True, kw_only=True)
class Bitstring:
    """A parsed, not yet verified list. ``exp`` is ``iat`` plus seven days where it does not end by itself; ``ttl`` is in seconds.

    ``kid`` is the DID URL of its key where no certificates came along; it proves nothing.
    """

    uri: str
    issuer: str
    iat: int
    exp: int
    ttl: int
    purposes: frozenset[str]
    compressed: bytes = field(repr=False)
    x5c: tuple[bytes, ...] = field(repr=False)
    kid: str = ""
    signed: Jws = field(repr=False, compare=False)
    wire: str = field(repr=False)

    @property
    def text(self) -> str:
        return self.wire


@dataclass(frozen=True, kw_only=True)
class VerifiedBitstring(Bitstring):
    """Signed by the key that was asked for; only ``verify_bitstring`` makes one."""

    @cached_property
    def data(self) -> bytes:
        """The bits; ``TooLarge`` or ``Malformed`` where the compressed bytes are no sane list."""
        data = gunzip(self.compressed, max_bytes=MAX_INFLATED, where="/credentialSubject/encodedList")
        _VERIFIED.grow(self.wire, len(data))
        return data

    @cached_property
    def said(self) -> bytes:
        """SHA-256 of what the issuer said, however it was compressed and signed: purposes and bits."""
        return hashlib.sha256("\n".join(sorted(self.purposes)).encode() + b"\0" + self.data).digest()

    def value_at(self, idx: int, purpose: str, size: int = 1) -> int:
        """What entry ``idx`` says in the words of a Token Status List: ``VALID``, or what a set bit of that purpose means.

        ``StatusUnknown`` for a purpose that the list does not have or that has no meaning here, ``StatusListTooShort`` below 131,072
        entries, ``StatusIndexOutOfRange`` past the end.
        """
        if purpose not in self.purposes or purpose not in PURPOSES:
            raise StatusUnknown("the status list serves another purpose", where="/credentialSubject/statusPurpose")
        entries = len(self.data) * 8 // size
        if entries < MIN_SIZE:
            raise StatusListTooShort(
                "the status list is so short that asking for it tells who is meant", where="/credentialSubject/encodedList"
            )
        if not 0 <= idx < entries:
            raise StatusIndexOutOfRange("the status list has no such entry")
        first, last = idx * size >> 3, (idx * size + size - 1) >> 3
        after = (last + 1) * 8 - (idx + 1) * size
        found = int.from_bytes(self.data[first : last + 1], "big") >> after & (1 << size) - 1
        return PURPOSES[purpose] if found else VALID


_VERIFIED: Budget[tuple[PublicKey, VerifiedBitstring]] = Budget(64 << 20)


def parse_bitstring(token: bytes | str) -> Bitstring:
    """Structure only. ``WrongTyp`` for a signed object of another kind, ``Malformed`` or ``TooLarge`` for all else."""
    wire = token if isinstance(token, str) else token.decode("latin-1")
    jws = parse_jws(wire, max_bytes=MAX_TOKEN)
    if jws.typ != TYP:
        raise WrongTyp(f"the typ of a bitstring status list is {TYP}", where="/typ")
    document = strict_json.load_object(jws.payload, max_bytes=MAX_TOKEN)
    check_credential(document)
    if _CREDENTIAL not in document["type"]:
        raise WrongTyp("this credential is no status list", where="/type")
    issuer = document["issuer"]
    name = issuer["id"] if type(issuer) is dict else issuer
    if document.get("iss", name) != name:
        raise Malformed("two issuers are named", where="/iss")
    iat = instant(document, "validFrom") or get_int(document, "iat")
    ends = [each for each in (instant(document, "validUntil"), get_int(document, "exp", optional=True)) if each]
    subject = get_object(document, "credentialSubject")
    kid = jws.header.get("kid", "")
    return Bitstring(
        uri=get_str(document, "id"),
        issuer=name,
        iat=iat,
        exp=min(ends, default=iat + LIFETIME),
        ttl=_ttl(subject),
        purposes=_purposes(subject),
        compressed=_compressed(subject),
        x5c=parse_x5c(jws.header["x5c"], "/x5c") if "x5c" in jws.header else (),
        kid=kid if type(kid) is str else "",
        signed=jws,
        wire=wire,
    )


def _purposes(subject: Mapping[str, Any]) -> frozenset[str]:
    kinds, told = subject.get("type"), subject.get("statusPurpose")
    if _LIST not in (kinds if type(kinds) is list else [kinds]):
        raise Malformed(f"the subject is a {_LIST}", where="/credentialSubject/type")
    purposes = told if type(told) is list else [told]
    if not 1 <= len(purposes) <= _MAX_PURPOSES or not all(type(each) is str and each for each in purposes):
        raise Malformed("a status list has one purpose or more", where="/credentialSubject/statusPurpose")
    return frozenset(purposes)


def _compressed(subject: Mapping[str, Any]) -> bytes:
    encoded = get_str(subject, "encodedList", "/credentialSubject", max_length=MAX_TOKEN)
    if not encoded.startswith("u"):
        raise Malformed("the list is base64url, after u", where="/credentialSubject/encodedList")
    return base64url.decode(encoded[1:], where="/credentialSubject/encodedList")


def _ttl(subject: Mapping[str, Any]) -> int:
    """Seconds; the specification counts milliseconds."""
    ttl = get_int(subject, "ttl", "/credentialSubject", optional=True)
    return TTL if ttl is None else ttl // 1_000


def verify_bitstring(token: Bitstring, *, uri: str, issuer: str, key: PublicKey, at: int) -> VerifiedBitstring:
    """The same list as a fact about ``uri`` by ``issuer``, whose ``key`` it must be signed with; an expired one passes, see ``check_current``.

    ``StatusUnknown`` for another address or issuer, or one from the future; ``BadSignature``, ``AlgorithmRefused``.
    """
    if token.uri != uri:
        raise StatusUnknown("the status list belongs to another address", where="/id")
    if token.issuer != issuer:
        raise StatusUnknown("the status list is by somebody else", where="/issuer")
    check_not_ahead(token, at=at)
    known = _VERIFIED.get(token.wire)
    if known is not None and known[0] == key:
        return known[1]
    verify_jws(token.signed, key, typ=TYP)
    verified = VerifiedBitstring(**{name: getattr(token, name) for name in Bitstring.__dataclass_fields__})
    _VERIFIED.put(token.wire, (key, verified), len(token.wire) + len(token.compressed))
    return verified


def problem_of(error: VcError) -> str:
    """The name of section 3.5 for what went wrong with a status: a URL."""
    if isinstance(error, StatusListTooShort):
        return f"{_ERRORS}STATUS_LIST_LENGTH_ERROR"
    if isinstance(error, StatusIndexOutOfRange):
        return f"{_ERRORS}RANGE_ERROR"
    if isinstance(error, Malformed):
        return f"{_ERRORS}MALFORMED_VALUE_ERROR"
    return f"{_ERRORS}{'STATUS_RETRIEVAL_ERROR' if isinstance(error, Unavailable) else 'STATUS_VERIFICATION_ERROR'}"
