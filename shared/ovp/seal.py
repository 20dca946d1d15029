"""Sealing an answer to one challenge: HPKE, base mode, one shot (RFC 9180; X25519, HKDF-SHA256, AES-128-GCM).

Written out here because the ephemeral key comes from the caller's entropy, and so that a test can hold each step against the RFC's vectors.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..clock import Entropy
from ..errors import BadSignature, Malformed

ENC: Final = 32
"""Bytes of the ephemeral public key that go first."""
OVERHEAD: Final = ENC + 16
_KEM: Final = b"KEM\x00\x20"
_SUITE: Final = b"HPKE\x00\x20\x00\x01\x00\x01"
_BASE_MODE: Final = b"\x00"


def generate(entropy: Entropy) -> tuple[bytes, bytes]:
    """A key pair for one challenge: private and public, 32 bytes each."""
    private = entropy(32)
    return private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(plaintext: bytes, public: bytes, info: bytes, *, entropy: Entropy) -> bytes:
    """``enc || ciphertext``, only for the holder of ``public``'s private half who knows ``info``. ``Malformed`` for a key that is none."""
    ephemeral, enc = generate(entropy)
    key, nonce = context(_agree(ephemeral, public), enc, public, info)
    return enc + AESGCM(key).encrypt(nonce, plaintext, None)


def open_sealed(sealed: bytes, private: bytes, info: bytes) -> bytes:
    """The plaintext. ``BadSignature`` if it was sealed to another key, for another ``info``, or was changed; ``Malformed`` if too short."""
    if len(sealed) < OVERHEAD:
        raise Malformed("the sealed answer is cut short")
    enc = sealed[:ENC]
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    key, nonce = context(_agree(private, enc), enc, public, info)
    try:
        return AESGCM(key).decrypt(nonce, sealed[ENC:], None)
    except InvalidTag as error:
        raise BadSignature("it was not sealed for this challenge") from error


def _agree(private: bytes, public: bytes) -> bytes:
    if len(public) != ENC:
        raise Malformed("a sealing key has 32 bytes")
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:  # all points of small order give zero (RFC 9180 section 7.1.4)
        raise Malformed("this is no key to seal with") from error


def context(dh: bytes, enc: bytes, public: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the first and only message (RFC 9180 sections 4.1 and 5.1)."""
    shared = _expand(_extract(b"", _KEM, b"eae_prk", dh), _KEM, b"shared_secret", enc + public, 32)
    schedule = _BASE_MODE + _extract(b"", _SUITE, b"psk_id_hash", b"") + _extract(b"", _SUITE, b"info_hash", info)
    secret = _extract(shared, _SUITE, b"secret", b"")
    return _expand(secret, _SUITE, b"key", schedule, 16), _expand(secret, _SUITE, b"base_nonce", schedule, 12)


def _extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    """LabeledExtract; HMAC pads an empty salt with zeros, as RFC 5869 section 2.2 wants."""
    return hmac.digest(salt, b"HPKE-v1" + suite + label + ikm, "sha256")


def _expand(prk: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """LabeledExpand of at most one block: nothing here is longer."""
    return hmac.digest(prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01", "sha256")[:size]
