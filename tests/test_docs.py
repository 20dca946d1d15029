"""Documents that cannot rot."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from shared import errors

ROOT = Path(__file__).resolve().parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "errors.md", "commands.md"])
def test_document_says_what_the_code_says(name: str) -> None:
    """Every setting, error code, command and option, with default and meaning; `make docs` writes them."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().DOCUMENTS[name]()


def test_every_error_has_a_meaning_and_a_code_of_its_own() -> None:
    kinds = [kind for kind in generator().tree(errors.VcError) if kind.__module__ == "shared.errors"]
    assert [kind.__name__ for kind in kinds if not kind.__dict__.get("__doc__")] == []
    assert len({kind.code for kind in kinds}) == len(kinds)


def links(document: Path) -> list[str]:
    return [
        target.split("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("#")
    ]


@pytest.mark.parametrize("name", ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))])
def test_no_dead_link(name: str) -> None:
    document = ROOT / name
    assert [target for target in links(document) if target and not (document.parent / target).exists()] == []


def test_the_threat_model_names_tests_that_exist() -> None:
    """Every attack has one at least; ``test_killed_while_…`` stands for all that begin so."""
    found = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    table = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8").split("## Particular attacks")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(test_\w+…?)`", row.rsplit(" | ", 1)[1]) for row in rows]
    assert len(rows) >= 20
    assert [row for row, names in zip(rows, named, strict=True) if not names] == []
    begun = tuple(name[:-1] for names in named for name in names if name.endswith("…"))
    assert all(any(one.startswith(start) for one in found) for start in begun)
    assert [name for names in named for name in names if not name.endswith("…") and name not in found] == []
