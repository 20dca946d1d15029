"""``muniment-wallet tell``: who may be told, telling them, and what they answered, in words and as JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.documents import DOCUMENTS
from support.holdings import put_document
from support.inboxes import DEATH, Town
from support.thrift import easy_seal
from support.wallets import EASY, PASSPHRASE

from shared.clock import system_clock, system_entropy
from wallet import at_terminal, register
from wallet.app import Host, open_host
from wallet.cli import main
from wallet.config import Place, open_place
from wallet.init import Wish, set_up


class Joan:
    """Her wallet's folder, in a town."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.town, self.capsys = folder, Town(), capsys
        self.town.settle("Northwold Bank", "Saxon Mutual")
        secret = folder.with_suffix(".txt")
        secret.write_text(PASSPHRASE)
        monkeypatch.setenv("MUNIMENT_WALLET_PASSPHRASE_FILE", str(secret))
        monkeypatch.setattr(at_terminal, "open_host", self.open)
        self.document = asyncio.run(self.begin())

    def open(self, place: Place) -> Host:
        clock = self.town.clock
        host = open_host(place, clock=clock)
        return replace(
            host, means=replace(host.means, fetch=self.town, trust=self.town.policy), outbox=replace(host.outbox, fetch=self.town)
        )

    async def begin(self) -> str:
        wish = Wish(folder=self.folder, public_url="http://localhost:8102", port=8102, holder="Joan", passphrase=PASSPHRASE)
        with easy_seal():
            await set_up(wish, clock=system_clock, entropy=system_entropy, hardness=EASY)
        host = self.open(open_place(self.folder))
        try:
            await host.start()
            self.town.clock.at += 600
            for each in self.town.bodies:
                each.register(2)
            await register.refresh(host.means, now=True)
            vault = (await host.doors.open("Joan", PASSPHRASE)).vault
            return await put_document(host.means, vault, vct=DEATH.vct, claims=DOCUMENTS["life-event"])
        finally:
            await host.close()

    def run(self, *words: str) -> tuple[int, str]:
        self.capsys.readouterr()
        code = main(["tell", "--dir", str(self.folder), *words])
        return code, self.capsys.readouterr().out


@pytest.fixture
def joan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Joan:
    return Joan(tmp_path / "wallet", monkeypatch, capsys)


def test_telling_by_command(joan: Joan) -> None:
    bank, saxon = joan.town.bodies
    saxon.has_inbox = False
    assert joan.run() == (0, "")
    code, out = joan.run("--document", joan.document)
    assert (code, f"{bank.entity} tell-of-death  Northwold Bank: A customer has died" in out) == (0, True)
    code, out = joan.run("--document", joan.document, "--to", bank.entity, "tell-of-death")
    assert (code, "Add --yes to tell them." in out, "would see: Last name: Penhale" in out) == (1, True, True)
    assert bank.letters == []
    code, out = joan.run("--document", joan.document, "--to", bank.entity, "tell-of-death", "--yes")
    assert (code, "accepted     Northwold Bank" in out, len(bank.letters)) == (0, True, 1)
    code, out = joan.run("--json")
    assert [one["letters"][0]["state"] for one in json.loads(out)] == ["accepted"]
    code, out = joan.run("--document", joan.document, "--all", "--find", "bank", "--about", joan.document, "--yes", "--json")
    assert (code, json.loads(out)["word"]) == (0, "corrected")
    assert bank.letters[1].about == bank.seen[0].binding_claims["jti"]
    code, out = joan.run()
    assert (code, out.count("accepted     Northwold Bank")) == (0, 2)


def test_nobody(joan: Joan) -> None:
    code, out = joan.run("--document", joan.document, "--about", joan.document)
    assert (code, out) == (0, "Nobody has registered to be told this.\n")
    assert main(["tell", "--dir", str(joan.folder), "--document", joan.document, "--to", "https://x.example", "y", "--yes"]) == 1
