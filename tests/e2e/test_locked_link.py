"""AT-C05-2: Joan locks a copy of Arthur's death registration for Brightwater Utilities; the wallet, the registry and the desks are real programs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.documents import document
from support.house import House, close_house, open_house
from support.locked import WRONG

from demo.no_network import strongest

pytestmark = pytest.mark.real
UTIL, BANK = "https://brightwater-utilities.example", "https://northwold-bank.example"


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


async def test_at_c05_2_sealed_link(sent: Sent) -> None:
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
