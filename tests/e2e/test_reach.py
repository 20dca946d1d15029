"""How far away a telephone may be held: the promised presentations before the simulated cameras, sealed, opened and verified."""

from __future__ import annotations

import pytest

from benchmarks.scan import STANDARDS, Standard, frames_needed, promised, show, until_verdict
from demo.camera import MEDIOCRE

pytestmark = pytest.mark.real


@pytest.mark.parametrize("standard", [each for each in STANDARDS if each.most_bytes], ids=lambda each: each.name)
def test_within_bytes_and_camera_frames(standard: Standard) -> None:
    shown = show(standard)
    assert min(promised(shown)) >= 1, (shown.sent, promised(shown))


def test_one_code_of_the_same_size_does_not_reach_as_far() -> None:
    shown = show(STANDARDS[1])
    assert frames_needed(shown) == 3
    assert until_verdict(shown, MEDIOCRE, 0.35, seed=0, still=True) is None
