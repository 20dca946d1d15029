"""The sole reader of time and entropy. Everything else takes them as arguments."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

Clock = Callable[[], int]
Entropy = Callable[[int], bytes]
DAY = 86_400


def system_clock() -> int:
    """Whole seconds since the epoch, UTC."""
    return int(time.time())


def system_entropy(size: int) -> bytes:
    """``size`` random bytes from the operating system."""
    return os.urandom(size)


def monotonic() -> float:
    """Seconds for measuring durations and rates; never compared with a date."""
    return time.monotonic()


def floor_day(at: int) -> int:
    """Midnight UTC before ``at``: issued copies must not tell when they were made (OpenID4VCI section 15.4.1)."""
    return at - at % DAY
