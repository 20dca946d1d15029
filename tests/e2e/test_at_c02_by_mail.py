"""Domain sheet C02, acting for somebody: the scenarios in which NORA writes to bodies, by their names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from support import desk as desks
from support.agents import EPA_1
from support.browser import LAPTOP, PHONE, Open
from support.neighbours import Neighbour
from support.offices import COUNCIL, NINE, OPG, Street, bring, open_office, open_street, set_up_desk, set_up_office
from support.registry import LPA_1
from support.scenes import sign_in
from support.thrift import easy_seal
from support.walk import Walker
from support.wallets import Site, serve_wallet

from shared.clock import DAY
from shared.jose.jwt import parse_jwt
from verifier import registering
from verifier.settle import Outcome
from wallet.enter import Opened
from wallet.invite import read_invitation
from wallet.share import Wish, make_out
from wallet.upkeep import collect_and_look, upkeep

PARKING, PENSIONS = "https://parking.anytown-bc.example", "https://dwp.example"
UTILITY, NORTHWOLD = "https://brightwater.example", "https://bank.northwold.example"
SOLICITORS = "https://hale-and-finch.example"
NAMES = {
    COUNCIL: "Anytown Borough Council",
    PARKING: "Anytown parking",
    PENSIONS: "Pensions department (test)",
    UTILITY: "Brightwater Utilities",
    NORTHWOLD: "Northwold Bank",
}
NEVER = ("1938", "1968", "1971", "Peter", "M-7890-0400-4000")


@dataclass
class Nora:
    """With LPA-1 in a wallet of her own."""

    site: Site
    opened: Opened

    async def writes(self, body: str, query: str) -> bytes:
        """The file of a copy made out to a body."""
        wish = Wish(entity=body, name=NAMES[body], purpose_id=query, query=query)
        return (await make_out(self.site.host.means, self.opened.vault, wish)).value.file.encode()


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    """The Public Guardian, and two desks: council tax, and the same council's parking."""
    async with open_street(tmp_path, at=NINE) as opened, AsyncExitStack() as stack:
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in opened.offices.items()]
        with easy_seal():
            made = {url: await set_up_desk(tmp_path / url[8:12], url, NAMES[url], trust, opened.clock) for url in (COUNCIL, PARKING)}
        for url, template in made.items():
            serving = desks.serving(template, template.directory, site=opened, clock=opened.clock, refresh=False, public_url=url)
            opened.desks[url] = await stack.enter_async_context(serving)
        await opened.cycle()
        yield opened


@pytest.fixture
async def nora(street: Street, tmp_path: Path) -> AsyncIterator[Nora]:
    powers = ["council-tax", "benefits", "banking", "parking"]
    made = await street.offices[OPG].make(
        claims=LPA_1 | {"powers": powers, "register_entry": "urn:fdc:opg.example:2027:lpa:M-7890-0400-4000"}
    )
    async with serve_wallet(tmp_path / "nora", world=Neighbour(street)) as site:
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        invitation = await read_invitation(site.host.means, opened.vault, made["invitation_link"])
        await collect_and_look(site.host.means, opened.vault, invitation.id, made["code"])
        yield Nora(site, opened)


def said(outcome: Outcome) -> tuple[str, str]:
    return outcome.decision.decision, outcome.decision.code


def shown(outcome: Outcome) -> str:
    """Everything that came to a body, as text."""
    return json.dumps([each.claims.claims for each in outcome.decision.credentials], ensure_ascii=False)


async def test_at_c02_1_a_copy_by_mail_is_accepted_without_a_network(street: Street, nora: Nora) -> None:
    """Council tax has keys and a list of three hours ago, and no network: accepted, with a receipt that takes effect the same day."""
    street.clock.at = NINE + 3 * 3_600
    file = await nora.writes(COUNCIL, "council-tax")
    street.asked.clear()
    outcome = await bring(street, COUNCIL, file)
    assert said(outcome) == ("accepted", "")
    assert street.asked == []
    assert outcome.decision.status_iat == NINE
    assert outcome.receipt is not None
    told: dict[str, Any] = dict(parse_jwt(outcome.receipt).claims)
    assert told["decision"] == "accepted"
    assert told["effective_from"] // DAY == street.clock() // DAY
    text = shown(outcome)
    for value in ("Margaret", "Ashdown", "ZZ99 1AB", "council-tax"):
        assert value in text
    for value in NEVER:
        assert value not in text, value


