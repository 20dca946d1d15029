"""The disks of issuer, relying party and wallet in a thief's hands, taken in the middle of their work (domain checks T-BR and T-CE).

Every value that a person could be known by is searched in every byte: files, write-ahead logs, free pages, backups. Then what is left is
searched for what nobody may have: a list of holders, or who showed something to whom and when.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from support.deeds import Nora, opened
from support.house import House, close_house, open_house
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.credentials import Disclosure, by_id
from shared.receipts import peek_receipt
from verifier import config
from verifier.app import build, one_round
from verifier.desk import Desk
from verifier.opening import open_desk, start, stop
from verifier.records import exchanges
from verifier.sessions import Answered
from verifier.settle import open_verdict

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("disks")]

MARGARET = {
    "given_name": "Margarethe-Canary",
    "family_name": "Ashdown-Canary",
    "birthdate": "1938-11-02",
    "address": {"postal_code": "ZQ99 4XJ"},
}
NORA = {"given_name": "Noreen-Canary", "family_name": "Ashdowne-Canary", "birthdate": "1968-03-14", "appointment_type": "original"}
ENTRY = "urn:fdc:opg.example:2027:lpa:M-5551-0400-4999"
VALUES = (
    "Margarethe-Canary",
    "Ashdown-Canary",
    "1938-11-02",
    "ZQ99 4XJ",
    "Noreen-Canary",
    "Ashdowne-Canary",
    "1968-03-14",
    ENTRY,
    "M-5551-0400",
)


DATABASES = {"registry": "issuer.db", "council": "verifier.db", "nora": "wallet.db"}
BACKUP = "backup.db"
ALWAYS = {"/".join(map(str, claim.path)) for claim in by_id("representation").claims if claim.disclosure is Disclosure.ALWAYS}


@dataclass(slots=True, kw_only=True)
class Stolen:
    """Copies of the data folders with a backup in each, taken in the middle of the work of every process; ``house`` still runs."""

    house: House
    nora: Nora
    folder: Path
    made: dict[str, Any]
    shown: dict[str, Any]

    def disk(self, name: str) -> bytes:
        return b"\n".join(each.read_bytes() for each in sorted((self.folder / name).rglob("*")) if each.is_file())

    def rows(self, name: str, database: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row of every table, by the table's name."""
        with sqlite3.connect(self.folder / name / database) as opened_database:
            opened_database.row_factory = sqlite3.Row
            for (table,) in opened_database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in opened_database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a name from the schema
                    yield table, dict(row)
        opened_database.close()


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stolen]:
    """A document made, collected, shown, sent as a copy and refused; then the disks are copied under the running processes."""
    house = asyncio.run(open_house(tmp_path_factory.mktemp("house"), known=True))
    try:
        nora, made, shown = asyncio.run(_lived_in(house))
        folder = tmp_path_factory.mktemp("stolen")
        for name, database in DATABASES.items():
            shutil.copytree(house.folder / name, folder / name)
            _back_up(house.folder / name / database, folder / name / BACKUP)
        yield Stolen(house=house, nora=nora, folder=folder, made=made, shown=shown)
    finally:
        close_house(house)


def _back_up(database: Path, backup: Path) -> None:
    """As docs/operator.md says, while the service runs."""
    with sqlite3.connect(database) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    source.close()
    target.close()


async def _lived_in(house: House) -> tuple[Nora, dict[str, Any], dict[str, Any]]:
    nora = await opened(house)
    made = await nora.collect(represented=MARGARET, proxy=NORA, register_entry=ENTRY)
    await house.call("POST", f"{house.desk}/api/refresh", key=house.council["api_key"])
    shown = await nora.share()
    assert shown["verdict"]["decision"] == "accepted"
    copy = await nora.copy_for(house.council["entity"], "Anytown Borough Council", "council-tax")
    await house.call("POST", f"{house.desk}/api/copies", key=house.council["api_key"], body=json.loads(copy))
    return nora, made, shown


@pytest.mark.parametrize("whose", ["registry", "council", "nora"])
def test_t_br_no_value_of_a_person_lies_in_clear_anywhere(stolen: Stolen, whose: str) -> None:
    """Files, write-ahead log, free pages and backup of each service, in the encodings in which a value could lie there."""
    disk = stolen.disk(whose)
    assert len(disk) > 100_000
    for value in VALUES:
        for encoded in (value.encode(), value.encode("utf-16-le"), value.upper().encode()):
            assert encoded not in disk, value


async def test_t_br_1_a_stolen_desk_holds_what_its_use_shows_and_only_as_long(stolen: Stolen, tmp_path: Path) -> None:
    """Even with the desk's own keys a thief reads nothing but the details that were asked for; after their time not even them. So he does of a
    backup that he restores: the fields are counted.
    """
    directory = shutil.copytree(stolen.folder / "council", tmp_path / "council")
    for file in directory.glob("verifier.db*"):
        file.unlink()
    (directory / BACKUP).rename(directory / "verifier.db")
    settings = config.read(directory)
    now = Watch(int(time.time()))
    desk = open_desk(directory, settings, clock=now, entropy=system_entropy)
    await start(desk)
    try:
        read = {each.asked.id: await open_verdict(desk, each) for each in await answered(desk, now())}
        assert len(read) == 2  # shown once, sent once
        for verdict in read.values():
            assert verdict is not None
            seen = {leaf for one in verdict.verdict["credentials"] for leaf in leaves(one["claims"])}
            assert seen >= {"Margarethe-Canary", "ZQ99 4XJ"}
            assert seen & {"1938-11-02", "1968-03-14", ENTRY, "M-5551-0400-4999"} == set()
            kept = {name for one in verdict.verdict["credentials"] for name in names(one["claims"])}
            assert kept - ALWAYS == {"represented/given_name", "represented/family_name", "represented/address/postal_code", "powers"}
        sealed = [bytes(each.sealed or b"") for each in await answered(desk, now())]
        assert all(each[:48] in whole(directory) for each in sealed)
        now.at += settings.keep_minutes * 60 + 1
        await one_round(build(desk, chores=False))
        assert all(each.sealed is None for each in await answered(desk, now()))
        assert not any(each[start_at : start_at + 48] in whole(directory) for each in sealed for start_at in range(0, len(each) - 48, 48))
    finally:
        await stop(desk)


