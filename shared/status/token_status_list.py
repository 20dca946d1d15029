"""Token Status List (draft-ietf-oauth-status-list-20) in its JWT form: many documents' states in one signed, compressed string of bits.

Fail closed: a list that is unsigned, foreign, expired or from the future says nothing at all, and a value that is not one of three
says "unknown", never "valid". A list is inflated only after its signature was verified, and never beyond ``MAX_INFLATED``.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..clock import DAY, Entropy
from ..codec import base64url, strict_json
from ..codec.inflate import inflate
from ..codec.reader import get_int, get_object, get_str
from ..errors import Malformed, Revoked, StatusIndexOutOfRange, StatusUnknown, Suspended, WrongTyp
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from ..x509 import parse_x5c, x5c_header
from ._budget import Budget

TYP = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
VALID, INVALID, SUSPENDED = 0, 1, 2
BITS = frozenset({1, 2, 4, 8})
MIN_SIZE = 2**17  # fewer entries, and fetching the list tells which document is meant (S19)
MAX_INFLATED = 64 << 20  # bytes: 256 million entries of two bits
MAX_TOKEN = 10_000_000  # bytes of the compact JWS
TTL = 3600  # seconds after which a fetched list is asked for again
LIFETIME = 7 * DAY  # seconds; also the most that a list without ``exp`` lives
AHEAD = 60  # seconds that the issuer's clock may be ahead of ours (S19)


class StatusList:
    """``size`` values of ``bits`` bits each. Entry 0 stands in the least significant bits of byte 0 (section 4.1)."""

    __slots__ = ("_mask", "bits", "data", "size")

    def __init__(self, bits: int, size: int, data: bytearray | bytes | None = None) -> None:
        if bits not in BITS:
            raise Malformed("a status has 1, 2, 4 or 8 bits", where="/status_list/bits")
        self.bits = bits
        self.size = size
        self.data = bytearray((size * bits + 7) // 8) if data is None else data
        self._mask = (1 << bits) - 1

    @classmethod
    def from_bytes(cls, bits: int, data: bytes) -> StatusList:
        """A list to read, as many entries as the bytes hold."""
        return cls(bits, len(data) * 8 // bits if bits in BITS else 0, data)

    def get(self, index: int) -> int:
        """The value of one entry; ``StatusIndexOutOfRange`` past either end."""
        if not 0 <= index < self.size:
            raise StatusIndexOutOfRange("the status list has no such entry")
        at = index * self.bits
        return self.data[at >> 3] >> (at & 7) & self._mask

    def set(self, index: int, value: int) -> None:
        """Change one entry. ``ValueError`` if ``value`` needs more bits: that is a bug of the caller, not of a stranger."""
        if not 0 <= index < self.size:
            raise StatusIndexOutOfRange("the status list has no such entry")
        if not 0 <= value <= self._mask:
            detail = f"{value} does not fit into {self.bits} bits"
            raise ValueError(detail)
        data = self.data
        if not isinstance(data, bytearray):
            detail = "a received list is only read"
            raise TypeError(detail)
        at = index * self.bits
        data[at >> 3] = data[at >> 3] & ~(self._mask << (at & 7)) & 0xFF | value << (at & 7)

    def compressed(self) -> bytes:
        """RFC 1950 zlib at its highest level (section 4.1)."""
        return zlib.compress(self.data, 9)


def draw_index(size: int, entropy: Entropy) -> int:
    """A uniform index below ``size``: indices handed out in order would tell in which order documents were made (section 13.2)."""
    width = max(1, ((size - 1).bit_length() + 7) // 8)
    limit = (1 << 8 * width) // size * size
    while True:
        drawn = int.from_bytes(entropy(width), "big")
        if drawn < limit:
            return drawn % size


def prepare_token(
    *,
    list: StatusList,  # noqa: A002 - the word of the specification
    uri: str,
    iat: int,
    key: KeyId,
    x5c: Sequence[bytes] = (),
    exp: int | None = None,
    ttl: int = TTL,
    alg: str = "ES256",
) -> Unsigned[str]:
    """The signed list (section 5.1), lacking only its signature. ``uri`` is what credentials name as ``status_list.uri``.

    ``x5c`` is DER, leaf first. ``exp`` is ``iat`` plus seven days unless given. Two versions must never share an ``iat``: verifiers
    that met both keep them as evidence and trust neither (S19).
    """
    claims = {
        "sub": uri,
        "iat": iat,
        "exp": iat + LIFETIME if exp is None else exp,
        "ttl": ttl,
        "status_list": {"bits": list.bits, "lst": base64url.encode(list.compressed())},
    }
    header: dict[str, Any] = {"x5c": x5c_header(x5c)} if x5c else {}
    return prepare_jws(typ=TYP, payload=strict_json.dumps(claims), key=key, alg=alg, header=header)


@dataclass(frozen=True, kw_only=True)
class StatusToken:
    """A parsed, not yet verified token. ``exp`` is never later than ``iat`` plus seven days where the token itself has none.

    ``digest`` is SHA-256 of the signing input: what the issuer said, whatever spelling of the signature came with it.
    """

    uri: str
    iat: int
    exp: int
    ttl: int
    bits: int
    compressed: bytes = field(repr=False)
    x5c: tuple[bytes, ...] = field(repr=False)
    jws: Jws = field(repr=False, compare=False)
    digest: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class VerifiedStatusToken(StatusToken):
    """Signed by the key that was asked for; only ``verify_token`` makes one. Inflated when first read, then kept."""

    @cached_property
    def statuses(self) -> StatusList:
        """The values; ``TooLarge`` or ``Malformed`` where the compressed bytes are no sane list."""
        data = inflate(self.compressed, max_bytes=MAX_INFLATED)
        _VERIFIED.grow(self.jws.token, len(data))
        return StatusList.from_bytes(self.bits, data)

    @property
    def small(self) -> bool:
        """Fewer than 2^17 entries: whoever serves the list can tell whose document was checked (S19)."""
        return self.statuses.size < MIN_SIZE


_VERIFIED: Budget[tuple[PublicKey, VerifiedStatusToken]] = Budget(256 << 20)


def parse_token(token: str) -> StatusToken:
    """Structure only (section 5.1). ``WrongTyp`` for a JWT of another kind, ``Malformed`` or ``TooLarge`` for all else."""
    known = _VERIFIED.get(token)
    if known is not None:
        return known[1]  # the same text has the same structure; whose signature it bears is asked again
    jws = parse_jws(token, max_bytes=MAX_TOKEN)
    if jws.header.get("typ") != TYP:
        raise WrongTyp(f"the typ of a status list is {TYP}", where="/typ")
    claims = strict_json.load_object(jws.payload, max_bytes=MAX_TOKEN)
    statuses = get_object(claims, "status_list")
    bits = get_int(statuses, "bits", "/status_list")
    if bits not in BITS:
        raise Malformed("a status has 1, 2, 4 or 8 bits", where="/status_list/bits")
    iat = get_int(claims, "iat")
    exp = get_int(claims, "exp", optional=True)
    ttl = get_int(claims, "ttl", optional=True, minimum=1)
    lst = get_str(statuses, "lst", "/status_list", max_length=MAX_TOKEN)
    return StatusToken(
        uri=get_str(claims, "sub"),
        iat=iat,
        exp=iat + LIFETIME if exp is None else exp,
        ttl=TTL if ttl is None else ttl,
        bits=bits,
        compressed=base64url.decode(lst, where="/status_list/lst"),
        x5c=_x5c(jws.header),
        jws=jws,
        digest=hashlib.sha256(jws.signing_input).digest(),
    )


def _x5c(header: Mapping[str, Any]) -> tuple[bytes, ...]:
    return parse_x5c(header["x5c"], "/x5c") if "x5c" in header else ()


def verify_token(token: StatusToken, *, uri: str, key: PublicKey, at: int) -> VerifiedStatusToken:
    """The same token as a fact (section 8.3). ``key`` belongs to whoever may speak for the documents of ``uri``.

    ``BadSignature``, ``AlgorithmRefused``; ``StatusUnknown`` for another list's token, one from the future (``AHEAD``) or one past
    its ``exp``. Past ``exp`` use ``verify_origin``, which looks at no clock but the future's.
    """
    verified = verify_origin(token, uri=uri, key=key, at=at)
    check_current(verified, at=at)
    return verified


def verify_origin(token: StatusToken, *, uri: str, key: PublicKey, at: int) -> VerifiedStatusToken:
    """As ``verify_token``, but an expired list passes: an INVALID in it is final all the same (S19)."""
    if token.uri != uri:
        raise StatusUnknown("the status list belongs to another address", where="/sub")
    if token.iat > at + AHEAD:
        raise StatusUnknown("the status list is dated in the future", where="/iat")
    known = _VERIFIED.get(token.jws.token)
    if known is not None and known[0] == key:
        return known[1]
    verify_jws(token.jws, key, typ=TYP)
    verified = VerifiedStatusToken(**{name: getattr(token, name) for name in StatusToken.__dataclass_fields__})
    _VERIFIED.put(token.jws.token, (key, verified), len(token.jws.token) + len(token.compressed))
    return verified


def check_current(token: StatusToken, *, at: int) -> None:
    """``StatusUnknown`` once ``exp`` has come: such a list must not be relied upon (section 8.3)."""
    if at >= token.exp:
        raise StatusUnknown("the status list has expired", where="/exp")


def status_at(token: VerifiedStatusToken, idx: int) -> int:
    """The value of one entry; ``StatusIndexOutOfRange`` beyond the list."""
    return token.statuses.get(idx)


def check_status(value: int) -> None:
    """Raise unless ``value`` is VALID: ``Revoked``, ``Suspended``, and ``StatusUnknown`` for what only the issuer understands."""
    if value == VALID:
        return
    if value == INVALID:
        raise Revoked("the issuer has cancelled this document")
    if value == SUSPENDED:
        raise Suspended("the issuer has put this document on hold")
    raise StatusUnknown(f"status {value} has no meaning here")
