"""COSE_Sign1 as ISO/IEC 18013-5 has it: without tag 18 and without ``typ``, the payload inside or, of a device, left out.

Security rule S1 asks for a ``typ`` wherever we choose the form. Here the standard does; in exchange an object that does have one is
refused, so that nothing else that a key signs is ever read as one of these, nor these as anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from ..codec import cbor
from ..errors import AlgorithmRefused, BadSignature, Malformed, WrongTyp
from ..keys import ALGORITHMS, KeyId, PublicKey, Unsigned
from .sign1 import ALG, ALGS, TYP, Sign1, join_sign1, to_sign

_IDS: Final[Mapping[str, int]] = {"ES256": -7, "ES384": -35, "EdDSA": -8}
"""What is written: the numbers of RFC 9053, which every reader of mdocs knows."""
_NAMES: Final[Mapping[int, str]] = {-7: "ES256", -9: "ES256", -35: "ES384", -51: "ES384", -8: "EdDSA", -19: "EdDSA"}
_HEADERS: Final = {alg: b"\xa1\x01" + cbor.integer(number) for alg, number in _IDS.items()}
_PARTS: Final = 4


def untyped_id(alg: str) -> int:
    """The number that is written for an algorithm; ``AlgorithmRefused`` for one that is not used here."""
    if alg not in _IDS:
        raise AlgorithmRefused("only ES256, ES384 and EdDSA are used here")
    return _IDS[alg]


def untagged_sign1(item: object, where: str = "", *, detached: bool = False) -> Sign1:
    """The four parts of a decoded item. ``detached``: its payload is nil, and empty here. ``Malformed``; ``WrongTyp`` for one with a ``typ``."""
    protected, unprotected, payload, signature = parts_of(item, where)
    if detached:
        if payload is not None:
            raise Malformed("its payload is left out here", where=where)
        payload = b""
    if type(payload) is not bytes:
        raise Malformed("its payload is a byte string", where=where)
    return untyped(join_sign1(protected, unprotected, payload, signature, where), where)


def untyped(sign1: Sign1, where: str = "") -> Sign1:
    """The same; ``WrongTyp`` for one with a ``typ``."""
    if TYP in sign1.protected or TYP in sign1.unprotected:
        raise WrongTyp("this signed object is of another kind", where=where)
    return sign1


def parts_of(item: object, where: str = "") -> tuple[bytes, Mapping[Any, Any], object, bytes]:
    """Protected header as sent, unprotected header, payload unread, signature or MAC."""
    if type(item) is not list or len(item) != _PARTS:
        raise Malformed("an untagged COSE object of four parts is demanded here", where=where)
    protected, unprotected, payload, tail = item
    if type(protected) is not bytes or type(unprotected) is not dict or type(tail) is not bytes:
        raise Malformed("headers and signature of a COSE object have another form", where=where)
    return protected, unprotected, payload, tail


def verify_untyped(sign1: Sign1, key: PublicKey, *, payload: bytes | None = None, algs: Collection[str] = ALGS) -> bytes:
    """What was signed, if by ``key``; ``payload`` is what was left out. ``AlgorithmRefused``, ``BadSignature``."""
    alg = _NAMES.get(sign1.protected[ALG])
    if alg is None or alg != key.alg or alg not in algs:
        raise AlgorithmRefused("this signature algorithm is not allowed here")
    signed = to_sign(sign1.protected_bytes, sign1.payload if payload is None else payload)
    key.verify(sign1.signature, signed)
    return signed


def prepare_untyped(
    *, typ: str, payload: bytes, key: KeyId, alg: str, around: tuple[bytes, bytes], unprotected: bytes = b"\xa0", detached: bool = False
) -> Unsigned[bytes]:
    """An untagged COSE_Sign1 that lacks only its signature. ``typ`` is what the custodian judges; ``around`` stands before and after it."""
    untyped_id(alg)
    header = _HEADERS[alg]
    before, after = around
    shown = b"\xf6" if detached else cbor.byte_string(payload)

    def complete(signature: bytes) -> bytes:
        if len(signature) != ALGORITHMS[alg].size:
            raise BadSignature("the custodian's signature does not have the length of its algorithm")
        return b"".join((before, b"\x84", cbor.byte_string(header), unprotected, shown, cbor.byte_string(signature), after))

    return Unsigned(key=key, typ=typ, signing_input=to_sign(header, payload), complete=complete)
