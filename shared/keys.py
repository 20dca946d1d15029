"""Keys as the rest of the house sees them: an identifier, a role, a public half, and things that only lack a signature.

A format never sees a private key: ``prepare`` gives an ``Unsigned``, a ``Custodian`` signs it, ``complete`` finishes. The custodian
gets the whole ``Unsigned``, not bytes, so that it can refuse a ``typ`` outside the key's role (security rule S1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NamedTuple, NewType, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .errors import AlgorithmRefused, BadSignature, KeyRoleRefused

KeyId = NewType("KeyId", str)
Wire = TypeVar("Wire")


class Role(StrEnum):
    """What a key is for. One role a key, for its whole life (S1)."""

    ANCHOR = "anchor"  # certifies others
    CREDENTIAL_ISSUER = "credential-issuer"
    RELYING_PARTY = "relying-party"
    BUNDLE = "bundle"
    DESK = "desk"  # one desk's own, certified for a week by the relying party's key (S10)
    HOLDER = "holder"  # one key a copy and a format
    CLIENT = "client"  # one wallet's instance towards one authorization server, certified by its provider
    DPOP = "dpop"  # ties tokens to whoever asked for them; towards one authorization server
    WALLET_PROVIDER = "wallet-provider"  # vouches for wallets and for where they hold their keys
    FEDERATION = "federation"  # speaks for its entity in a federation: of itself and of those below it
    MAC = "mac"  # symmetric: keyed references
    SEAL = "seal"  # symmetric: data at rest


REGISTRATION_REQUEST = "registration-request+jwt"  # that an organisation wants to be registered
SIGNS: dict[Role, frozenset[str]] = {
    Role.ANCHOR: frozenset({"x509-certificate", "x509-crl", "rp-cert", "trust-snapshot+jwt"}),
    Role.CREDENTIAL_ISSUER: frozenset(
        {
            "dc+sd-jwt",
            "vc+jwt",
            "vc+sd-jwt",
            "mso_mdoc",  # an MSO has no typ of its own (ISO/IEC 18013-5 section 9.1.2.4)
            "openidvci-issuer-metadata+jwt",
            "application/sd-cwt",
            "application/cwt",
            "statuslist+jwt",
            "application/statuslist+cwt",
            "status-assertion",
            "credential-issuer-key-proof+jwt",
            "correction+jwt",  # what becomes of a detail that a holder says is wrong
            "issuer-log-head+jwt",
        }
    ),
    Role.RELYING_PARTY: frozenset(
        {
            "oauth-authz-req+jwt",
            "receipt+jwt",
            "deletion-record+jwt",  # what it deleted when it took over from another
            "log-head+jwt",
            "desk-cert",
            "webhook+jwt",
            REGISTRATION_REQUEST,
            "relying-party-key-proof+jwt",
        }
    ),
    Role.BUNDLE: frozenset({"trust-bundle+jwt"}),
    Role.DESK: frozenset({"challenge", "desk-receipt"}),
    Role.HOLDER: frozenset({"kb+jwt", "vp+jwt", "application/kb+cwt", "DeviceAuthentication", "openid4vci-proof+jwt"}),
    Role.CLIENT: frozenset({"oauth-client-attestation-pop+jwt"}),
    Role.DPOP: frozenset({"dpop+jwt"}),
    Role.WALLET_PROVIDER: frozenset({"oauth-client-attestation+jwt", "key-attestation+jwt", "wallet-provider-key-proof+jwt"}),
    Role.FEDERATION: frozenset(
        {
            "entity-statement+jwt",
            "trust-mark+jwt",
            "trust-mark-delegation+jwt",
            "trust-mark-status-response+jwt",
            "resolve-response+jwt",
            "jwk-set+jwt",
            "federation-snapshot+jwt",
            "successor-statement+jwt",
            "successor-acceptance+jwt",
            "registration",  # of those who ask, if a superior lets it register them
            "federation-key-proof+jwt",
        }
    ),
    Role.MAC: frozenset(),
    Role.SEAL: frozenset(),
}


def check_role(role: Role, typ: str) -> None:
    """Raise ``KeyRoleRefused`` unless a key of ``role`` may sign an object of ``typ``."""
    if typ not in SIGNS[role]:
        raise KeyRoleRefused(f"a {role} key does not sign {typ}")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A JOSE signature algorithm. ``size`` is the length of its raw signature in bytes."""

    name: str
    size: int
    curve: ec.EllipticCurve | None
    digest: hashes.HashAlgorithm | None


ALGORITHMS: dict[str, Algorithm] = {
    "ES256": Algorithm("ES256", 64, ec.SECP256R1(), hashes.SHA256()),
    "ES384": Algorithm("ES384", 96, ec.SECP384R1(), hashes.SHA384()),
    "EdDSA": Algorithm("EdDSA", 64, None, None),
}
_ECDSA = {"ES256": ec.ECDSA(hashes.SHA256()), "ES384": ec.ECDSA(hashes.SHA384())}


