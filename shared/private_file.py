"""Small files of a service that are there whole or not at all: settings, trust, memories, and the secret that opens the keys."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .clock import Entropy
from .codec import base64url
from .errors import ConfigError

Stamp = tuple[int, int, int]


def stamp(state: os.stat_result) -> Stamp:
    """By which a file is known to be the one that was read before: another one was put in its place, or it was written to."""
    return state.st_ino, state.st_mtime_ns, state.st_size


def write_whole(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Put ``data`` in the place of ``file``, even if the machine stops in between. ``OSError`` if the disk refuses."""
    fresh = file.with_name(f".{file.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def make_secret(file: Path, entropy: Entropy) -> None:
    """256 random bits as text, unless the file is there already."""
    if not file.exists():
        write_whole(file, base64url.encode(entropy(32)).encode() + b"\n")


def read_secret(file: Path, where: str = "key-file") -> bytes:
    """What ``make_secret`` wrote, or somebody put there; ``ConfigError`` if it cannot be read, or others can read it."""
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} can be read by others: chmod 600 {file}", where=where)
        return file.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"cannot read {file}, which holds a secret: {error.strerror}", where=where) from error
