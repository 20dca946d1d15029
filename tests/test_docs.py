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
