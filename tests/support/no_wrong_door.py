"""A counter that takes letters for others: a library, and a council whose registration it has heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.browser import PHONE, Open
from support.desk import Running, Site, Template, make_copy, make_template, read_anchor, serving
from support.hands import Holder, Reader
from support.holdings import put_document
from support.posting import Sent, written
from support.trial_web import Watch
from support.wallets import serve_wallet
from support.world import World

from shared.codec import base64url
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.inbox import digest
from shared.keys import Role
from shared.receipts import Exchange, Receipt, presentation_bytes, verify_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor, render_trust
from shared.trust.policy import Policy
from verifier import config, passing
from verifier.app import one_round
from wallet import register

COUNCIL, DOOR = "https://anytown-bc.example", "https://post.anytown-bc.example"


@dataclass
class Town:
    """A library, with a council whose registration it has heard."""

    library: Running
    council: Running
    up: bool = True
    status: int = 0

    async def send(self, fetch: Fetch) -> Fetched:
        if not self.up:
            raise Unavailable("nobody answers")
        if self.status:
            return Fetched(status=self.status)
        assert fetch.url == f"{DOOR}/inbox"
        return await self.council.fetch(fetch)

    def letter(self, seed: str = "copy") -> Sent:
        return written(self.council, make_copy(to=COUNCIL, at=self.council.clock(), seed=seed))


@asynccontextmanager
async def open_town(template: Template, folder: Path, *, name: str = "Anytown Library", clock: Watch | None = None) -> AsyncIterator[Town]:
    """``template`` is the library's; both in new folders below ``folder``, and with one ``clock`` if that is given."""
    other = await make_template(folder / "council-template" / "desk", name="Anytown Borough Council", entity=COUNCIL, url=DOOR)
    async with serving(other, folder / "council", public_url=DOOR, clock=clock) as council:
        await one_round(council.app)
        library_site = Heard(council)
        async with serving(template, folder / "library", local=True, site=library_site, refresh=False, name=name, clock=clock) as library:
            _pin(library, council)
            await library.store.refresh(library_site)
            yield Town(library, council)


class Heard(Site):
    """The network of the library: what the council's anchor publishes is there too."""

    def __init__(self, council: Running) -> None:
        super().__init__()
        self.council = council

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url.startswith(COUNCIL):
            return await self.council.fetch(Fetch(url=fetch.url.replace(COUNCIL, DOOR)))
        return await super().__call__(fetch)


@dataclass
class Around(World):
    """What NORA's wallet sees: the council, whose door does not answer her as long as it is ``shut``; and what it was asked."""

    town: Town | None = None
    shut: bool = True
    came: list[str] = field(default_factory=list)

    async def __call__(self, fetch: Fetch) -> Fetched:
        if self.town is None or not fetch.url.startswith((f"{COUNCIL}/", f"{DOOR}/")):
            return await super().__call__(fetch)
        path = fetch.url.removeprefix(DOOR)
        if path.startswith("/inbox"):
            if self.shut:
                raise Unavailable("nobody answers")
            self.came.append(path)
        return await self.town.council.fetch(replace(fetch, url=fetch.url.replace(COUNCIL, DOOR)))

    def policy(self) -> Policy:
        found = super().policy()
        if self.town is None:
            return found
        pin = parse_anchor(read_anchor(self.town.council.desk), role=Role.RELYING_PARTY, entity=COUNCIL, address=DOOR)
        return replace(found, anchors=replace(found.anchors, anchors=(*found.anchors.anchors, pin)))


@asynccontextmanager
async def nora_at_home(around: Around, folder: Path, open_page: Open) -> AsyncIterator[Holder]:
    """NORA before hers, with her document in it and the register as it stands."""
    async with serve_wallet(folder, world=around) as site:
        nora = Holder(site=site, walker=Reader(watched=await open_page(PHONE)))
        await nora.enters()
        await put_document(site.host.means, nora.vault, copies=6)
        await register.refresh(site.host.means, now=True)
        yield nora


def _pin(library: Running, council: Running) -> None:
    known = library.desk.trust
    anchor = parse_anchor(read_anchor(council.desk), role=Role.RELYING_PARTY, entity=COUNCIL)
    trust = TrustAnchors(anchors=(*known.anchors, anchor), bundle_signers=known.bundle_signers)
    config.trust(library.desk.directory).write_bytes(render_trust(trust))


def check_passed(library: Running, letter: Sent, token: str) -> Receipt:
    """What whoever handed it in was given: bound to the letter as it was sealed."""
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(library.desk), role=Role.RELYING_PARTY),)))
    presentation, nonce = presentation_bytes(passing.presented(letter.token)), base64url.encode(digest(letter.token))
    return verify_receipt(token, Exchange(at=library.clock(), presentation=presentation, nonce=nonce), policy=policy)
