"""Programs that others wrote, asked by lines of JSON: each is started once a worker, and answers thousands of questions."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from support.signing import Signer

from demo.authority import Authority, establish

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ROOT / "tests" / "foreign" / "js"
NODE = ROOT / ".venv" / "bin" / "node"


def secret_jwk(signer: Signer) -> dict[str, str]:
    """A private key as these programs take it."""
    exported: dict[str, str] = JWK.from_pyca(signer.private).export(private_key=True, as_dict=True)
    return {name: exported[name] for name in ("kty", "crv", "x", "y", "d")}


class Refused(Exception):
    """The foreign program said no: ``name`` of its error, and what it told."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


class Peer:
    """A running program. It has no state that questions of several tests could mix, or each begins with ``open``."""

    def __init__(self, command: Sequence[str | Path], **environment: str) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PATH": os.defpath, **environment}
        )

    def _exchange(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            pytest.fail(f"the foreign program ended with {self._process.wait(5)}")
        return json.loads(line)

    def ask(self, op: str, **given: Any) -> Any:
        """One question; ``Refused`` if the answer is no."""
        return _result(self._exchange({"op": op, **given}))

    def ask_all(self, op: str, cases: Sequence[dict[str, Any]]) -> list[Any]:
        """Many questions at once; a ``Refused`` stands where one was refused."""
        return [_told(each) for each in self._exchange({"op": op, "cases": list(cases)})]

    async def call(self, op: str, **given: Any) -> Any:
        """As ``ask``, while the services in this process go on answering."""
        return await asyncio.to_thread(self.ask, op, **given)

    def close(self) -> None:
        """No more questions: it ends by itself, or is ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def _told(answer: dict[str, Any]) -> Any:
    return Refused(answer["refused"], answer["detail"]) if "refused" in answer else answer["ok"]


def _result(answer: dict[str, Any]) -> Any:
    told = _told(answer)
    if isinstance(told, Refused):
        raise told
    return told


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certifies localhost."""
    return establish(tmp_path_factory.mktemp("authority"))


def node(role: str, ca: Path | None = None) -> Peer:
    """A program of ``tests/foreign/js``, which trusts the servers that ``ca`` certified."""
    if not (FOREIGN / "node_modules").is_dir():
        pytest.fail("the foreign programs are not there: `make test` brings them")
    return Peer([NODE, FOREIGN / f"{role}.mjs"], NODE_NO_WARNINGS="1", **({} if ca is None else {"NODE_EXTRA_CA_CERTS": str(ca)}))


def _open(role: str, ca: Path | None = None) -> Iterator[Peer]:
    peer = node(role, ca)
    yield peer
    peer.close()


@pytest.fixture(scope="session")
def their_wallet(authority: Authority) -> Iterator[Peer]:
    yield from _open("wallet", authority.ca)


@pytest.fixture(scope="session")
def their_judge() -> Iterator[Peer]:
    yield from _open("judge")


@pytest.fixture(scope="session")
def their_mint() -> Iterator[Peer]:
    yield from _open("mint")


@pytest.fixture(scope="session")
def their_dcql() -> Iterator[Peer]:
    yield from _open("dcql")
