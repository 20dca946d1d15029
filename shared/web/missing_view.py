"""Whom one would have to trust, as a refusal says: shown to everybody, with a way to decide about it for those who may. Nothing is done by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from ..trust.missing import MissingAnchor, missing_anchor


@dataclass(frozen=True, slots=True)
class TrustLink:
    """``path`` is where a service's list of those whom it trusts is changed, ``may`` whether whoever asks may change it."""

    path: str
    may: Callable[[web.Request], Awaitable[bool]]

    def to(self, missing: MissingAnchor) -> str:
        """The form, with the name filled in."""
        if missing.authority:
            return f"{self.path}/certificate?{urlencode({'authority': missing.authority})}"
        return f"{self.path}/federation?{urlencode({'entity': missing.entity} if missing.entity else {'body': missing.body})}"


TRUST_LINK: Final[web.AppKey[TrustLink]] = web.AppKey("TRUST_LINK", TrustLink)


async def missing_view(request: web.Request, details: Iterable[str]) -> dict[str, str] | None:
    """Of the first of these words of refusals that names somebody; ``href`` is empty for those who may not change whom we trust."""
    found = next((one for one in map(missing_anchor, details) if one is not None), None)
    if found is None:
        return None
    link = request.config_dict.get(TRUST_LINK)
    href = link.to(found) if link is not None and await link.may(request) else ""
    return {"entity": found.entity, "body": found.body, "authority": found.authority, "href": href}
