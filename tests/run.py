"""What ``make check``, ``make test`` and ``make screens`` run, in order, stopping at the first thing that is not in order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
PICTURES = ROOT / ".screens" / "in-use"
Command = list[str | Path]
TSC: Command = [BIN / "node", ROOT / "tests/js/node_modules/typescript/bin/tsc"]
WORKER: Command = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2023", "--lib", "es2024,webworker", "--types", ""]
WORKER.append(ROOT / "verifier/web/static/scan/globals.d.ts")
WORKERS = ("verifier/web/static/scan/sw.js", "wallet/web/static/phone/sw.js")
LINT: tuple[tuple[str, Command], ...] = (
    ("lint", [BIN / "ruff", "check", "--quiet", "."]),
    ("format", [BIN / "ruff", "format", "--check", "--quiet", "."]),
    ("types", [BIN / "mypy"]),
    ("types of the tests", [BIN / "mypy", "--explicit-package-bases", "tests", "benchmarks", "docs/generate.py"]),
    ("types of the scripts", [*TSC, "-p", ROOT / "tests/js"]),
    *(("types of a service worker", [*TSC, *WORKER, ROOT / each]) for each in WORKERS),
    ("import contracts", [BIN / "lint-imports"]),
    ("dependencies", [BIN / "deptry", "--no-ansi", "."]),
)
MOST_AGAIN = 3  # files, of hundreds whose journeys go through browsers and processes on a busy machine; more that fail are no accident
COUNTED = ROOT / ".pytest_cache" / "counted.xml"
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
# a file of tests is one worker's, so that what a module sets up is set up once; the long journeys come first, as they are collected
PYTEST: Command = [BIN / "python", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
UNIT: Command = [
    *PYTEST,
    "-m",
    "not real and not vectors",
    "tests/shared",
    *sorted(str(each) for each in (ROOT / "tests").glob("test_*.py")),
]
CORE: Command = [*PYTEST, "--cov=shared", "--cov-report=term", "--cov-fail-under=100", "-m", "not real and not vectors", "tests/shared"]
EDGE: Command = [*PYTEST, f"--junitxml={COUNTED}", "-m", "real or vectors", "tests/shared"]
SERVICES: Command = [
    *PYTEST,
    "-n",
    "3",
    f"--junitxml={COUNTED}",
    "--ignore=tests/shared",
    "tests",
]  # they wait for browsers and programs more than they work
EYES = re.compile(r"^from support\.(?:browser|pockets|scan_page|two_pages|walk) import", re.MULTILINE)
NEVER = re.compile(r"killed|crash|disks|correlation|_keep|by_command|airplane|desk_receipts")
LOOKED_AT = sorted(
    str(path.relative_to(ROOT))
    for folder in ("e2e", "issuer", "verifier", "wallet")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
    if EYES.search(text := path.read_text(encoding="utf-8")) and re.search(r"\.look\(|picture\(", text)
)
"""Every file of tests that looks at pages: its pictures are made by being run."""
SCREENS: Command = [*PYTEST, "-n", "3", *LOOKED_AT]
PLANS: dict[str, tuple[tuple[str, Command], ...]] = {
    "check": (*LINT, ("unit tests", UNIT)),
    "all": (*LINT, ("core, every branch", CORE), ("core, real parts and vectors", EDGE), ("services and journeys", SERVICES)),
    "screens": (("pictures of every page", SCREENS), ("pictures of the tour", [BIN / "python", ROOT / "tests/tour.py"])),
}


def _again(environment: dict[str, str]) -> int:
    """The files of journeys that failed, once more and whole, alone on the machine: what fails now has failed. Their first failures stand in the
    report for good. Nothing else is tried again: no file without a browser or a program, none that kills, or searches stolen disks, where a
    fault that comes now and then is the very thing looked for, and no run of which a worker died.
    """
    failed = sorted(json.loads(FAILED.read_text(encoding="utf-8"))) if FAILED.exists() else []
    counts = (
        re.findall(r'<testsuite [^>]*?errors="(\d+)" failures="(\d+)"', COUNTED.read_text(encoding="utf-8")) if COUNTED.exists() else []
    )
    files = sorted({name.partition("::")[0] for name in failed})
    if not 0 < len(files) <= MOST_AGAIN or [sum(map(int, each)) for each in counts] != [len(failed)]:
        return 1
    if not all(_is_journey(ROOT / each) for each in files):
        return 1
    print(f"== failed beside others, their files tried once more alone: {' '.join(failed)}", flush=True)
    return subprocess.run([*PYTEST[:3], "-q", *files], cwd=ROOT, env=environment, check=False).returncode


def _is_journey(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return not NEVER.search(path.name) and (bool(EYES.search(text)) or "mark.real" in text)


def main(plan: str) -> int:
    if os.environ.get("MUNIMENT_NESTED"):  # a test runs the README's commands: set-up and collection are its matter, not another full run
        return subprocess.run([*PYTEST[:3], "-q", "--collect-only", "tests/shared"], cwd=ROOT, check=False).returncode
    environment = os.environ | ({"MUNIMENT_SCREENS": str(PICTURES)} if plan == "screens" else {})
    if plan == "screens":
        shutil.rmtree(PICTURES, ignore_errors=True)
    for name, command in PLANS[plan]:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        for each in (FAILED, COUNTED):
            each.unlink(missing_ok=True)
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        again = code == 1 and command in (EDGE, SERVICES)
        if again:
            code = _again(environment)
        passed = "passed, what failed beside others at the second try" if again else "passed"
        print(f"== {name}: {f'FAILED ({code})' if code else passed} in {time.monotonic() - started:.0f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
