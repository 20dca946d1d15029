"""What an error of SQLite's is to whoever uses a ``Storage``."""

from __future__ import annotations

import sqlite3

from ..errors import Conflict, Unavailable
from ._model import StorageError

_AWAY = {
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL), "the database is locked by another program"),
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the database file cannot be read or written",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_NOMEM: "out of memory",
}
_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}


def translate(error: sqlite3.Error) -> Exception:
    """No library's exception crosses its adapter."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in _AWAY:
        return Unavailable(_AWAY[code & 0xFF])
    if code in _UNIQUE:
        return Conflict("this exists already")
    return StorageError(str(error))
