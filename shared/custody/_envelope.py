"""The sealed form of a key file: JSON whose head states how to derive the key-encryption key, and one ciphertext over all keys.

    {"format": "muniment-keys/1",
     "kdf": {"name": "argon2id", "salt": b64url(16), "iterations": n, "lanes": n, "memory_kib": n, "check": b64url(16)},
     "nonce": b64url(12), "sealed": b64url(AES-256-GCM)}

Argon2id (RFC 9106) gives 48 bytes from the passphrase: 32 are the key, 16 are ``check``, which tells a wrong passphrase from a changed
file and nothing that the tag would not tell as well. All members but ``sealed`` are bound as associated data. The plaintext is
``{"keys": {name: {"role": …, "private": b64url}}}``.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..clock import Entropy
from ..codec import base64url, strict_json
from ..codec.reader import as_object, get_int, get_object, get_str
from ..errors import ConfigError, Malformed, Rejected, TooLarge
from ..keys import KeyId, Role
from . import argon2
from ._software import Held, dump, load

FORMAT = "muniment-keys/1"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Argon2id's parameters; the default is the second recommended option of RFC 9106 section 4 (64 MiB)."""

    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Lock:
    """A derived key-encryption key with the head that tells how to derive it again."""

    salt: bytes
    cost: Cost
    check: bytes
    key: bytes

    @classmethod
    def derive(cls, passphrase: bytes, salt: bytes, cost: Cost) -> Lock:
        """Slow on purpose: about 0.1 s with the default cost."""
        derived = argon2.stretch(passphrase, salt=salt, length=48, iterations=cost.iterations, lanes=cost.lanes, memory_kib=cost.memory_kib)
        return cls(salt, cost, derived[32:], derived[:32])


def seal(keys: Mapping[KeyId, Held], lock: Lock, entropy: Entropy) -> bytes:
    """The whole file, under a fresh nonce."""
    nonce = entropy(12)
    head = _head(lock, nonce)
    inner = {"keys": {key: {"role": held.role.value, "private": base64url.encode(dump(held))} for key, held in keys.items()}}
    sealed = AESGCM(lock.key).encrypt(nonce, strict_json.dumps(inner), strict_json.dumps(head))
    data = strict_json.dumps({**head, "sealed": base64url.encode(sealed)}) + b"\n"
    if len(data) > MAX_BYTES:
        raise TooLarge("the key file is full")
    return data


def unseal(data: bytes, passphrase: bytes, known: Lock | None) -> tuple[dict[KeyId, Held], Lock]:
    """The keys and their lock. ``known`` spares the derivation if it still fits. ``ConfigError``: wrong passphrase, changed or foreign file."""
    try:
        salt, cost, check, nonce, sealed = _parse(data)
        lock = known if known is not None and (known.salt, known.cost) == (salt, cost) else Lock.derive(passphrase, salt, cost)
        if not hmac.compare_digest(lock.check, check):
            raise ConfigError("wrong passphrase for the key file")
        inner = AESGCM(lock.key).decrypt(nonce, sealed, strict_json.dumps(_head(lock, nonce)))
        return _keys(strict_json.load_object(inner, max_bytes=MAX_BYTES)), lock
    except InvalidTag as error:
        raise ConfigError("the key file was changed or is damaged") from error
    except (Malformed, Rejected) as error:
        raise ConfigError(f"the key file was changed, is damaged, or is no key file: {error.detail} {error.where}".rstrip()) from error


def _head(lock: Lock, nonce: bytes) -> dict[str, Any]:
    kdf = {
        "name": "argon2id",
        "salt": base64url.encode(lock.salt),
        "iterations": lock.cost.iterations,
        "lanes": lock.cost.lanes,
        "memory_kib": lock.cost.memory_kib,
        "check": base64url.encode(lock.check),
    }
    return {"format": FORMAT, "kdf": kdf, "nonce": base64url.encode(nonce)}


def _parse(data: bytes) -> tuple[bytes, Cost, bytes, bytes, bytes]:
    outer = strict_json.load_object(data, max_bytes=MAX_BYTES)
    kdf = get_object(outer, "kdf")
    if get_str(outer, "format") != FORMAT or get_str(kdf, "name", "/kdf") != "argon2id":
        raise Malformed(f"expected {FORMAT} with argon2id", where="/format")
    # bounds: a file must make us neither allocate without end nor go on with a cost that protects nothing
    cost = Cost(
        get_int(kdf, "iterations", "/kdf", minimum=1, maximum=64),
        get_int(kdf, "lanes", "/kdf", minimum=1, maximum=64),
        get_int(kdf, "memory_kib", "/kdf", minimum=1024, maximum=4 * 1024 * 1024),
    )
    salt = _exactly(16, base64url.decode(get_str(kdf, "salt", "/kdf"), where="/kdf/salt"), "/kdf/salt")
    check = _exactly(16, base64url.decode(get_str(kdf, "check", "/kdf"), where="/kdf/check"), "/kdf/check")
    nonce = _exactly(12, base64url.decode(get_str(outer, "nonce"), where="/nonce"), "/nonce")
    sealed = base64url.decode(get_str(outer, "sealed", max_length=MAX_BYTES), where="/sealed")
    return salt, cost, check, nonce, sealed


def _exactly(size: int, data: bytes, where: str) -> bytes:
    if len(data) != size:
        raise Malformed(f"{size} bytes are demanded here", where=where)
    return data


def _keys(inner: Mapping[str, Any]) -> dict[KeyId, Held]:
    keys = {}
    for name, value in get_object(inner, "keys").items():
        entry = as_object(value)
        role = get_str(entry, "role")
        if role not in {known.value for known in Role}:
            raise Malformed(f"unknown role {role!r}")
        keys[KeyId(name)] = load(Role(role), base64url.decode(get_str(entry, "private")))
    return keys
