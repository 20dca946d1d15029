"""Days as people read them, in English and Welsh, without asking the machine for the names of months: not every one knows Welsh ones."""

from __future__ import annotations

from datetime import date
from typing import Final

from .credentials import Text

_MONTHS: Final = Text(
    "January February March April May June July August September October November December",
    "Ionawr Chwefror Mawrth Ebrill Mai Mehefin Gorffennaf Awst Medi Hydref Tachwedd Rhagfyr",
)


def months(locale: str) -> list[str]:
    """The names of the months, as ``day_text`` writes them."""
    return _MONTHS.in_(locale).split()


def day_text(day: date, locale: str = "en") -> str:
    """``2 November 1938``."""
    return f"{day.day} {months(locale)[day.month - 1]} {day.year}"


def partial_text(iso: str, locale: str = "en") -> str:
    """``2 November 1938``, or ``November 1938`` or ``1938`` where no more of it is known."""
    year, *more = iso.split("-")
    if len(more) == 2:
        return day_text(date.fromisoformat(iso), locale)
    return f"{months(locale)[int(more[0]) - 1]} {year}" if more else year
