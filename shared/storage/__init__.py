"""Durable rows. ``open_storage`` picks the backend by URI scheme: ``sqlite:///absolute/file.db``, ``sqlite:relative.db``, ``postgresql://…``."""

from __future__ import annotations

import sys

from ..registry import by_scheme
from ._migrations import read_migrations
from ._model import Migration, Row, Storage, StorageError, Tx, Value, Work

__all__ = ["Migration", "Row", "Storage", "StorageError", "Tx", "Value", "Work", "open_storage", "read_migrations"]


def open_storage(uri: str, *, failpoint: str = "") -> Storage:
    """Open the database that ``uri`` names; ``ConfigError`` for an unknown scheme, a missing driver or an unusable file.

    ``failpoint`` is empty, or ``name:before`` | ``name:after``: kill this process at the unit of work with that ``point`` right
    before or right after its COMMIT (tests of all-or-nothing).
    """
    opened: Storage = by_scheme(sys.modules[__name__], uri, "OPEN")(uri, failpoint=failpoint)
    return opened
