"""The story in airplane mode, whole, as its own process: two browsers without a network, and two cameras between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("airplane")]
PICTURES = {
    "nora": ("nothing-kept", "what-will-happen", "kept", "without-signal", "who-asks", "answer", "shown-once"),
    "counter": ("make-a-desk", "desk", "without-network", "question", "verdict"),
}
STEPS = 10


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the story was played, and what it printed."""
    folder = tmp_path_factory.mktemp("airplane")
    environment = {name: value for name, value in os.environ.items() if name != "KEEP"} | {"ONCE": "1", "STORY": "airplane"}
    command = [sys.executable, "-m", "demo"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder, done.stdout


def steps(flown: tuple[Path, str]) -> list[dict[str, Any]]:
    report = json.loads((flown[0] / ".demo" / "report.json").read_text(encoding="utf-8"))
    assert report["story"] == "airplane"
    assert report["ok"] is True
    return list(report["steps"])


def test_airplane_mode_on_both_sides_gives_level_3(flown: tuple[Path, str]) -> None:
    """The question went from a screen to a camera and the answer from a screen to a camera; the page decided by itself."""
    played = steps(flown)
    assert len(played) == STEPS
    assert [step["got"] for step in played if not step["network"]] == [
        "a code on the screen",
        "shows square codes",
        "level 3, shown live to you: You can rely on this",
        "nothing",
    ]
    assert "filmed by a mediocre webcam from 35 cm" in flown[1]
    assert "Checked with the checking pack dated" in flown[1]


def test_nothing_left_either_page(flown: tuple[Path, str]) -> None:
    """Where the services were nobody called, and no page asked for anything that its browser did not have."""
    assert "Calls that arrived where the services were: 0. Addresses that a page asked for: 0." in " ".join(flown[1].split())


def test_every_step_left_a_picture(flown: tuple[Path, str]) -> None:
    folder = flown[0] / ".demo" / "airplane" / "pictures"
    expected = [f"{who}-{number:02d}-{name}.png" for who, names in PICTURES.items() for number, name in enumerate(names, start=1)]
    assert sorted(each.name for each in folder.iterdir()) == sorted(expected)
    for name in expected:
        with Image.open(folder / name) as picture:
            assert picture.width == (390 if name.startswith("nora") else 1280)
            assert len(picture.convert("L").getcolors() or ()) > 2, f"{name} is empty"


def test_no_process_is_left(flown: tuple[Path, str]) -> None:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").readlink()
        except OSError:
            continue
        assert where != flown[0], f"process {process.name} is still there"
