"""Token Status List (draft-ietf-oauth-status-list-20) as JWT and as CWT: many documents' states in one signed, compressed string of bits.

Both forms of one list say the same and are read to the same value. Fail closed: a list that is unsigned, foreign, expired or from the future says nothing at all, and a value that is not one of three
says "unknown", never "valid". A list is inflated only after its signature was verified, and never beyond ``MAX_INFLATED``.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..clock import Entropy
from ..codec import base64url, cbor, strict_json
from ..codec.inflate import inflate
from ..codec.reader import get_int, get_object, get_str
from ..cose import STATUS_LIST, Sign1, parse_sign1, prepare_sign1, verify_sign1
from ..cose.sign1 import KID, X5CHAIN
from ..errors import Malformed, Revoked, StatusIndexOutOfRange, StatusUnknown, Suspended, WrongTyp
from ..jose.jws import Jws, parse_jws, prepare_jws, verify_jws
from ..keys import KeyId, PublicKey, Unsigned
from ..x509 import MAX_CERTIFICATES, parse_x5c, x5c_header
from ._budget import Budget
from .freshness import LIFETIME, TTL, check_current, check_not_ahead

TYP = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
CWT_MEDIA_TYPE = "application/statuslist+cwt"
EITHER = f"{CWT_MEDIA_TYPE}, {MEDIA_TYPE}"  # what to accept where both forms are read
VALID, INVALID, SUSPENDED = 0, 1, 2
BITS = frozenset({1, 2, 4, 8})
MIN_SIZE = 2**17  # fewer entries, and fetching the list tells which document is meant (S19)
MAX_INFLATED = 64 << 20  # bytes: 256 million entries of two bits
MAX_TOKEN = 10_000_000  # bytes of the signed list, in either form
MAX_ADDRESS = 1_000  # characters: databases find lists by it, and memories keep it
_SUB, _EXP, _IAT, _STATUS_LIST, _TTL = 2, 4, 6, 65_533, 65_534  # section 5.2
_FIRST = b"\xd2"  # of each COSE_Sign1 that is read here, and of no compact JWS


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
    compressed: bytes | None = None,
) -> Unsigned[str]:
    """The signed list (section 5.1), lacking only its signature. ``uri`` is what credentials name as ``status_list.uri``.

    ``x5c`` is DER, leaf first. ``exp`` is ``iat`` plus seven days unless given. ``compressed`` is the list as a zlib stream, if that is at
    hand already. Two versions must never share an ``iat``: verifiers that met both keep them as evidence and trust neither (S19).
    """
    lst = list.compressed() if compressed is None else compressed
    claims = {
        "sub": uri,
        "iat": iat,
        "exp": iat + LIFETIME if exp is None else exp,
        "ttl": ttl,
        "status_list": {"bits": list.bits, "lst": base64url.encode(lst)},
    }
    header: dict[str, Any] = {"x5c": x5c_header(x5c)} if x5c else {}
    return prepare_jws(typ=TYP, payload=strict_json.dumps(claims), key=key, alg=alg, header=header)


def prepare_cwt(
    *,
    list: StatusList,  # noqa: A002 - the word of the specification
    uri: str,
    iat: int,
    key: KeyId,
    kid: bytes,
    x5c: Sequence[bytes] = (),
    exp: int | None = None,
    ttl: int = TTL,
    alg: str = "ES256",
    compressed: bytes | None = None,
    certified: bool = False,
) -> Unsigned[bytes]:
    """The same as a CWT (section 5.2). ``kid``, the key's name, is signed; its certificates (RFC 9360) only where ``certified``, for mdocs."""
    lst = list.compressed() if compressed is None else compressed
    claims = {
        _SUB: uri,
        _IAT: iat,
        _EXP: iat + LIFETIME if exp is None else exp,
        _TTL: ttl,
        _STATUS_LIST: {"bits": list.bits, "lst": lst},
    }
    chain: dict[Any, Any] = {X5CHAIN: x5c[0] if len(x5c) == 1 else [*x5c]} if x5c else {}
    payload = cbor.dumps(claims, canonical=True)
    protected, unprotected = ({KID: kid, **chain}, {}) if certified else ({KID: kid}, chain)
    return prepare_sign1(typ=STATUS_LIST, payload=payload, key=key, alg=alg, protected=protected, unprotected=unprotected)


