"""The laptop path: a desk's command line and a wallet's, both without any network, while every service is stopped."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.house import House, close_house, open_house

from demo.no_network import strongest
from demo.poa import LPA_1
from shared.codec import qr
from shared.trust.relying_party import MEDIA_TYPE

pytestmark = pytest.mark.real
FOLDERS = {"verifier": "council", "wallet": "nora"}


class Offline:
    """Programs in a network namespace without routes, on the folders that the services left."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder, self.isolation = house, folder, strongest()
        passphrase = folder / "passphrase"
        passphrase.write_text(house.nora["passphrase"])
        self.environment = {**os.environ, "MUNIMENT_WALLET_PASSPHRASE_FILE": str(passphrase)}

    def online(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments, "--dir", str(self.house.folder / FOLDERS[module])]
        subprocess.run(command, capture_output=True, env=self.environment, check=True)

    def run(self, module: str, *arguments: str) -> tuple[int, str]:
        command = self.isolation.python(module, *arguments, "--dir", str(self.house.folder / FOLDERS[module]))
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        return done.returncode, done.stdout + done.stderr

    def good(self, module: str, *arguments: str) -> str:
        code, said = self.run(module, *arguments)
        assert code == 0, said
        return said

    def verdict(self, *files: Path) -> dict[str, Any]:
        _, said = self.run("verifier", "check", *map(str, files), "--json", *self.knowing())
        verdict: dict[str, Any] = json.loads(said)
        return verdict

    def knowing(self) -> tuple[str, ...]:
        return "--bundle", str(self.folder / "monday.pack"), "--state", str(self.folder / "desk.json")


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    """Everything is fetched while there is a network; then all services end."""
    folder = tmp_path_factory.mktemp("laptop")
    house = asyncio.run(open_house(folder))
    try:
        one = Offline(house, folder)
        asyncio.run(_prepare(one))
    finally:
        close_house(house)
    return one


async def _prepare(one: Offline) -> None:
    house, folder = one.house, one.folder
    made = await house.invite(powers=LPA_1["powers"])
    await asyncio.to_thread(one.online, "wallet", "receive", made["invitation_link"], "--code", made["code"])
    await asyncio.to_thread(one.online, "verifier", "bundle", "make", "--out", str(folder / "monday.pack"))
    async with aiohttp.ClientSession() as http, http.get(f"{house.desk}/.well-known/muniment-trust") as answer:
        published = await answer.json(content_type=None)
    (folder / "council.cert").write_bytes(_registration(published))


def _registration(published: dict[str, Any]) -> bytes:
    payload = published["snapshot"].split(".")[1]
    named = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["statements"]
    (name,) = [each["sha256"] for each in named if each["media_type"] == MEDIA_TYPE]
    return base64.b64decode(published["artefacts"][name])


def test_from_screen_to_webcam_without_any_network(offline: Offline) -> None:
    folder = offline.folder
    offline.good("verifier", "desk", "new", "Counter 3")
    question, answer = folder / "question.png", folder / "answer.gif"
    offline.good("verifier", "challenge", "--use", "council-tax", "--png", str(question), *offline.knowing())
    said = offline.good("wallet", "answer", str(question), "--register", str(folder / "council.cert"), "--yes", "--out", str(answer))
    assert "Counter 3, asks for Council tax" in said
    assert len(qr.read_loop(answer.read_bytes())) >= 1
    verdict = offline.verdict(answer)
    assert (verdict["decision"], verdict["code"], verdict["level"]["number"]) == ("accepted", "", 3), verdict["checks"]
    assert verdict["credentials"][0]["format"] == "dc+sd-cwt"
    assert verdict["sentence"] == "You can rely on this."
    again = offline.verdict(answer)
    assert (again["decision"], again["code"], again["level"]["number"]) == ("rejected", "replayed", 3)


def test_by_code_without_any_network(offline: Offline) -> None:
    folder = offline.folder
    offline.good("verifier", "desk", "new", "Counter 3")
    digits = offline.good("verifier", "code", "--use", "council-tax", *offline.knowing()).splitlines()[0]
    out, to = folder / "answer.txt", offline.house.desk
    asked = ("--code", digits, "--to", to, "--use", "council-tax", "--register", str(folder / "council.cert"))
    offline.good("wallet", "answer", *asked, "--yes", "--out", str(out))
    verdict = offline.verdict(out)
    assert (verdict["decision"], verdict["level"]["number"]) == ("accepted", 2), verdict["checks"]
    assert "could be passed on" in verdict["level_sentence"]


def test_a_desk_that_is_not_registered_gets_nothing(offline: Offline) -> None:
    question = offline.folder / "unknown.png"
    offline.good("verifier", "desk", "new", "Counter 3")
    offline.good("verifier", "challenge", "--use", "council-tax", "--png", str(question), *offline.knowing())
    code, said = offline.run("wallet", "answer", str(question), "--yes", "--out", str(offline.folder / "none.gif"))
    assert (code, "[untrusted]" in said) == (1, True)
    assert not (offline.folder / "none.gif").exists()
