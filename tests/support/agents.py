"""People with wallets of their own, the office that makes what they carry, and desks: for the stories of those who act for others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from support.desk import BANK, Running, Template, serving
from support.hands import invited
from support.neighbours import Neighbour
from support.offices import NINE, OPG, Street, open_office, set_up_desk, set_up_office
from support.thrift import easy_seal
from support.trial_verify import CLAIMS
from support.trial_web import Watch
from support.walk import Walker
from support.wallets import Site, serve_wallet

from verifier.app import one_round
from wallet import register
from wallet.consent import Consent, consent
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.present import agree, read_request
from wallet.upkeep import collect_and_look

NORA: Mapping[str, Any] = {"given_name": "Nora", "family_name": "Ashdown", "birthdate": "1968-03-14", "appointment_type": "original"}
PETER: Mapping[str, Any] = {"given_name": "Peter", "family_name": "Ashdown", "birthdate": "1971-07-30", "appointment_type": "original"}
LPA_2: Mapping[str, Any] = CLAIMS | {
    "decision_rule": "jointly",
    "cardinality": 2,
    "powers": ["council-tax", "banking", "property.sale"],
    "has_restrictions": True,
    "restrictions_text": "Not to sell Poplar Court while I live",
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4018",
}
"""LPA-2 as both attorneys have it; each document says whose it is, and the office adds the mark that both share."""
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
class Person:
    """Somebody with a wallet at a service of their own."""

    street: Street
    site: Site
    opened: Opened

    async def holds(self, claims: Mapping[str, Any], *, kind: str = "representation") -> None:
        """The office makes it and invites; the wallet collects it."""
        to = await invited(self.street, OPG, kind, claims)
        means, vault = self.site.host.means, self.opened.vault
        invitation = await read_invitation(means, vault, to.link)
        await collect_and_look(means, vault, invitation.id, to.code)

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
    """One desk, or several, and as many people as were asked for."""

    street: Street
    desk: Running
    people: list[Person]
    template: Template

    async def later(self, seconds: int) -> None:
        """What offices say then is there as well."""
        self.street.clock.at += seconds
        await self.street.cycle()


@asynccontextmanager
async def open_agents(
    folder: Path, people: int = 1, *, bodies: Sequence[tuple[str, str]] = ((BANK, "Northwold Bank"),), at: int = NINE
) -> AsyncIterator[Anytown]:
    """The desks of ``bodies``, each by its identifier and name, of which each has heard of those before it; wallets that know them all; and an office
    whose documents the desks take, by the anchor that its ``init`` wrote.
    """
    clock = Watch(at)
    with easy_seal():
        made = await set_up_office(folder / "office", OPG, "Office of the Public Guardian (test)", clock)
        trust: tuple[str, ...] = (f"{made.anchor}:credential-issuer:{OPG}",)
        templates = []
        for number, (entity, name) in enumerate(bodies):
            templates.append(await set_up_desk(folder / f"desk-{number}", entity, name, trust, clock))
            trust += (f"{templates[-1].directory / 'anchor.pem'}:relying-party:{entity}",)
    async with AsyncExitStack() as stack:
        street = Street(clock=clock, http=await stack.enter_async_context(ClientSession()))
        office = open_office(folder / "office", OPG, made, clock, types=("representation", "estate-authority"))
        street.offices[OPG] = await stack.enter_async_context(office)
        for (entity, _), template in zip(bodies, templates, strict=True):
            desk = serving(template, template.directory, site=street, clock=clock, refresh=False, public_url=entity)
            street.desks[entity] = await stack.enter_async_context(desk)
            await one_round(street.desks[entity].app)
        await street.cycle()
        found = []
        for number in range(people):
            site = await stack.enter_async_context(serve_wallet(folder / f"wallet-{number}", world=Neighbour(street)))
            await register.refresh(site.host.means, now=True)
            found.append(Person(street, site, await site.host.doors.open(site.made.holder, site.made.passphrase)))
        yield Anytown(street, next(iter(street.desks.values())), found, templates[0])


async def clerk_enters(walker: Walker, town: Anytown) -> None:
    await walker.go(f"{town.desk.base}/desk/")
    await walker.write("Your name", town.template.made.operator)
    await walker.write("Passphrase", town.template.made.passphrase)
    await walker.press("Sign in")


async def asks_by_page(clerk: Walker, town: Anytown, question: str, *, agree: str = "") -> dict[str, str]:
    """The clerk asks one ready question, and wants them to ``agree`` to something: the ``link`` that the square code says, and the ``id`` of the request."""
    await clerk.go(f"{town.desk.base}/desk/ask")
    await clerk.tick(clerk.page.locator(f'input[value="{question}"]'))
    if agree:
        await clerk.hit(clerk.page.get_by_text("If they have to agree to something"))
        await clerk.write("What they agree to (optional)", agree)
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
