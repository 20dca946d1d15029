"""Ratios that hold on a noisy machine: all candidates in one process, interleaved, on the thread's CPU clock, median over rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``ratio`` is how much of the floor's speed we reach: floor time / our time (or our rate / the ceiling's rate)."""

    name: str
    unit: str
    ours: float
    floor: float
    ratio: float
    bar: float | None = None  # what gates; None = reported only
    peers: Mapping[str, float] = field(default_factory=dict)


def interleaved(candidates: Mapping[str, Callable[[], object]], *, rounds: int = 21, target: float = 0.012) -> dict[str, list[float]]:
    """Microseconds of CPU a call for each candidate, one figure a round."""
    calls = {name: _calls(work, target) for name, work in candidates.items()}
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, work in candidates.items():
                figures[name].append(_time(work, calls[name]))
    finally:
        gc.enable()
    return figures


def once(candidates: Mapping[str, Callable[[], object]], *, rounds: int = 5) -> dict[str, list[float]]:
    """As ``interleaved``, for work that takes so long that one call is a round."""
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, work in candidates.items():
            gc.collect()
            figures[name].append(_time(work, 1))
    return figures


def row(name: str, figures: Mapping[str, list[float]], *, bar: float | None) -> Row:
    """``ours`` and ``floor`` among ``figures``; everything else is a peer. The ratio is the median of the rounds' ratios."""
    ratios = [floor / ours for floor, ours in zip(figures["floor"], figures["ours"], strict=True)]
    peers = {peer: round(statistics.median(times), 2) for peer, times in figures.items() if peer not in ("ours", "floor")}
    return Row(
        name=name,
        unit="us CPU",
        ours=round(statistics.median(figures["ours"]), 2),
        floor=round(statistics.median(figures["floor"]), 2),
        ratio=round(statistics.median(ratios), 3),
        bar=bar,
        peers=peers,
    )


def _calls(work: Callable[[], object], target: float) -> int:
    for _ in range(5):
        work()
    return max(1, round(target / max(_time(work, 5) / 1e6, 1e-7)))


def _time(work: Callable[[], object], calls: int) -> float:
    started = time.thread_time()
    for _ in range(calls):
        work()
    return (time.thread_time() - started) / calls * 1e6
