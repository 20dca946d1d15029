"""What a service's application carries for everybody: typed keys, set once by ``make_app`` and read through ``request.config_dict``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from aiohttp import web

from ..clock import Clock, Entropy
from ..flow import Fetch, Fetched
from ..storage import Storage
from .settings import Common

SERVICE: web.AppKey[str] = web.AppKey("SERVICE", str)
"""``issuer``, ``wallet`` or ``verifier``: names cookies, metrics and log lines."""

SETTINGS: web.AppKey[Common] = web.AppKey("SETTINGS", Common)
CLOCK: web.AppKey[Clock] = web.AppKey("CLOCK")
ENTROPY: web.AppKey[Entropy] = web.AppKey("ENTROPY")
STORAGE: web.AppKey[Storage] = web.AppKey("STORAGE")
FETCHER: web.AppKey[Callable[[Fetch], Awaitable[Fetched]]] = web.AppKey("FETCHER")

BODIES: web.AppKey[dict[str, int]] = web.AppKey("BODIES")
"""Largest body in bytes by route template, where it differs from the setting ``max_body``."""

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
"""What a person quotes from an error page and an operator finds in the log."""


def now(request: web.Request) -> int:
    """Whole seconds since the epoch by the service's clock."""
    return request.config_dict[CLOCK]()


def entropy(request: web.Request) -> Entropy:
    """The service's source of randomness."""
    return request.config_dict[ENTROPY]


def storage(request: web.Request) -> Storage:
    """The service's storage."""
    return request.config_dict[STORAGE]


def settings(request: web.Request) -> Common:
    """The service's settings, as far as they are common to all services."""
    return request.config_dict[SETTINGS]


def public_url(request: web.Request, path: str = "") -> str:
    """``path`` (with its leading slash) under the one address that we have; the request's own Host header is never asked."""
    return request.config_dict[SETTINGS].public_url + path