async def test_at_c02_2_another_department_needs_its_own_copy_and_asks_nobody(street: Street, nora: Nora) -> None:
    """Forwarded by council tax, the same file is not for parking; NORA's own copy for parking is accepted, and council tax hears nothing."""
    file = await nora.writes(COUNCIL, "council-tax")
    assert said(await bring(street, COUNCIL, file)) == ("accepted", "")
    assert said(await bring(street, PARKING, file)) == ("rejected", "wrong_audience")
    own = await nora.writes(PARKING, "parking")
    street.asked.clear()
    outcome = await bring(street, PARKING, own)
    assert said(outcome) == ("accepted", "")
    assert street.asked == []
    for value in NEVER:
        assert value not in shown(outcome), value


# --- with hands ----------------------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Reader(Walker):
    """Keeps every page that was read."""

    pages: list[str] = field(default_factory=list)

    async def enter(self, what: Locator) -> None:
        await Walker.enter(self, what)
        self.pages.append(await self.page.locator("body").inner_text())


@dataclass
class Hands:
    """NORA at her wallet's pages, and the clerk at the desks that she writes to."""

    street: Street
    site: Site
    nora: Reader
    clerk: Reader

    async def writes(self, body: str, query: str) -> Path:
        """A copy made out to a body, which she looks at first; the file that she mails."""
        await self.nora.go(f"{self.site.base}/copies/new")
        await self.nora.write("Organisation", NAMES[body])
        await self.nora.write("The organisation’s own address", body)
        await self.nora.tick(self.nora.page.locator(f'input[value="representation/{query}"]'))
        await self.nora.press("Look at it first")
        await self.nora.press("Make this copy")
        async with self.nora.page.expect_download() as saving:
            await self.nora.page.get_by_role("link", name="Save the copy as a file, to send by e-mail").click()
        return await (await saving.value).path()

    async def enters(self, body: str) -> str:
        """The clerk of that body signs in; where its desk is."""
        desk = f"{self.street.desks[body].base}/desk"
        await self.clerk.go(f"{desk}/")
        await sign_in(self.clerk, "Your name", "Bea Clerk", "correct-horse-battery", "Sign in")
        return desk

    async def asks(self, body: str, query: str) -> str:
        """The clerk of that body shows a square code; what it says."""
        await self.clerk.go(f"{await self.enters(body)}/ask")
        await self.clerk.tick(self.clerk.page.locator(f'input[value="representation/{query}"]'))
        await self.clerk.press("Show the square code")
        return await self.clerk.code()

    async def answers(self, link: str) -> None:
        """NORA shows what is demanded, and nothing that is up to her."""
        await self.nora.go(f"{self.site.base}/present")
        await self.nora.write("Link of the request", link)
        await self.nora.press("Continue")
        await self.nora.press("Share once")

    async def opens(self, body: str, file: Path) -> None:
        """The clerk of that body has the file checked."""
        await self.clerk.go(f"{await self.enters(body)}/copies")
        await self.clerk.page.locator("input[type=file]").set_input_files(
            {"name": "copy.json", "mimeType": "application/json", "buffer": await asyncio.to_thread(file.read_bytes)}
        )
        await self.clerk.press("Check it")

    async def receipt(self) -> dict[str, Any]:
        """What the clerk's answer says to NORA."""
        async with self.clerk.page.expect_download() as saving:
            await self.clerk.page.get_by_role("link", name="Save the receipt").click()
        return dict(parse_jwt((await (await saving.value).path()).read_text()).claims)


@asynccontextmanager
async def open_hands(
    folder: Path, open_page: Open, bodies: Sequence[str], claims: Mapping[str, Any], solicitors: bool = False, **settings: Any
) -> AsyncIterator[Hands]:
    """Desks of the ``bodies``, and NORA with a document that the Public Guardian or, for what no register knows, her ``solicitors`` made.

    Since she collected it, three hours ago, only her wallet has asked how it stands.
    """
    async with open_street(folder, at=NINE) as street, AsyncExitStack() as stack:
        maker = OPG
        if solicitors:
            maker = SOLICITORS
            with easy_seal():
                made = await set_up_office(folder / "solicitors", maker, "Hale & Finch LLP", street.clock)
            opening = open_office(folder / "solicitors", maker, made, street.clock, types=("representation",))
            street.offices[maker] = await stack.enter_async_context(opening)
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in street.offices.items()]
        for url in bodies:
            place = folder / f"desk-{url[8:12]}"
            with easy_seal():
                template = await set_up_desk(place, url, NAMES[url], trust, street.clock)
            serving = desks.serving(template, place, site=street, clock=street.clock, refresh=False, local=True, entity=url, **settings)
            street.desks[url] = await stack.enter_async_context(serving)
        await street.cycle()
        street.asked.clear()
        invited = await street.offices[maker].make(claims=claims)
        site = await stack.enter_async_context(serve_wallet(folder / "nora", world=Neighbour(street)))
        opened = await site.host.doors.open(site.made.holder, site.made.passphrase)
        invitation = await read_invitation(site.host.means, opened.vault, invited["invitation_link"])
        await collect_and_look(site.host.means, opened.vault, invitation.id, invited["code"])
        assert street.asked
        assert all(url.startswith(maker) for url in street.asked), street.asked
        street.clock.at += 3 * 3_600
        await upkeep(site.host.means, opened.vault)  # what her wallet does by the clock, whether she shows anything or not
        street.asked.clear()
        nora, clerk = Reader(watched=await open_page(PHONE)), Reader(watched=await open_page(LAPTOP))
        await nora.go(f"{site.base}/sign-in")
        await sign_in(nora, "Name of your wallet", site.made.holder, site.made.passphrase, "Open")
        yield Hands(street, site, nora, clerk)


