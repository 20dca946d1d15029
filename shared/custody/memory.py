"""Keys that live as long as the process: tests, and a wallet's keys while it is unlocked."""

from __future__ import annotations

from ..clock import Entropy
from ..errors import ConfigError, Conflict, Missing
from ..keys import Custodian, KeyId, Role
from . import Open
from ._software import SoftwareCustodian, dump, load


class MemoryCustodian(SoftwareCustodian):
    """``Custodian`` whose keys its owner may take out, to seal them, and put back."""

    def add(self, key: KeyId, role: Role, private: bytes) -> None:
        """Put in what ``private_bytes`` gave; ``Conflict`` if the name is taken, ``Malformed`` for other bytes."""
        if key in self._keys:
            raise Conflict(f"there is a key {key!r} already")
        self._keys[key] = load(role, private)

    def private_bytes(self, key: KeyId) -> bytes:
        """PKCS #8 in DER, or 32 bytes for MAC and SEAL; ``Missing`` if there is no such key."""
        return dump(self._keys.get(key) or self._absent(key))

    def remove(self, key: KeyId) -> None:
        """Forget a key; ``Missing`` if there is no such key."""
        if self._keys.pop(key, None) is None:
            raise Missing(f"there is no key {key!r}")


def _open(uri: str, /, *, entropy: Entropy, passphrase: bytes | None) -> Custodian:
    del passphrase  # nothing here is sealed
    if uri != "memory:":
        raise ConfigError("keys in memory are written memory:")
    return MemoryCustodian(entropy=entropy)


OPEN: Open = _open
