"""A verifier on the network of a federation: the registry's site, and all superiors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.desk import Site, copy_file
from support.federation import MINISTRY
from support.federations import Realm, justice

from shared.flow import Fetch, Fetched
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.publication import DOCUMENT
from shared.urls import well_known
from shared.verify import Decision
from verifier import copies
from verifier.desk import Desk
from verifier.material import Store


@dataclass
class Town(Site):
    """The registry's site and all superiors of a federation."""

    trust: Any = None
    realm: Realm = field(default_factory=justice)
    lies: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url in {well_known(each, DOCUMENT) for each in self.realm.members}:
            self.asked.append(fetch.url)
            return self.realm.street(**self.lies).answer(fetch)
        return await super().__call__(fetch)


def pin(desk: Desk, town: Town, *signers: str) -> None:
    """``trust add`` for the ministry, and nothing else."""
    trust = TrustAnchors(federation=(town.realm.pin(MINISTRY),), bundle_signers=signers)
    (desk.directory / "trust.json").write_bytes(render_trust(trust))


async def check(desk: Desk, store: Store | None = None, copy: bytes | None = None, **how: Any) -> Decision:
    return (await copies.bring(desk, store or Store(desk), copy or copy_file(**how), made_by="desk")).decision
