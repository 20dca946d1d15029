"""The story with programs by others, whole, as its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("foreign-story")]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the story was played, and what it printed."""
    folder = tmp_path_factory.mktemp("foreign-story")
    (folder / "tests").symlink_to(ROOT / "tests")
    environment = {name: value for name, value in os.environ.items() if name != "KEEP"} | {"ONCE": "1", "STORY": "foreign"}
    command = [sys.executable, "-m", "demo"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder, done.stdout


def test_each_side_takes_what_the_other_shows(played: tuple[Path, str]) -> None:
    report = json.loads((played[0] / ".demo" / "report.json").read_text(encoding="utf-8"))
    assert (report["story"], report["ok"]) == ("foreign", True)
    assert [step["got"] for step in report["steps"]] == [
        "three running",
        "invitation made",
        "2 copies as dc+sd-jwt, and the registry is told",
        "accepted",
        "invitation made",
        "1 card: Power of attorney",
        "200 authentic",
        "cancelled",
        "rejected: revoked",
    ]


def test_it_says_who_the_others_are_and_leaves_the_pictures(played: tuple[Path, str]) -> None:
    for words in ("@openid4vc/openid4vci", "@openid4vc/openid4vp", "polaris-oid4vp", "On Nora's screen", "https://localhost:"):
        assert words in played[1]
    assert "Traceback" not in played[1]
    for name in ("invitation.png", "request.png"):
        assert (played[0] / ".demo" / "foreign" / name).read_bytes().startswith(b"\x89PNG")


def test_no_process_by_others_is_left(played: tuple[Path, str]) -> None:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").readlink()
        except OSError:
            continue
        assert where != played[0], f"process {process.name} is still there"
