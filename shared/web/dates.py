"""Dates and times as people read them, in their language and one time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_time

from ..codec.reader import LAST

_AT = {"en": "{date} at {time}", "cy": "{date} am {time}"}


class Dates:
    """Seconds since the epoch in, words out. A machine without the time zone's data shows UTC and says so."""

    def __init__(self, locale: str, time_zone: str) -> None:
        self._locale = locale
        self._zone, self._note = _zone(time_zone)

    def _when(self, at: int) -> datetime:
        """What no calendar has is shown as its last day: a stranger's number never keeps a page from being made."""
        return datetime.fromtimestamp(min(at, LAST), self._zone)

    def date(self, at: int) -> str:
        """``22 November 2026``."""
        return format_date(self._when(at).date(), "d MMMM y", locale=self._locale)

    def time(self, at: int) -> str:
        """``15:05``, with the zone's name where it is not the reader's own."""
        return format_time(self._when(at).time(), "HH:mm", locale=self._locale) + self._note

    def moment(self, at: int) -> str:
        """``22 November 2026 at 15:05``."""
        return _AT[self._locale].format(date=self.date(at), time=self.time(at))


def day_words(iso: str, locale: str) -> str:
    """``22 November 2026`` for a day, ``November 2026`` or ``2026`` where no more of it is known."""
    first = date.fromisoformat(iso + "-01" * (2 - iso.count("-")))
    return format_date(first, ("y", "MMMM y", "d MMMM y")[iso.count("-")], locale=locale)


def instant(day: date, clock: time, time_zone: str) -> int:
    """Seconds since the epoch at which a clock there shows that time on that day."""
    return int(datetime.combine(day, clock, _zone(time_zone)[0]).timestamp())


def zone_of(time_zone: str) -> tzinfo:
    """That zone, or UTC on a machine without its data."""
    return _zone(time_zone)[0]


def _zone(name: str) -> tuple[tzinfo, str]:
    try:
        return ZoneInfo(name), ""
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, " UTC"
