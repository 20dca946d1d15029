"""What one offline ``check`` costs in CPU beside an interpreter that does nothing."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Row
from demo.poa import BANK_ENTITY

ROUNDS = 15


def check() -> Row:
    """Milliseconds of CPU of whole processes, interleaved; the ratio is that of the bare interpreter to the check."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as folder:
        subprocess.run(
            [sys.executable, "-m", "demo"], cwd=folder, env=_environment(), capture_output=True, check=True, stdin=subprocess.DEVNULL
        )
        offline = Path(folder) / ".demo" / "offline"
        command = [
            sys.executable, "-m", "verifier", "check", str(offline / "copy.json"), "--bundle", str(offline / "checking-pack-before.pack"),
            "--as", BANK_ENTITY, "--trust", str(offline / "trust.json"),
        ]  # fmt: skip
        bare = [sys.executable, "-c", "pass"]
        _cpu(command)  # as on any machine where it ran before: compiled
        figures = [(_cpu(command), _cpu(bare)) for _ in range(ROUNDS)]
    ours, floor = (statistics.median(column) for column in zip(*figures, strict=True))
    return Row(name="cli check", unit="ms CPU", ours=round(ours, 1), floor=round(floor, 1), ratio=round(floor / ours, 3))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"KEEP", "STORY", "BENCH", "PYTHONDONTWRITEBYTECODE"}}
    return kept | {"ONCE": "1"}


def _cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=_environment(), stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
