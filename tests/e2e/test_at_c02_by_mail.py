"""Domain sheet C02, acting for somebody: the scenarios in which NORA writes to bodies, by their names."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support import desk as desks
from support.agents import EPA_1, PETER
from support.browser import Open
from support.cut_off import cut_off
from support.hands import Clerk, Holder, at_desk, invited, mailed, opened_wallet
from support.offices import COUNCIL, NINE, OPG, Street, open_office, open_street, set_up_desk, set_up_office
from support.registry import LPA_1
from support.thrift import easy_seal

from shared.addressed import audience, parse_file
from shared.clock import DAY
from shared.formats import formats
from shared.web import log
from verifier.app import one_round
from wallet import register
from wallet.records import ADDRESSED
from wallet.upkeep import upkeep

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


def opened_of(file: bytes) -> str:
    """Every detail that a copy opens, whether any page shows it or not."""
    copy = parse_file(file)
    ((wire,),) = copy.vp_token.values()
    form = formats()[copy.format]
    return json.dumps(form.peek(form.parse(wire)).claims, ensure_ascii=False, default=str)


@dataclass
class Hands:
    """NORA at her wallet's pages, and the clerks of the bodies that she writes to."""

    street: Street
    nora: Holder
    card: str
    clerks: dict[str, Clerk]

    async def mails(self, body: str, question: str) -> tuple[bytes, tuple[str, str]]:
        """A copy made out to a body, which its clerk opens: the file, and what came of it."""
        file = await self.nora.writes(body, NAMES[body], f"representation/{question}")
        return file, await self.clerks[body].opens(file)


@asynccontextmanager
async def open_hands(
    folder: Path, open_page: Open, bodies: Sequence[str], claims: Mapping[str, Any], *, solicitors: bool = False, hours: int = 3
) -> AsyncIterator[Hands]:
    """Desks of the ``bodies``, and NORA with a document that the Public Guardian or, for what no register knows, her ``solicitors`` made.

    Since she collected it, so many ``hours`` ago, only her wallet has asked how it stands.
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
            serving = desks.serving(template, place, site=street, clock=street.clock, refresh=False, public_url=url)
            street.desks[url] = await stack.enter_async_context(serving)
        await street.cycle()
        street.asked.clear()
        power = await invited(street, maker, "representation", claims)
        nora = await stack.enter_async_context(opened_wallet(street, folder / "nora", open_page, careful=True))
        card = await nora.collects(power)
        assert street.asked
        assert all(url.startswith(maker) for url in street.asked), street.asked
        street.clock.at += hours * 3_600
        opened = await nora.site.host.doors.open(nora.site.made.holder, nora.site.made.passphrase)
        await upkeep(nora.site.host.means, opened.vault)  # what her wallet does by the clock, whether she shows anything or not
        street.asked.clear()
        nora.walker.pages.clear()
        await nora.enters()
        yield Hands(street, nora, card, {url: await at_desk(street, url, open_page, careful=True) for url in bodies})


@pytest.mark.real
async def test_at_c02_1_a_copy_by_mail_is_accepted_without_a_network(tmp_path: Path, open_page: Open) -> None:
    """Council tax has keys and a list of three hours ago, and its network is off: accepted, with a receipt that takes effect the same day.

    PETER is the other attorney of the same instrument, as the office knows; nobody else hears of him.
    """
    async with open_hands(tmp_path, open_page, [COUNCIL], LPA_1, hours=0) as hands:
        clerk = hands.clerks[COUNCIL]
        await invited(hands.street, OPG, "representation", LPA_1 | {"proxy": dict(PETER)})
        file = await hands.nora.writes(COUNCIL, NAMES[COUNCIL], "representation/council-tax")
        hands.street.clock.at += 3 * 3_600
        await clerk.enters()
        with cut_off() as tried:
            with pytest.raises(PermissionError):  # it is off indeed
                socket.create_connection(("127.0.0.1", 9))
            tried.clear()
            await clerk.brings(mailed(file, "copy.json", "application/json"))
            await expect(clerk.walker.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        assert tried == []
        assert await clerk.reads() == ("You can rely on this", "")
        transcript, opened = "\n".join([*hands.nora.walker.pages, *clerk.walker.pages]), opened_of(file)
        for value in ("Margaret", "Ashdown", "ZZ99 1AB", "Council tax"):
            assert value in await clerk.walker.text(), value
        for value in ("Margaret", "Ashdown", "ZZ99 1AB", "council-tax"):
            assert value in opened, value
        for value in NEVER:
            assert value not in transcript, value
            assert value not in opened, value
        receipt = await clerk.receipt()
        assert (receipt["decision"], receipt["effective_from"] // DAY) == ("accepted", hands.street.clock() // DAY)
        assert receipt["status_list_iat"] == NINE
        assert hands.street.asked == []


@pytest.mark.real
async def test_at_c02_2_another_department_needs_its_own_copy_and_asks_nobody(tmp_path: Path, open_page: Open) -> None:
    """Forwarded by council tax, the same file is not for parking; NORA's own copy for parking is accepted, and council tax hears nothing."""
    async with open_hands(tmp_path, open_page, [COUNCIL, PARKING], LPA_1 | {"powers": ["council-tax", "parking"]}) as hands:
        parking = hands.clerks[PARKING]
        file, said = await hands.mails(COUNCIL, "council-tax")
        assert said == ("You can rely on this", "")
        assert await parking.opens(file) == ("Do not rely on this", "wrong_audience")
        assert "Margaret" not in await parking.walker.text()
        council = hands.street.desks[COUNCIL].desk
        before = await council.storage.read(log.head)
        await one_round(parking.desk.app)
        await register.refresh(hands.nora.site.host.means, now=True)
        hands.street.asked.clear()
        hands.nora.walker.done.clear()
        telling = await hands.nora.tells(hands.card, PARKING, "parking")
        done = hands.nora.walker.done
        assert done == ["tick", "press See what each would learn", "press Agree and tell 1 organisation"], (
            "one choice, a look, one confirmation"
        )
        await hands.nora.hears(telling, "accepted")
        assert (await hands.nora.answer())["decision"] == "They can rely on this"
        await parking.walker.go(f"{parking.desk.base}/desk/inbox")
        await parking.walker.enter(parking.walker.page.locator("table a.govuk-link"))
        await parking.walker.look("desk-parking")
        shown = await parking.walker.text()
        files = [item.value.file for item in await hands.nora.site.host.storage.read(lambda tx: ADDRESSED.all(tx, hands.nora.vault))]
        (opened,) = [opened_of(each.encode()) for each in files if parse_file(each).aud == audience(PARKING)]
        assert "Margaret" in shown
        assert "Margaret" in opened
        for value in NEVER:
            assert value not in shown, value
            assert value not in opened, value
        assert await council.storage.read(log.head) == before
        assert hands.street.asked == []


