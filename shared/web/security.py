"""Headers that keep a browser honest, and where a request truly came from.

The policy of contents is strict for every answer: nothing from elsewhere, no inline script or style, no framing, Trusted Types without
any policy. A page that needs more says so for itself: ``allow(response, script_src="'wasm-unsafe-eval'", media_src="blob:")``.

Chromium also applies ``form-action`` to redirects after a form post. A page that must lead to a foreign address after a post shows
a link there instead; only where that cannot be, ``allow(response, form_action="https://there.example")`` on the page with the form.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from aiohttp import web
from multidict import istr

from ..errors import Misdirected
from .context import SETTINGS
from .settings import Common, origin_of

_POLICY: dict[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_CSP: web.ResponseKey[dict[str, str]] = web.ResponseKey("content_security_policy")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # under "no-referrer" browsers send forms with `Origin: null`, also to ourselves
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def allow(response: web.StreamResponse, **directives: str) -> None:
    """Widen the policy of this one response: ``allow(response, media_src="blob:")`` adds sources to a directive."""
    extra = response.get(_CSP, {})
    response[_CSP] = extra
    for name, sources in directives.items():
        directive = name.replace("_", "-")
        extra[directive] = f"{extra[directive]} {sources}" if directive in extra else sources


def leave_for(address: str) -> web.HTTPSeeOther:
    """On to somebody else's address exactly as it stands, to be raised; ``web.HTTPSeeOther(address)`` writes addresses anew.

    ``address`` went through ``urls.split``. Whoever is waited for there may compare it byte by byte (RFC 9700 section 2.1).
    """
    response = web.HTTPSeeOther("/")
    response.headers["Location"] = address
    return response


def policy(extra: dict[str, str]) -> str:
    """The whole header; ``'none'`` gives way to what is added."""
    parts = dict(_POLICY)
    for directive, sources in extra.items():
        had = parts.get(directive, "'none'")
        parts[directive] = sources if had == "'none'" else f"{had} {sources}"
    return "; ".join(f"{directive} {sources}" for directive, sources in parts.items())


_FIXED = tuple((istr(name), value) for name, value in _HEADERS.items())
_SERVER, _POLICY_NAME, _PLAIN_POLICY = istr("Server"), istr("Content-Security-Policy"), policy({})


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, not a middleware: it also sees files and what failed before a handler ran. A handler's own header stays."""
    headers = response.headers
    headers.pop(_SERVER, None)
    for name, value in _FIXED:
        if name not in headers:
            headers[name] = value
    if _POLICY_NAME not in headers:
        extra = response.get(_CSP)
        headers[_POLICY_NAME] = policy(extra) if extra else _PLAIN_POLICY
    if request.config_dict[SETTINGS].secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def check_host(host: str, remote: str | None, settings: Common) -> None:
    """Raise ``Misdirected`` unless Host is our own name, a literal address, localhost, or was set by a trusted proxy."""
    if not _own_name(host.lower(), settings.public_url) and not _trusted(remote, settings.trusted_proxies):
        raise Misdirected("this service does not go by that name")


@lru_cache(maxsize=256)
def _own_name(host: str, public_url: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return host in {"", origin_of(public_url).partition("://")[2]} or name == "localhost" or _address(name.strip("[]")) is not None


def client_address(request: web.Request) -> str:
    """The address of whoever called, for rate limits: the nearest one that is not a trusted proxy."""
    settings = request.config_dict[SETTINGS]
    address = request.remote or ""
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
    while hops and _trusted(address, settings.trusted_proxies):
        hop = hops.pop()
        if _address(hop) is None:
            break
        address = hop
    return address


@lru_cache(maxsize=1_024)
def _trusted(address: str | None, networks: tuple[str, ...]) -> bool:
    parsed = _address(address or "")
    return parsed is not None and any(parsed in ipaddress.ip_network(network) for network in networks)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
