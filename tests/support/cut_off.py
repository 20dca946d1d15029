"""No network, for a service that runs in the test's own process: whatever it tries to reach is refused, and noted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_OUTWARD = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
_cut: list[list[str]] = []  # the innermost block is the last


@cache
def _listen() -> None:
    """Once a process: a hook of the interpreter cannot be taken away, and does nothing outside of the blocks."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _cut and event in _OUTWARD:
        _cut[-1].append(f"{event} {arguments[1:]}")
        raise PermissionError("this process has no network")


@contextmanager
def cut_off() -> Iterator[list[str]]:
    """What was tried. Who comes to a service from outside still does, as a clerk's browser on the same machine."""
    _listen()
    _cut.append([])
    try:
        yield _cut[-1]
    finally:
        _cut.pop()
