"""A wallet's world in which one organisation is a verifier that runs here, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace

from support.desk import URL, Running, read_anchor
from support.inboxes import Town
from support.world import BANK

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import parse_anchor
from shared.trust.policy import Policy


@dataclass
class WithBank(Town):
    """A town in which the bank is a verifier that runs here."""

    running: Running | None = None

    async def __call__(self, fetch: Fetch) -> Fetched:
        if self.running is None or not fetch.url.startswith(URL + "/"):
            return await super().__call__(fetch)
        if URL in self.down:
            raise Unavailable("nobody answers")
        return await self.running.fetch(fetch)

    def policy(self) -> Policy:
        found = super().policy()
        if self.running is None:
            return found
        pin = parse_anchor(read_anchor(self.running.desk), role=Role.RELYING_PARTY, entity=BANK, address=URL)
        others = tuple(each for each in found.anchors.anchors if each.entity != BANK and each.name != "Bank anchor")
        return replace(found, anchors=replace(found.anchors, anchors=(*others, pin)))
