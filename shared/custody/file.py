"""All keys of a service in one sealed file (form: ``_envelope``). It is read once; from then on signing happens in memory.

A change is written to a new file, synced, and moved over the old one, under a lock on the directory: a crash leaves the old file or
the new one, and two processes never lose each other's keys. A key that another process added is found at its first use.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..clock import Entropy
from ..errors import ConfigError, Conflict, Unavailable
from ..keys import Custodian, KeyId, Role
from ..private_file import stamp
from . import Open
from ._envelope import MAX_BYTES, Cost, Lock, seal, unseal
from ._software import Held, SoftwareCustodian, make

_PRIVATE = 0o600


class FileCustodian(SoftwareCustodian):
    """``Custodian`` over one sealed file, which ``create`` makes if it does not exist."""

    def __init__(self, path: Path, *, entropy: Entropy, passphrase: bytes, cost: Cost | None = None) -> None:
        super().__init__(entropy=entropy)
        if not passphrase:
            raise ConfigError("the key file needs a passphrase")
        self._path = path.resolve()  # a link is followed now: it must not be replaced by a file later
        self._passphrase = passphrase
        self._cost = cost or Cost()
        self._lock: Lock | None = None
        self._seen: tuple[int, int, int] | None = None
        self._load()

    async def create(self, key: KeyId, role: Role, *, alg: str = "ES256") -> None:
        await asyncio.to_thread(self._create, key, role, alg)

    async def close(self) -> None:
        await super().close()
        self._passphrase, self._lock, self._seen = b"", None, None

    def _create(self, key: KeyId, role: Role, alg: str) -> None:
        with _locked(self._path.parent) as directory:
            self._load()
            if key in self._keys:
                raise Conflict(f"there is a key {key!r} already")
            keys = {**self._keys, key: make(role, alg, self._entropy)}
            self._store(directory, keys)
            self._keys = keys

    def _absent(self, key: KeyId) -> Held:
        self._load()
        return self._keys.get(key) or super()._absent(key)

    def _load(self) -> None:
        """Read the file if it is another one than last time."""
        if not self._passphrase:
            return  # closed
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place must not stop us here
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"cannot read the key file {self._path}: {error.strerror}") from error
        try:
            state = os.fstat(handle)
            seen = stamp(state)
            if seen != self._seen:
                self._check_owner(state)
                self._keys, self._lock = unseal(_read(handle), self._passphrase, self._lock)
                self._seen = seen
        finally:
            os.close(handle)

    def _check_owner(self, state: os.stat_result) -> None:
        if not stat.S_ISREG(state.st_mode):
            raise ConfigError(f"the key file {self._path} is not a file")
        if state.st_mode & 0o077 or state.st_uid not in {os.geteuid(), 0}:
            raise ConfigError(f"the key file {self._path} can be read by others: its owner must be this user, its mode 600 (chmod 600)")

    def _store(self, directory: int, keys: Mapping[KeyId, Held]) -> None:
        if self._lock is None:
            self._lock = Lock.derive(self._passphrase, self._entropy(16), self._cost)
        data = seal(keys, self._lock, self._entropy)
        fresh = f".{self._path.name}.new"
        try:
            with suppress(FileNotFoundError):
                os.unlink(fresh, dir_fd=directory)  # left behind by a crash; nobody else writes while we hold the lock
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE, dir_fd=directory)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(fresh, self._path.name, src_dir_fd=directory, dst_dir_fd=directory)
            os.fsync(directory)
        except OSError as error:
            with suppress(OSError):
                os.unlink(fresh, dir_fd=directory)
            raise Unavailable(f"cannot write the key file: {error.strerror}") from error


def _read(handle: int) -> bytes:
    """All of it, or one byte more than a key file may have."""
    with os.fdopen(handle, "rb", closefd=False) as stream:
        return stream.read(MAX_BYTES + 1)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The open directory, locked against other writers of key files in it."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot open the folder of the key file {folder}: {error.strerror}") from error
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield directory
    finally:
        os.close(directory)


def _open(uri: str, /, *, entropy: Entropy, passphrase: bytes | None) -> Custodian:
    """``file:relative/path`` or ``file:///absolute/path``, percent-encoded where needed."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if not path or parts.netloc or parts.query or parts.fragment:
        raise ConfigError("a key file is written file:path or file:///absolute/path")
    return FileCustodian(Path(path), entropy=entropy, passphrase=passphrase or b"")


OPEN: Open = _open
