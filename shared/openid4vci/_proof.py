"""Key proofs: a wallet shows that it holds the keys that copies will be tied to, or that somebody says so (OpenID4VCI 1.0 appendix F)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..errors import InvalidNonce, InvalidProof, VcError
from ..jose import jwk, jws, jwt
from ..keys import KeyId, PublicKey, Unsigned
from ..oauth import CheckProvider
from ..x509 import load_certificate, parse_x5c
from ._key_attestation import KeyAttestation, KeyDemand, verify_key_attestation

TYP = "openid4vci-proof+jwt"
ALGS = ("ES256", "ES384", "EdDSA")
_MAX_AGE = 300  # seconds between signing and asking
_LEEWAY = 60  # seconds that a wallet's clock may run ahead
_MAX_PROOF = 16_384  # bytes
_MAX_ATTESTED = 98_304  # bytes, with a key attestation in the header
_MAX_NONCE = 1_024


@dataclass(frozen=True, slots=True)
class KeyProof:
    """A key that answers, or is vouched for, and the nonce that was answered."""

    holder: PublicKey
    nonce: str
    attestation: KeyAttestation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attesting:
    """How an issuer judges key attestations: whom it trusts to make them, and what it ``demand``s (``None``: they may be left out)."""

    check_provider: CheckProvider
    demand: KeyDemand | None = None


def prepare_key_proof(
    *,
    key: KeyId,
    public: PublicKey,
    audience: str,
    nonce: str | None,
    at: int,
    client_id: str | None = None,
    key_attestation: str | None = None,
) -> Unsigned[str]:
    """The proof for one key, lacking its signature. ``audience`` is the Credential Issuer Identifier; no ``iss`` when anonymous."""
    claims: dict[str, Any] = {"aud": audience, "iat": at}
    if client_id is not None:
        claims["iss"] = client_id
    if nonce is not None:
        claims["nonce"] = nonce
    header: dict[str, Any] = {"jwk": jwk.render_jwk(public)}
    if key_attestation is not None:
        header["key_attestation"] = key_attestation
    return jwt.prepare_jwt(claims, typ=TYP, key=key, alg=public.alg, header=header)


def verify_key_proof(
    token: str,
    *,
    audience: str,
    nonce_seen: Callable[[str], bool],
    at: int,
    algs: Collection[str] = ALGS,
    client_id: str | None = None,
    max_age: int = _MAX_AGE,
    attesting: Attesting | None = None,
) -> KeyProof:
    """Check one proof. ``InvalidNonce`` if ``nonce_seen`` does not know its nonce, ``InvalidProof`` for everything else.

    ``client_id`` is the client that the access token belongs to; ``None`` for an anonymous one, whose ``iss`` says nothing. Without
    ``attesting`` a key attestation is not looked at; with it, the proof must be by an attested key.
    """
    try:
        parsed = jwt.parse_jwt(token, max_bytes=_MAX_PROOF if attesting is None else _MAX_ATTESTED)
        if parsed.jws.header.get("typ") != TYP:
            raise InvalidProof("this is not a key proof", where="/typ")
        attestation = None if attesting is None else _attestation(parsed.jws.header, attesting, at=at, algs=algs)
        holder = _holder(parsed.jws.header, attestation)
        jws.verify_jws(parsed.jws, holder, typ=TYP, algs=algs)
        _check_claims(parsed.claims, audience=audience, client_id=client_id, at=at, max_age=max_age)
        nonce = reader.get_str(parsed.claims, "nonce", max_length=_MAX_NONCE)
    except InvalidProof:
        raise
    except VcError as error:
        raise InvalidProof(error.detail, where=error.where) from error
    if not nonce_seen(nonce):
        raise InvalidNonce("this nonce is not, or no longer, ours", where="/nonce")
    if attestation is not None:
        _check_nonce(attestation, nonce_seen)
    return KeyProof(holder, nonce, attestation)


def _attestation(header: Mapping[str, Any], attesting: Attesting, *, at: int, algs: Collection[str]) -> KeyAttestation | None:
    """``algs`` are also those of attestations (appendix F.1)."""
    if "key_attestation" not in header:
        if attesting.demand is not None:
            raise InvalidProof("this issuer demands a key attestation", where="/key_attestation")
        return None
    token = reader.get_str(header, "key_attestation", max_length=_MAX_ATTESTED)
    return verify_key_attestation(token, check_provider=attesting.check_provider, at=at, demand=attesting.demand, algs=algs)


def _check_nonce(attestation: KeyAttestation, nonce_seen: Callable[[str], bool]) -> str:
    """What an attestation answered, which must be a nonce of ours: it was made for this (appendix D.1)."""
    if attestation.nonce is None:
        raise InvalidProof("the key attestation carries no nonce", where="/key_attestation/nonce")
    if not nonce_seen(attestation.nonce):
        raise InvalidNonce("this nonce is not, or no longer, ours", where="/key_attestation/nonce")
    return attestation.nonce


def verify_key_proofs(
    tokens: Sequence[str],
    *,
    audience: str,
    nonce_seen: Callable[[str], bool],
    at: int,
    algs: Collection[str] = ALGS,
    client_id: str | None = None,
    attesting: Attesting | None = None,
) -> tuple[KeyProof, ...]:
    """All proofs of one request; each key gets at most one copy, so none may come twice (section 8.3).

    With ``attesting`` there is one ``KeyProof`` for each attested key as well, proved or not (appendix F.1).
    """
    proofs = []
    for position, token in enumerate(tokens):
        try:
            proofs.append(
                verify_key_proof(
                    token, audience=audience, nonce_seen=nonce_seen, at=at, algs=algs, client_id=client_id, attesting=attesting
                )
            )
        except VcError as error:
            raise error.within(f"/proofs/jwt/{position}") from error.__cause__
    if len(proofs) > 1 and len({tuple(jwk.render_jwk(proof.holder).values()) for proof in proofs}) != len(proofs):
        raise InvalidProof("a key is proved twice", where="/proofs/jwt")
    return tuple(proofs) if attesting is None else _with_attested(proofs)


def _with_attested(proofs: Sequence[KeyProof]) -> tuple[KeyProof, ...]:
    found = {jwk.thumbprint(proof.holder): proof for proof in proofs}
    for proof in proofs:
        for key in proof.attestation.keys if proof.attestation is not None else ():
            found.setdefault(jwk.thumbprint(key), KeyProof(key, proof.nonce, proof.attestation))
    return tuple(found.values())


def verify_attestation_proof(
    token: str, *, nonce_seen: Callable[[str], bool], at: int, attesting: Attesting, algs: Collection[str] = ALGS
) -> tuple[KeyProof, ...]:
    """The one proof of the ``attestation`` type: a copy for each key that is vouched for (appendix F.3). Errors as ``verify_key_proof``."""
    try:
        attestation = verify_key_attestation(
            token, check_provider=attesting.check_provider, at=at, demand=attesting.demand, needs_end=False, algs=algs
        )
        nonce = _check_nonce(attestation, nonce_seen)
    except VcError as error:
        raise error.within("/proofs/attestation/0") from error.__cause__
    return tuple(KeyProof(key, nonce, attestation) for key in attestation.keys)


def _holder(header: Mapping[str, Any], attestation: KeyAttestation | None) -> PublicKey:
    """The key that the header itself carries; a ``kid`` alone names a key that we cannot know, unless it is an attested one."""
    named = [name for name in ("jwk", "kid", "x5c") if name in header]
    if len(named) != 1:
        raise InvalidProof("exactly one of jwk, kid and x5c names the key", where="/jwk")
    holder = _key(header, named[0], attestation)
    if holder is None:
        raise InvalidProof("a key is sent along (jwk or x5c), not named", where="/kid")
    if attestation is not None and holder not in attestation.keys:
        raise InvalidProof("the proof is not by a key that is attested", where="/key_attestation")
    return holder


def _key(header: Mapping[str, Any], named: str, attestation: KeyAttestation | None) -> PublicKey | None:
    if named == "jwk":
        return jwk.parse_public_jwk(reader.get_object(header, "jwk"), where="/jwk")
    if named == "x5c":
        return load_certificate(parse_x5c(header["x5c"], "/x5c")[0], "/x5c/0").public
    return None if attestation is None else attestation.named(reader.get_str(header, "kid"))


def _check_claims(claims: dict[str, Any], *, audience: str, client_id: str | None, at: int, max_age: int) -> None:
    if reader.get_str(claims, "aud") != audience:
        raise InvalidProof("the proof is for another issuer", where="/aud")
    if not at - max_age - _LEEWAY <= jwt.get_time(claims, "iat") <= at + _LEEWAY:
        raise InvalidProof("the proof is too old, or from the future", where="/iat")
    issuer = reader.get_str(claims, "iss", optional=True)
    if issuer is not None and client_id is not None and issuer != client_id:
        raise InvalidProof("the proof is by another client than the access token", where="/iss")
