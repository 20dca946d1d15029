"""COSE_Sign1 (RFC 9052 section 4.2), always tagged (18), always with its payload inside.

As with JWS, what the headers say never chooses what happens: the key, the ``typ`` and the algorithms are the caller's. A header
parameter that must be understood (``crit``, 2) is refused because none is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import cbor2
from msgspec import Struct

from ..codec import cbor
from ..errors import AlgorithmRefused, BadSignature, Malformed, WrongTyp
from ..keys import ALGORITHMS, KeyId, PublicKey, Unsigned
from .typ import Typ

TAG: Final = 18
ALG, CRIT, KID, TYP = 1, 2, 4, 16
X5CHAIN: Final = 33
MAX_BYTES: Final = 1_000_000

_IDS: Final[Mapping[str, int]] = {"ES256": -9, "ES384": -51, "EdDSA": -19}
"""Fully specified (RFC 9864): what is signed here."""
_NAMES: Final[Mapping[int, str]] = {-9: "ES256", -7: "ES256", -51: "ES384", -35: "ES384", -19: "EdDSA", -8: "EdDSA"}
"""What is read: the polymorphic ones of RFC 9053 too, each only with the one curve that it is used with here."""
ALGS: tuple[str, ...] = tuple(_IDS)


class Sign1(Struct, frozen=True):
    """A parsed, unverified COSE_Sign1. ``protected`` is the map, ``protected_bytes`` how it was sent."""

    protected: Mapping[Any, Any]
    protected_bytes: bytes
    unprotected: Mapping[Any, Any]
    payload: bytes
    signature: bytes

    @property
    def signing_input(self) -> bytes:
        """The Sig_structure (RFC 9052 section 4.4), without external data."""
        return to_sign(self.protected_bytes, self.payload)

    @property
    def typ(self) -> object:
        """The protected ``typ``, or ``None``."""
        return self.protected.get(TYP)


def to_sign(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure of one signature."""
    return b"".join((b"\x84\x6aSignature1", cbor.head(2, len(protected)), protected, b"\x40", cbor.head(2, len(payload)), payload))


def parse_sign1(data: bytes, *, max_bytes: int = MAX_BYTES, where: str = "") -> Sign1:
    """Take ``data`` apart. Nothing is verified; ``Malformed`` or ``TooLarge`` with ``where``."""
    return sign1_of(cbor.loads(data, max_bytes=max_bytes, where=where), where)


def sign1_of(item: object, where: str = "") -> Sign1:
    """The same of a decoded item, for a COSE_Sign1 that lies inside another."""
    parts = item.value if type(item) is cbor2.CBORTag and item.tag == TAG else None
    if not isinstance(parts, list | tuple) or len(parts) != 4:
        raise Malformed("a tagged COSE_Sign1 of four parts is demanded here", where=where)
    protected_bytes, unprotected, payload, signature = parts
    if type(protected_bytes) is not bytes or type(payload) is not bytes or type(signature) is not bytes:
        raise Malformed("protected header, payload and signature are byte strings", where=where)
    if not isinstance(unprotected, Mapping):
        raise Malformed("the unprotected header is a map", where=where)
    return join_sign1(protected_bytes, unprotected, payload, signature, where)


def join_sign1(protected_bytes: bytes, unprotected: Mapping[Any, Any], payload: bytes, signature: bytes, where: str = "") -> Sign1:
    """The same of its four parts."""
    try:
        protected = _protected(protected_bytes) if len(protected_bytes) <= _USUAL else cbor.loads(protected_bytes)
    except Malformed as error:
        raise error.within(where) from error.__cause__
    if type(protected) not in _MAPS or type(protected.get(ALG)) is not int:
        raise Malformed("a protected header names its algorithm", where=where)
    if CRIT in protected or not protected.keys().isdisjoint(unprotected.keys()):
        raise Malformed("no header extension is understood here, and nothing is said twice", where=where)
    return Sign1(protected, protected_bytes, unprotected, payload, signature)


_MAPS: Final = (dict, MappingProxyType)
_USUAL: Final = 64  # bytes of a header that says algorithm, key and typ: the same in thousands of documents


@lru_cache(maxsize=4_096)
def _protected(data: bytes) -> Any:
    value = cbor.loads(data)
    return MappingProxyType(value) if type(value) is dict else value


def verify_sign1(sign1: Sign1, key: PublicKey, *, typ: Typ, algs: Collection[str] = ALGS) -> bytes:
    """What was signed, if ``sign1`` is of ``typ`` and signed by ``key``; else ``WrongTyp``, ``AlgorithmRefused`` or ``BadSignature``.

    ``typ`` is compared before anything else (security rule S1); ``algs`` is the allow-list of the caller's role.
    """
    if not typ.admits(sign1.protected.get(TYP)):
        raise WrongTyp("this signed object is of another kind")
    alg = _NAMES.get(sign1.protected[ALG])
    if alg is None or alg != key.alg or alg not in algs:
        raise AlgorithmRefused("this signature algorithm is not allowed here")
    signed = sign1.signing_input
    key.verify(sign1.signature, signed)
    return signed


def alg_id(alg: str) -> int:
    """The number that is written for an algorithm; ``AlgorithmRefused`` for one that is not used here."""
    if alg not in _IDS:
        raise AlgorithmRefused("only ES256, ES384 and EdDSA are used here")
    return _IDS[alg]


def prepare_sign1(
    *,
    typ: Typ,
    payload: bytes,
    key: KeyId,
    alg: str = "ES256",
    protected: Mapping[Any, Any] | None = None,
    unprotected: Mapping[Any, Any] | None = None,
) -> Unsigned[bytes]:
    """A COSE_Sign1 that lacks only its signature. ``protected`` adds parameters, never ``alg`` or ``typ``."""
    # The typ in the header is the one that the custodian judges, whatever else ``protected`` says (S1).
    header = cbor.dumps({**(protected or {}), ALG: alg_id(alg), TYP: typ.value}, canonical=True)
    return prepare_encoded(
        typ=typ, header=header, payload=payload, key=key, alg=alg, unprotected=cbor.dumps(unprotected or {}, canonical=True)
    )


def prepare_encoded(*, typ: Typ, header: bytes, payload: bytes, key: KeyId, alg: str, unprotected: bytes = b"\xa0") -> Unsigned[bytes]:
    """The same from encoded headers, of which ``header`` says ``typ`` and ``alg``."""

    def complete(signature: bytes) -> bytes:
        if len(signature) != ALGORITHMS[alg].size:
            raise BadSignature("the custodian's signature does not have the length of its algorithm")
        return encode_sign1(header, unprotected, payload, signature)

    return Unsigned(key=key, typ=typ.name, signing_input=to_sign(header, payload), complete=complete)


def encode_sign1(protected: bytes, unprotected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The tagged item of its four parts; ``unprotected`` is an encoded map."""
    parts = (b"\xd2\x84", cbor.byte_string(protected), unprotected, cbor.byte_string(payload), cbor.byte_string(signature))
    return b"".join(parts)