@dataclass(frozen=True, kw_only=True)
class StatusToken:
    """A parsed, not yet verified list, in whichever form. ``exp`` is ``iat`` plus seven days where the token itself has none.

    ``wire`` is the compact JWS, or the CWT's bytes. ``kid`` names the key where no certificates came along, and proves nothing.
    """

    uri: str
    iat: int
    exp: int
    ttl: int
    bits: int
    compressed: bytes = field(repr=False)
    x5c: tuple[bytes, ...] = field(repr=False)
    kid: bytes = b""
    signed: Jws | Sign1 = field(repr=False, compare=False)
    wire: str | bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        return MEDIA_TYPE if isinstance(self.wire, str) else CWT_MEDIA_TYPE

    @property
    def body(self) -> bytes:
        """As HTTP and checking packs carry it."""
        return self.wire.encode("ascii") if isinstance(self.wire, str) else self.wire

    @property
    def text(self) -> str:
        """As JSON and databases carry it: the compact JWS, or the CWT in base64url."""
        return self.wire if isinstance(self.wire, str) else base64url.encode(self.wire)


def body_of(text: str) -> bytes:
    """``StatusToken.body`` of its ``text``; a compact JWS has dots, base64url has none."""
    return text.encode("ascii") if "." in text else base64url.decode(text)


@dataclass(frozen=True, kw_only=True)
class VerifiedStatusToken(StatusToken):
    """Signed by the key that was asked for; only ``verify_token`` makes one. Inflated when first read, then kept."""

    @cached_property
    def statuses(self) -> StatusList:
        """The values; ``TooLarge`` or ``Malformed`` where the compressed bytes are no sane list."""
        data = inflate(self.compressed, max_bytes=MAX_INFLATED)
        _VERIFIED.grow(self.wire, len(data))
        return StatusList.from_bytes(self.bits, data)

    @cached_property
    def said(self) -> bytes:
        """SHA-256 of what the issuer said: the width and the values, however they were compressed, wrapped and signed.

        So the two forms of one version are one statement, and two statements of one second are never taken for one.
        """
        return hashlib.sha256(bytes((self.bits,)) + self.statuses.data).digest()

    @property
    def small(self) -> bool:
        """Fewer than 2^17 entries: whoever serves the list can tell whose document was checked (S19)."""
        return self.statuses.size < MIN_SIZE


_VERIFIED: Budget[tuple[PublicKey, VerifiedStatusToken]] = Budget(256 << 20)


def parse_token(token: str | bytes) -> StatusToken:
    """Structure only. Bytes are what HTTP and packs carry, a text what JSON does; which form it is, its beginning tells.

    ``WrongTyp`` for a signed object of another kind, ``Malformed`` or ``TooLarge`` for all else.
    """
    if isinstance(token, bytes):
        wire = token if token[:1] == _FIRST else token.decode("latin-1")
    else:
        wire = token if "." in token else base64url.decode(token)
    known = _VERIFIED.get(wire)
    if known is not None:
        return known[1]  # the same bytes have the same structure; whose signature they bear is asked again
    return _parse_jwt(wire) if isinstance(wire, str) else _parse_cwt(wire)


