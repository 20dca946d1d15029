"""Where a browser goes back to from the pages behind ``/authorize``: the address that a wallet gave."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9.+-]*")


def lands(redirect_uri: str) -> dict[str, str]:
    """Where she comes back to, as people can compare it: the ``host`` of a site, or the name that an ``app`` registered."""
    parts = urlsplit(redirect_uri)
    return {"host": parts.netloc} if parts.scheme in {"https", "http"} else {"app": parts.scheme}


def form_target(redirect_uri: str) -> str:
    """What ``form-action`` has to allow so that a form may lead to ``redirect_uri``; empty where that cannot be said (CSP3 section 2.3.1)."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"https", "http"}:
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        return origin if _ORIGIN.fullmatch(origin) else ""
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else ""
