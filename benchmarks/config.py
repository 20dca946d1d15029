"""What the surroundings ask of the benchmarks."""

from __future__ import annotations

import os


def wanted() -> str:
    """The one row to measure; empty for all."""
    return os.environ.get("BENCH", "")
