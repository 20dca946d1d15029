"""Reading and splitting migration files, without a database."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shared.errors import ConfigError
from shared.storage import Migration, open_storage, read_migrations
from shared.storage._migrations import checksum, statements
from shared.web import log

ROOT = Path(__file__).parents[3]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a_package_of_this_test" / "migrations"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_package_of_this_test", raising=False)
    return folder


def test_files_of_a_package(package: Path) -> None:
    for name in ("0002_more.sql", "0001_first.sql"):
        (package / name).write_text(f"-- {name}\n", encoding="utf-8")
    (package / "README").touch()
    read = read_migrations("a_package_of_this_test", "web")
    assert read == (Migration("web/0001_first", "-- 0001_first.sql\n"), Migration("web/0002_more", "-- 0002_more.sql\n"))


@pytest.mark.parametrize(
    "names", [("0002_x.sql",), ("0001_x.sql", "0003_y.sql"), ("0001_x.sql", "0001_y.sql"), ("1_x.sql",), ("0001.sql",)]
)
def test_files_with_gaps_or_odd_names(package: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (package / name).touch()
    with pytest.raises(ConfigError):
        read_migrations("a_package_of_this_test", "web")


def test_a_folder_that_was_left_out() -> None:
    with pytest.raises(ConfigError, match="not installed whole"):
        read_migrations("shared.storage", "web")


@pytest.mark.parametrize("service", ["issuer", "wallet", "verifier"])
async def test_what_the_services_ship_fits_both_databases(storage_uri: str, service: str) -> None:
    steps = [*read_migrations("shared.web", "web"), *read_migrations(service, service), *log.migrations()]
    storage = open_storage(storage_uri)
    assert await storage.migrate(steps) == [step.name for step in steps]
    assert await storage.migrate(steps) == []
    await storage.close()


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("", []),
        (" \n-- only words; and more\n/* ; */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', 'it''s;' -- ; here\n; SELECT 2", ["SELECT ';', 'it''s;' -- ; here", "SELECT 2"]),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = 1; DELETE FROM c; END; SELECT 1;",
            ["CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = 1; DELETE FROM c; END", "SELECT 1"],
        ),
    ],
)
def test_statements(sql: str, parts: list[str]) -> None:
    assert statements(sql) == parts


def test_the_checksum_knows_every_character_but_the_form_of_line_ends() -> None:
    assert checksum("a\nb") == checksum("a\r\nb")
    assert checksum("a\nb") != checksum("a\nb ")


@pytest.mark.parametrize("names", [("Web/0001_x",), ("0001_x",), ("web/1_x",), ("web/0002_x", "web/0001_y"), ("web/0001_x", "web/0001_x")])
async def test_names_and_order(sqlite_uri: str, names: tuple[str, ...]) -> None:
    storage = open_storage(sqlite_uri)
    with pytest.raises(ConfigError):
        await storage.migrate([Migration(name, "") for name in names])
    await storage.close()
