"""Key proofs: a wallet shows that it holds the key that a copy will be tied to (OpenID4VCI 1.0 appendix F.1 and F.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..errors import InvalidNonce, InvalidProof, VcError
from ..jose import jwk, jws, jwt
from ..keys import KeyId, PublicKey, Unsigned
from ..x509 import load_certificate, parse_x5c

TYP = "openid4vci-proof+jwt"
ALGS = ("ES256", "ES384", "EdDSA")
_MAX_AGE = 300  # seconds between signing and asking
_LEEWAY = 60  # seconds that a wallet's clock may run ahead
_MAX_PROOF = 16_384  # bytes


@dataclass(frozen=True, slots=True)
class KeyProof:
    """A key that answers, and the nonce that it answered."""

    holder: PublicKey
    nonce: str


def prepare_key_proof(
    *, key: KeyId, public: PublicKey, audience: str, nonce: str | None, at: int, client_id: str | None = None
) -> Unsigned[str]:
    """The proof for one key, lacking its signature. ``audience`` is the Credential Issuer Identifier; no ``iss`` when anonymous."""
    claims: dict[str, Any] = {"aud": audience, "iat": at}
    if client_id is not None:
        claims["iss"] = client_id
    if nonce is not None:
        claims["nonce"] = nonce
    return jwt.prepare_jwt(claims, typ=TYP, key=key, alg=public.alg, header={"jwk": jwk.render_jwk(public)})


def verify_key_proof(
    token: str,
    *,
    audience: str,
    nonce_seen: Callable[[str], bool],
    at: int,
    algs: Collection[str] = ALGS,
    client_id: str | None = None,
    max_age: int = _MAX_AGE,
) -> KeyProof:
    """Check one proof. ``InvalidNonce`` if ``nonce_seen`` does not know its nonce, ``InvalidProof`` for everything else.

    ``client_id`` is the client that the access token belongs to; ``None`` for an anonymous one, whose ``iss`` says nothing.
    """
    try:
        parsed = jwt.parse_jwt(token, max_bytes=_MAX_PROOF)
        if parsed.jws.header.get("typ") != TYP:
            raise InvalidProof("this is not a key proof", where="/typ")
        holder = _holder(parsed.jws.header)
        jws.verify_jws(parsed.jws, holder, typ=TYP, algs=algs)
        _check_claims(parsed.claims, audience=audience, client_id=client_id, at=at, max_age=max_age)
        nonce = reader.get_str(parsed.claims, "nonce", max_length=1_024)
    except InvalidProof:
        raise
    except VcError as error:
        raise InvalidProof(error.detail, where=error.where) from error
    if not nonce_seen(nonce):
        raise InvalidNonce("this nonce is not, or no longer, ours", where="/nonce")
    return KeyProof(holder, nonce)


def verify_key_proofs(
    tokens: Sequence[str],
    *,
    audience: str,
    nonce_seen: Callable[[str], bool],
    at: int,
    algs: Collection[str] = ALGS,
    client_id: str | None = None,
) -> tuple[KeyProof, ...]:
    """All proofs of one request; each key gets at most one copy, so none may come twice (section 8.3)."""
    proofs = []
    for position, token in enumerate(tokens):
        try:
            proofs.append(verify_key_proof(token, audience=audience, nonce_seen=nonce_seen, at=at, algs=algs, client_id=client_id))
        except VcError as error:
            raise error.within(f"/proofs/jwt/{position}") from error.__cause__
    if len(proofs) > 1 and len({tuple(jwk.render_jwk(proof.holder).values()) for proof in proofs}) != len(proofs):
        raise InvalidProof("a key is proved twice", where="/proofs/jwt")
    return tuple(proofs)


def _holder(header: Any) -> PublicKey:
    """The key that the header itself carries; a ``kid`` alone names a key that we cannot know."""
    named = [name for name in ("jwk", "kid", "x5c") if name in header]
    if len(named) != 1:
        raise InvalidProof("exactly one of jwk, kid and x5c names the key", where="/jwk")
    if named == ["jwk"]:
        return jwk.parse_public_jwk(reader.get_object(header, "jwk"), where="/jwk")
    if named == ["x5c"]:
        return load_certificate(parse_x5c(header["x5c"], "/x5c")[0], "/x5c/0").public
    raise InvalidProof("a key is sent along (jwk or x5c), not named", where="/kid")


def _check_claims(claims: dict[str, Any], *, audience: str, client_id: str | None, at: int, max_age: int) -> None:
    if reader.get_str(claims, "aud") != audience:
        raise InvalidProof("the proof is for another issuer", where="/aud")
    signed_at: Any = claims.get("iat")
    if type(signed_at) not in {int, float}:  # a NumericDate may have a fraction (RFC 7519 section 2)
        raise InvalidProof("the time of signing is missing", where="/iat")
    if not at - max_age - _LEEWAY <= signed_at <= at + _LEEWAY:
        raise InvalidProof("the proof is too old, or from the future", where="/iat")
    issuer = reader.get_str(claims, "iss", optional=True)
    if issuer is not None and client_id is not None and issuer != client_id:
        raise InvalidProof("the proof is by another client than the access token", where="/iss")