@pytest.mark.real
async def test_at_c02_3_pensions_need_no_form_and_no_certified_copy(tmp_path: Path, open_page: Open) -> None:
    """The power over benefits is enough. On no page that NORA or the clerk read is a certified copy asked for, or the power registered."""
    async with open_hands(tmp_path, open_page, [PENSIONS], LPA_1 | {"powers": ["benefits", "banking"]}) as hands:
        nora, clerk = hands.nora.walker, hands.clerks[PENSIONS].walker
        _, said = await hands.mails(PENSIONS, "pensions")
        await nora.look("wallet-copy-for-pensions")
        assert said == ("You can rely on this", "")
        await clerk.look("desk-pensions")
        assert "Benefits and pensions" in await clerk.row("Power")
        receipt = await hands.clerks[PENSIONS].receipt()
        assert (receipt["decision"], receipt["effective_from"] // DAY) == ("accepted", hands.street.clock() // DAY)
        assert hands.street.asked == []
        transcript = "\n".join([*nora.pages, *clerk.pages]).lower()
        assert "benefits and pensions" in transcript
        for word in ("certified", "by post", "registration form"):
            assert word not in transcript, word


@pytest.mark.real
async def test_at_c02_8_a_power_that_was_inspected_serves_whom_it_serves(tmp_path: Path, open_page: Open) -> None:
    """EPA-1, signed in 2006 and certified by H&F: a utility admits it; the bank refuses it, and says what it accepts. The register is not asked by
    anybody, and has nothing about it.
    """
    epa = {**EPA_1, "represented": LPA_1["represented"]}
    async with open_hands(tmp_path, open_page, [UTILITY, NORTHWOLD], epa, solicitors=True) as hands:
        nora, clerk, bank = hands.nora.walker, hands.clerks[UTILITY].walker, hands.clerks[NORTHWOLD]
        await nora.go(hands.card)
        for words in ("Enduring power of attorney", "9 May 2006", "Hale & Finch LLP"):
            assert words in await nora.text(), words
        await bank.walker.go(f"{bank.desk.base}/desk/uses/bank")
        for label in ("Entry in the register", "Court order"):
            await bank.walker.choose(label)
        await bank.walker.press("Register this")
        await hands.nora.answers(await hands.clerks[UTILITY].asks("representation/utility"))
        await expect(nora.page.get_by_role("heading", name="Shared once")).to_be_visible()
        await expect(clerk.page.get_by_role("heading", name="You can rely on this")).to_be_visible()
        assert await clerk.row("Type of document") == "Enduring power of attorney"
        await clerk.look("desk-utility-admits-an-inspected-power")

        clerk = hands.clerks[NORTHWOLD].walker
        await hands.nora.answers(await hands.clerks[NORTHWOLD].asks("representation/bank"))
        await expect(nora.page.get_by_role("heading", name="They did not take it")).to_be_visible()
        await expect(nora.page.get_by_text("They need another kind of document.")).to_be_visible()
        await expect(nora.page.get_by_text("They accept: Entry in the register; Court order.")).to_be_visible()
        await nora.look("wallet-bank-needs-another-kind")
        await expect(clerk.page.get_by_role("heading", name="Do not rely on this")).to_be_visible()
        await expect(clerk.page.get_by_text("Accepted here: Entry in the register; Court order.")).to_be_visible()
        await clerk.look("desk-bank-says-what-it-accepts")
        assert hands.street.asked == [], "nobody asks an office because of what was shown"
