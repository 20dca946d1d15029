"""What all tests share: the vectors written by others, which are not part of the project."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("muniment", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the code
settings.load_profile("muniment")

pytest_plugins = ["support.postgresql", "support.browser", "support.house", "support.foreign", "support.thrift"]
Vectors = Callable[[str], Path]


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """``vectors("folder/file")``: skipped where MUNIMENT_VECTORS is not set, failed where it is set and the file is missing."""
    root = os.environ.get("MUNIMENT_VECTORS")  # noqa: TID251 - the only setting of the tests

    def find(name: str) -> Path:
        if not root:
            pytest.skip("MUNIMENT_VECTORS is not set: the vectors written by others are not part of the project")
        path = Path(root, name)
        if not path.exists():
            pytest.fail(f"MUNIMENT_VECTORS has no {name}")
        return path

    return find


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long texts (tokens, identifiers made from fresh keys) are no names: every worker must collect the same ones."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None
