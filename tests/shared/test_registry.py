from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shared import custody, formats
from shared.errors import ConfigError
from shared.registry import by_scheme, exports


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "plugged_in"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "good.py").write_text("OPEN = 1\n")
    (folder / "needy.py").write_text("import a_driver_that_nobody_has\n")
    (folder / "_inner.py").write_text("raise AssertionError\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "plugged_in"


def test_every_public_module_is_a_plug_in() -> None:
    assert set(exports(formats, "FORMAT")) == {"mdoc", "sd_cwt", "sd_jwt_vc", "vc_jose", "vc_sd_jwt"}


def test_only_the_module_that_is_asked_for_is_loaded(package: str) -> None:
    module = __import__(package)
    assert by_scheme(module, "good:anything", "OPEN") == 1
    assert f"{package}.needy" not in sys.modules
    with pytest.raises(ConfigError, match="needs the package 'a_driver_that_nobody_has'"):
        by_scheme(module, "needy:x", "OPEN")
    with pytest.raises(ConfigError, match="knows: good, needy"):
        by_scheme(module, "_inner:x", "OPEN")


def test_an_unknown_scheme_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match="file, memory"):
        by_scheme(custody, "abacus:1", "OPEN")
