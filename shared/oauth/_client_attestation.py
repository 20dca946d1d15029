"""Attestation-based client authentication: a wallet's maker vouches for it, and it proves the key that the maker vouched for.

draft-ietf-oauth-attestation-based-client-auth-07, as OpenID4VCI 1.0 appendix E and HAIP 1.0 section 4.4.1 have it. Later drafts left out
``iss``; it may be missing here. Their concatenated form and their combination with DPoP are not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..errors import InvalidClientAttestation, UseAttestationChallenge, VcError
from ..jose import jwk, jwt
from ..keys import KeyId, PublicKey, Unsigned
from ..x509 import Cert, parse_x5c, x5c_header

ATTESTATION_HEADER = "OAuth-Client-Attestation"
POP_HEADER = "OAuth-Client-Attestation-PoP"
CHALLENGE_HEADER = "OAuth-Client-Attestation-Challenge"
ATTEST_AUTH = "attest_jwt_client_auth"
ATTESTATION_TYP = "oauth-client-attestation+jwt"
POP_TYP = "oauth-client-attestation-pop+jwt"
ATTESTATION_ALGS: tuple[str, ...] = ("ES256", "ES384", "EdDSA")
_MAX_ATTESTATION = 16_384  # bytes, certificates included
_MAX_POP = 8_192
_MAX_AGE = 300  # seconds that a proof lives after it was signed
_LEEWAY = 60  # seconds that clocks may differ
_MAX_ID = 1_024
_MAX_NAME = 200

CheckProvider = Callable[[Sequence[bytes], int], Cert]
"""From a chain of certificates and a time to the leaf, or an error: ``shared.trust.policy.Policy.check_wallet_provider``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An attested wallet. ``client_id`` is shared by all wallets of one kind, ``jkt`` is the thumbprint of this one's key.

    The names say what ``provider`` said (``name``: of the software, for people); another provider may say the same ``client_id`` of other
    software. ``jti`` must not be seen twice before ``iat`` + six minutes.
    """

    client_id: str
    jkt: str
    provider: Cert
    jti: str
    iat: int | float
    challenge: str | None = None
    issuer: str | None = None
    name: str | None = None
    expires_at: int | float


def prepare_attestation(
    *,
    key: KeyId,
    alg: str,
    x5c: Sequence[bytes],
    client_id: str,
    instance: PublicKey,
    at: int,
    lifetime: int,
    issuer: str | None = None,
    name: str | None = None,
) -> Unsigned[str]:
    """What a maker says of one wallet, for ``lifetime`` seconds, lacking its signature (draft -07 section 5.1)."""
    claims: dict[str, Any] = {"sub": client_id, "iat": at, "exp": at + lifetime, "cnf": {"jwk": jwk.render_jwk(instance)}}
    if issuer is not None:
        claims["iss"] = issuer
    if name is not None:
        claims["wallet_name"] = name
    return jwt.prepare_jwt(claims, typ=ATTESTATION_TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def prepare_attestation_pop(
    *, key: KeyId, public: PublicKey, client_id: str, audience: str, at: int, jti: str, challenge: str | None = None
) -> Unsigned[str]:
    """The wallet's proof for one request, lacking its signature. ``audience`` is the authorization server's issuer (section 5.2)."""
    claims: dict[str, Any] = {"iss": client_id, "aud": audience, "jti": jti, "iat": at}
    if challenge is not None:
        claims["challenge"] = challenge
    return jwt.prepare_jwt(claims, typ=POP_TYP, key=key, alg=public.alg)


def attestation_headers(attestations: Sequence[str], pops: Sequence[str]) -> tuple[str, str] | None:
    """The two header fields of a request, each exactly once, or ``None`` where there is neither (section 6.2)."""
    if not attestations and not pops:
        return None
    if len(attestations) != 1 or len(pops) != 1:
        raise InvalidClientAttestation("one attestation and one proof belong together")
    return attestations[0].strip(), pops[0].strip()


def verify_client_attestation(
    attestation: str,
    pop: str,
    *,
    check_provider: CheckProvider,
    audience: str,
    at: int,
    challenge_ok: Callable[[str | None], bool],
    algs: Collection[str] = ATTESTATION_ALGS,
) -> Client:
    """Check both (section 8). ``audience`` is this server's issuer identifier, compared exactly.

    ``UseAttestationChallenge`` where all is well but ``challenge_ok`` refuses its challenge (``None``: it has none),
    ``InvalidClientAttestation`` for all else.
    """
    try:
        said, provider = _attestation(attestation, check_provider, at=at, algs=algs)
        client_id = reader.get_str(said, "sub", max_length=_MAX_ID)
        instance = jwk.parse_public_jwk(reader.get_object(reader.get_object(said, "cnf"), "jwk", "/cnf"), where="/cnf/jwk")
        proved = _pop(pop, instance, client_id=client_id, audience=audience, at=at, algs=algs)
        client = Client(
            client_id=client_id,
            jkt=jwk.thumbprint(instance),
            provider=provider,
            jti=reader.get_str(proved, "jti", max_length=_MAX_ID),
            iat=jwt.get_time(proved, "iat"),
            challenge=reader.get_str(proved, "challenge", optional=True, max_length=_MAX_ID),
            issuer=reader.get_str(said, "iss", optional=True),
            name=reader.get_str(said, "wallet_name", optional=True, max_length=_MAX_NAME),
            expires_at=said["exp"],
        )
    except InvalidClientAttestation:
        raise
    except VcError as error:
        raise InvalidClientAttestation(error.detail, where=error.where) from error
    if not challenge_ok(client.challenge):
        raise UseAttestationChallenge("this challenge is not, or no longer, ours", where="/challenge")
    return client


def _attestation(token: str, check_provider: CheckProvider, *, at: int, algs: Collection[str]) -> tuple[dict[str, Any], Cert]:
    parsed = jwt.parse_jwt(token, max_bytes=_MAX_ATTESTATION)
    if parsed.jws.typ != ATTESTATION_TYP:
        raise InvalidClientAttestation("this is not a client attestation", where="/typ")
    provider = check_provider(parse_x5c(parsed.header.get("x5c"), "/x5c"), at)
    claims = jwt.verify_jwt(parsed, provider.public, typ=ATTESTATION_TYP, at=at, leeway=_LEEWAY, algs=algs)
    if jwt.get_time(claims, "exp") <= at:  # it is the maker's clock that counts, not the wallet's
        raise InvalidClientAttestation("the attestation has run out", where="/exp")
    return claims, provider


def _pop(token: str, instance: PublicKey, *, client_id: str, audience: str, at: int, algs: Collection[str]) -> dict[str, Any]:
    parsed = jwt.parse_jwt(token, max_bytes=_MAX_POP)
    claims = jwt.verify_jwt(parsed, instance, typ=POP_TYP, at=at, leeway=_LEEWAY, algs=algs)
    if reader.get_str(claims, "aud") != audience:
        raise InvalidClientAttestation("the proof is for another server", where="/aud")
    if reader.get_str(claims, "iss", optional=True) not in (None, client_id):
        raise InvalidClientAttestation("the proof is by another client than the attestation", where="/iss")
    if jwt.get_time(claims, "iat") + _MAX_AGE + _LEEWAY < at:
        raise InvalidClientAttestation("the proof is too old", where="/iat")
    return claims
