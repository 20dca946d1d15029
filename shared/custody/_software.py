"""Keys in this process's memory: what ``memory`` and ``file`` have in common. Signing does no I/O and changes no thread."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..clock import Entropy
from ..errors import AlgorithmRefused, BadSignature, Conflict, KeyRoleRefused, Malformed, Missing
from ..keys import ALGORITHMS, SIGNS, KeyId, PublicKey, Role, Unsigned, check_role, raw_signature

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
SYMMETRIC = frozenset({Role.MAC, Role.SEAL})
_SEAL_VERSION = b"\x01"  # version, 96-bit nonce, ciphertext with tag; at most 2**32 sealings a key (NIST SP 800-38D section 8.3)
_NONCE = 12
_ORDER = {
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with everything that signing needs, made once."""

    role: Role
    typs: frozenset[str]
    private: Private
    public: PublicKey
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SecretKey:
    """32 bytes for MAC or SEAL."""

    role: Role
    secret: bytes
    aead: AESGCM


Held = SigningKey | SecretKey


def make(role: Role, alg: str, entropy: Entropy) -> Held:
    """A new key from ``entropy``; ``AlgorithmRefused`` for an algorithm that we do not sign with."""
    if role in SYMMETRIC:
        return _secret(role, entropy(32))
    if alg not in ALGORITHMS:
        raise AlgorithmRefused(f"keys are made for {', '.join(ALGORITHMS)}")
    curve = ALGORITHMS[alg].curve
    if curve is None:
        return _signing(role, ed25519.Ed25519PrivateKey.from_private_bytes(entropy(32)))
    # FIPS 186-5 section A.2.1: 64 extra bits make the bias of the modulus negligible
    wide = int.from_bytes(entropy(curve.key_size // 8 + 8), "big")
    return _signing(role, ec.derive_private_key(wide % (_ORDER[alg] - 1) + 1, curve))


def dump(held: Held) -> bytes:
    """PKCS #8 in DER, or the 32 bytes of a symmetric key."""
    if isinstance(held, SecretKey):
        return held.secret
    return held.private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def load(role: Role, private: bytes) -> Held:
    """The inverse of ``dump``; ``Malformed`` for other bytes, ``AlgorithmRefused`` for other kinds of keys."""
    if role in SYMMETRIC:
        if len(private) != 32:
            raise Malformed(f"a {role} key has 32 bytes")
        return _secret(role, private)
    try:
        key = serialization.load_der_private_key(private, None)
    except (ValueError, TypeError) as error:
        raise Malformed("not a private key in PKCS #8") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise AlgorithmRefused("only P-256, P-384 and Ed25519 keys are used here")
    return _signing(role, key)


def _secret(role: Role, secret: bytes) -> SecretKey:
    return SecretKey(role, secret, AESGCM(secret))


def _signing(role: Role, private: Private) -> SigningKey:
    public = PublicKey.of(private.public_key())
    signer = private.sign if isinstance(private, ed25519.Ed25519PrivateKey) else _raw_ecdsa(private, public.alg)
    return SigningKey(role, SIGNS[role], private, public, signer)


def _raw_ecdsa(private: ec.EllipticCurvePrivateKey, alg: str) -> Callable[[bytes], bytes]:
    half = ALGORITHMS[alg].size // 2
    ecdsa = ec.ECDSA(ALGORITHMS[alg].digest or hashes.SHA256())
    to_der = private.sign

    def signer(data: bytes) -> bytes:
        return raw_signature(to_der(data, ecdsa), half)

    return signer


class SoftwareCustodian:
    """``Custodian`` over keys in memory. ``KeyRoleRefused`` for whatever a key is not for."""

    def __init__(self, *, entropy: Entropy, keys: Mapping[KeyId, Held] | None = None) -> None:
        self._entropy = entropy
        self._keys: dict[KeyId, Held] = dict(keys or {})

    def roles(self) -> dict[KeyId, Role]:
        """Which keys there are, and what for."""
        return {key: held.role for key, held in self._keys.items()}

    async def create(self, key: KeyId, role: Role, *, alg: str = "ES256") -> None:
        if key in self._keys:
            raise Conflict(f"there is a key {key!r} already")
        self._keys[key] = make(role, alg, self._entropy)

    async def public(self, key: KeyId) -> PublicKey:
        held = self._keys.get(key) or self._absent(key)
        if isinstance(held, SecretKey):
            raise KeyRoleRefused(f"a {held.role} key has no public half")
        return held.public

    async def sign(self, unsigned: Unsigned[Any]) -> bytes:
        held = self._keys.get(unsigned.key) or self._absent(unsigned.key)
        if isinstance(held, SecretKey) or unsigned.typ not in held.typs:
            _refuse(held.role, unsigned.typ)
        return held.sign(unsigned.signing_input)

    async def mac(self, key: KeyId, data: bytes) -> bytes:
        return hmac.digest(self._symmetric(key, Role.MAC).secret, data, "sha256")

    async def seal(self, key: KeyId, plaintext: bytes, *, context: bytes) -> bytes:
        nonce = self._entropy(_NONCE)
        aead = self._symmetric(key, Role.SEAL).aead
        return _SEAL_VERSION + nonce + aead.encrypt(nonce, plaintext, _SEAL_VERSION + context)

    async def unseal(self, key: KeyId, sealed: bytes, *, context: bytes) -> bytes:
        aead = self._symmetric(key, Role.SEAL).aead
        head, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if head != _SEAL_VERSION or len(body) < 16:
            raise BadSignature("these are not sealed bytes")
        try:
            return aead.decrypt(nonce, body, _SEAL_VERSION + context)
        except InvalidTag as error:
            raise BadSignature("the sealed bytes, the key or the context differ") from error

    async def close(self) -> None:
        self._keys = {}

    def _symmetric(self, key: KeyId, role: Role) -> SecretKey:
        held = self._keys.get(key) or self._absent(key)
        if not isinstance(held, SecretKey) or held.role is not role:
            raise KeyRoleRefused(f"a {held.role} key is not for {role}")
        return held

    def _absent(self, key: KeyId) -> Held:
        """Last resort for a key that is not in memory."""
        raise Missing(f"there is no key {key!r}")


def _refuse(role: Role, typ: str) -> NoReturn:
    check_role(role, typ)
    raise KeyRoleRefused(f"a {role} key does not sign")
