from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.clock import add_working_days

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("begin", "days", "end"),
    [
        ("2027-02-08T15:30", 1, "2027-02-09T15:30"),  # Monday
        ("2027-02-12T15:30", 1, "2027-02-15T15:30"),  # Friday
        ("2027-02-13T15:30", 1, "2027-02-16T00:00"),  # Saturday: as if it came at the beginning of Monday
        ("2027-02-14T15:30", 5, "2027-02-22T00:00"),
        ("2027-03-26T10:00", 1, "2027-03-29T10:00"),  # the clocks go forward in between
        ("2027-02-08T15:30", 5, "2027-02-15T15:30"),
        ("2027-02-08T15:30", 0, "2027-02-08T15:30"),
    ],
)
def test_working_days(begin: str, days: int, end: str) -> None:
    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=LONDON).timestamp())

    assert add_working_days(at(begin), days, LONDON) == at(end)