@pytest.mark.real
async def test_at_c02_1_by_hand_on_both_pages(tmp_path: Path, open_page: Open) -> None:
    """NORA makes the copy on her wallet's pages, and the clerk opens it at council tax; neither makes any service ask another."""
    async with open_hands(tmp_path, open_page, [COUNCIL], LPA_1) as hands:
        await hands.opens(COUNCIL, await hands.writes(COUNCIL, "council-tax"))
        await expect(hands.clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        transcript = "\n".join([*hands.nora.pages, *hands.clerk.pages])
        assert "ZZ99 1AB" in transcript
        for value in NEVER:
            assert value not in transcript, value
        receipt = await hands.receipt()
        assert (receipt["decision"], receipt["effective_from"] // DAY) == ("accepted", hands.street.clock() // DAY)
        assert hands.street.asked == []


@pytest.mark.real
async def test_at_c02_3_pensions_need_no_form_and_no_certified_copy(tmp_path: Path, open_page: Open) -> None:
    """The power over benefits is enough. On no page that NORA or the clerk read is a certified copy asked for, or the power registered."""
    async with open_hands(tmp_path, open_page, [PENSIONS], LPA_1 | {"powers": ["benefits", "banking"]}) as hands:
        nora, clerk = hands.nora, hands.clerk
        mailed = await hands.writes(PENSIONS, "pensions")
        await nora.look("wallet-copy-for-pensions")
        await hands.opens(PENSIONS, mailed)
        await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        await clerk.look("desk-pensions")
        assert "Benefits and pensions" in await clerk.row("Power")
        receipt = await hands.receipt()
        assert (receipt["decision"], receipt["effective_from"] // DAY) == ("accepted", hands.street.clock() // DAY)
        assert hands.street.asked == []
        transcript = "\n".join([*nora.pages, *clerk.pages]).lower()
        assert "benefits and pensions" in transcript
        for word in ("certified", "by post", "registration form"):
            assert word not in transcript, word


@pytest.mark.real
async def test_at_c02_8_a_power_that_was_inspected_serves_whom_it_serves(tmp_path: Path, open_page: Open) -> None:
    """EPA-1, attested by H&F: a utility admits it; the bank refuses it, and says what it accepts. The register is not asked by anybody."""
    epa = {**EPA_1, "represented": LPA_1["represented"]}
    async with open_hands(tmp_path, open_page, [UTILITY, NORTHWOLD], epa, solicitors=True) as hands:
        nora, clerk, bank = hands.nora, hands.clerk, hands.street.desks[NORTHWOLD].desk
        registering.state(bank.directory, bank.settings, "bank", {"bases": ("register", "court-order")})
        await hands.answers(await hands.asks(UTILITY, "utility"))
        await expect(nora.page.get_by_role("heading", name="Shared once")).to_be_visible()
        await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        assert await clerk.row("Type of document") == "Enduring power of attorney"
        await clerk.look("desk-utility-admits-an-inspected-power")

        await hands.answers(await hands.asks(NORTHWOLD, "bank"))
        await expect(nora.page.get_by_role("heading", name="They did not take it")).to_be_visible()
        await expect(nora.page.get_by_text("They need another kind of document.")).to_be_visible()
        await expect(nora.page.get_by_text("accepted here: register, court-order")).to_be_visible()
        await nora.look("wallet-bank-needs-another-kind")
        await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
        await expect(clerk.page.get_by_text("Accepted here: Entry in the register; Court order.")).to_be_visible()
        await clerk.look("desk-bank-says-what-it-accepts")
        assert hands.street.asked == [], "nobody asks an office because of what was shown"
