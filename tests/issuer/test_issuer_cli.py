"""The program as a person meets it: exit codes, what it prints, and that set-up is never half done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.attested import MAKER, maker
from support.ports import free_port
from support.registry import LPA_1, Template

from issuer.cli import main
from shared.clock import monotonic
from shared.x509 import render_pem

ROOT = Path(__file__).parents[2]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> str:
    """A registry that was set up."""
    shutil.copytree(template.directory, tmp_path / "registry")
    return str(tmp_path / "registry")


def test_init(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    directory = tmp_path / "new"
    code, out, _ = run(capsys, "init", "--dir", str(directory), "--json", "--port", "8199", "--name", 'Office "A" \\ B')
    assert code == 0
    made: dict[str, Any] = json.loads(out)
    assert set(made) == {"public_url", "operator", "passphrase", "api_key", "anchor"}
    assert made["public_url"] == "http://localhost:8199"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("key-file", "issuer.keys", "anchor.keys", "issuer.toml", "issuer.db"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600, name
    before = {file.name: file.read_bytes() for file in directory.iterdir()}
    code, _, err = run(capsys, "init", "--dir", str(directory))
    assert (code, "nothing was changed" in err) == (78, True)
    assert {file.name: file.read_bytes() for file in directory.iterdir()} == before
    code, out, _ = run(capsys, "doctor", "--dir", str(directory))
    assert code == 0
    assert out.count("ok  ") == 10


def test_init_says_what_is_next(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery staple\n")
    code, out, _ = run(capsys, "init", "--dir", str(tmp_path / "new"), "--operator", "Iris", "--passphrase-file", str(secret))
    assert code == 0
    assert "sign in as Iris" in out
    assert "correct horse battery staple" in out
    assert out.strip().endswith(f"Next: muniment-issuer serve --dir {tmp_path / 'new'}")


def test_init_broken_off_can_be_repeated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    directory = tmp_path / "new"
    assert run(capsys, "init", "--dir", str(directory))[0] == 0
    (directory / "issuer.toml").unlink()  # what a crash right before the last step leaves
    keys = (directory / "issuer.keys").read_bytes()
    code, out, _ = run(capsys, "init", "--dir", str(directory), "--json")
    assert code == 0
    assert (directory / "issuer.keys").read_bytes() == keys
    assert json.loads(out)["operator"] == "admin"
    assert run(capsys, "doctor", "--dir", str(directory))[0] == 0
    database = sqlite3.connect(directory / "issuer.db")
    assert database.execute("SELECT count(*) FROM operator").fetchone() == (1,)
    database.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("init", "--public-url", "nonsense"), "public_url"),
        (("init", "--storage", "oracle://x"), "unknown scheme"),
        (("init", "--passphrase-file", "/nonexistent"), "cannot read"),
        (("init", "--name", "a\nb"), "control characters"),
        (("serve",), "muniment-issuer init"),
        (("mint", "representation", "x.json"), "cannot read"),
        (("revoke", "x", "--reason", "y"), "muniment-issuer init"),
        (("keys",), "muniment-issuer init"),
        (("doctor",), "muniment-issuer init"),
    ],
)
def test_set_up_faults(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    code, _, err = run(capsys, *arguments, "--dir", str(tmp_path / "nothing"))
    assert (code, words in err) == (78, True), err
    assert "Traceback" not in err


def test_short_passphrase(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("short")
    code, _, err = run(capsys, "init", "--dir", str(tmp_path / "new"), "--passphrase-file", str(secret))
    assert (code, "12 to 256 characters" in err) == (1, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("arguments", [(), ("fly",), ("init", "--port", "99999"), ("init", "--unknown"), ("revoke", "x"), ("mint",)])
def test_usage(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 64
    assert "usage:" in err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in ("init", "serve", "mint", "revoke", "keys", "doctor"):
        assert command in out


def test_mint_and_revoke(capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path) -> None:
    claims = tmp_path / "claims.json"
    claims.write_text(json.dumps(LPA_1))
    code, out, _ = run(capsys, "mint", "representation", str(claims), "--reference", "case 1", "--dir", folder)
    assert code == 0
    assert "https://registry.example/offer/" in out
    assert "Collection code:" in out
    code, out, _ = run(capsys, "mint", "representation", str(claims), "--reference", "case 1", "--json", "--no-code", "--dir", folder)
    made = json.loads(out)
    assert (code, made["code"]) == (0, None)
    code, _, err = run(capsys, "revoke", "CASE 1", "--reason", "made-in-error", "--dir", folder)
    assert (code, "this would cancel 2 documents" in err) == (1, True)
    code, out, _ = run(capsys, "revoke", made["id"].lower(), "--reason", "investigation", "--action", "hold", "--dir", folder)
    assert (code, out) == (0, "this has put on hold 1 document\n")
    code, out, _ = run(capsys, "revoke", "case1", "--reason", "made-in-error", "--confirm-count", "2", "--dir", folder)
    assert (code, out) == (0, "this has cancelled 2 documents\n")
    code, _, err = run(capsys, "revoke", "nobody", "--reason", "made-in-error", "--dir", folder)
    assert (code, "[not_found]" in err) == (1, True)


def test_mint_points_at_the_fault(capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path) -> None:
    claims = tmp_path / "claims.json"
    claims.write_text(json.dumps(LPA_1 | {"decision_rule": "by lot"}))
    code, _, err = run(capsys, "mint", "representation", str(claims), "--dir", folder)
    assert (code, "/claims/decision_rule" in err) == (1, True)
    claims.write_text('{"a": 1, "a": 2}')
    code, _, err = run(capsys, "mint", "representation", str(claims), "--dir", folder)
    assert (code, "[malformed]" in err) == (1, True)
    code, _, err = run(capsys, "mint", "unknown", str(claims), "--dir", folder)
    assert code == 1


def test_keys(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    code, out, _ = run(capsys, "keys", "--dir", folder)
    assert code == 0
    assert "credential-issuer  ES256" in out
    before = Path(folder, "issuer.pem").read_bytes()
    code, out, _ = run(capsys, "keys", "renew", "--dir", folder)
    assert (code, "New certificate until" in out) == (0, True)
    assert Path(folder, "issuer.pem").read_bytes() != before
    kid = next(line.split()[1] for line in run(capsys, "keys", "--dir", folder)[1].splitlines() if line.startswith("key "))
    assert run(capsys, "keys", "compromised", kid, "--reason", "the disk was stolen", "--dir", folder)[0] == 0
    before = Path(folder, "issuer.pem").read_bytes()
    assert run(capsys, "keys", "renew", "--dir", folder)[0] == 0  # of the key that followed at once
    assert Path(folder, "issuer.pem").read_bytes() == before  # S15: nothing brings the other back
    Path(folder, "anchor.keys").unlink()
    code, _, err = run(capsys, "keys", "renew", "--dir", folder)
    assert (code, "bring the anchor's keys back" in err) == (78, True)


def test_doctor_finds_faults(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    toml = Path(folder, "issuer.toml")
    text = toml.read_text()
    toml.write_text(text.replace("registry.example", "moved.example"))
    code, out, _ = run(capsys, "doctor", "--dir", folder)
    assert (code, "FAIL  certificate" in out, "keys renew" in out) == (1, True, True)
    toml.write_text(text)
    Path(folder, "key-file").chmod(0o644)
    code, out, _ = run(capsys, "doctor", "--dir", folder)
    assert (code, "chmod 600" in out) == (1, True)
    toml.write_text(text + 'unheard_of = "x"\n')
    code, _, err = run(capsys, "doctor", "--dir", folder)
    assert (code, "unknown setting 'unheard_of'" in err) == (78, True)


def test_serve_until_it_is_stopped(folder: str) -> None:
    """A real process: it answers, says where, and ends cleanly on SIGTERM."""
    port = free_port()
    environment = os.environ | {"MUNIMENT_ISSUER_PORT": str(port), "PYTHONPATH": str(ROOT)}  # noqa: TID251 - the child's environment
    command = [sys.executable, "-m", "issuer", "serve", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        start = monotonic()
        line = process.stdout.readline()
        assert "Office of the Public Guardian (test): https://registry.example" in line, line
        assert monotonic() - start < 30
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err


def test_light_to_import() -> None:
    """The command line loads neither the web server nor the key library before it knows what to do."""
    probe = "import sys, issuer.cli; issuer.cli.parser(); print(sorted({'aiohttp', 'jwcrypto', 'jinja2', 'asyncpg'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_trust(capsys: pytest.CaptureFixture[str], folder: str, tmp_path: Path) -> None:
    """Makers of wallets are trusted, shown and trusted no longer; what cannot be done changes nothing."""
    (pem := tmp_path / "maker.pem").write_text(render_pem(maker().certificate.der))
    assert run(capsys, "trust", "list", "--dir", folder) == (0, "", "")
    code, out, _ = run(capsys, "trust", "add", str(pem), "--dir", folder, "--name", "Wallets Ltd", "--entity", MAKER)
    fingerprint = out.split()[-1]
    assert (code, "Wallets Ltd" in out) == (0, True)
    assert stat.S_IMODE(Path(folder, "trust.json").stat().st_mode) == 0o600
    before = Path(folder, "trust.json").read_bytes()
    assert run(capsys, "trust", "add", str(pem), "--dir", folder)[0] != 0
    assert run(capsys, "trust", "add", str(tmp_path / "none.pem"), "--dir", folder)[0] == 78
    assert run(capsys, "trust", "remove", "00" * 32, "--dir", folder)[0] != 0
    assert Path(folder, "trust.json").read_bytes() == before
    _, out, _ = run(capsys, "trust", "list", "--dir", folder)
    assert out.split() == ["wallet-provider", "Wallets", "Ltd", f"({MAKER})", fingerprint]
    code, out, _ = run(capsys, "doctor", "--dir", folder)
    assert ("makers of wallets" in out, "1 trusted, 0 heard of" in out) == (True, True)
    assert run(capsys, "trust", "remove", fingerprint, "--dir", folder)[0] == 0
    assert run(capsys, "trust", "list", "--dir", folder) == (0, "", "")
    Path(folder, "trust.json").write_text("{")
    code, out, err = run(capsys, "doctor", "--dir", folder)
    assert code != 0
    assert "trust.json" in out + err