def _parse_jwt(token: str) -> StatusToken:
    jws = parse_jws(token, max_bytes=MAX_TOKEN)
    if jws.header.get("typ") != TYP:
        raise WrongTyp(f"the typ of a status list is {TYP}", where="/typ")
    claims = strict_json.load_object(jws.payload, max_bytes=MAX_TOKEN)
    statuses = get_object(claims, "status_list")
    iat = get_int(claims, "iat")
    exp = get_int(claims, "exp", optional=True)
    ttl = get_int(claims, "ttl", optional=True, minimum=1)
    lst = get_str(statuses, "lst", "/status_list", max_length=MAX_TOKEN)
    return StatusToken(
        uri=get_str(claims, "sub", max_length=MAX_ADDRESS),
        iat=iat,
        exp=iat + LIFETIME if exp is None else exp,
        ttl=TTL if ttl is None else ttl,
        bits=_bits(statuses),
        compressed=base64url.decode(lst, where="/status_list/lst"),
        x5c=parse_x5c(jws.header["x5c"], "/x5c") if "x5c" in jws.header else (),
        signed=jws,
        wire=token,
    )


def _parse_cwt(token: bytes) -> StatusToken:
    sign1 = parse_sign1(token, max_bytes=MAX_TOKEN)
    if not STATUS_LIST.admits(sign1.typ):
        raise WrongTyp(f"the typ of a status list is {STATUS_LIST.value}", where="/typ")
    claims = named(sign1, {_SUB: "sub", _IAT: "iat", _EXP: "exp", _TTL: "ttl", _STATUS_LIST: "status_list"}, max_bytes=MAX_TOKEN)
    statuses = get_object(claims, "status_list")
    lst = statuses.get("lst")
    if type(lst) is not bytes:
        raise Malformed("a byte string is demanded here", where="/status_list/lst")
    iat = get_int(claims, "iat")
    exp = get_int(claims, "exp", optional=True)
    ttl = get_int(claims, "ttl", optional=True, minimum=1)
    return StatusToken(
        uri=get_str(claims, "sub", max_length=MAX_ADDRESS),
        iat=iat,
        exp=iat + LIFETIME if exp is None else exp,
        ttl=TTL if ttl is None else ttl,
        bits=_bits(statuses),
        compressed=lst,
        x5c=_x5chain(sign1.unprotected.get(X5CHAIN, sign1.protected.get(X5CHAIN, ()))),
        kid=kid_in(sign1),
        signed=sign1,
        wire=token,
    )


def named(sign1: Sign1, names: Mapping[int, str], *, max_bytes: int) -> dict[str, Any]:
    """The claims of a CWT under the names that JSON has for them; others are left out. ``Malformed`` if the payload is no map."""
    claims = cbor.loads(sign1.payload, max_bytes=max_bytes)
    if not isinstance(claims, Mapping):
        raise Malformed("the claims of a CWT are a map")
    return {name: claims[label] for label, name in names.items() if label in claims}


def kid_in(sign1: Sign1) -> bytes:
    """The name of the key, signed or not; empty if there is none."""
    kid = sign1.protected.get(KID, sign1.unprotected.get(KID, b""))
    if type(kid) is not bytes:
        raise Malformed("a key's name is a byte string", where="/kid")
    return kid


def _bits(statuses: Mapping[str, Any]) -> int:
    bits = get_int(statuses, "bits", "/status_list")
    if bits not in BITS:
        raise Malformed("a status has 1, 2, 4 or 8 bits", where="/status_list/bits")
    return bits


def _x5chain(value: object) -> tuple[bytes, ...]:
    """RFC 9360 section 2: one certificate, or an array of them."""
    chain = [value] if type(value) is bytes else value
    if not isinstance(chain, list | tuple) or len(chain) > MAX_CERTIFICATES or any(type(each) is not bytes for each in chain):
        raise Malformed(f"an x5chain is 1 to {MAX_CERTIFICATES} certificates", where="/x5chain")
    return tuple(chain)


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
    check_not_ahead(token, at=at)
    known = _VERIFIED.get(token.wire)
    if known is not None and known[0] == key:
        return known[1]
    if isinstance(token.signed, Jws):
        verify_jws(token.signed, key, typ=TYP)
    else:
        verify_sign1(token.signed, key, typ=STATUS_LIST)
    verified = VerifiedStatusToken(**{name: getattr(token, name) for name in StatusToken.__dataclass_fields__})
    _VERIFIED.put(token.wire, (key, verified), len(token.wire) + len(token.compressed))
    return verified


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
