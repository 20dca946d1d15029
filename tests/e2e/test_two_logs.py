"""One transaction on both sides, through real processes: the two logs agree (T-AU-2), and their commands say whether they are whole."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.deeds import opened
from support.house import House, close_house, open_house

from shared.receipts import peek_receipt

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("two logs")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = asyncio.run(open_house(tmp_path_factory.mktemp("house"), known=True))
    try:
        yield made
    finally:
        close_house(made)


def run(house: House, program: str, folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of one of the services, beside it."""
    passphrase = house.folder / "nora.txt"
    passphrase.write_text(house.nora["passphrase"])
    return subprocess.run(
        [sys.executable, "-m", program, *arguments, "--dir", str(house.folder / folder)],
        env=os.environ | {"MUNIMENT_WALLET_PASSPHRASE_FILE": str(passphrase)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_t_au_2_the_two_logs_agree(house: House, tmp_path: Path) -> None:
    """Purpose, names of details and decision of one transaction, by the wallet's word and by the council's."""
    nora = await opened(house)
    await nora.collect()
    await house.call("POST", f"{house.desk}/api/refresh", key=house.council["api_key"])
    state = await nora.share()
    assert state["decision"] == "accepted", state
    hers, theirs = await lines(house)
    receipt = peek_receipt(hers["receipt"])
    assert theirs["receipt_id"] == receipt.receipt_id
    assert theirs["intendedUseIdentifier"] == hers["intendedUseIdentifier"] == receipt.purpose_id
    assert theirs["decision"] == receipt.decision == "accepted"
    assert hers["transactionResult"] == "success"
    (shown,) = hers["listOfClaimsPresented"]
    assert theirs["vct"] == [shown["credentialIdentifier"]]
    assert {name.removesuffix("/*") for name in shown["claims"]} == set(theirs["claim_paths"])
    assert not hers["receipt_problem"]

    kept = tmp_path / "kept.txt"
    kept.write_text(hers["receipt"])
    whole = run(house, "verifier", "council", "log", "verify", "--heads", str(kept))
    assert (whole.returncode, "The log is whole: 1 entries" in whole.stdout, "all 1 heads" in whole.stdout) == (0, True, True), whole
    office = run(house, "issuer", "registry", "log", "verify")
    assert (office.returncode, "The log is whole" in office.stdout) == (0, True), office
    shown = run(house, "issuer", "registry", "log", "show")
    assert (shown.returncode, "kind=delivered" in shown.stdout, "kind=made" in shown.stdout) == (0, True, True), shown
    exported = json.loads(run(house, "verifier", "council", "log", "show", "--json").stdout)
    assert [dict(each["entry"]) for each in exported["entries"]] == [theirs]
    statement = run(house, "wallet", "nora", "statement")
    assert (statement.returncode, "shared 1, not shared 0" in statement.stdout) == (0, True), statement

    with sqlite3.connect(house.folder / "council" / "verifier.db") as rows:
        rows.execute("UPDATE log_entry SET entry = replace(entry, 'accepted', 'rejected')")
    rows.close()
    changed = run(house, "verifier", "council", "log", "verify")
    assert (changed.returncode, "an entry of the log was changed" in changed.stderr) == (1, True), changed


async def lines(house: House) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest line of her history, and of the council's log."""
    exported = json.loads(run(house, "wallet", "nora", "history", "--json").stdout)
    logged = await house.call("GET", f"{house.desk}/api/log", key=house.council["api_key"])
    (entry,) = [each["entry"] for each in logged["items"]]
    return exported["entries"][-1], dict(entry)