async def answered(desk: Desk, at: int) -> list[Answered]:
    return [each for each in await desk.storage.read(lambda tx: exchanges.recent(tx, at, 100)) if isinstance(each, Answered)]


def whole(directory: Path) -> bytes:
    return b"\n".join(each.read_bytes() for each in sorted(directory.rglob("*")) if each.is_file())


def leaves(value: Any) -> set[Any]:
    """Every value below, however deep."""
    if isinstance(value, dict):
        return {leaf for each in value.values() for leaf in leaves(each)}
    if isinstance(value, list):
        return {leaf for each in value for leaf in leaves(each)}
    return {value}


def names(value: Any, path: str = "") -> set[str]:
    """Where each value lies; a list is one field."""
    if isinstance(value, dict):
        return {name for key, each in value.items() for name in names(each, f"{path}/{key}" if path else key)}
    return {path}


def test_t_br_2_a_stolen_issuer_knows_of_no_presentation(stolen: Stolen) -> None:
    """Who asked, for which use, and what became of it occurs nowhere on the issuer's disk."""
    disk = stolen.disk("registry")
    told = peek_receipt(stolen.shown["receipt"])
    for trace in (stolen.house.desk, "Anytown Borough Council", stolen.shown["id"], told.receipt_id, told.nonce):
        assert trace.encode() not in disk, trace


def test_t_br_3_a_stolen_wallet_is_locked_though_it_was_open(stolen: Stolen) -> None:
    """The disk was taken while Nora was signed in: neither what she holds nor with whom she dealt can be read."""
    for table, row in stolen.rows("nora", "wallet.db"):
        if table.startswith("heard_"):  # what everybody's wallet hears by the clock: who may ask for what
            continue
        for trace in (*VALUES, stolen.house.desk, "Anytown Borough Council", "representation:1", stolen.nora.token):
            assert not any(trace.encode() in cell for cell in cells(row)), (table, trace)
    disk = stolen.disk("nora")
    assert stolen.nora.token.encode() not in disk
    assert stolen.house.nora["passphrase"].encode() not in disk


def cells(row: dict[str, Any]) -> list[bytes]:
    return [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row.values() if cell is not None]


async def test_t_ce_2_no_question_lists_people(stolen: Stolen) -> None:
    """Everything that can be read without naming one thing is read with the keys of admins: no answer names anybody (ContactPoint)."""
    house = stolen.house
    keys = {house.issuer: house.registry["api_key"], house.desk: house.council["api_key"]}
    read = 0
    async with ClientSession() as http:
        for base, key in keys.items():
            async with http.get(f"{base}/api/openapi.json") as answer:
                paths = (await answer.json())["paths"]
            for path, methods in paths.items():
                if "get" not in methods or "{" in path:
                    continue
                async with http.get(base + path, headers={"Authorization": f"Bearer {key}"}) as answer:
                    told = await answer.read()
                    read += answer.status == 200
                for value in VALUES:
                    assert value.encode() not in told, (path, value)
    assert read >= 8


def test_t_ce_3_no_list_of_names_comes_of_what_everybody_can_fetch(stolen: Stolen) -> None:
    """Nor of it together with everything that the issuer keeps in clear: the rows of documents hold no word of what they say."""
    rows = [row for table, row in stolen.rows("registry", "issuer.db") if table == "document"]
    assert len(rows) == 1
    for cell in cells(rows[0]):
        for value in VALUES:
            assert value.encode() not in cell


def test_t_ce_4_person_body_and_time_stand_together_nowhere(stolen: Stolen) -> None:
    """The National Identity Register's table: whatever of a row names somebody, no row of any store names the body that asked as well."""
    people = [value.encode() for value in (*VALUES, stolen.house.nora["holder"])]
    bodies = [each.encode() for each in (stolen.house.desk, "Anytown Borough Council", stolen.house.council["entity"])]
    named = {"people": 0, "bodies": 0}
    for name, database in (("registry", "issuer.db"), ("council", "verifier.db"), ("nora", "wallet.db")):
        for table, row in stolen.rows(name, database):
            found = b"\n".join(cells(row))
            who = any(value in found for value in people)
            whom = any(value in found for value in bodies)
            named["people"] += who
            named["bodies"] += whom
            assert not (who and whom), (name, table)
    assert named["bodies"]  # the desk does name itself: what is searched for can be found


def test_t_co_5_two_bodies_cannot_join_their_logs(stolen: Stolen) -> None:
    """Digests in a log are keyed by its body: the same presentation has another one elsewhere, and nothing else in a line is anybody's."""
    entries = [json.loads(row["entry"]) for table, row in stolen.rows("council", "verifier.db") if table == "log_entry" and row["entry"]]
    assert len(entries) >= 2
    macs = [entry["presentation_mac"] for entry in entries]
    assert len(set(macs)) == len(macs)
    for entry in entries:
        names = set(entry)
        assert names <= {
            "time", "kind", "level", "intendedUseIdentifier", "vct", "claim_paths", "decision", "reason_code", "status_list_iat",
            "staff_role", "receipt_id", "presentation_mac", "retain_until", "prev",
        }, names  # fmt: skip
