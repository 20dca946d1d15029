"""The README's two commands, run as a newcomer would, in a clone with nothing set up."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("readme")]


@pytest.mark.skipif(bool(os.environ.get("MUNIMENT_NESTED")), reason="this is the nested run itself")
def test_the_two_commands_in_an_empty_folder(tmp_path: Path) -> None:
    commands = re.findall(r"^(make \w+)\b", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["make demo", "make test"]
    clone = tmp_path / "muniment"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTEST", "COV"))}
    environment |= {"MUNIMENT_NESTED": "1", "ONCE": "1"}
    for command in commands:
        done = subprocess.run(command.split(), cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    reports = json.loads((clone / ".demo" / "report.json").read_text(encoding="utf-8"))
    assert {each["story"]: each["ok"] for each in reports} == {"federation": True, "poa": True}
