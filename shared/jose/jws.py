"""JSON Web Signature, compact serialisation (RFC 7515), over keys that somebody else holds.

What the header says never chooses what happens: ``jwk``, ``jku``, ``x5u``, ``x5c`` and ``kid`` are only data for the caller, the key and
the algorithms are the caller's, and an extension that must be understood (``crit``, ``b64``) is refused because none is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..codec import base64url, strict_json
from ..errors import AlgorithmRefused, BadSignature, Malformed, TooLarge, WrongTyp
from ..keys import ALGORITHMS, KeyId, PublicKey, Unsigned
from .jwk import check_public

ALGS: tuple[str, ...] = ("ES256", "ES384", "EdDSA")
MAX_BYTES = 1_000_000


class Jws(NamedTuple):
    """A parsed, unverified JWS. ``header`` is the protected header, ``signing_input`` the bytes that the signature covers."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes
    token: str

    @property
    def typ(self) -> str:
        """The protected ``typ``, or the empty string."""
        typ: str = self.header.get("typ", "")
        return typ


def parse_jws(token: str, *, max_bytes: int = MAX_BYTES, where: str = "") -> Jws:
    """Take ``token`` apart. Nothing is verified; ``Malformed`` or ``TooLarge`` with ``where``."""
    if len(token) > max_bytes:
        raise TooLarge(f"a signed object of more than {max_bytes} bytes", where=where)
    head, _, rest = token.partition(".")
    body, dot, tail = rest.partition(".")
    if not dot or "." in tail:
        raise Malformed("a compact JWS has three parts", where=where)
    try:
        header = _HEADERS.get(head) or _header(head)
        payload, signature = base64url.decode(body), base64url.decode(tail)
    except Malformed as error:
        raise error.within(where) from error.__cause__
    return Jws(header, payload, token[: -len(tail) - 1].encode(), signature, token)


def verify_jws(jws: Jws, key: PublicKey, *, typ: str | Collection[str], algs: Collection[str] = ALGS) -> None:
    """Raise unless ``jws`` is of ``typ`` and signed by ``key``: ``WrongTyp``, ``AlgorithmRefused``, ``BadSignature``.

    ``typ`` is compared exactly and before anything else (security rule S1); ``algs`` is the allow-list of the caller's role, and the
    header's ``alg`` must also be the one that ``key`` is used with.
    """
    found = jws.header.get("typ")
    if found != typ and (isinstance(typ, str) or found not in typ):
        raise WrongTyp("this signed object is of another kind")
    alg = jws.header["alg"]
    if alg != key.alg or alg not in algs:
        raise AlgorithmRefused("this signature algorithm is not allowed here")
    key.verify(jws.signature, jws.signing_input)


def prepare_jws(
    *, typ: str, payload: bytes, key: KeyId, alg: str = "ES256", header: Mapping[str, Any] = MappingProxyType({})
) -> Unsigned[str]:
    """A JWS that lacks only its signature. ``header`` adds protected members (``kid``, ``x5c``, ``jwk``), never ``alg`` or ``typ``."""
    if alg not in ALGS:
        raise AlgorithmRefused("only ES256, ES384 and EdDSA are used here")
    # The typ in the header is the one that the custodian judges, whatever else ``header`` says (S1).
    own = {"alg": alg, "typ": typ}
    protected = strict_json.dumps(own | dict(header) | own)
    signing_input = f"{base64url.encode(protected)}.{base64url.encode(payload)}"

    def complete(signature: bytes) -> str:
        if len(signature) != ALGORITHMS[alg].size:
            raise BadSignature("the custodian's signature does not have the length of its algorithm")
        return f"{signing_input}.{base64url.encode(signature)}"

    return Unsigned(key=key, typ=typ, signing_input=signing_input.encode(), complete=complete)


# Headers repeat from token to token: every key-binding JWT has the same one, and so has every copy of one issuer, certificates
# included. Only those that nobody could change are kept: scalars, and certificates as a tuple.
_HEADERS: dict[str, Mapping[str, Any]] = {}
_SHORT, _KEPT = 16_384, 256


def _header(text: str) -> Mapping[str, Any]:
    read = strict_json.load_object(base64url.decode(text), max_depth=8)
    if type(read.get("x5c")) is list:
        read["x5c"] = tuple(read["x5c"])
    header = MappingProxyType(read)
    _check_header(header)
    if len(text) <= _SHORT and all(_is_fixed(value) for value in header.values()):
        if len(_HEADERS) >= _KEPT:
            _HEADERS.clear()
        _HEADERS[text] = header
    return header


def _is_fixed(value: Any) -> bool:
    if type(value) is tuple:
        return all(type(each) is str for each in value)
    return isinstance(value, str | int | float | None)


def _check_header(header: Mapping[str, Any]) -> None:
    alg = header.get("alg")
    if type(alg) is not str or not alg:
        raise Malformed("a protected header names its algorithm", where="/alg")
    if type(header.get("typ", "")) is not str:
        raise Malformed("typ is a string", where="/typ")
    if "crit" in header or "b64" in header:
        raise Malformed("no header extension is understood here", where="/crit" if "crit" in header else "/b64")
    if "jwk" in header:
        if type(header["jwk"]) is not dict:
            raise Malformed("a key is an object", where="/jwk")
        check_public(header["jwk"], where="/jwk")
