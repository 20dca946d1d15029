"""People with wallets of their own at desks that are really there, all in one process: for the stories of those who act for others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.desk import BANK, Running, Template, read_anchor, serving
from support.desk import make_template as make_desk
from support.holdings import put_document
from support.trial_verify import CLAIMS, LIST, VCT, status_token
from support.trusting import Publisher
from support.walk import Walker
from support.wallets import Site, serve_wallet
from support.world import World

from shared.flow import Fetch, Fetched
from shared.keys import Role
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from wallet.consent import Consent, consent
from wallet.enter import Opened
from wallet.present import agree, read_request

NORA: Mapping[str, Any] = {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original"}
PETER: Mapping[str, Any] = {"given_name": "Peter", "family_name": "Ashdown", "birthdate": "1971-07-30", "appointment_type": "original"}
LPA_2: Mapping[str, Any] = CLAIMS | {
    "decision_rule": "jointly",
    "cardinality": 2,
    "instrument_tag": "q83vEjRWeJCrze8SNFZ4kA",
    "powers": ["council-tax", "banking", "property.sale"],
    "has_restrictions": True,
    "restrictions_text": "Not to sell Poplar Court while I live",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4018",
}
"""LPA-2 as both attorneys have it; each document says whose it is."""
EPA_1: Mapping[str, Any] = {name: value for name, value in CLAIMS.items() if name != "attestation_basis"} | {
    "instrument_type": "epa",
    "authority_current": True,
    "powers": ["general"],
    "grant_date": "2006-05-09",
    "issuing_authority": "Hale & Finch LLP",
}
WELFARE: Mapping[str, Any] = CLAIMS | {
    "instrument_type": "lpa-personal-welfare",
    "usable_when": "when-capacity-lost",
    "powers": ["general"],
}


def of(instrument: Mapping[str, Any], person: Mapping[str, Any], number: int | None = None, **changes: Any) -> dict[str, Any]:
    """The document of one attorney."""
    return {**instrument, "proxy": dict(person), **({} if number is None else {"attorney_number": number}), **changes}


@dataclass
class Agents(World):
    """The network as wallets see it, with desks in it."""

    desks: dict[str, Running] = field(default_factory=dict)

    async def __call__(self, fetch: Fetch) -> Fetched:
        for url, desk in self.desks.items():
            if fetch.url.startswith(url + "/"):
                self.log.append((self.clock(), fetch.method, fetch.url))
                return await desk.fetch(fetch)
        return await super().__call__(fetch)

    def policy(self) -> Policy:
        known = super().policy()
        pins = tuple(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY) for desk in self.desks.values())
        return Policy(TrustAnchors(anchors=(*known.anchors.anchors, *pins), federation=known.anchors.federation))


@dataclass
class Person:
    """Somebody with a wallet at a service of their own."""

    site: Site
    opened: Opened

    async def holds(self, claims: Mapping[str, Any], *, vct: str = VCT, copies: int = 4) -> str:
        return await put_document(self.site.host.means, self.opened.vault, vct=vct, claims=claims, copies=copies)

    async def look(self, link: str) -> Consent:
        item = await read_request(self.site.host.means, self.opened.vault, link)
        return await consent(self.site.host.means, self.opened.vault, item.id)

    async def share(self, link: str, *, optional: tuple[str, ...] = ()) -> Consent:
        """Everything that is demanded, and those details of the optional ones whose keys end so."""
        view = await self.look(link)
        ticked = [extra.key for extra in view.optional if extra.key.endswith(optional)] if optional else []
        means, vault = self.site.host.means, self.opened.vault
        await agree(means, vault, view.id, optional=ticked, chosen=view.documents, ways=view.ways, seen=view.seen)
        return await consent(means, vault, view.id)


@dataclass
class Anytown:
    """One desk and as many people as were asked for."""

    world: Agents
    desk: Running
    people: list[Person]
    template: Template

    def later(self, seconds: int) -> None:
        """What issuers and anchors say then is there as well."""
        self.world.clock.at += seconds
        self.desk.site.lists[LIST] = status_token(iat=self.world.clock() - 60)
        self.desk.site.trust = Publisher(seq=2, at=self.world.clock() - 60)

    async def refresh(self) -> None:
        await self.desk.store.refresh(self.desk.site)


@asynccontextmanager
async def open_agents(
    folder: Path, people: int = 1, *, body: tuple[str, str] = (BANK, "Northwold Bank"), **settings: Any
) -> AsyncIterator[Anytown]:
    """A body's desk under the address where it truly listens, a bank's unless its identifier and name are said, and wallets that know it."""
    template = await make_desk(folder / "template" / "desk", entity=body[0], name=body[1])
    async with AsyncExitStack() as stack:
        world = Agents()
        desk = await stack.enter_async_context(serving(template, folder / "desk", local=True, clock=world.clock, **settings))
        world.desks[desk.url] = desk
        found = []
        for number in range(people):
            site = await stack.enter_async_context(serve_wallet(folder / f"wallet-{number}", world=world))
            found.append(Person(site, await site.host.doors.open(site.made.holder, site.made.passphrase)))
        yield Anytown(world, desk, found, template)


async def clerk_enters(walker: Walker, town: Anytown) -> None:
    await walker.go(f"{town.desk.base}/desk/")
    await walker.write("Your name", town.template.made.operator)
    await walker.write("Passphrase", town.template.made.passphrase)
    await walker.press("Sign in")


async def asks_by_page(clerk: Walker, town: Anytown, question: str) -> dict[str, str]:
    """The clerk asks one ready question: the ``link`` that the square code says, and the ``id`` of the request."""
    await clerk.go(f"{town.desk.base}/desk/ask")
    await clerk.tick(clerk.page.locator(f'input[value="{question}"]'))
    await clerk.press("Show the square code")
    return {"link": await clerk.code(), "id": clerk.page.url.partition("?")[0].rpartition("/")[2]}


async def holder_enters(walker: Walker, person: Person) -> None:
    await walker.go(f"{person.site.base}/sign-in")
    await walker.write("Name of your wallet", person.site.made.holder)
    await walker.write("Passphrase", person.site.made.passphrase)
    await walker.press("Open")


async def holder_opens(walker: Walker, person: Person, link: str) -> None:
    """The link of a request, pasted."""
    await walker.go(f"{person.site.base}/present")
    await walker.write("Link of the request", link)
    await walker.press("Continue")
