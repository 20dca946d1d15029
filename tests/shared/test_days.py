from __future__ import annotations

from datetime import date

from shared.days import day_text, months, partial_text


def test_days_in_both_languages() -> None:
    assert day_text(date(1938, 11, 2)) == "2 November 1938"
    assert day_text(date(1938, 11, 2), "cy") == "2 Tachwedd 1938"
    assert (len(months("en")), months("cy")[0]) == (12, "Ionawr")


def test_what_is_known_in_part_is_not_completed() -> None:
    assert [partial_text(each) for each in ("1938-11-02", "1938-11", "1938")] == ["2 November 1938", "November 1938", "1938"]
    assert partial_text("1938-11", "cy") == "Tachwedd 1938"
