"""The cookie by which the browser that began a request is known again."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from shared.web.context import settings
from verifier.sessions import Asked

_RETURN: Final = 900  # seconds that the way back from a wallet may take


def cookie_of(request: web.Request, asked: Asked) -> str:
    """What the browser has; empty for nothing."""
    return request.cookies.get(_name(request, asked), "")


def set_cookie(request: web.Request, response: web.StreamResponse, asked: Asked, value: str) -> None:
    """Out of reach of scripts and other sites, for as long as the request can be answered and the browser be on its way back."""
    life = asked.expires_at - asked.made_at + _RETURN
    secure = settings(request).secure
    response.set_cookie(_name(request, asked), value, max_age=life, httponly=True, samesite="Lax", secure=secure, path="/")


def _name(request: web.Request, asked: Asked) -> str:
    """One a request, so that two in one browser do not disturb each other."""
    return f"{'__Host-' if settings(request).secure else ''}muniment-verifier-request-{asked.id}"
