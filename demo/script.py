"""Tells the story on the terminal while it happens, and keeps the report."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.clock import monotonic

WIDTH = 96


@dataclass(slots=True, kw_only=True)
class Step:
    """One thing that happens. ``got`` and ``ok`` stay as they are if the story breaks off here."""

    name: str
    expected: str
    network: bool = True
    got: str = "did not happen"
    ok: bool = False
    seconds: float = 0.0

    def came(self, got: str) -> None:
        """What happened; in order exactly if it is what was expected."""
        self.got = got
        self.ok = got == self.expected


@dataclass(slots=True)
class Script:
    story: str
    steps: list[Step] = field(default_factory=list)
    broken_off: bool = False

    def title(self, text: str) -> None:
        print(f"\n{text}\n{'=' * min(len(text), WIDTH)}")

    def say(self, text: str) -> None:
        print(textwrap.fill(" ".join(text.split()), WIDTH, initial_indent="    ", subsequent_indent="    "))

    def show(self, lines: str) -> None:
        print(textwrap.indent(lines, "      "))

    @contextmanager
    def step(self, name: str, *, expected: str, network: bool = True) -> Iterator[Step]:
        """Play one step and print how it went and how long it took."""
        step = Step(name=name, expected=expected, network=network)
        self.steps.append(step)
        print(f"\n{len(self.steps):2d}. {name}{'' if network else '   [no network]'}", flush=True)
        started = monotonic()
        try:
            yield step
        finally:
            step.seconds = round(monotonic() - started, 3)
            mark = "as it should be" if step.ok else f"NOT as it should be: expected {step.expected!r}"
            print(f"    -> {step.got}: {mark} ({step.seconds:.2f} s)", flush=True)

    @property
    def ok(self) -> bool:
        return bool(self.steps) and not self.broken_off and all(step.ok for step in self.steps)

    def report(self) -> dict[str, object]:
        fields = ("name", "expected", "got", "ok", "seconds", "network")
        return {"story": self.story, "steps": [{name: getattr(step, name) for name in fields} for step in self.steps], "ok": self.ok}


def write_report(path: Path, scripts: list[Script]) -> None:
    """One story: an object; several: a list of them."""
    reports = [script.report() for script in scripts]
    path.write_text(json.dumps(reports[0] if len(reports) == 1 else reports, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
