"""``muniment-issuer event``: an event as the office's own verifier signed it, or what somebody of the office writes into a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.own_verifier import DEATH, OwnVerifier, of_margaret
from support.registry import LPA_1, Template

from issuer.cli import main
from shared.clock import system_clock
from shared.credentials import by_id

LIFE_EVENT = by_id("life-event").vct


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> str:
    shutil.copytree(template.directory, tmp_path / "registry")
    return str(tmp_path / "registry")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_an_event_from_a_file(capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path) -> None:
    own, file = OwnVerifier.new(), tmp_path / "event"
    file.write_text(json.dumps(LPA_1))
    assert run(capsys, "mint", "representation", str(file), "--dir", folder)[0] == 0
    file.write_text(json.dumps({"vct": LIFE_EVENT, "claims": of_margaret(address={}), "id": "one"}))
    code, out, _ = run(capsys, "event", str(file), "--dir", folder)
    assert (code, out[16:]) == (0, "  open: 0 changed, 1 to be decided\n")
    assert run(capsys, "event", str(file), "--dir", folder)[1] == out, "the same news once"
    file.write_text(own.event(DEATH, iat=system_clock() - 86_400))
    code, _, err = run(capsys, "event", str(file), "--dir", folder)
    assert (code, "[untrusted]" in err) == (1, True)
    settings = Path(folder, "issuer.toml")
    settings.write_text(f'listens_to = ["{own.name}"]\n' + settings.read_text())
    code, out, _ = run(capsys, "event", str(file), "--dir", folder)
    assert (code, out[16:]) == (0, "  done: 1 changed, 0 to be decided\n")
    file.write_text('{"vct": 1}')
    code, _, err = run(capsys, "event", str(file), "--dir", folder)
    assert (code, "[malformed]" in err) == (1, True)
