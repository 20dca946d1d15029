"""A desk that asks wallets for permissions to tell another body something, on the network of the wallet's world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.desk import Running, read_anchor
from support.trial_verify import ISSUER, status_token
from support.world import World

from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy

DWP = "https://dwp.example"
ASSESSMENT = "care-contribution-assessment"
PERMIT = {
    "type": "representation", "query": "bank", "recipient": DWP, "recipient_name": "the Pensions department", "categories": [ASSESSMENT],
    "purpose": "so that her Pension Credit is right", "purpose_cy": "fel bod ei Chredyd Pensiwn yn iawn", "until": "2027-06-30",
}  # fmt: skip


LISTS = {uri: status_token(uri=uri) for uri in (f"{ISSUER}/status/1", f"{ISSUER}/status/2")}


@dataclass
class Street(World):
    """The world with a real desk in it."""

    desk: Running | None = None
    posted: list[Fetch] = field(default_factory=list)
    deaf: bool = False
    """What is posted arrives, and no answer comes back."""

    async def __call__(self, fetch: Fetch) -> Fetched:
        if self.desk is None or not fetch.url.startswith(self.desk.url):
            return await super().__call__(fetch)
        if self.desk.url in self.down:
            raise Unavailable("nobody answers")
        if fetch.url.endswith("/permissions"):
            self.posted.append(fetch)
        fetched = await self.desk.fetch(fetch)
        if self.deaf and fetch.method == "POST":
            raise Unavailable("the line went dead")
        return fetched

    def policy(self) -> Policy:
        pins = super().policy().anchors
        bank = [] if self.desk is None else [parse_anchor(read_anchor(self.desk.desk), role=Role.RELYING_PARTY)]
        return Policy(TrustAnchors(anchors=(*pins.anchors, *bank)))


async def ask(street: Street, **changes: Any) -> str:
    assert street.desk is not None
    status, asked = await street.desk.call("POST", "/api/permission-requests", PERMIT | changes)
    assert status == 201, asked
    return str(asked["link"])


async def tell(street: Street, permission: str, *categories: str) -> tuple[int, Any]:
    assert street.desk is not None
    path = f"/api/permissions/{permission}/uses"
    return await street.desk.call("POST", path, {"categories": list(categories) or [ASSESSMENT]})
