"""Pieces of a compact JWS that repeat from credential to credential, made once."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ..codec import base64url
from ..errors import AlgorithmRefused, BadSignature
from ..jose.jws import ALGS
from ..keys import ALGORITHMS, KeyId, Unsigned
from ..x509 import parse_x5c, x5c_header

encode = msgspec.json.Encoder().encode
"""For what we compose ourselves from plain values; strangers' values go through ``codec.strict_json``."""

_SHORT = 256
_URL = bytes.maketrans(b"+/", b"-_")


def text(data: bytes) -> str:
    """base64url without padding; the hot twin of ``codec.base64url.encode``: the first encoder starts faster, the second runs faster."""
    if len(data) < _SHORT:
        return b2a_base64(data, newline=False).translate(_URL, b"=").decode()
    return base64url.encode(data)


@lru_cache(maxsize=64)
def header_segment(alg: str, typ: str, x5c: tuple[bytes, ...] = (), cty: str = "") -> str:
    """The encoded protected header. ``x5c``: DER, leaf first (RFC 7515 section 4.1.6)."""
    if alg not in ALGS:
        raise AlgorithmRefused("only ES256, ES384 and EdDSA are used here")
    header: dict[str, Any] = {"alg": alg, "typ": typ}
    if cty:
        header["cty"] = cty
    if x5c:
        header["x5c"] = x5c_header(x5c)
    return text(encode(header))


def unsigned(  # noqa: PLR0917 - names cost time here
    payload: Mapping[str, Any], typ: str, segment: str, key: KeyId, alg: str, before: str = "", after: str = ""
) -> Unsigned[str]:
    """A JWS that lacks only its signature; ``before`` and ``after`` stand around it in the completed text."""
    signing_input = f"{segment}.{text(encode(payload))}"

    def complete(signature: bytes) -> str:
        if len(signature) != ALGORITHMS[alg].size:
            raise BadSignature("the custodian's signature does not have the length of its algorithm")
        return f"{before}{signing_input}.{text(signature)}{after}"

    return Unsigned(key=key, typ=typ, signing_input=signing_input.encode(), complete=complete)


def certificates(header: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The DER certificates in ``x5c``, none where it is absent. All copies of an issuer carry the same ones."""
    if "x5c" not in header:
        return ()
    listed = header["x5c"]
    if type(listed) is tuple and all(type(each) is str for each in listed):
        return _parse(listed)
    return parse_x5c(listed, "/x5c")


@lru_cache(maxsize=256)
def _parse(listed: tuple[str, ...]) -> tuple[bytes, ...]:
    return parse_x5c(listed, "/x5c")
