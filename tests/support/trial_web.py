"""What the tests of shared.web say about their fixtures, and a clock that they set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web
from aiohttp.test_utils import TestClient

Client = TestClient[web.Request, web.Application]
Serve = Callable[[web.Application], Awaitable[Client]]


class Build(Protocol):
    """``app_of(max_body=2048)``: an application with storage and the settings given."""

    def __call__(self, **settings: object) -> web.Application: ...


class Watch:
    """A clock that tests set."""

    def __init__(self, at: int = 1_800_000_000) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at
