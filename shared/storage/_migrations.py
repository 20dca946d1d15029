"""Numbered SQL files with checksums: read from a package, split into statements, applied inside a backend's own lock."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files

from ..errors import ConfigError
from ._model import Migration, Tx

_FILE = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_NAME = re.compile(r"[a-z][a-z0-9_-]*/[0-9]{4}_[a-z0-9_]+")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_VERSIONS = "CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)"


def read_migrations(package: str, namespace: str, *, folder: str = "migrations") -> tuple[Migration, ...]:
    """The files ``folder/NNNN_words.sql`` of an importable ``package`` as ``namespace/NNNN_words``, numbered 0001, 0002 … without a gap."""
    steps = files(package).joinpath(folder)
    if not steps.is_dir():
        raise ConfigError(f"the folder {package}/{folder} is missing: this program was not installed whole")
    found = sorted((entry.name, entry) for entry in steps.iterdir() if entry.name.endswith(".sql"))
    for number, (name, _) in enumerate(found, 1):
        form = _FILE.fullmatch(name)
        if form is None or int(form[1]) != number:
            raise ConfigError(f"migration {package}/{folder}/{name}: expected the name {number:04d}_words.sql")
    return tuple(Migration(f"{namespace}/{name.removesuffix('.sql')}", entry.read_text("utf-8")) for name, entry in found)


def checksum(sql: str) -> str:
    """SHA-256 in hex over the text with plain line ends."""
    return sha256(sql.replace("\r\n", "\n").encode()).hexdigest()


def statements(sql: str) -> list[str]:
    """Split at each ``;`` outside of texts, comments and trigger bodies."""
    out, begun = [], ""
    for piece in sql.split(";"):
        begun += piece
        if sqlite3.complete_statement(begun + ";"):
            out.append(begun)
            begun = ""
        else:
            begun += ";"
    out.append(begun.removesuffix(";"))
    return [text.strip() for text in out if _COMMENT.sub("", text).strip()]


async def apply(tx: Tx, steps: Sequence[Migration], dialect: Callable[[str], str]) -> list[str]:
    """Apply what is missing; the caller holds the lock against other processes. ``dialect`` rewrites one statement for the database."""
    order = _checked(steps)
    await tx.execute(_VERSIONS)
    applied = {str(row["name"]): str(row["checksum"]) for row in await tx.fetch("SELECT name, checksum FROM schema_version")}
    _compare(order, applied)
    missing = [step for step in order.values() if step.name not in applied]
    for step in missing:
        for statement in statements(step.sql):
            await tx.execute(dialect(statement))
        await tx.execute("INSERT INTO schema_version (name, checksum) VALUES ($1, $2)", step.name, checksum(step.sql))
    return [step.name for step in missing]


def _checked(steps: Sequence[Migration]) -> dict[str, Migration]:
    order: dict[str, Migration] = {}
    last: dict[str, str] = {}
    for step in steps:
        if _NAME.fullmatch(step.name) is None:
            raise ConfigError(f"a migration is named namespace/NNNN_words, not {step.name!r}")
        namespace = step.name.partition("/")[0]
        if step.name <= last.get(namespace, ""):
            raise ConfigError(f"migration {step.name} is out of order")
        last[namespace] = step.name
        order[step.name] = step
    return order


def _compare(order: dict[str, Migration], applied: dict[str, str]) -> None:
    namespaces = {name.partition("/")[0] for name in order}
    newest: dict[str, str] = {}
    for name in sorted(applied):
        namespace = name.partition("/")[0]
        if namespace not in namespaces:
            continue
        if name not in order:
            raise ConfigError(f"the database has migration {name}, which this program does not know: use the newer program")
        if applied[name] != checksum(order[name].sql):
            raise ConfigError(f"migration {name} was changed after it was applied; add a new step instead")
        newest[namespace] = name
    for name in order:
        if name not in applied and name < newest.get(name.partition("/")[0], ""):
            raise ConfigError(f"migration {name} is older than {newest[name.partition('/')[0]]}, which is applied already")
