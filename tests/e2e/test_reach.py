"""How far away a telephone may be held: the promised presentations before the simulated cameras, sealed, opened and verified."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.scan import STANDARDS, Standard, frames_needed, promised, real_devices, show, until_verdict
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


def test_real_devices_are_listed_from_the_files_that_the_page_saves(tmp_path: Path) -> None:
    assert real_devices(tmp_path)[-1] == "Nobody has sent figures yet."
    line = {"version": 1, "at": 1, "device": "Phone | front", "browser": "B", "bytes": 880, "pictures": 9, "seconds": 0.61, "parts": 3}
    (tmp_path / "phone.json").write_text(json.dumps([line | {"size": "1280 × 720", "reader": "zxing"}]), encoding="utf-8")
    assert real_devices(tmp_path)[-1] == "| Phone / front | 9 | 0.61 | 3 | 1280 × 720 | zxing |"
