"""A kind of document that no package knows: one file, named in three settings, is issued, held, shown and verified like any other."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.house import House, close_house, open_house
from support.library_card import LIBRARY_CARD

pytestmark = pytest.mark.real
FOLDERS = {"issuer": "registry", "wallet": "nora", "verifier": "council"}
NORA = {"given_name": "Nora", "family_name": "Ashdown", "may_borrow": True, "branches": ["Anytown"], "loans": 3}
CARD = NORA | {"issuing_authority": "Anytown Library", "issuing_country": "GB", "issuing_jurisdiction": "GB-EAW"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("library")
    file = folder / "card.json"
    file.write_text(json.dumps(LIBRARY_CARD, ensure_ascii=False), "utf-8")
    house = asyncio.run(open_house(folder, types=[file]))
    (folder / "passphrase").write_text(house.nora["passphrase"])
    yield house
    close_house(house)


def run(house: House, module: str, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", module, *arguments, "--dir", str(house.folder / FOLDERS[module])]
    environment = {**os.environ, "MUNIMENT_WALLET_PASSPHRASE_FILE": str(house.folder / "passphrase")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def good(house: House, module: str, *arguments: str) -> str:
    code, said = run(house, module, *arguments)
    assert code == 0, said
    return said


async def made(house: House) -> dict[str, Any]:
    body = {"type": "library-card", "claims": CARD}
    answer: dict[str, Any] = await house.call(
        "POST", f"{house.issuer}/api/credentials", key=house.registry["api_key"], headers={"Idempotency-Key": "card"}, body=body
    )
    return answer


async def test_issued_held_shown_and_verified(library: House, tmp_path: Path) -> None:
    card = await made(library)
    good(library, "wallet", "receive", card["invitation_link"], "--code", card["code"])
    assert "Library card, from Office" in good(library, "wallet", "list")
    body = {"type": "library-card", "query": "borrow"}
    asked = await library.call("POST", f"{library.desk}/api/presentation-requests", key=library.council["api_key"], body=body)
    said = good(library, "wallet", "present", asked["link"], "--yes")
    assert "signed receipt" in said
    state = await library.call("GET", f"{library.desk}/api/presentation-requests/{asked['id']}", key=library.council["api_key"])
    assert (state["decision"], state["code"]) == ("accepted", ""), state
    shown = state["verdict"]["credentials"][0]["claims"]
    assert (shown["may_borrow"], shown["family_name"], "given_name" in shown, "loans" in shown) == (True, "Ashdown", False, False)
    pack, copy = tmp_path / "monday.pack", tmp_path / "copy.json"
    good(library, "verifier", "bundle", "make", "--out", str(pack))
    wish = ("--to", library.desk, "--to-name", "Council", "--purpose", "borrow", "--query", "borrow", "--type", "library-card")
    good(library, "wallet", "address", *wish, "--out", str(copy))
    verdict = json.loads(good(library, "verifier", "check", str(copy), "--as", library.desk, "--bundle", str(pack), "--json"))
    assert verdict["decision"] == "accepted", verdict
    assert verdict["credentials"][0]["claims"]["family_name"] == "Ashdown"


async def test_the_pages_show_it(library: House) -> None:
    told = await library.call("GET", f"{library.issuer}/api/types", key=library.registry["api_key"])
    assert "library-card" in json.dumps(told)


@pytest.mark.parametrize("module", FOLDERS)
def test_each_program_checks_a_file(library: House, tmp_path: Path, module: str) -> None:
    file = tmp_path / "type.json"
    file.write_text(json.dumps(LIBRARY_CARD))
    said = good(library, module, "type", "check", str(file))
    assert "Library card (Cerdyn llyfrgell)" in said
    assert "Follows Entry in a civil register, once that is shown: cancel, died" in said
    file.write_text(json.dumps(LIBRARY_CARD | {"copy_days": 400}))
    assert run(library, module, "type", "check", str(file)) == (1, f"muniment-{module}: from 1 to 31 (at /copy_days) [malformed]\n")
    file.write_text(json.dumps(LIBRARY_CARD | {"title": {"en": "Other card", "cy": "Cerdyn arall"}}))
    code, said = run(library, module, "type", "check", str(file))
    assert (code, "is taken by the kind of document library-card (at /id)" in said) == (1, True)
    code, said = run(library, module, "type", "check", str(tmp_path / "none.json"))
    assert (code, "cannot be read" in said) == (78, True)
    assert json.loads(good(library, module, "type", "show", "library-card")) == json.loads(json.dumps(LIBRARY_CARD))
    code, said = run(library, module, "type", "show", "bus-pass")
    assert (code, "unknown_credential_type" in said) == (1, True)
