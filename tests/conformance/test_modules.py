"""Our list of the official modules, and what docs/conformance.md says of them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"


def listed() -> dict[str, set[str]]:
    """Group -> names of its modules."""
    groups = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))["groups"]
    return {group["id"]: set(group["modules"]) for group in groups}


def test_every_module_is_green_or_not_applicable() -> None:
    rows = re.findall(r"(?m)^\| `(oid4v[^`]+)` \|.*\| ([^|]+) \|$", DOCUMENT.read_text(encoding="utf-8"))
    assert {module for module, _ in rows} == set().union(*listed().values())
    assert [module for module, state in rows if state != "green" and not state.startswith("not applicable: ")] == []


@pytest.mark.vectors
def test_the_list_of_modules_is_the_official_one(vectors: Callable[[str], Path]) -> None:
    official = json.loads(vectors("oidf-conformance/test-modules.json").read_text(encoding="utf-8"))
    ours = listed()
    assert ours == {group: {each["testName"] for each in official if each["group"] == group} for group in ours}
    assert {each["group"] for each in official} - set(ours) == {"openid/federation"}
