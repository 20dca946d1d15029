"""``did:web``: the document lies at an https address that the identifier spells."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from ..errors import Malformed

_HOST: Final = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_STEP: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_MAX_STEPS: Final = 16


def address(did: str) -> str:
    """Where the document of a ``did:web`` lies; ``Malformed`` for an IP address, or a step that is none.

    A colon before the port is ``%3A``, and nothing else is percent-encoded here: an address has one spelling.
    """
    host, *steps = did.removeprefix("did:web:").split(":")
    name, _, port = re.sub("%3a", ":", host, flags=re.IGNORECASE).partition(":")
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise Malformed("a did:web begins with the name of a host")
    if ("%" in host and not _PORT.fullmatch(port)) or int(port or 0) > 65_535:
        raise Malformed("behind %3A stands a port")
    if len(steps) > _MAX_STEPS or not all(_STEP.fullmatch(step) and step.strip(".") for step in steps):
        raise Malformed("a step of the path is made of letters, digits, dots, - and _")
    return f"https://{name}{':' + port if port else ''}/{'/'.join(steps) or '.well-known'}/did.json"


def render(url: str) -> str:
    """The ``did:web`` of whoever has the address ``url``."""
    parts = urlsplit(url)
    did = ":".join(("did:web", parts.netloc.replace(":", "%3A"), *filter(None, parts.path.split("/"))))
    address(did)
    return did
