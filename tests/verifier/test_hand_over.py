"""``muniment-verifier federation succeed`` and ``take-over``: an organisation that asks hands over to another, and both sign it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from support.desk import BANK, Template, place
from support.signing import AT
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.errors import ConfigError, Forbidden
from shared.trust.succession import parse_succession, peek_statement
from verifier import cli, config, upkeep

HEIR = "https://greater-anytown.example"


def run(*words: str) -> int:
    arguments = cli.parser().parse_args(["federation", *words])
    code: int = arguments.command(arguments)
    return code


def folder(template: Template, directory: Path, entity: str) -> str:
    """An installation in that name."""
    place(template, directory)
    file = config.toml(directory)
    file.write_text(file.read_text().replace(BANK, entity))
    asyncio.run(upkeep.renew(directory, config.read(directory), clock=Watch(AT - 3_600), entropy=system_entropy))
    return str(directory)


def test_both_halves(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder(template, tmp_path / "old", BANK), folder(template, tmp_path / "new", HEIR)
    statement, both = str(tmp_path / "statement"), str(tmp_path / "both")
    assert run("succeed", HEIR, "--carry", "council-tax", "--out", statement, "--dir", old) == 0
    told = capsys.readouterr().out
    assert "uses handed over council-tax" in told
    assert re.search("^ends .*bank.*: from that day on what was received for it is deleted$", told, re.MULTILINE)
    assert peek_statement(Path(statement).read_text().strip()).successor == HEIR
    with pytest.raises(ConfigError, match="say where"):
        run("take-over", statement, "--dir", new)
    with pytest.raises(Forbidden):
        run("take-over", statement, "--out", both, "--dir", old)
    assert run("take-over", statement, "--out", both, "--dir", new) == 0
    found = parse_succession(Path(both).read_bytes())
    assert (found.outgoing, found.successor, found.purposes_carried) == (BANK, HEIR, ("council-tax",))


def test_a_use_that_nobody_has_is_not_handed_over(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the keyboard would have all deleted that was received for the use that was meant."""
    old, statement = folder(template, tmp_path / "old", BANK), tmp_path / "statement"
    with pytest.raises(ConfigError, match=r"there is no use counciltax here; there are .*council-tax"):
        run("succeed", HEIR, "--carry", "counciltax", "--out", str(statement), "--dir", old)
    assert not statement.exists()
    assert run("succeed", HEIR, "--vct", "urn:a", "--out", str(statement), "--dir", old) == 0
    assert "is deleted" not in capsys.readouterr().out
