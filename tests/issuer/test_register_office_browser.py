"""A registrar's pages, as the two who decide and a citizen see them: in a real browser, at two sizes and in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from support.browser import LAPTOP, Open
from support.federation import MINISTRY, critical
from support.federations import Member
from support.registering import COUNCIL, WIDER, Applicant
from support.registry import Registry, Template, serving
from support.superior import ANA, BEN, add_ben
from support.walk import Walker

from issuer.federation import publish, registrar
from issuer.pages.federated import link
from shared.clock import DAY
from shared.storage import Tx
from shared.web import above

pytestmark = pytest.mark.real


async def both(walker: Walker, name: str) -> None:
    """This page in English, then in Welsh, then in English again."""
    url = walker.page.url.partition("?lang")[0]
    await walker.look(name)
    await walker.go(f"{url}{'&' if '?' in url else '?'}lang=cy")
    await expect(walker.page.locator("html")).to_have_attribute("lang", "cy")
    await walker.look(f"{name}-welsh")
    await walker.go(f"{url}{'&' if '?' in url else '?'}lang=en")


async def let_register(registry: Registry) -> None:
    """The ministry lets it register in one country, as it was heard."""
    at = registry.clock()
    said = Member(MINISTRY).of(Member(registry.url), **critical(may_register=["GB"]), iat=at - 60, exp=at + DAY)

    async def note(tx: Tx) -> None:
        await above.note(tx, MINISTRY, name="Ministry of Justice (test)", statement=said, fault="", at=at)

    await registry.office.storage.write(note)


async def test_from_the_invitation_to_the_citizen(template: Template, tmp_path: Path, open_page: Open) -> None:
    above_it, folder = (MINISTRY,), tmp_path / "registrar"
    async with serving(template, folder, local=True, superior=True, authority_hints=above_it, objection_days=14) as registry:
        council, office = Applicant(registry), registry.office
        ben = Walker(watched=await open_page(LAPTOP))
        page = ben.page
        await ben.go(f"{registry.base}/console/sign-in")
        await ben.write("Your name", "Ben")
        await ben.fill(page.locator("#passphrase"), await add_ben(registry))
        await ben.press("Sign in")
        await ben.follow("Who may ask")
        await both(ben, "register-nobody")
        await let_register(registry)
        await ben.follow("Invite an organisation")
        await both(ben, "register-invite")
        await ben.press("Make the invitation")
        await expect(page.get_by_role("alert")).to_contain_text("Enter what the organisation is called")
        await ben.look("register-invite-mistakes")
        await ben.write("Its identifier", "https://bank.example")
        await ben.write("What it is called", "Northwold Bank")
        await ben.press("Make the invitation")
        await expect(page.get_by_role("heading", name="Northwold Bank is invited")).to_be_visible()
        await ben.look("register-invited")
        code = await registrar.invite(office, COUNCIL, "Anytown Borough Council", "GB", ANA)
        await registrar.apply(office, council.token(), code, shown=False)
        await ben.go(f"{registry.base}/console/register")
        await both(ben, "register-waits")
        await ben.follow("Anytown Borough Council")
        await both(ben, "register-application")
        await ben.press("Approve it")
        await expect(page.get_by_role("alert")).to_contain_text("Compare the fingerprint")
        await ben.look("register-application-mistakes")
        await ben.choose("I have compared the fingerprint with the organisation itself")
        await ben.press("Approve it")
        await expect(page.get_by_text("Approved and announced to everybody")).to_be_visible()
        await both(ben, "register-announced")
        citizen = Walker(watched=await open_page(LAPTOP))
        await citizen.go(f"{registry.base}/registered")
        await both(citizen, "registered-announced")
        registry.clock.at += 15 * DAY
        await registrar.settle(office)
        await let_register(registry)
        council.uses = (WIDER,)
        code = await registrar.invite(office, COUNCIL, "Anytown Borough Council", "GB", BEN)
        await registrar.apply(office, council.token(), code, shown=True)
        await publish.publish(office)
        await citizen.go(f"{registry.base}/registered")
        await both(citizen, "registered")
        await citizen.go(f"{registry.base}{link('/registered', COUNCIL)}")
        await both(citizen, "registered-one")
