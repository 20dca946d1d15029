"""Codes that somebody would have admitted, in words."""

from __future__ import annotations

import pytest

from shared.admitted import admitted


@pytest.mark.parametrize(
    ("detail", "english", "welsh"),
    [
        ("accepted here: register, court-order", ["Entry in the register", "Court order"], ["Cofnod yn y gofrestr", "Gorchymyn llys"]),
        ("wrong_instrument: accepted here: epa, new", ["Enduring power of attorney", "new"], None),
        ("this kind of document cannot give the power banking", [], []),
        ("", [], []),
    ],
)
def test_what_is_admitted_is_said_in_words(detail: str, english: list[str], welsh: list[str] | None) -> None:
    assert admitted(detail, "en") == english
    assert welsh is None or admitted(detail, "cy") == welsh
