"""The README's lines for doing it by hand, run as they stand there, but for ports and what a person copies from one screen to the next."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("readme")]
PORTS = {"8101": "muniment-issuer", "8102": "muniment-wallet", "8103": "muniment-verifier"}


def blocks() -> list[list[str]]:
    """The three blocks under "By hand", a command a line, comments and continuations gone."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## By hand")[1].split("\n## ")[0]
    found = []
    for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        found.append([re.sub(r"\s{2,}#.*$", "", line).strip() for line in lines])
    return found


class Hands:
    """A person at a terminal with a clipboard."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clipboard = folder, dict[str, str]()
        self.serving: list[subprocess.Popen[bytes]] = []
        self.ports = {port: str(free_port()) for port in PORTS}
        bin_ = Path(sys.executable).parent
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")},
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "MUNIMENT_WALLET_PASSPHRASE_FILE": str(folder / "passphrase"),
        }

    def type(self, line: str) -> str:
        for usual, free in self.ports.items():
            line = line.replace(f"localhost:{usual}", f"localhost:{free}")
            if line.startswith(f"{PORTS[usual]} init"):
                line += f" --port {free}"
        line = re.sub(r'"http://localhost:\d+/offer/…"', lambda _: shlex.quote(self.clipboard["link"]), line)
        line = line.replace("12345678", self.clipboard.get("code", "12345678"))
        if line.endswith(" serve"):
            return self.serve(line)
        environment = self.environment | {"KEY": self.clipboard.get("key", "")}
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        self.copy(done.stdout + done.stderr)
        return done.stdout

    def serve(self, line: str) -> str:
        process = subprocess.Popen(
            shlex.split(line), cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.serving.append(process)
        port = int(self.ports[next(usual for usual, name in PORTS.items() if line.startswith(name))])
        for _ in range(1200):
            assert process.poll() is None, f"{line} ended with {process.returncode}"
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    return ""
            time.sleep(0.05)
        raise AssertionError(f"{line} did not start")

    def copy(self, printed: str) -> None:
        for name, pattern in {
            "link": r"(http://\S+/offer/\S+)",
            "code": r"[Cc]ollection code: *(\d+)",
            "key": r"API key: *(\S+)",
            "passphrase": r"Passphrase: *(\S+)",
        }.items():
            if found := re.search(pattern, printed):
                self.clipboard[name] = found[1]


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    one = Hands(tmp_path)
    yield one
    for process in one.serving:
        process.terminate()
    for process in one.serving:
        process.wait(timeout=60)


def test_make_receive_and_check_by_hand(hands: Hands) -> None:
    make, receive, check = blocks()
    assert [len(lines) for lines in (make, receive, check)] == [5, 5, 5]
    *before, cancel = make
    found = [hands.type(line) for line in before]
    assert json.loads(found[-1])
    for line in receive:
        printed = hands.type(line)
        if " init " in line:
            file = hands.folder / "passphrase"
            file.write_text(hands.clipboard["passphrase"], encoding="utf-8")
            file.chmod(0o600)
        if line.startswith("muniment-wallet list"):
            assert "Power of attorney" in printed
    hands.type(check[0])
    *rely, ask = check[1:]
    for line in rely:
        printed = hands.type(line)
        if " check " in line:
            assert "Genuine, but only a copy" in printed
    assert json.loads(hands.type(ask))["link"]
    hands.type(cancel)
    hands.type(check[1])
    with pytest.raises(AssertionError, match="cancelled"):
        hands.type(check[2])
