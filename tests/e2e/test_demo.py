"""The README's two commands, run as a newcomer would in a clone with nothing set up, and the stories that the first one plays."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import missing
from demo.script import Script

ROOT = Path(__file__).resolve().parents[2]
STEPS = 13
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo")]


ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("VIRTUAL_ENV", "PYTEST", "COV")) and name not in {"KEEP", "STORY"}
}


def in_clone(clone: Path, command: str) -> str:
    """What one of the README's commands says in ``clone``, where it has to succeed."""
    environment = ENVIRONMENT | {"MUNIMENT_NESTED": "1", "ONCE": "1"}
    done = subprocess.run(
        command.split(), cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=2_400, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A clone in which nothing was set up, as a newcomer has it, in which `make demo` ran, and what that printed."""
    clone = tmp_path_factory.mktemp("newcomer") / "muniment"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    return clone, in_clone(clone, "make demo")


def test_the_two_commands_of_the_readme(played: tuple[Path, str]) -> None:
    """The second one sets up and collects there: a test that it runs everything would run itself."""
    commands = re.findall(r"^(make \w+)\b", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["make demo", "make test"]
    assert "tests collected" in in_clone(played[0], "make test")


def told(played: tuple[Path, str], story: str) -> dict[str, Any]:
    """The report of one of the stories."""
    reports = json.loads((played[0] / ".demo" / "report.json").read_text(encoding="utf-8"))
    assert [each["story"] for each in reports] == ["federation", "joan", "nora", "tom", "poa"]
    found: dict[str, Any] = next(each for each in reports if each["story"] == story)
    return found


@pytest.mark.parametrize(("story", "bodies"), [("joan", 13), ("nora", 5), ("tom", 2)])
def test_peoples_stories_end_with_what_each_body_holds(played: tuple[Path, str], story: str, bodies: int) -> None:
    """Each step came as it should, one at least without a network, and the last one tells by signed receipts who keeps what."""
    report = told(played, story)
    assert report["ok"] is True, [step for step in report["steps"] if not step["ok"]]
    assert any(not step["network"] for step in report["steps"])
    assert report["steps"][-1]["got"] == f"receipts from {bodies} bodies"


def test_every_step_is_in_the_report_and_in_order(played: tuple[Path, str]) -> None:
    report = told(played, "poa")
    assert report["ok"] is True
    assert len(report["steps"]) == STEPS
    for step in report["steps"]:
        assert set(step) == {"name", "expected", "got", "ok", "seconds", "network"}
        assert step["ok"] is True
        assert step["got"] == step["expected"]
    assert [step["got"] for step in report["steps"] if not step["network"]] == [
        "exit 0: accepted",
        "exit 0: accepted",
        "exit 0: accepted, saying how old its knowledge is",
        "exit 1: rejected: revoked",
    ]


def test_it_is_told_in_plain_words(played: tuple[Path, str]) -> None:
    printed = played[1]
    for words in ("Nora", "Northwold Bank", "Margaret", "no network", "old"):
        assert words in printed
    assert "Traceback" not in printed


def test_the_federation_says_who_may_say_and_ask_what_with_nobody_in_the_middle(played: tuple[Path, str]) -> None:
    """Three levels below two anchors, five desks of which one is not registered and one asks too much; what each step came to."""
    report = told(played, "federation")
    assert report["ok"] is True
    assert [step["got"] for step in report["steps"]] == [
        "12 running",
        "6 in force",
        "4 registered",
        "4 issuers heard",
        "4 cards",
        "refused by the wallet: not_entitled",
        "accepted",
        "accepted, by 2 issuers",
        "accepted, below the Ministry",
        "2 details left out: rejected: request_not_satisfied; as registered: accepted",
        "unregistered, and declined",
        "exit 0: accepted",
        "4 of 4 accepted",
        "accepted, and told: authority_ended",
        "the court's order: rejected: untrusted; the Public Guardian's power: accepted",
        "exit 1: rejected: untrusted",
    ]
    assert [step["got"] for step in report["steps"] if not step["network"]] == ["exit 0: accepted", "exit 1: rejected: untrusted"]


def test_the_federation_reads_like_a_story(played: tuple[Path, str]) -> None:
    for words in ("Ministry of Justice", "Court of Protection", "Fenland Water", "Quick Loans Direct", "Lights out", "The worst day"):
        assert words in played[1]


def test_what_cannot_be_played_is_named(played: tuple[Path, str]) -> None:
    assert "The story 'airplane' was left out, for it needs what drives a browser and makes a camera" in played[1]
    assert not (played[0] / ".demo" / "airplane").exists()
    assert "The story 'foreign' was left out, for it needs programs that others wrote" in played[1]


def test_a_machine_without_a_browser_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing("airplane") == "a browser"


@pytest.mark.parametrize(("what", "pack", "code"), [
    ("copy.json", "checking-pack-before.pack", 0),
    ("copy.png", "checking-pack-before.pack", 0),
    ("copy.json", "checking-pack-after.pack", 1),
])  # fmt: skip
def test_anybody_can_repeat_the_offline_check(played: tuple[Path, str], what: str, pack: str, code: int) -> None:
    unshare = shutil.which("unshare")
    assert unshare is not None
    script = played[0] / ".demo" / "offline" / "check.sh"
    flag = "-n" if os.geteuid() == 0 else "-rn"
    done = subprocess.run([unshare, flag, script, what, pack], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr


def running_below(folder: Path) -> list[int]:
    """Processes whose working directory is ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


@pytest.mark.parametrize(
    ("until", "code"), [(".demo/council/verifier.toml", 130), ("stay up until you press", 0)], ids=["in-the-middle", "afterwards"]
)
def test_it_ends_what_it_started_when_told_to_stop(tmp_path: Path, until: str, code: int) -> None:
    """The report is there while the services stay up, and a signal leaves nothing behind."""
    environment = {name: value for name, value in os.environ.items() if name != "ONCE"} | {"KEEP": "1", "STORY": "poa"}
    with subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as demo:
        assert demo.stdout is not None
        if code:
            while not (tmp_path / until).exists():
                assert demo.poll() is None
                time.sleep(0.05)
            time.sleep(0.5)  # to be well within it
        else:
            assert any(until in line.decode() for line in demo.stdout)
        assert demo.poll() is None
        demo.send_signal(signal.SIGTERM)
        told = demo.stdout.read().decode()
        assert demo.wait(timeout=30) == code, told
    assert running_below(tmp_path) == []
    assert json.loads((tmp_path / ".demo" / "report.json").read_text(encoding="utf-8"))["ok"] is (code == 0)


def test_a_story_that_breaks_off_is_not_in_order() -> None:
    script = Script("short")
    with script.step("It begins", expected="begun") as step:
        step.came("begun")
    assert script.ok
    script.broken_off = True
    assert script.report()["ok"] is False


def test_an_unknown_story_is_usage(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"STORY": "nobody"}
    done = subprocess.run([sys.executable, "-m", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "airplane, federation, foreign, joan, nora, tom, poa" in done.stderr
