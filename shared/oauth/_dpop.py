"""Demonstrating Proof of Possession: a token is of use only to whoever holds the key that it was asked for with (RFC 9449).

Nothing is remembered here: ``jti`` values that were seen, and which nonces are live, are the caller's business.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from ..codec import base64url, reader
from ..errors import InvalidDpopProof, InvalidToken, UseDpopNonce, VcError
from ..jose import jwk, jws, jwt
from ..keys import KeyId, PublicKey, Unsigned
from ..urls import split

DPOP_TYP = "dpop+jwt"
DPOP_ALGS: tuple[str, ...] = ("ES256", "ES384", "EdDSA")
DPOP_WINDOW = 60  # seconds that a proof's time may lie before or after ours
_MAX_PROOF = 8_192  # bytes
_MAX_JTI = 256  # characters
_MAX_NONCE = 1_024
_MAX_TOKEN = 16_384
_PORTS = {"https": 443, "http": 80}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProof:
    """A proof in order. ``jkt`` is the thumbprint that tokens are tied to; ``jti`` must not be seen twice before ``iat`` + twice the window."""

    jkt: str
    jti: str
    iat: int | float
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an ``Authorization`` header carries; ``dpop`` says whether it was shown as a token that is tied to a key."""

    value: str
    dpop: bool


def prepare_dpop(
    *,
    key: KeyId,
    public: PublicKey,
    method: str,
    url: str,
    at: int,
    jti: str,
    nonce: str | None = None,
    access_token: str | None = None,
) -> Unsigned[str]:
    """The proof for one request, lacking its signature (section 4.2). ``nonce`` is the server's newest, if it gave any."""
    claims: dict[str, Any] = {"jti": jti, "htm": method, "htu": url.partition("#")[0].partition("?")[0], "iat": at}
    if access_token is not None:
        claims["ath"] = _hash(access_token)
    if nonce is not None:
        claims["nonce"] = nonce
    return jwt.prepare_jwt(claims, typ=DPOP_TYP, key=key, alg=public.alg, header={"jwk": jwk.render_jwk(public)})


def verify_dpop(
    proof: str,
    *,
    method: str,
    url: str,
    at: int,
    nonce_ok: Callable[[str | None], bool],
    access_token: str | None = None,
    algs: Collection[str] = DPOP_ALGS,
    window: int = DPOP_WINDOW,
    dated_by_nonce: bool = False,
) -> DpopProof:
    """Check a proof for the request ``method`` ``url`` (section 4.3). ``url`` is what the public sees, never the request line.

    ``UseDpopNonce`` where all is well but ``nonce_ok`` refuses its nonce (``None``: it has none), ``InvalidDpopProof`` for all else.
    With ``dated_by_nonce`` a nonce tells when the proof was made, and ``iat`` may be that of a wrong clock (item 11).
    """
    try:
        parsed = jwt.parse_jwt(proof, max_bytes=_MAX_PROOF)
        if parsed.jws.typ != DPOP_TYP:
            raise InvalidDpopProof("this is not a DPoP proof", where="/typ")
        holder = jwk.parse_public_jwk(reader.get_object(parsed.header, "jwk"), where="/jwk")
        jws.verify_jws(parsed.jws, holder, typ=DPOP_TYP, algs=algs)
        _check_request(parsed.claims, method=method, url=url, access_token=access_token)
        found = _proof(parsed.claims, holder)
        if found.nonce is None or not dated_by_nonce:
            _check_age(parsed.claims, found, at=at, window=window)
    except InvalidDpopProof:
        raise
    except VcError as error:
        raise InvalidDpopProof(error.detail, where=error.where) from error
    if not nonce_ok(found.nonce):
        raise UseDpopNonce("this nonce is not, or no longer, ours", where="/nonce")
    return found


def _check_request(claims: dict[str, Any], *, method: str, url: str, access_token: str | None) -> None:
    if reader.get_str(claims, "htm") != method:
        raise InvalidDpopProof("the proof is for another method", where="/htm")
    if not same_target(reader.get_str(claims, "htu"), url):
        raise InvalidDpopProof("the proof is for another address", where="/htu")
    if access_token is not None and not hmac.compare_digest(reader.get_str(claims, "ath").encode(), _hash(access_token).encode()):
        raise InvalidDpopProof("the proof is for another access token", where="/ath")


def _proof(claims: dict[str, Any], holder: PublicKey) -> DpopProof:
    return DpopProof(
        jkt=jwk.thumbprint(holder),
        jti=reader.get_str(claims, "jti", max_length=_MAX_JTI),
        iat=jwt.get_time(claims, "iat"),
        nonce=reader.get_str(claims, "nonce", optional=True, max_length=_MAX_NONCE),
    )


def _check_age(claims: dict[str, Any], found: DpopProof, *, at: int, window: int) -> None:
    if not at - window <= found.iat <= at + window:
        raise InvalidDpopProof("the proof is too old, or from the future", where="/iat")
    jwt.check_times(claims, at=at, leeway=window)


def _hash(token: str) -> str:
    """``ath``: base64url of SHA-256 (section 4.2)."""
    return base64url.encode(hashlib.sha256(token.encode()).digest())


def same_target(htu: str, url: str) -> bool:
    """Whether both name the same resource, whatever their query and fragment (section 4.3 item 9, RFC 3986 sections 6.2.2 and 6.2.3)."""
    return _normal(split(htu, where="/htu")) == _normal(split(url))


def _normal(parts: SplitResult) -> tuple[str, str, int | None, str]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme), _normal_path(parts.path)


def _normal_path(path: str) -> str:
    """Percent-encodings in their one spelling, dots resolved, an empty path as the root."""
    kept: list[str] = []
    for segment in _PERCENT.sub(_spell, path).split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def _spell(found: re.Match[str]) -> str:
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0].upper()


def one_dpop_header(values: Sequence[str]) -> str | None:
    """The ``DPoP`` header of a request, of which there is at most one (section 4.3 item 1)."""
    if len(values) > 1:
        raise InvalidDpopProof("a request has one DPoP header")
    return values[0].strip() if values else None


def parse_authorization(header: str | None) -> AccessToken:
    """The access token in an ``Authorization`` header; ``InvalidToken`` without one (RFC 6750 section 2.1, RFC 9449 section 7.1)."""
    scheme, _, value = (header or "").partition(" ")
    token = value.strip()
    if scheme.lower() not in {"bearer", "dpop"} or not token or len(token) > _MAX_TOKEN or not token.isascii():
        raise InvalidToken("an access token is needed")
    return AccessToken(token, dpop=scheme.lower() == "dpop")
