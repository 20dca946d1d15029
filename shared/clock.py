"""The sole reader of time and entropy. Everything else takes them as arguments."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

Clock = Callable[[], int]
Entropy = Callable[[int], bytes]
DAY = 86_400
_FRIDAY = 4


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


def add_working_days(at: int, days: int, zone: tzinfo) -> int:
    """The same time of day in ``zone`` after so many days from Monday to Friday; from a Saturday or Sunday on as from the Monday after, at midnight.

    Bank holidays are not known here: whoever promises a day has to answer on one, too.
    """
    day = datetime.fromtimestamp(at, zone)
    while day.weekday() > _FRIDAY:
        day = (day + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    for _ in range(days):
        day += timedelta(days=3 if day.weekday() == _FRIDAY else 1)
    return int(day.timestamp())
