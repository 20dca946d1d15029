"""nginx and Apache, set up by the lines that an export's README gives, and by nothing else that would answer for it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

MODULES = {
    "mpm_event_module": "mod_mpm_event",
    "authz_core_module": "mod_authz_core",
    "rewrite_module": "mod_rewrite",
    "mime_module": "mod_mime",
}


def program(*names: str) -> str:
    """Where it is; fails, never skips, where it is missing (``.ci/system`` installs it)."""
    found = next((path for name in names if (path := shutil.which(name, path=f"{os.defpath}:/usr/sbin:/usr/local/sbin"))), None)
    assert found is not None, f"{names[0]} is not installed"
    return found


@contextmanager
def readable() -> Iterator[Path]:
    """A folder that the user of a web server may read, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def types(readme: str) -> dict[str, str]:
    """The fixed addresses with their content types, as the README lists them."""
    part = readme.partition("the same for everybody:\n")[2].partition("These are asked")[0]
    return dict(line.split() for line in part.splitlines() if line.strip())


def rules(readme: str, host: str) -> list[str]:
    """The lines for one host."""
    found = re.search(rf"^{host}:((?: .*\n)+)", readme, re.MULTILINE)
    assert found is not None
    return [line.strip() for line in found[1].splitlines()]


def nginx(root: Path, port: int) -> list[str]:
    """The command that serves ``root``; its files lie in the folder of the README."""
    readme = (root / "README.txt").read_text()
    lines = [line.replace("/srv/www", str(root)) for line in rules(readme, "nginx")]
    outer = [line for line in lines if line.startswith("map ")]
    inner = [line for line in lines if not line.startswith("map ")]
    fixed = [f"location = {path} {{ default_type {kind}; }}" for path, kind in types(readme).items()]
    run = root.parent
    temporary = [f"{name}_temp_path {run}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    server = ["server {", f"listen 127.0.0.1:{port};", f"root {root};", *fixed, *inner, "}"]
    text = [
        *(["user root;"] if os.getuid() == 0 else []),
        f"pid {run}/nginx.pid;",
        "daemon off;",
        "error_log stderr;",
        "events {}",
        *["http {", "access_log off;", *temporary, *outer, *server, "}"],
    ]
    (run / "nginx.conf").write_text("\n".join(text))
    return [program("nginx"), "-e", "stderr", "-c", str(run / "nginx.conf"), "-p", str(run)]


def apache(root: Path, port: int) -> list[str]:
    """As ``nginx``."""
    readme, run = (root / "README.txt").read_text(), root.parent
    modules = next(folder for folder in ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules") if Path(folder).is_dir())
    fixed = [f"<Location {path}>\nForceType {kind}\n</Location>" for path, kind in types(readme).items()]
    text = [
        f"ServerRoot {run}",
        f"PidFile {run}/apache.pid",
        f"DefaultRuntimeDir {run}",
        f"Listen 127.0.0.1:{port}",
        "ServerName localhost",
        "ErrorLog /dev/stderr",
        *(f"LoadModule {name} {modules}/{file}.so" for name, file in MODULES.items()),
        "TypesConfig /dev/null",
        *(["User www-data", "Group www-data"] if os.getuid() == 0 else []),
        f"DocumentRoot {root}",
        f"<Directory {root}>\nRequire all granted\n</Directory>",
        *fixed,
        "RewriteEngine on",
        *rules(readme, "Apache"),
    ]
    (run / "apache.conf").write_text("\n".join(text) + "\n")
    return [program("apache2", "httpd"), "-D", "FOREGROUND", "-f", str(run / "apache.conf")]


HOSTS: dict[str, Callable[[Path, int], list[str]]] = {"nginx": nginx, "Apache": apache}


@asynccontextmanager
async def hosted(host: str, root: Path, port: int) -> AsyncIterator[None]:
    """``root`` served at that port of this machine, until the end of the block."""
    process = await asyncio.create_subprocess_exec(*HOSTS[host](root, port), stderr=asyncio.subprocess.PIPE)
    try:
        for _ in range(1_200):
            assert process.returncode is None, (await process.stderr.read()).decode() if process.stderr else ""
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"{host} does not listen")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
