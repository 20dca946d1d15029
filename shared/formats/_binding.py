"""What a holder signs to show a document to one party, once: the same members whichever format carries them.

RFC 9901 sections 4.3 and 7.3 (``kb+jwt``); a ``vp+jwt`` has the same ``aud``, ``nonce`` and ``iat``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..clock import DAY
from ..errors import Malformed, NotBound, PurposeMismatch, StaleBinding, VcError, WrongAudience, WrongNonce
from ..jose.jwk import parse_public_jwk
from ..jose.jws import verify_jws
from ..jose.jwt import Jwt
from ..keys import PublicKey
from . import Binding

AHEAD = 60
"""Seconds that another machine's clock may be ahead of ours."""
MAX_ADDRESSED = 14 * DAY
_OWN_NONCE = re.compile(r"[A-Za-z0-9_-]{22,128}")  # 128 bits in base64url


def parse_holder(payload: Mapping[str, Any]) -> PublicKey | None:
    """The key in ``cnf`` (RFC 7800 section 3.2), ``None`` without ``cnf``. ``Malformed`` for any other way to name a key."""
    if "cnf" not in payload:
        return None
    cnf = payload["cnf"]
    jwk = cnf.get("jwk") if type(cnf) is dict else None
    if type(jwk) is not dict:
        raise Malformed("the holder's key is a public JWK", where="/cnf/jwk")
    return parse_public_jwk(jwk, where="/cnf/jwk")


def check_holder_signature(token: Jwt, holder: PublicKey, *, typ: str) -> None:
    """``NotBound`` unless ``token`` is of ``typ`` and signed by ``holder``: nobody else can show this document."""
    try:
        verify_jws(token.jws, holder, typ=typ)
    except VcError as error:
        raise NotBound(f"the proof of the holder is not one: {error.detail}") from error


def binding_claims(binding: Binding, at: int) -> dict[str, Any]:
    """The members that a holder signs at ``at``. ``extra`` cannot take the place of the others."""
    if binding.nonce is None:
        raise Malformed("a holder's signature needs a nonce")
    signed = {"iat": at, "aud": binding.audience, "nonce": binding.nonce}
    return {**binding.extra, **signed} if binding.extra else signed


def check_binding(claims: Mapping[str, Any], binding: Binding, *, at: int) -> None:
    """Raise unless the signed ``claims`` are for this party, this transaction and this time.

    ``WrongAudience``, ``WrongNonce``, ``StaleBinding``, ``PurposeMismatch`` (``purpose_id``) or ``NotBound`` (other members).
    """
    # A single string, RFC 9901 section 4.3: a list of audiences would serve each of them.
    if type(claims.get("aud")) is not str or claims["aud"] != binding.audience:
        raise WrongAudience("it was made out to somebody else", where="/aud")
    _check_nonce(claims, binding)
    _check_time(claims, binding, at)
    for name, wanted in binding.extra.items():
        if name not in claims or claims[name] != wanted or type(claims[name]) is not type(wanted):
            if name == "purpose_id":
                raise PurposeMismatch("it was made for another purpose", where="/purpose_id")
            raise NotBound("the holder signed something else", where=f"/{name}")


def _check_nonce(claims: Mapping[str, Any], binding: Binding) -> None:
    nonce = claims.get("nonce")
    if type(nonce) is not str:
        raise WrongNonce("there is no nonce", where="/nonce")
    if binding.nonce is not None:
        if nonce != binding.nonce:
            raise WrongNonce("it answers another request", where="/nonce")
        return
    if not _OWN_NONCE.fullmatch(nonce):
        raise WrongNonce("a nonce of 128 bits is needed", where="/nonce")
    if "exp" not in claims or not _is_text(claims.get("jti")):
        raise NotBound("a copy made out to somebody has an end and a number", where="/jti" if "exp" in claims else "/exp")
    if not _is_text(claims.get("purpose_id")):
        raise PurposeMismatch("a copy made out to somebody says what for", where="/purpose_id")


def _is_text(value: Any) -> bool:
    return type(value) is str and value != ""


def _check_time(claims: Mapping[str, Any], binding: Binding, at: int) -> None:
    made = _time(claims, "iat")
    if binding.max_age is not None:
        _check_begin(claims, binding, made, binding.max_age, at)
    if "exp" in claims:
        end = _time(claims, "exp")
        if at >= end:
            raise StaleBinding("its time is over", where="/exp")
        if end - made > MAX_ADDRESSED:
            raise StaleBinding("it was made out for too long", where="/exp")


def _check_begin(claims: Mapping[str, Any], binding: Binding, made: int, max_age: int, at: int) -> None:
    if made > at + AHEAD:
        raise StaleBinding("it was signed in the future", where="/iat")
    if made < at - max_age - AHEAD or (binding.issued_after is not None and made < binding.issued_after - AHEAD):
        raise StaleBinding("it was signed too long ago", where="/iat")
    if "nbf" in claims and at + AHEAD < _time(claims, "nbf"):
        raise StaleBinding("it may not be used yet", where="/nbf")


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:
        raise StaleBinding("a time in whole seconds is needed", where=f"/{name}")
    return value
