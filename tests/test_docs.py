"""Documents that cannot rot."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import tour

from shared import errors

ROOT = Path(__file__).resolve().parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "errors.md", "commands.md", "conformance.md", "types.md"])
def test_document_says_what_the_code_says(name: str) -> None:
    """Every setting, error code, command, option and kind of document, with default and meaning; `make docs` writes them."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().DOCUMENTS[name]()


def test_readme_has_every_setting_and_error() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == generator().readme(text)
    assert "| `outbound_allow` | all | `[]` |" in text
    assert "`restricted_undisclosed`" in text
    assert "Licence: Apache-2.0." in text


def test_interop_says_what_tests_do() -> None:
    """Every program by others with its version, from the tests and the locks."""
    text = (ROOT / "docs" / "interop.md").read_text(encoding="utf-8")
    assert text == generator().interop(text)
    assert "| `@openid4vc/openid4vci` " in text


def test_every_variable_of_the_environment_is_documented() -> None:
    """Those beyond the settings too: folders, files with passphrases."""
    named = set()
    for service in ("issuer", "wallet", "verifier"):
        for path in (ROOT / service).rglob("*.py"):
            named |= set(re.findall(r"MUNIMENT_[A-Z]+_[A-Z_]+", path.read_text(encoding="utf-8")))
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert len(named) >= 6
    assert [name for name in sorted(named) if name not in text] == []


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


def test_the_tour_shows_every_picture_that_is_kept_and_they_are_small() -> None:
    """`make screens` renews them."""
    kept = sorted((ROOT / "docs" / "tour").iterdir())
    shown = {target for target in links(ROOT / "docs" / "tour.md") if target.endswith(".png")}
    assert {f"tour/{each.name}" for each in kept} == shown == {f"tour/{name}.png" for name in tour.PICTURES}
    assert all(each.stat().st_size < 60_000 for each in kept)
    assert sum(each.stat().st_size for each in kept) < 600_000


def existing() -> set[str]:
    return {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }


def test_every_way_without_a_phone_names_tests_that_exist() -> None:
    """T-EX-1: each story has its way at a counter or on paper, and what holds it to the same decision."""
    table = (ROOT / "docs" / "counter.md").read_text(encoding="utf-8").split("## Each story")[1].split("\n## ")[0]
    rows = [re.findall(r"`(test_\w+)`", row) for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 12
    assert all(rows)
    assert {name for names in rows for name in names} <= existing()


def test_the_threat_model_names_tests_that_exist() -> None:
    """Every attack has one at least; ``test_killed_while_…`` stands for all that begin so."""
    found = existing()
    table = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8").split("## Particular attacks")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(test_\w+…?)`", row.rsplit(" | ", 1)[1]) for row in rows]
    assert len(rows) >= 20
    assert [row for row, names in zip(rows, named, strict=True) if not names] == []
    begun = tuple(name[:-1] for names in named for name in names if name.endswith("…"))
    assert all(any(one.startswith(start) for one in found) for start in begun)
    assert [name for names in named for name in names if not name.endswith("…") and name not in found] == []
