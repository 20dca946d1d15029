"""A counter that takes letters for others: a library, and a council whose registration it has heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.desk import Running, Site, Template, make_copy, make_template, read_anchor, serving
from support.neighbours import Neighbour
from support.offices import Street
from support.posting import Sent, written
from support.trial_web import Watch

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


class Shut(Neighbour):
    """The street, on which the council's inbox answers nobody's wallet as long as it is ``shut``; and what it was asked."""

    def __init__(self, street: Street) -> None:
        super().__init__(street)
        self.shut, self.came = True, list[str]()

    async def __call__(self, fetch: Fetch) -> Fetched:
        if fetch.url.startswith(f"{COUNCIL}/inbox"):
            if self.shut:
                raise Unavailable("nobody answers")
            self.came.append(fetch.url.removeprefix(COUNCIL))
        return await super().__call__(fetch)


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
