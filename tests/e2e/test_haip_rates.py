"""The two whole flows that are measured do run: each once, over services of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import haip
from benchmarks.__main__ import ROWS, line
from benchmarks.measure import Row

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("name", "measure"), [("haip issuance", haip.issuance), ("haip presentation", haip.presentation)])
def test_a_flow_runs_and_tells_its_rate_and_share(name: str, measure: Callable[..., Row]) -> None:
    assert ROWS[name] is measure
    row = measure(rounds=1, flows=1)
    assert (row.name, row.unit, row.bar) == (name, "flows per core-second", None)
    assert 0 < row.ours < row.floor
    assert 0 < row.ratio == row.peers["share in cryptography"] < 1
    assert "flows per core-second" in line(row)
    assert "share in cryptography" in line(row)
