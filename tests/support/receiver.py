"""An organisation's own program that takes webhooks, beside the registry's site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.desk import Site

from shared.flow import Fetch, Fetched
from shared.jose.jwt import parse_jwt

HOOK = "https://northwold-bank.example/hooks"


@dataclass
class Receiver(Site):
    """``statuses`` are its answers, 204 once they are used up; ``told`` is what it got."""

    told: list[Fetch] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url != HOOK or HOOK in self.down:
            return await super().__call__(fetch)
        self.told.append(fetch)
        return Fetched(status=self.statuses.pop(0) if self.statuses else 204)

    def claims(self, number: int = -1) -> Mapping[str, Any]:
        """What an event says, unverified."""
        return parse_jwt((self.told[number].body or b"").decode()).claims
