"""Key attestations: somebody whom the issuer trusts says where a wallet's keys are held (OpenID4VCI 1.0 appendix D)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codec import reader
from ..errors import InvalidProof, VcError
from ..jose import jwk, jwt
from ..keys import KeyId, PublicKey, Unsigned
from ..oauth import CheckProvider
from ..x509 import Cert, parse_x5c, x5c_header

KEY_ATTESTATION_TYP = "key-attestation+jwt"
LEVELS = ("iso_18045_high", "iso_18045_moderate", "iso_18045_enhanced-basic", "iso_18045_basic")
_ALGS = ("ES256", "ES384", "EdDSA")
_MAX_ATTESTATION = 65_536  # bytes; 100 keys and certificates
_MAX_KEYS = 100
_MAX_LEVELS = 16
_LEEWAY = 60  # seconds that clocks may differ
_MAX_AGE = 86_400  # seconds, where an attestation does not say when it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDemand:
    """``key_attestations_required``: the levels that an issuer takes, one of each named list; an empty list demands nothing."""

    key_storage: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAttestation:
    """A verified attestation. ``names`` are the ``kid`` members of its keys, empty where a key has none."""

    keys: tuple[PublicKey, ...]
    names: tuple[str, ...]
    provider: Cert
    nonce: str | None = None
    key_storage: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()

    def named(self, kid: str) -> PublicKey | None:
        """The key that a proof's ``kid`` means: the one of that name, else the one at that place (appendix F.1, second example)."""
        if kid in self.names:
            return self.keys[self.names.index(kid)]
        return self.keys[int(kid)] if kid.isascii() and kid.isdigit() and len(kid) < 4 and int(kid) < len(self.keys) else None


def parse_demand(proof_type: Mapping[str, Any], where: str) -> KeyDemand | None:
    """What an issuer's document demands of a proof type's keys; ``None`` where it demands no attestation."""
    demand = reader.get_object(proof_type, "key_attestations_required", where, optional=True)
    if demand is None:
        return None
    return KeyDemand(
        key_storage=_levels(demand, "key_storage", f"{where}/key_attestations_required"),
        user_authentication=_levels(demand, "user_authentication", f"{where}/key_attestations_required"),
    )


def _levels(doc: Mapping[str, Any], name: str, where: str = "") -> tuple[str, ...]:
    return reader.get_strings(doc, name, where, optional=True, max_items=_MAX_LEVELS) or ()


def render_demand(demand: KeyDemand) -> dict[str, Any]:
    lists = {"key_storage": demand.key_storage, "user_authentication": demand.user_authentication}
    return {"key_attestations_required": {name: list(levels) for name, levels in lists.items() if levels}}


def prepare_key_attestation(
    *,
    key: KeyId,
    alg: str,
    x5c: Sequence[bytes],
    keys: Sequence[PublicKey],
    at: int,
    lifetime: int,
    nonce: str | None = None,
    key_storage: Sequence[str] = (),
    user_authentication: Sequence[str] = (),
    issuer: str | None = None,
) -> Unsigned[str]:
    """An attestation of ``keys`` for ``lifetime`` seconds, lacking its signature. ``nonce`` is the issuer's ``c_nonce``."""
    claims: dict[str, Any] = {"iat": at, "exp": at + lifetime, "attested_keys": [jwk.render_jwk(public) for public in keys]}
    optional = {
        "iss": issuer,
        "nonce": nonce,
        "key_storage": list(key_storage) or None,
        "user_authentication": list(user_authentication) or None,
    }
    claims |= {name: value for name, value in optional.items() if value is not None}
    return jwt.prepare_jwt(claims, typ=KEY_ATTESTATION_TYP, key=key, alg=alg, header={"x5c": x5c_header(x5c)})


def verify_key_attestation(
    token: str,
    *,
    check_provider: CheckProvider,
    at: int,
    demand: KeyDemand | None = None,
    needs_end: bool = True,
    algs: Collection[str] = _ALGS,
) -> KeyAttestation:
    """Check who attests what; the nonce in it is left to the caller. ``InvalidProof`` for everything that is wrong.

    ``needs_end``: it must say when it ends, as inside of a ``jwt`` proof.
    """
    try:
        parsed = jwt.parse_jwt(token, max_bytes=_MAX_ATTESTATION)
        if parsed.jws.typ != KEY_ATTESTATION_TYP:
            raise InvalidProof("this is not a key attestation", where="/typ")
        provider = check_provider(parse_x5c(parsed.header.get("x5c"), "/x5c"), at)
        claims = jwt.verify_jwt(parsed, provider.public, typ=KEY_ATTESTATION_TYP, at=at, leeway=_LEEWAY, algs=algs)
        _check_age(claims, at=at, needs_end=needs_end)
        found = _read(claims, provider)
    except InvalidProof:
        raise
    except VcError as error:
        raise InvalidProof(error.detail, where=error.where) from error
    if demand is not None:
        _check_demand(found, demand)
    return found


def _check_age(claims: Mapping[str, Any], *, at: int, needs_end: bool) -> None:
    signed_at = jwt.get_time(claims, "iat")
    if "exp" in claims or needs_end:
        if jwt.get_time(claims, "exp") <= at:
            raise InvalidProof("the key attestation has run out", where="/exp")
    elif signed_at + _MAX_AGE < at:
        raise InvalidProof("the key attestation is too old", where="/iat")


def _read(claims: Mapping[str, Any], provider: Cert) -> KeyAttestation:
    members = reader.get_objects(claims, "attested_keys", min_items=1, max_items=_MAX_KEYS)
    keys = tuple(jwk.parse_public_jwk(each, where=f"/attested_keys/{position}") for position, each in enumerate(members))
    if len({jwk.thumbprint(key) for key in keys}) != len(keys):
        raise InvalidProof("a key is attested twice", where="/attested_keys")
    return KeyAttestation(
        keys=keys,
        names=tuple(
            reader.get_str(each, "kid", f"/attested_keys/{position}", optional=True) or "" for position, each in enumerate(members)
        ),
        provider=provider,
        nonce=reader.get_str(claims, "nonce", optional=True, max_length=1_024),
        key_storage=_levels(claims, "key_storage"),
        user_authentication=_levels(claims, "user_authentication"),
    )


def _check_demand(found: KeyAttestation, demand: KeyDemand) -> None:
    """One of the levels that are taken, by its name: which of two is the higher one, only the issuer knows (appendix D.2)."""
    if demand.key_storage and not set(demand.key_storage) & set(found.key_storage):
        raise InvalidProof("the keys are not held as this issuer demands", where="/key_storage")
    if demand.user_authentication and not set(demand.user_authentication) & set(found.user_authentication):
        raise InvalidProof("the keys are not guarded as this issuer demands", where="/user_authentication")
