"""Argon2id for keys, one derivation at a time in a process.

OpenSSL shares one pool of threads among all derivations of more than one lane. Two at once wait for each other's threads and never end.
"""

from __future__ import annotations

import threading

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_ALONE = threading.Lock()


def stretch(secret: bytes, *, salt: bytes, length: int, iterations: int, lanes: int, memory_kib: int) -> bytes:
    """``length`` bytes; takes its time and its turn, so never on the event loop of a service that answers."""
    with _ALONE:
        return Argon2id(salt=salt, length=length, iterations=iterations, lanes=lanes, memory_cost=memory_kib).derive(secret)
