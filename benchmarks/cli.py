"""What one offline ``check`` costs in CPU, over an interpreter that does nothing."""

from __future__ import annotations

from benchmarks.measure import Row


def check() -> Row:
    raise NotImplementedError
