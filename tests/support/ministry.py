"""A ministry at its own address, as others meet it: what it says of itself, and of the bank below it."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.desk import Site
from support.federation import MINISTRY
from support.federations import Realm, justice
from support.trial_verify import BANK

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.trust.chain import configuration_url
from shared.trust.publication import DOCUMENT
from shared.urls import well_known, with_query


@dataclass
class Ministry(Site):
    """The registry of ``Site``, and the ministry beside it; ``said`` in the place of what it says of itself, ``silent`` if it does not answer."""

    realm: Realm = field(default_factory=justice)
    said: bytes = b""
    silent: bool = False

    async def __call__(self, fetch: Fetch) -> Fetched:
        top = self.realm[MINISTRY]
        said = {
            configuration_url(MINISTRY): self.said or top.itself().encode(),
            with_query(top.fetch, {"sub": BANK}): top.of(self.realm[BANK]).encode(),
            well_known(MINISTRY, DOCUMENT): self.realm.publication(MINISTRY),
        }
        if fetch.url not in said:
            return await super().__call__(fetch)
        self.asked.append(fetch.url)
        if self.silent:
            raise Unavailable("nobody answers")
        return Fetched(status=200, body=said[fetch.url])
