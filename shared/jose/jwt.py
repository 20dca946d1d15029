"""JSON Web Tokens (RFC 7519) as signed by our keys and by others: a JWS whose payload is a claims object, with its times checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..codec import strict_json
from ..codec.strict_json import MAX_INTEGER
from ..errors import Expired, Malformed, NotYetValid
from ..keys import KeyId, PublicKey, Unsigned
from .jws import ALGS, MAX_BYTES, Jws, parse_jws, prepare_jws, verify_jws


@dataclass(frozen=True, slots=True)
class Jwt:
    """A parsed, unverified token: whoever reads ``claims`` before ``verify_jwt`` merely peeks."""

    jws: Jws
    claims: dict[str, Any]

    @property
    def header(self) -> Mapping[str, Any]:
        return self.jws.header


def prepare_jwt(
    claims: Mapping[str, Any], *, typ: str, key: KeyId, alg: str = "ES256", header: Mapping[str, Any] = MappingProxyType({})
) -> Unsigned[str]:
    """A token that lacks only its signature."""
    return prepare_jws(typ=typ, payload=strict_json.dumps(claims), key=key, alg=alg, header=header)


def parse_jwt(token: str, *, max_bytes: int = MAX_BYTES, where: str = "") -> Jwt:
    """Take ``token`` apart; the payload must be a JSON object. Nothing is verified."""
    jws = parse_jws(token, max_bytes=max_bytes, where=where)
    return Jwt(jws, strict_json.load_object(jws.payload, where=where))


def verify_jwt(
    jwt: Jwt, key: PublicKey, *, typ: str | Collection[str], at: int, leeway: int = 60, algs: Collection[str] = ALGS
) -> dict[str, Any]:
    """The claims of a token of ``typ`` that ``key`` signed and that is in force at ``at``, give or take ``leeway`` seconds.

    As ``verify_jws``, and ``Expired`` or ``NotYetValid``. Absent times are not demanded here: each caller knows which ones it needs.
    """
    verify_jws(jwt.jws, key, typ=typ, algs=algs)
    check_times(jwt.claims, at=at, leeway=leeway)
    return jwt.claims


def check_times(claims: Mapping[str, Any], *, at: int, leeway: int = 60) -> None:
    """RFC 7519 sections 4.1.4 to 4.1.6 for whichever of ``exp``, ``nbf`` and ``iat`` are there: seconds since the epoch, finite numbers."""
    exp, nbf, iat = _time(claims, "exp"), _time(claims, "nbf"), _time(claims, "iat")
    if exp is not None and at >= exp + leeway:
        raise Expired("its time is over", where="/exp")
    if nbf is not None and at + leeway < nbf:
        raise NotYetValid("its time has not begun", where="/nbf")
    if iat is not None and at + leeway < iat:
        raise NotYetValid("it was made in the future", where="/iat")


def get_time(claims: Mapping[str, Any], name: str) -> int | float:
    """A time that must be there, in seconds since the epoch; it may have a fraction (RFC 7519 section 2)."""
    value = _time(claims, name)
    if value is None:
        raise Malformed("a time in seconds is missing here", where=f"/{name}")
    return value


def _time(claims: Mapping[str, Any], name: str) -> int | float | None:
    value = claims.get(name)
    if name not in claims:
        return None
    # A comparison with NaN is false whichever way round, so that it is refused here.
    if (type(value) is int or type(value) is float) and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    raise Malformed("a time in seconds is demanded here", where=f"/{name}")
