"""The world around a wallet, with a real office of ours in it that can be shut at single addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.registry import Registry
from support.world import World

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor


@dataclass
class Town(World):
    """The world, with an office of ours in it."""

    registry: Registry | None = None
    shut: set[str] = field(default_factory=set)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if self.registry is None or not fetch.url.startswith(self.registry.url):
            return await super().__call__(fetch)
        if fetch.url.removeprefix(self.registry.url) in self.shut:
            raise Unavailable("nobody answers")
        return await self.registry.fetch(fetch)

    def policy(self) -> Policy:
        if self.registry is None:
            return super().policy()
        anchor = read_anchor(self.registry.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=self.registry.url)
        return Policy(TrustAnchors(anchors=(*super().policy().anchors.anchors, anchor)))
