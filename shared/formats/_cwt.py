"""How the bytes of an SD-CWT of ours are put together. All maps are sorted by their keys' bytes (RFC 8949 section 4.2.1) as written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ..codec import cbor
from ..cose import Sign1, Typ, alg_id, encode_cose_key, encode_sign1, kid_of
from ..errors import Malformed
from ..keys import PublicKey
from ..x509 import load_certificate
from . import Credential, StatusReference
from ._sd_cwt import DIGEST, SALT
from ._typemap import TypeMap

ALG: Final = 1
ISS, SUB, EXP, IAT, CNF, VCT, STATUS, TYPE_MAP = 1, 2, 4, 6, 8, 11, 65_535, -70_000  # claims
KID, KCWT, TYP, SD_CLAIMS, X5CHAIN, STAPLE = 4, 13, 16, 17, 33, -70_301  # header parameters
KID_SIZE: Final = 8
SUBJECT_SIZE: Final = 6  # characters
_DIGEST = cbor.head(2, DIGEST)
_REDACTED: Final = b"\xf8\x3b"
_ARRAY, _MAP = 4, 5  # major types
_MEMBER, _DECOY = (cbor.head(_ARRAY, parts) + cbor.head(2, SALT) for parts in (3, 1))  # how their disclosures begin


def redact(types: TypeMap, found: dict[int, list[bytes]], salts: bytes) -> tuple[bytes, list[bytes]]:
    """The map of a type with digests in place of groups, and all disclosures. A group that is not there leaves a decoy."""
    digests: defaultdict[int, list[bytes]] = defaultdict(list)
    disclosures = []
    for at, level in enumerate(types.levels[:-1]):
        number, salt = level.number, salts[at * SALT : (at + 1) * SALT]
        if found[number] or level.groups:
            raw = b"".join((_MEMBER, salt, _claims(found[number], digests[number]), level.key))
        else:
            raw = _DECOY + salt
        disclosures.append(raw)
        digests[types.parents[number]].append(hashlib.sha256(raw).digest())
    return _claims(found[0], digests[0]), disclosures


def _claims(found: list[bytes], digests: list[bytes]) -> bytes:
    if not digests:
        return cbor.head(_MAP, len(found)) + b"".join(found)
    # Sorted, so that the order says nothing about which group is which.
    listed = [_DIGEST + each for each in sorted(digests)]
    return b"".join((cbor.head(_MAP, len(found) + 1), *found, _REDACTED, cbor.head(_ARRAY, len(listed)), *listed))


def payload(credential: Credential, holder: PublicKey | None, subject: str, claims: bytes) -> bytes:
    """What the issuer signs. Only a copy for a holder has a subject, which is random: the draft demands one (S22)."""
    issuer, times, number = _same(credential.issuer, credential.issued_at, credential.expires_at, credential.type.vct_int)
    status = b"" if credential.status is None else _status(credential.status)
    members = 5 + 2 * (holder is not None) + (credential.status is not None)
    who = whose = b""
    if holder is not None:
        who, whose = b"\x02" + cbor.text(subject), b"\x08\xa1\x01" + encode_cose_key(holder)
    return b"".join((cbor.head(_MAP, members), issuer, who, times, whose, number, status, b"\x3a\x00\x01\x11\x6f", claims))


@lru_cache(maxsize=256)
def _same(issuer: str, issued_at: int, expires_at: int, vct: int) -> tuple[bytes, bytes, bytes]:
    """What all copies have that are made of one type on one day."""
    times = b"".join((b"\x04", cbor.head(0, expires_at), b"\x06", cbor.head(0, issued_at)))
    return b"\x01" + cbor.text(issuer), times, b"\x0b" + cbor.head(0, vct)


def _status(status: StatusReference) -> bytes:
    return b"".join((b"\x19\xff\xff\xa1\x6bstatus_list\xa2\x63idx", cbor.head(0, status.idx), b"\x63uri", cbor.text(status.uri)))


def header(typ: Typ, credential: Credential) -> bytes:
    """The protected header: algorithm, the name of the issuer's key, ``typ``. ``AlgorithmRefused``; ``Malformed`` without such a name."""
    kid = credential.kid or (_kid(credential.x5c[0]) if credential.x5c else b"")
    if len(kid) != KID_SIZE:
        raise Malformed("the issuer's key needs a name", where="/kid")
    return _header(typ, alg_id(credential.alg), kid)


@lru_cache(maxsize=256)
def _header(typ: Typ, alg: int, kid: bytes) -> bytes:
    return cbor.dumps({ALG: alg, KID: kid, TYP: typ.value})


@lru_cache(maxsize=256)
def _kid(der: bytes) -> bytes:
    return kid_of(load_certificate(der).public)


def binding_header(alg: str, item: bytes, typ: Typ) -> bytes:
    """That of a key binding token around ``item``."""
    return b"".join((b"\xa3\x01", cbor.integer(alg_id(alg)), b"\x0d", item, b"\x10", cbor.dumps(typ.value)))


def unprotected(disclosures: Sequence[bytes], x5c: Sequence[bytes] = (), staples: Sequence[bytes] = ()) -> bytes:
    """The unprotected header; a parameter with nothing in it is left out."""
    parts = []
    if disclosures:
        parts.append(b"".join((b"\x11", cbor.head(_ARRAY, len(disclosures)), *[cbor.byte_string(each) for each in disclosures])))
    if x5c:  # RFC 9360 section 2: one certificate stands alone
        chain = [cbor.byte_string(each) for each in x5c]
        parts.append(b"\x18\x21" + (chain[0] if len(chain) == 1 else cbor.head(_ARRAY, len(chain)) + b"".join(chain)))
    parts += [b"\x3a\x00\x01\x12\x9c" + cbor.byte_string(each) for each in staples]
    return cbor.head(_MAP, len(parts)) + b"".join(parts)


def item(signed: Sign1, unprotected: bytes) -> bytes:
    """The same signed document with another unprotected header."""
    return encode_sign1(signed.protected_bytes, unprotected, signed.payload, signed.signature)
