"""One copy, shown twice (domain check T-CO-4): the verifier says so and decides as before; the wallet's half is in ``test_share``."""

from __future__ import annotations

from pathlib import Path

from support.desk import Template, copy_file, opened, refreshed

from shared.verify import COPY_SEEN
from verifier import copies
from verifier.words import REMARKS


async def test_t_co_4(template: Template, tmp_path: Path) -> None:
    async with opened(template, tmp_path / "desk") as desk:
        store = await refreshed(desk)
        first, second = [await copies.bring(desk, store, copy_file(seed=seed), made_by="desk") for seed in ("one", "two")]
    lines = [next(each for each in outcome.decision.checks if each.name == "holder_binding") for outcome in (first, second)]
    assert [(outcome.decision.decision, line.state, line.code) for outcome, line in zip((first, second), lines, strict=True)] == [
        ("accepted", "passed", ""),
        ("accepted", "passed", COPY_SEEN),
    ]
    assert COPY_SEEN in REMARKS
