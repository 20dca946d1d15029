"""Codes that somebody would have admitted, in words."""

from __future__ import annotations

import pytest

from shared.admitted import admitted, admitted_elsewhere


@pytest.mark.parametrize(
    ("detail", "english", "welsh"),
    [
        ("accepted here: register, court-order", ["Entry in the register", "Court order"], ["Cofnod yn y gofrestr", "Gorchymyn llys"]),
        ("accepted here: epa, new", ["Enduring power of attorney", "new"], None),
        ("this kind of document cannot give the power banking", [], []),
        ("", [], []),
    ],
)
def test_what_is_admitted_is_said_in_words(detail: str, english: list[str], welsh: list[str] | None) -> None:
    assert admitted(detail, "en") == english
    assert welsh is None or admitted(detail, "cy") == welsh


@pytest.mark.parametrize(
    ("words", "english"),
    [
        ("wrong_instrument: accepted here: epa, register", ["Enduring power of attorney", "Entry in the register"]),
        ("accepted here: court-order", ["Court order"]),
        ("wrong_instrument: accepted here: epa, new", []),
        ("x; accepted here: ring 0900 123456, then tell them your code", []),
        ("accepted here: ring 0900 123456", []),
        ("refused", []),
        ("", []),
    ],
)
def test_the_words_of_another_body_are_never_told_as_ours(words: str, english: list[str]) -> None:
    assert admitted_elsewhere(words, "en") == english
