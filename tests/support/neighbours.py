"""Somebody with a wallet on the street of the offices and desks: it speaks with them by their public names, and trusts them."""

from __future__ import annotations

from support.offices import Street
from support.world import World

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor


class Neighbour(World):
    """The network of the street as a wallet there sees it."""

    def __init__(self, street: Street) -> None:
        super().__init__(clock=street.clock)
        self.street = street

    async def __call__(self, fetch: Fetch) -> Fetched:
        if any(fetch.url.startswith(f"{name}/") for name in self.down):
            raise Unavailable("nobody answers")
        if any(fetch.url.startswith(f"{name}/") for name in self.street.offices):
            return await self.street(fetch)
        for desk in self.street.desks.values():
            if fetch.url.startswith(f"{desk.url}/"):
                return await desk.fetch(fetch)
        return await super().__call__(fetch)

    def policy(self) -> Policy:
        pins = [
            read_anchor(office.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=name)
            for name, office in self.street.offices.items()
        ]
        pins += [
            read_anchor(desk.desk.directory / "anchor.pem", Role.RELYING_PARTY, entity=name) for name, desk in self.street.desks.items()
        ]
        return Policy(TrustAnchors(anchors=tuple(pins)))
