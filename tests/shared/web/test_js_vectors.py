"""The scripts' own tests in Node: the golden vectors that every implementation shares."""

from __future__ import annotations

import subprocess

import pytest
from support.judging import JS, NODE

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", sorted(each.name for each in JS.glob("*.test.mjs")))
def test_in_node(name: str) -> None:
    done = subprocess.run([NODE, "--test", JS / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
