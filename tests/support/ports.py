"""Ports for what tests start, which nobody else takes between the asking and the listening: not another worker, and no connection that goes out."""

from __future__ import annotations

import socket
from collections import deque

import pytest

from shared.clock import system_entropy

_KEPT: deque[socket.socket] = deque()
_MOST = 100
"""So many are kept; by then a service listens at one that was asked for before them, or a test has ended."""


def free_port() -> int:
    """A port of this machine's loopback, below those that the system gives to whoever asks for any.

    A socket is bound to it that never listens: whoever looks for a port finds it taken, while a service, which says SO_REUSEADDR as all
    servers do, listens over it, and does so again after it was killed.
    """
    for _ in range(1_000):
        port = 20_000 + int.from_bytes(system_entropy(4), "big") % 12_000
        kept = socket.socket()
        try:
            kept.bind(("127.0.0.1", port))  # refused where somebody has bound it, listening or not
        except OSError:
            kept.close()
            continue
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _KEPT.append(kept)
        if len(_KEPT) > _MOST:
            _KEPT.popleft().close()
        return port
    pytest.fail("no port is free")
