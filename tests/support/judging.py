"""The pages' scripts in Node, asked many cases at once (tests/js/judge.mjs)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random  # noqa: TID251 - the same cases at each run
from typing import Any

from shared.errors import VcError

NODE = Path(sys.executable).parent / "node"
Dice = Random
JS = Path(__file__).resolve().parents[1] / "js"


def dice(seed: int) -> Dice:
    """Chance that can be repeated."""
    return Random(seed)  # noqa: S311 - no secret comes of it


def judge(cases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The answers, in order: ``{"ok": …}`` or ``{"code": …, "where": …}``."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(case) + "\n" for case in cases)
        file.flush()
        done = subprocess.run([NODE, JS / "judge.mjs", file.name], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def tried(call: Callable[[], Any]) -> dict[str, Any]:
    """What Python says, in the same form."""
    try:
        return {"ok": call()}
    except VcError as error:
        return {"code": error.code, "where": error.where}


def equal(cases: Iterable[Mapping[str, Any]], ours: Callable[[Mapping[str, Any]], Any], *, where: bool = False) -> int:
    """Both say the same of all cases; how many of them were good."""
    listed = list(cases)
    good = 0
    for case, theirs in zip(listed, judge(listed), strict=True):
        mine = tried(lambda case=case: ours(case))  # type: ignore[misc] # a default of the loop
        if not where:
            mine.pop("where", None)
            theirs.pop("where", None)
        assert mine == theirs, f"{mine!s:.600} {theirs!s:.600} {json.dumps(case):.2000}"
        good += "ok" in mine
    return good