def _der(signature: bytes) -> bytes:
    """The SEQUENCE of two INTEGERs that X9.62 wants. All but one in 128 signatures of 64 bytes have one of four frames."""
    half = len(signature) >> 1
    if half == 32 and signature[0] and signature[32]:
        before, between = _FRAMES[signature[0] >> 7, signature[32] >> 7]
        return b"".join((before, signature[:32], between, signature[32:]))
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


_INTEGER = (b"\x02\x20", b"\x02\x21\x00")  # the zero keeps a number positive whose first bit is set
_FRAMES = {(r, s): (bytes((0x30, 68 + r + s)) + _INTEGER[r], _INTEGER[s]) for r in (0, 1) for s in (0, 1)}


def raw_signature(der: bytes, half: int) -> bytes:
    """Fixed-length r||s (RFC 7518 section 3.4) of a DER signature that our own library just made; ``half`` is the length of each, in bytes.

    Up to P-384 such a signature has fewer than 128 bytes, so every length in it is one byte. Never for what a stranger sent.
    """
    end = 4 + der[3]
    return der[4:end][-half:].rjust(half, b"\0") + der[end + 2 :][-half:].rjust(half, b"\0")


# RFC 8032 section 5.1.3 decodes y below p only. Points of small order let one signature fit many messages; these are their y.
_ED25519_P = 2**255 - 19
_ED25519_SMALL = frozenset(
    {
        0,
        1,
        _ED25519_P - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key with the one algorithm that it is used with; ``jwk`` once it was read from one or rendered as one."""

    alg: str
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    jwk: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)

    def verify(self, signature: bytes, signing_input: bytes) -> None:
        """Raise ``BadSignature`` unless ``signature`` (raw: fixed-length r||s, or Ed25519's 64 bytes) is by this key."""
        key: Any = self.key  # of the kind that ``alg`` says
        try:
            if self.alg == "EdDSA":
                key.verify(signature, signing_input)
                return
            if len(signature) != ALGORITHMS[self.alg].size:
                raise BadSignature("the signature does not have the length of its algorithm")
            key.verify(_der(signature), signing_input, _ECDSA[self.alg])
        except InvalidSignature as error:
            raise BadSignature("the signature is not by this key over these bytes") from error

    @classmethod
    def of(cls, key: object) -> PublicKey:
        """The algorithm follows from the kind of key, never from a token (S4)."""
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls("EdDSA", key)
        if isinstance(key, ec.EllipticCurvePublicKey):
            for name, algorithm in ALGORITHMS.items():
                if algorithm.curve is not None and algorithm.curve.name == key.curve.name:
                    return cls(name, key)
        raise AlgorithmRefused("only P-256, P-384 and Ed25519 keys are used here")


def ed25519_key(raw: bytes) -> PublicKey:
    """Of its 32 bytes; ``ValueError`` for a spelling that is no point, and for the points of small order."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _ED25519_P or y in _ED25519_SMALL:
        detail = "the point is not a usable key"
        raise ValueError(detail)
    return PublicKey("EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(raw))


class Unsigned(NamedTuple, Generic[Wire]):
    """A signed object that only lacks its signature."""

    key: KeyId
    typ: str
    signing_input: bytes
    complete: Callable[[bytes], Wire]


class Custodian(Protocol):
    """Whoever holds private keys: memory, a sealed file, a PKCS#11 token, a cloud service. Addressed by URI scheme."""

    async def create(self, key: KeyId, role: Role, *, alg: str = "ES256") -> None:
        """Make a key; ``Conflict`` if it exists. Symmetric roles (MAC, SEAL) make 32 random bytes and ignore ``alg``."""

    async def public(self, key: KeyId) -> PublicKey:
        """The public half; ``Missing`` if there is no such key."""

    async def sign(self, unsigned: Unsigned[Any]) -> bytes:
        """Raw signature over ``unsigned.signing_input``; ``KeyRoleRefused`` outside the key's role."""

    async def mac(self, key: KeyId, data: bytes) -> bytes:
        """HMAC-SHA-256 under a MAC key."""

    async def seal(self, key: KeyId, plaintext: bytes, *, context: bytes) -> bytes:
        """AES-256-GCM under a SEAL key; ``context`` is bound as associated data."""

    async def unseal(self, key: KeyId, sealed: bytes, *, context: bytes) -> bytes:
        """The plaintext; ``BadSignature`` if the bytes, the key or the context differ."""

    async def close(self) -> None:
        """Release handles."""


async def sign(unsigned: Unsigned[Wire], custodian: Custodian) -> Wire:
    """Key, typ and signing input go together to the custodian."""
    return unsigned.complete(await custodian.sign(unsigned))
