"""Whoever holds private keys, picked by URI scheme: ``memory:``, ``file:<path>``. The protocol is ``shared.keys.Custodian``."""

from __future__ import annotations

import sys
from typing import Protocol

from ..clock import Entropy
from ..keys import Custodian
from ..registry import by_scheme

__all__ = ["Open", "open_custodian"]


class Open(Protocol):
    """What each module of this package states in its last line. ``passphrase`` opens what is sealed; others ignore it."""

    def __call__(self, uri: str, /, *, entropy: Entropy, passphrase: bytes | None) -> Custodian: ...


def open_custodian(uri: str, *, entropy: Entropy, passphrase: bytes | None = None) -> Custodian:
    """Open the keys that ``uri`` names. ``ConfigError``: unknown scheme, missing driver, unreadable file, wrong passphrase."""
    opened: Custodian = by_scheme(sys.modules[__name__], uri, "OPEN")(uri, entropy=entropy, passphrase=passphrase)
    return opened
