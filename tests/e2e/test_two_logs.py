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
from support.deeds import Nora, opened
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
    """Purpose, names of details and decision of each transaction, by the wallet's word and by the council's: taken, refused, left open, and posted."""
    nora = await opened(house)
    for changes, decision in DECIDED:
        state = await _share(nora, await _collected(nora, **changes))
        assert state["decision"] == decision, state
    await nora.tell(await _collected(nora), "council-tax")
    hers, theirs = await lines(house)
    assert [receipt["decision"] for receipt in theirs.values()].count("accepted") == 2
    assert set(hers) == set(theirs)
    assert len(theirs) == len(DECIDED) + 1
    for number, line in hers.items():
        receipt, logged = peek_receipt(line["receipt"]), theirs[number]
        assert logged["intendedUseIdentifier"] == line["intendedUseIdentifier"] == receipt.purpose_id
        assert (logged["decision"], logged["reason_code"]) == (receipt.decision, receipt.reason_code)
        (shown,) = line["listOfClaimsPresented"]
        kinds, names = [shown["credentialIdentifier"]], {name.removesuffix("/*") for name in shown["claims"]}
        if receipt.decision == "rejected":  # of a document that was not relied on the council writes down nothing
            kinds, names = [], set()
        assert (logged["vct"], set(logged["claim_paths"])) == (kinds, names)
        assert not line["receipt_problem"]

    kept = tmp_path / "kept.txt"
    kept.write_text("\n".join(line["receipt"] for line in hers.values()))
    whole = run(house, "verifier", "council", "log", "verify", "--heads", str(kept))
    assert (whole.returncode, f"The log is whole: {len(theirs)} entries" in whole.stdout, f"all {len(theirs)} heads" in whole.stdout) == (
        0,
        True,
        True,
    ), whole
    office = run(house, "issuer", "registry", "log", "verify")
    assert (office.returncode, "The log is whole" in office.stdout) == (0, True), office
    shown = run(house, "issuer", "registry", "log", "show")
    assert (shown.returncode, "kind=delivered" in shown.stdout, "kind=made" in shown.stdout) == (0, True, True), shown
    exported = json.loads(run(house, "verifier", "council", "log", "show", "--json").stdout)
    assert {each["entry"]["receipt_id"]: dict(each["entry"]) for each in exported["entries"]} == theirs
    statement = run(house, "wallet", "nora", "statement")
    assert (statement.returncode, "shared 3, not shared 0, did not work 1" in statement.stdout) == (0, True), statement

    with sqlite3.connect(house.folder / "council" / "verifier.db") as rows:
        rows.execute("UPDATE log_entry SET entry = replace(entry, 'accepted', 'rejected')")
    rows.close()
    changed = run(house, "verifier", "council", "log", "verify")
    assert (changed.returncode, "an entry of the log was changed" in changed.stderr) == (1, True), changed


DECIDED: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "accepted"),
    ({"cancelled": True}, "rejected"),
    ({"has_restrictions": True, "restrictions_text": "Not while I live"}, "undecided"),
)
"""By what became of a document meanwhile, or what it says otherwise than LPA-1."""


async def _collected(nora: Nora, *, cancelled: bool = False, **changes: object) -> str:
    house = nora.house
    made = await house.invite(**changes)
    document = str((await nora.call("POST", "/api/receive", {"link": made["invitation_link"], "code": made["code"]}))["document"])
    if cancelled:
        path = f"{house.issuer}/api/credentials/{made['id']}/cancel"
        await house.call("POST", path, key=house.registry["api_key"], body={"reason": "donor-revoked"})
    await house.call("POST", f"{house.desk}/api/refresh", key=house.council["api_key"])
    return document


async def _share(nora: Nora, document: str) -> dict[str, Any]:
    """That very document, as the council asks for it."""
    asked = await nora.house.ask()
    seen = await nora.call("POST", "/api/requests", {"link": asked["link"]})
    (part,) = seen["parts"]
    (choice,) = [each for each in part["choices"] if each["document"] == document]
    agreed = {"documents": {part["query"]: document}, "seen": {part["query"]: choice["seen"]}, "ways": seen["ways"]}
    await nora.call("POST", f"/api/requests/{seen['id']}/agree", agreed)
    path = f"{nora.house.desk}/api/presentation-requests/{asked['id']}"
    state: dict[str, Any] = await nora.house.call("GET", path, key=nora.house.council["api_key"])
    return state


async def lines(house: House) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """What her history and the council's log say, by the number of the receipt."""
    exported = json.loads(run(house, "wallet", "nora", "history", "--json").stdout)
    logged = await house.call("GET", f"{house.desk}/api/log", key=house.council["api_key"])
    shown: dict[str, list[Any]] = {}  # the answer to a letter is a line of its own, after that of the copy
    for each in exported["entries"]:
        shown.setdefault(each["transactionIdentifier"], []).extend(each.get("listOfClaimsPresented", ()))
    hers = {
        peek_receipt(each["receipt"]).receipt_id: each | {"listOfClaimsPresented": shown[each["transactionIdentifier"]]}
        for each in exported["entries"]
        if each.get("receipt")
    }
    return hers, {each["entry"]["receipt_id"]: dict(each["entry"]) for each in logged["items"]}
