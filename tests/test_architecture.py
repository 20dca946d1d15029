"""The rules of the house that no lint knows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROBE = "import issuer, wallet, verifier, shared; print(issuer.__file__, wallet.__file__, verifier.__file__, shared.__file__)"
HEAVY = ("aiohttp", "jwcrypto", "click", "jinja2", "pydantic", "asyncpg")


def python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def test_nobody_shadows_us() -> None:
    found = python("-I", "-c", PROBE).split()
    assert {Path(name).parents[1] for name in found} == {ROOT}


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["shared.verify", "shared.trust.bundle", "shared.formats.sd_jwt_vc", "shared.addressed"])
def test_checking_imports_nothing_heavy(module: str) -> None:
    loaded = python("-c", f"import sys, {module}; print(*sys.modules)").split()
    assert not set(loaded) & set(HEAVY)


def test_a_key_role_is_written_down_once() -> None:
    """Each protected typ belongs to exactly one role (security rule S1)."""
    from shared.keys import SIGNS

    signed = [typ for typs in SIGNS.values() for typ in typs]
    assert len(signed) == len(set(signed))
