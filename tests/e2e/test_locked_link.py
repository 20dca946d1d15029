"""AT-C05-2: Joan locks a copy of Arthur's death registration for Brightwater Utilities, on the pages and by command."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from support import desk as desks
from support.browser import LAPTOP, Open
from support.documents import document
from support.hands import at_desk, invited, opened_wallet
from support.house import House, close_house, open_house
from support.locked import WRONG
from support.offices import BANK, GRO, NINE, Street, open_street, set_up_desk
from support.thrift import easy_seal
from support.walk import Walker

from demo.no_network import strongest
from shared.clock import DAY

pytestmark = pytest.mark.real
UTIL = "https://brightwater-utilities.example"


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    """The registrar, BANK, and UTIL with a desk of its own."""
    async with open_street(tmp_path, at=NINE) as opened:
        trust = [f"{each.directory / 'anchor.pem'}:credential-issuer:{name}" for name, each in opened.offices.items()]
        with easy_seal():
            template = await set_up_desk(tmp_path / "util", UTIL, "Brightwater Utilities", trust, opened.clock)
        serving = desks.serving(template, template.directory, site=opened, clock=opened.clock, refresh=False, public_url=UTIL)
        async with serving as opened.desks[UTIL]:
            await opened.cycle()
            yield opened


@dataclass
class Mailbox:
    """A browser without a network, at the clock of the street, and the locked page as it was saved from a mail."""

    walker: Walker
    file: Path
    asked: list[str]

    @classmethod
    async def of(cls, page: bytes, folder: Path, open_page: Open) -> Mailbox:
        file, walker = folder / "locked-copy.html", Walker(watched=await open_page(LAPTOP))
        file.write_bytes(page)
        asked: list[str] = []
        walker.page.on("request", lambda request: asked.append(request.url))
        await walker.page.context.set_offline(True)
        return cls(walker, file, asked)

    async def tries(self, words: str, *, at: int) -> None:
        """Opens the file, and types the words."""
        await self.walker.page.clock.set_fixed_time(at)
        await self.walker.page.goto(self.file.as_uri())
        await self.walker.write("The seven words", words)
        await self.walker.hit(self.walker.page.get_by_role("button", name="Open it"))


async def test_at_c05_2_sealed_link(street: Street, tmp_path: Path, open_page: Open) -> None:
    """On the pages: wrong words show nothing, right ones open it without a network and UTIL's desk accepts it; at BANK's it is made for somebody
    else, and after its end it shows nothing and is refused.
    """
    async with opened_wallet(street, tmp_path / "joan", open_page) as joan:
        await joan.collects(await invited(street, GRO, "life-event", document("life-event")))
        await joan.writes(UTIL, "Brightwater Utilities", "life-event/tell-of-death")
        locked, words = await joan.locks()
        await joan.walker.look("wallet-locked")
    util, bank = await at_desk(street, UTIL, open_page), await at_desk(street, BANK, open_page)
    mail = await Mailbox.of(locked, tmp_path, open_page)
    page, street_asked = mail.walker.page, len(street.asked)
    for wrong in (WRONG, words.replace(words[:5], "wrong")):
        await mail.tries(wrong, at=street.clock())
        await expect(page.get_by_role("alert")).to_have_text("These words do not open it. Check each word with whoever told them to you.")
        await expect(page.locator("#shown")).to_be_hidden()
        assert not [secret for secret in ("Arthur", "Penhale", "Brightwater", words) if secret in await page.content()]
        await util.unlocks(locked, wrong)
        await expect(util.walker.page.get_by_text("These words do not open it.").first).to_be_visible()
        assert "Penhale" not in await util.walker.page.content()
    await mail.walker.look("locked-page-shut")
    await mail.tries(words, at=street.clock())
    await expect(page.get_by_role("heading", name="For Brightwater Utilities")).to_be_focused()
    await expect(page.get_by_text("Penhale").first).to_be_visible()
    await expect(page.get_by_text("It cannot prove who signed it")).to_be_visible()
    await mail.walker.look("locked-page-open")
    assert [address for address in mail.asked if not address.startswith(("file:", "data:"))] == []

    await bank.unlocks(locked, words)
    assert await bank.reads() == ("Do not rely on this", "wrong_audience")
    await expect(bank.walker.page.get_by_text("made for Brightwater Utilities").first).to_be_visible()
    assert "Penhale" not in await bank.walker.page.content()
    await bank.walker.look("desk-made-for-somebody-else")
    await util.unlocks(locked, words)
    assert await util.reads() == ("You can rely on this", "")
    assert "Penhale" in await util.walker.text()
    await util.walker.look("desk-unlocked")
    assert len(street.asked) == street_asked, "nobody is asked"

    street.clock.at += 8 * DAY
    await street.cycle()
    await mail.tries(words, at=street.clock())
    await expect(page.get_by_text("Its time is over since")).to_be_visible()
    assert "Penhale" not in await page.content()
    await util.enters()
    await util.unlocks(locked, words)
    said, code = await util.reads()
    assert (said, code) == ("Do not rely on this", "expired")
    assert "Penhale" not in await util.walker.page.content()
    await util.walker.look("desk-its-time-is-over")


@dataclass
class Sent:
    """The page as it lies in a mailbox, the words as they were told, and a checking pack of that morning."""

    page: Path
    words: str
    pack: Path
    house: House

    def check(self, entity: str, words: str) -> tuple[int, str]:
        """In a network namespace without routes; the words go by standard input."""
        arguments = ("check", str(self.page), "--bundle", str(self.pack), "--as", entity, "--words", "-", "--json")
        command = strongest().python("verifier", *arguments, "--dir", str(self.house.folder / "council"))
        done = subprocess.run(command, input=words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def verdict(self, entity: str) -> dict[str, Any]:
        _, said = self.check(entity, self.words)
        found: dict[str, Any] = json.loads(said)
        return found


def run(house: House, module: str, folder: str, *arguments: str) -> str:
    """What a command of one of the programs says, with the data of that folder; the wallet is Nora's."""
    passphrase = house.folder / "nora.passphrase"
    passphrase.write_text(house.nora["passphrase"])
    environment = {**os.environ, "MUNIMENT_WALLET_PASSPHRASE_FILE": str(passphrase)}
    command = [sys.executable, "-m", module, *arguments, "--dir", str(house.folder / folder)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


@pytest.fixture
async def sent(house: House, tmp_path: Path) -> Sent:
    made = await house.call(
        "POST", f"{house.issuer}/api/credentials", key=house.registry["api_key"], headers={"Idempotency-Key": f"death {tmp_path.name}"},
        body={"type": "life-event", "claims": document("life-event")},
    )  # fmt: skip
    page, pack = tmp_path / "locked.html", tmp_path / "monday.pack"

    def work() -> str:
        run(house, "wallet", "nora", "receive", made["invitation_link"], "--code", made["code"])
        wish = ("--type", "life-event", "--purpose", "tell-of-death", "--query", "tell-of-death")
        said = run(house, "wallet", "nora", "address", "--to", UTIL, "--to-name", "Brightwater Utilities", *wish, "--locked", str(page))
        run(house, "verifier", "council", "bundle", "make", "--out", str(pack))
        return said.rpartition(": ")[2].strip()

    return Sent(page, await asyncio.to_thread(work), pack, house)


async def test_at_c05_2_sealed_link_by_command(sent: Sent) -> None:
    assert sent.words.count("-") == 6
    html = sent.page.read_text()
    for secret in ("Arthur", "Penhale", "Brightwater", sent.words):
        assert secret not in html
    code, said = sent.check(UTIL, WRONG)
    assert (code, "Penhale" in said, "Brightwater" in said) == (1, False, False)
    assert "these words do not open it" in said
    wrong = sent.verdict(BANK)
    assert (wrong["decision"], wrong["code"], wrong["credentials"]) == ("rejected", "wrong_audience", [])
    assert "made for Brightwater Utilities" in {line["detail"] for line in wrong["checks"]}
    right = sent.verdict(UTIL)
    assert (right["decision"], right["code"]) == ("accepted", ""), right["checks"]
    assert right["credentials"][0]["claims"]["subject"]["family_name"] == "Penhale"
    assert "cause_of_death" not in json.dumps(right)


async def test_at_c05_2_sealed_link_for_a_registered_key(tmp_path: Path) -> None:
    """The council has registered a key: nothing is read out, its folder alone opens the page, without a network, and the stranger learns for whom it is."""
    house = await open_house(tmp_path / "house", known=True)
    try:
        page, pack = tmp_path / "locked.html", tmp_path / "monday.pack"

        def check(folder: str, entity: str) -> tuple[int, dict[str, Any]]:
            arguments = ("check", str(page), "--bundle", str(pack), "--as", entity, "--json", "--dir", str(house.folder / folder))
            done = subprocess.run(strongest().python("verifier", *arguments), capture_output=True, text=True, check=False)
            return done.returncode, json.loads(done.stdout or f'{{"error": {json.dumps(done.stderr)}}}')

        made = await house.invite()
        wish = ("--to", house.desk, "--to-name", "Tax people", "--purpose", "council-tax", "--query", "council-tax", "--locked", str(page))
        await asyncio.to_thread(run, house, "wallet", "nora", "receive", made["invitation_link"], "--code", made["code"])
        said = await asyncio.to_thread(run, house, "wallet", "nora", "address", *wish)
        assert "There are no words to tell." in said
        html = page.read_text()
        for secret in ("Ashdown", "Margaret", "Tax people"):
            assert secret not in html
        await asyncio.to_thread(run, house, "verifier", "council", "bundle", "make", "--out", str(pack))
        wrong, verdict = await asyncio.to_thread(check, "council", BANK)
        assert (wrong, verdict["code"], verdict["credentials"]) == (1, "wrong_audience", []), verdict
        assert any(line["detail"].startswith("made for ") for line in verdict["checks"])
        elsewhere, verdict = await asyncio.to_thread(check, "stranger", house.desk)
        assert (elsewhere, "inbox does not have" in str(verdict)) == (1, True), verdict
        right, verdict = await asyncio.to_thread(check, "council", house.desk)
        assert (right, verdict["decision"]) == (0, "accepted"), verdict
        by_desk = await house.call("POST", f"{house.desk}/api/locked-links", key=house.council["api_key"], body={"link": html})
        assert by_desk["decision"] == "accepted"
    finally:
        close_house(house)
