"""A journey that failed beside others is tried once more alone, and nothing that fails then is forgiven."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.real  # programs of its own, which `make check` has no time for
ROOT = Path(__file__).resolve().parents[1]
ONCE = """
import pytest
from pathlib import Path
pytestmark = pytest.mark.real
def test_red_the_first_time():
    seen = Path(__file__).with_suffix(".seen")
    before = seen.exists()
    seen.touch()
    assert before
"""
PLAIN = ONCE.replace("pytest.mark.real", "[]")
KILLED = f"{ONCE}# where processes are killed\n"
ALWAYS = "import pytest\npytestmark = pytest.mark.real\ndef test_red():\n    assert False\n"
CRASH = (
    ONCE
    + """
def test_takes_its_worker_along_the_first_time():
    seen = Path(__file__).with_suffix(".crashed")
    before = seen.exists()
    seen.touch()
    if not before:
        import os
        os._exit(1)
"""
)
FIXTURE = """
import pytest
from pathlib import Path
pytestmark = pytest.mark.real
@pytest.fixture(scope="module")
def set_up():
    seen = Path(__file__).with_suffix(".seen")
    before = seen.exists()
    seen.touch()
    assert before
@pytest.mark.parametrize("n", range(4))
def test_needs_it(set_up, n):
    assert n >= 0
"""
MANY = f"{ONCE}# in more files than fail by accident\n"


def _run(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """What ``tests/run.py`` ends with where the journeys are ``text``."""
    spec = importlib.util.spec_from_file_location("run_of_tests", ROOT / "tests/run.py")
    assert spec is not None
    assert spec.loader is not None
    run: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    names = {KILLED: ["test_some_killed.py"], MANY: [f"test_some_{n}.py" for n in range(4)]}.get(text, ["test_some.py"])
    for name in names:
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = real\n", encoding="utf-8")
    counted = folder / ".pytest_cache/counted.xml"
    journeys = [*run.PYTEST, "-p", "no:asyncio", f"--junitxml={counted}", *names]
    monkeypatch.setattr(run, "ROOT", folder)
    monkeypatch.setattr(run, "COUNTED", counted)
    monkeypatch.setattr(run, "FAILED", folder / ".pytest_cache/v/cache/lastfailed")
    monkeypatch.setattr(run, "SERVICES", journeys)
    monkeypatch.setattr(run, "PLANS", {"all": (("journeys", journeys),)})
    monkeypatch.delenv("MUNIMENT_NESTED", raising=False)
    code: int = run.main("all")
    return code


@pytest.mark.parametrize(
    ("text", "code", "more"),
    [(ONCE, 0, True), (FIXTURE, 0, True), (ALWAYS, 1, True), (MANY, 1, False), (PLAIN, 1, False), (CRASH, 1, False), (KILLED, 1, False)],
    ids=["once", "fixture", "always", "many", "no-journey", "crash", "killed"],
)
def test_what_failed_beside_others_is_tried_once_more_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, text: str, code: int, more: bool
) -> None:
    assert _run(tmp_path, text, monkeypatch) == code
    said = capfd.readouterr().out
    assert ("tried once more alone" in said) is more
    assert f"journeys: {'FAILED (1)' if code else 'passed, what failed beside others at the second try'} in" in said
