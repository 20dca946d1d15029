"""Nora acts for Margaret: a real issuer, a wallet for each of them, and a council and a bank that ask. Nothing else is between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientError
from support.registry import URL, Registry, Template, serving
from support.wallets import Wallet, open_wallet
from support.world import World

from issuer import donors
from issuer.app import one_round
from issuer.offers import Made
from issuer.office import Office
from issuer.sessions import Actor
from shared.errors import Unavailable
from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.web.setup import read_anchor
from wallet.invite import read_invitation
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document
from wallet.upkeep import collect_and_look

CLERK = Actor(role="clerk", name="Iris")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to the issuer, as somebody on the way or at its desk could note it down, and what it answered."""

    at: int
    path: str
    body: bytes
    status: int

    @property
    def look(self) -> tuple[int, str, int]:
        """What of it does not change with keys and dice."""
        return self.at, self.path, len(self.body)


@dataclass
class Person:
    """Somebody with a wallet. ``down``: the issuer does not answer; ``lost`` are paths whose answers do not arrive."""

    wallet: Wallet
    sent: list[Sent] = field(default_factory=list)
    down: bool = False
    lost: set[str] = field(default_factory=set)

    async def documents(self) -> list[Item[Document]]:
        return await self.wallet.documents()

    async def item(self) -> Item[Document]:
        (only,) = await self.wallet.documents()
        return only

    async def again(self) -> Document:
        item = await self.item()
        return (await self.wallet.storage.read(lambda tx: DOCUMENTS.get(tx, self.wallet.vault, item.id))).value

    def to(self, path: str) -> list[Sent]:
        """What was sent to one address, and taken."""
        return [each for each in self.sent if each.path == path and each.status < 300]


@dataclass
class Family:
    """All of them, and one clock."""

    registry: Registry
    world: World
    nora: Person
    margaret: Person
    another: Callable[[str], Awaitable[Person]]
    """Somebody with a wallet that has nothing in it yet."""

    async def go(self, seconds: int) -> None:
        """Time goes on, everybody looks after themselves once."""
        self.registry.clock.at += seconds
        self.world.clock.at = self.registry.clock.at
        await one_round(self.registry.app)
        for each in (self.nora, self.margaret):
            await each.wallet.upkeep()

    async def collect(self, who: Person, link: str, code: str | None) -> Item[Document]:
        item = await read_invitation(who.wallet.means, who.wallet.vault, link)
        return await collect_and_look(who.wallet.means, who.wallet.vault, item.id, code)

    async def appoint(self, **more: Any) -> str:
        """Nora collects her document, whose number this is."""
        made = await self.registry.make(**more)
        await self.collect(self.nora, made["invitation_link"], made["code"])
        return str(made["id"])

    async def grant(self, number: str) -> Made:
        """Margaret collects hers."""
        made = await donors.make(self.registry.office, number, actor=CLERK)
        await self.redeem(self.margaret, made)
        return made

    async def redeem(self, who: Person, made: Made | None) -> Item[Document]:
        """``who`` collects by that invitation."""
        assert made is not None
        link = f"openid-credential-offer://?credential_offer_uri={URL}/credential-offer/{made.secrets.token}"
        return await self.collect(who, link, made.secrets.code)

    async def show(self, to: str = "council-tax") -> None:
        """Nora shows hers to the council, or to the bank."""
        party = self.world.bank if to == "bank" else self.world.council
        await self.nora.wallet.share(party.ask(to))


@asynccontextmanager
async def family(template: Template, folder: Path, *, formats: Sequence[str] = ("dc+sd-jwt",), **settings: Any) -> AsyncIterator[Family]:
    """An office that makes documents in these ``formats``, two people, two bodies that ask."""

    def few(office: Office) -> Office:
        return replace(office, configurations={name: each for name, each in office.configurations.items() if each.format.name in formats})

    async with serving(template, folder / "registry", change=few, **settings) as registry, AsyncExitStack() as stack:
        world = World()
        world.clock.at = registry.clock.at
        anchor = read_anchor(registry.directory / "anchor.pem", Role.CREDENTIAL_ISSUER, entity=registry.url)
        asking = [each for each in world.policy().anchors.anchors if each.role is Role.RELYING_PARTY]
        policy = Policy(TrustAnchors(anchors=(anchor, *asking)))

        async def another(name: str) -> Person:
            wallet = await stack.enter_async_context(open_wallet(f"sqlite:///{folder}/{name}.db", world=world, holder=name, seed=name))
            person = Person(wallet)
            wallet.means = replace(wallet.means, fetch=_way(registry, world, person), trust=lambda: policy)
            return person

        yield Family(registry, world, await another("Nora"), await another("Margaret"), another)


def _way(registry: Registry, world: World, person: Person) -> Any:
    async def fetch(wanted: Fetch) -> Fetched:
        if not wanted.url.startswith(URL):
            return await world(wanted)
        path = wanted.url.removeprefix(URL)
        if person.down:
            raise Unavailable("nobody answers")
        try:
            got = await registry.fetch(wanted)
        except ClientError as error:
            raise Unavailable("the office died of it") from error
        person.sent.append(Sent(world.clock(), path, wanted.body or b"", got.status))
        if path in person.lost:
            raise Unavailable("the answer was lost")
        return got

    return fetch
