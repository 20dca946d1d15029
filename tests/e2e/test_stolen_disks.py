"""The disks of issuer, relying party and wallet in a thief's hands, taken in the middle of their work (domain checks T-BR and T-CE).

Every value of every document is searched in every byte: files, write-ahead logs, free pages, backups. Then what is left is searched for what
nobody may have: a list of holders, or who showed something to whom and when. And what was printed is searched as well (T-AU-3).
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from support.dying import ROOT
from support.house import House, close_house, open_house
from support.lived_in import (
    CLAIMS,
    DAYS,
    DIED,
    KEPT,
    KNOWN,
    LOOKED,
    MARGARET,
    POWER,
    REFERENCE,
    WRONG,
    Lived,
    Pages,
    browser,
    label,
    live,
    settle,
    signed_in,
)  # fmt: skip
from support.reading import PIECE, clear, left_of, lies_in, open_to_all, pieces, texts, whole
from support.trial_web import Watch

from issuer import app as office_app
from issuer import config as office_config
from shared.clock import DAY, system_entropy
from shared.credentials import all_types
from shared.receipts import peek_receipt
from shared.storage import Tx, open_storage
from shared.web import operators
from shared.web.operators import Operator
from shared.web.passphrases import hash_passphrase
from verifier import config
from verifier.app import build, one_round
from verifier.desk import Desk
from verifier.opening import open_desk, start, stop
from verifier.records import exchanges, permissions
from verifier.sessions import Answered, Exchange
from verifier.settle import open_verdict
from wallet import app as wallet_app
from wallet.config import open_place

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("disks")]

VALUES = tuple(
    sorted(value for value in texts([*CLAIMS, KNOWN, WRONG, REFERENCE, LOOKED]) if "anary" in value or any(c.isdigit() for c in value))
)
"""What a person could be known by: names, dates, addresses, numbers."""
DATABASES = {"registry": "issuer.db", "council": "verifier.db", "nora": "wallet.db"}
BACKUP = "backup.db"
LATER = 3 * 366 * DAY


@dataclass(slots=True, kw_only=True)
class Stolen:
    """Copies of the data folders with a backup in each, taken in the middle of the work of every process; ``house`` still runs.

    ``bare`` is what lay in each folder before anybody came.
    """

    house: House
    lived: Lived
    folder: Path
    bare: dict[str, bytes]

    def disk(self, name: str) -> bytes:
        return whole(self.folder / name)

    def rows(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row of every table, by the table's name."""
        yield from rows(self.folder / name / BACKUP)


def rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of a backup: to open a database that has a log would move the log into it."""
    with sqlite3.connect(file) as database:
        database.row_factory = sqlite3.Row
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a name from the schema
                yield table, dict(row)
    database.close()


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stolen]:
    """Everything was done once; then the disks are copied under the running processes."""
    house = asyncio.run(open_house(tmp_path_factory.mktemp("house"), known=True, settle=settle))
    try:
        bare = {name: clear(whole(house.folder / name)) for name in DATABASES}
        lived = asyncio.run(live(house))
        folder = tmp_path_factory.mktemp("stolen")
        for name, database in DATABASES.items():
            _steal(house.folder / name, folder / name, database)
        yield Stolen(house=house, lived=lived, folder=folder, bare=bare)
    finally:
        close_house(house)


def _steal(directory: Path, to: Path, database: str) -> None:
    """The folder as it lies, and a backup as docs/operator.md says, while the service runs."""
    shutil.copytree(directory, to)
    with sqlite3.connect(directory / database) as source, sqlite3.connect(to / BACKUP) as target:
        source.backup(target)
    source.close()
    target.close()


@pytest.mark.parametrize("whose", [*DATABASES])
def test_t_br_no_value_of_a_person_lies_in_clear_anywhere(stolen: Stolen, whose: str) -> None:
    """Every value of every document and of what was said beside, in files, write-ahead log, free pages and backup of each service, in the encodings
    in which it could lie there. What lay there before anybody came, such as a word of the software or the name of a detail, tells nothing; a desk's questions may name
    what it asks for, and so may the register that everybody's wallet hears.
    """
    disk = clear(stolen.disk(whose))
    assert len(disk) > 100_000
    details = " ".join(name_of(claim.path) for kind in all_types().values() for claim in kind.claims)
    searched = {value for value in texts([*CLAIMS]) | set(VALUES) if value not in details and not lies_in(value, stolen.bare[whose])}
    assert searched >= set(VALUES)
    assert {"telecare", "property.sale"} <= searched or whose != "registry"
    assert {value for value in searched if lies_in(value, disk)} <= (set() if whose == "registry" else ASKED)
    assert not [words for words in stolen.lived.words if any(lies_in(each, disk) for each in spoken(words))]


def spoken(words: str) -> set[str]:
    """Seven words as they are told, typed or sent."""
    each = re.split(r"[ -]+", words)
    assert len(each) == 7
    return {between.join(each) for between in (" ", "-", "+", "%20", "")}


ASKED = {"council-tax", "death", "general"}
"""Words of the council's own questions."""


async def test_t_br_1_a_stolen_desk_holds_what_its_receipts_say_and_only_as_long(stolen: Stolen, tmp_path: Path) -> None:
    """Even with the desk's own keys a thief reads nothing but the details that were asked for. What was posted is kept as long as the holder's receipt
    says, which names each of them; so it is with what was shown with a permission. What was shown otherwise goes with the desk's minutes, and the
    receipt names what the council's own records have of it. So it is of a backup that is restored.
    """
    directory = restored(stolen, "council", tmp_path)
    told = {receipt.receipt_id: receipt for receipt in map(peek_receipt, stolen.lived.receipts)}
    settings = config.read(directory)
    now = Watch(int(time.time()))
    desk = open_desk(directory, settings, clock=now, entropy=system_entropy)
    await start(desk)
    try:
        (permitted,) = await desk.storage.read(lambda tx: permissions.recent(tx, now(), 100))
        kept, lies, named = dict[str, int](), dict[str, int](), 0
        for each in await answered(desk, now()):
            opened = await open_verdict(desk, each)
            assert opened is not None
            assert opened.receipt is not None
            receipt = told[opened.receipt["receipt_id"]]
            kept[each.asked.id], lies[each.asked.id] = receipt.retain_until or 0, each.keep_until
            assert set(receipt.claims_kept) >= {*KEPT}
            for one in opened.verdict["credentials"]:
                seen = {label(all_types()[one["vct"]].id, name) for name in names(one["claims"])}
                assert seen
                if each.asked.terms.kind == "letter" or each.asked.id == permitted.exchange:
                    named += 1
                    assert seen <= set(receipt.claims_kept)
                else:
                    assert each.keep_until == each.at + settings.keep_minutes * 60
                assert (
                    texts(one["claims"]) & {"1938-11-02", "1968-03-14", "1931-04-21", POWER["register_entry"], DIED["register_entry"]}
                    == set()
                )
        assert len(kept) == 5  # shown, shown with a permission, brought, brought locked, posted
        assert min(kept.values()) > now() + (DAYS - 1) * DAY
        assert named == 2
        assert permitted.keep_until <= kept[permitted.exchange], "what was shown with a permission is kept to prove it"
        sealed = pieces(bytes(each.sealed or b"") for each in await answered(desk, now()))
        assert left_of(sealed, whole(directory))
        app = build(desk, chores=False)
        for until in sorted({*lies.values(), *kept.values()}):
            now.at = until + 1
            await one_round(app)
            left = {each.asked.id for each in await answered(desk, now()) if each.sealed is not None}
            assert not left & {each for each, end in lies.items() if end <= until}
        assert all(end <= kept[each] for each, end in lies.items())
        assert not left_of(sealed, whole(directory))
    finally:
        await stop(desk)


def restored(stolen: Stolen, whose: str, to: Path) -> Path:
    """The stolen folder with its backup in the place of the database."""
    directory = shutil.copytree(stolen.folder / whose, to / whose)
    for file in directory.glob(f"{DATABASES[whose]}*"):
        file.unlink()
    (directory / BACKUP).rename(directory / DATABASES[whose])
    return directory


# --- what was removed -------------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def an_old_desk(directory: Path, _: Stolen) -> AsyncIterator[None]:
    """Retention ends, letters and permissions are over, and whoever was known is forgotten."""
    now = Watch(int(time.time()) + LATER)
    desk = open_desk(directory, config.read(directory), clock=now, entropy=system_entropy)
    await start(desk)
    try:
        await one_round(build(desk, chores=False))
        yield
    finally:
        await stop(desk)


@asynccontextmanager
async def an_old_office(directory: Path, _: Stolen) -> AsyncIterator[None]:
    """Claims, invitations, links to copies and what holders said are over."""
    now = Watch(int(time.time()) + LATER)
    office = office_app.open_office(directory, office_config.read(directory), clock=now)
    await office_app.start(office)
    try:
        await office_app.one_round(office_app.build(office, chores=False))
        yield
    finally:
        await office_app.stop(office)


@asynccontextmanager
async def an_old_wallet(directory: Path, stolen: Stolen) -> AsyncIterator[None]:
    """Copies run out, letters are over, and it is opened once more."""
    now = Watch(int(time.time()) + LATER)
    host = wallet_app.open_host(open_place(directory), clock=now)
    await host.start()
    try:
        since, made = host.unlocked.mark(), stolen.house.nora
        opened = await host.doors.open(made["holder"], made["passphrase"])
        host.unlocked.open(opened.vault, opened.holder, since=since)
        await wallet_app.one_round(wallet_app.build(host))
        yield
    finally:
        await host.close()


AGED: dict[str, Callable[[Path, Stolen], AbstractAsyncContextManager[None]]] = {
    "registry": an_old_office, "council": an_old_desk, "nora": an_old_wallet,
}  # fmt: skip
GONE = {
    "registry": {"invitation", "token", "entitlement"},
    "council": {"exchange", "letter", "permission", "given_document", "known_customer"},
    "nora": {"items"},
}


@pytest.mark.parametrize("whose", [*DATABASES])
async def test_t_br_what_was_removed_is_in_no_file_log_free_page_or_backup(stolen: Stolen, tmp_path: Path, whose: str) -> None:
    """The theft is three years later: of every value of a row that is gone, sealed or not, nothing is left, and the process still runs."""
    directory, database = shutil.copytree(stolen.folder / whose, tmp_path / whose), DATABASES[whose]
    before = [(table, cell) for table, row in rows(directory / BACKUP) for cell in cells(row)]
    (directory / BACKUP).unlink()
    async with AGED[whose](directory, stolen):
        _steal(directory, tmp_path / "thief", database)
    still = b"\n".join(cell for _, row in rows(tmp_path / "thief" / BACKUP) for cell in cells(row))
    every = pieces(cell for _, cell in before)
    every -= {still[at : at + PIECE] for at in left_of(every, still)}
    assert {table for table, cell in before if pieces([cell]) & every} >= GONE[whose]
    found, left = (left_of(every, _bytes_of(each, database)) for each in (stolen.folder / whose, tmp_path / "thief"))
    assert len(found) > len(every), "what is searched for could be found, in the backup too"
    assert left == []


def _bytes_of(directory: Path, database: str) -> bytes:
    """The database with its log, and the backup."""
    return b"\n".join(file.read_bytes() for file in (*sorted(directory.glob(f"{database}*")), directory / BACKUP))


# --- what a relying party holds ---------------------------------------------------------------------------------------------------------


async def answered(desk: Desk, at: int) -> list[Answered]:
    async def unit(tx: Tx) -> list[Exchange | None]:
        return [await exchanges.find(tx, row["id"], at) for row in await tx.fetch("SELECT id FROM exchange")]

    return [each for each in await desk.storage.read(unit) if isinstance(each, Answered)]


def name_of(path: tuple[str | int | None, ...]) -> str:
    return "/".join(str(step) for step in path if step is not None)


def names(value: Any, path: str = "") -> set[str]:
    """Where each value lies; a list is one field."""
    if isinstance(value, dict):
        return {name for key, each in value.items() for name in names(each, f"{path}/{key}" if path else key)}
    return {path}


def test_t_br_2_a_stolen_issuer_knows_of_no_presentation(stolen: Stolen) -> None:
    """Who asked, for which use, and what became of it occurs nowhere on the issuer's disk."""
    disk = stolen.disk("registry")
    told = peek_receipt(stolen.lived.shown["receipt"])
    for trace in (stolen.house.desk, "Anytown Borough Council", stolen.lived.shown["id"], told.receipt_id, told.nonce):
        assert trace.encode() not in disk, trace


def test_t_br_3_a_stolen_wallet_is_locked_though_it_was_open(stolen: Stolen) -> None:
    """The disk was taken while Nora was signed in: neither what she holds nor with whom she dealt can be read."""
    for table, row in stolen.rows("nora"):
        if table.startswith("heard_"):  # what everybody's wallet hears by the clock: who may ask for what
            continue
        for trace in (*VALUES, stolen.house.desk, "Anytown Borough Council", "representation:1", stolen.lived.nora.token):
            assert not any(trace.encode() in cell for cell in cells(row)), (table, trace)
    disk = stolen.disk("nora")
    assert stolen.lived.nora.token.encode() not in disk
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
                    told = clear(await answer.read())
                    read += answer.status == 200
                for value in VALUES:
                    assert value.encode() not in told, (path, value)
    assert read >= 8


async def test_t_ce_2_no_page_lists_people_whoever_looks(stolen: Stolen, tmp_path: Path) -> None:
    """Every page that names no one thing, and every search, as an outsider, as somebody else's clerk or holder, and as whoever may see most: no
    list names anybody, and to nobody but a clerk of the body itself does a search tell that somebody is there.

    That clerk finds letters to her group by what they say, as long as they are kept, and documents by number or the office's own reference. Nothing
    finds what was shown live or brought, a permission or a document by a name.
    """
    house, bases = stolen.house, {"registry": stolen.house.issuer, "council": stolen.house.desk, "nora": stolen.house.wallet}
    pages = {whose: await _paths(stolen, whose, tmp_path / whose) for whose in bases}
    await _others(house)
    async with browser() as http:
        keys = await (await signed_in(http, house, "registry")).open("/console/keys")
    (kid,) = set(re.findall(r'href="/console/keys/([^"/?]+)"', keys)) - {"next"}
    found, tried = set[tuple[str, str, str]](), dict[str, int]()
    async with browser() as nobody, browser() as another, browser() as admin:
        for who, http in (("nobody", nobody), ("another", another), ("admin", admin)):
            for whose, base in bases.items():
                if (who, whose) == ("admin", "nora"):  # her own, of course, shows what she holds
                    continue
                at = Pages(http, base) if who == "nobody" else await signed_in(http, house, whose, **({} if who == "admin" else OTHERS))
                for path in pages[whose]:
                    told = clear((await at.open(path)).encode())
                    assert not [value for value in VALUES if lies_in(value, told)], (who, path)
                for template, search in SEARCHES.items():
                    if search.whose != whose:
                        continue
                    path = search.path.format(kid=kid)
                    none, stood = _leads_to(await search.ask(at, path, NOT_THERE)), at.status
                    if who == ("another" if whose == "nora" else "admin"):
                        tried[template] = stood
                    for term in TERMS:
                        page = await search.ask(at, path, term)
                        if _leads_to(page) != none:
                            found.add((who, search.path, term))
                        assert not [value for value in VALUES if value != term and value in page], (who, template)
    assert sum(map(len, pages.values())) > 60
    letter = ("admin", "/desk/inbox", TOLD)  # and not by the date of birth, which the council was not told
    assert TOLD in texts(DIED)
    of_key = ("admin", "/console/keys/{kid}", REFERENCE)  # a clerk does not come to the keys
    assert found == {letter, of_key} | {(who, "/console/documents", REFERENCE) for who in ("another", "admin")}
    # whoever may see most comes to each, but no federation is trusted there; of the wallets, one that has no document to tell of is tried
    assert {template for template, status in tried.items() if status != 200} <= {"desk/members.html", "wallet/tell_choose.html"}
    assert set(tried) == set(SEARCHES)


def test_t_ce_2_every_search_of_a_page_is_tried() -> None:
    """By what stands in the templates: a new search fails here until it is tried as the others are."""
    assert searches_in_templates() == set(SEARCHES)


NOT_THERE = "Nobody-Canary"
TOLD = "Penhale-Canary"
TERMS = ("Ashdown-Canary", "Noreen-Canary", TOLD, "1931-04-21", REFERENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How a search is asked: by an address, or with the form that it is part of."""

    whose: str
    path: str
    field: str = "q"
    beside: tuple[tuple[str, str], ...] = ()
    posted: bool = False

    async def ask(self, at: Pages, path: str, term: str) -> str:
        fields = dict(self.beside) | {self.field: term}
        if not self.posted:
            return await at.open(path, **fields)
        await at.open(path)
        return await at.send(path, **fields)


SEARCHES = {
    "console/list.html": Search(whose="registry", path="/console/documents", field="reference"),
    "console/key.html": Search(whose="registry", path="/console/keys/{kid}", field="search"),
    "console/waiting.html": Search(whose="registry", path="/console/waiting"),
    "console/events.html": Search(whose="registry", path="/console/events", beside=(("all", "1"),)),
    "console/corrections.html": Search(whose="registry", path="/console/corrections"),
    "desk/inbox.html": Search(whose="council", path="/desk/inbox"),
    "desk/permissions.html": Search(whose="council", path="/desk/permissions"),
    "desk/requests.html": Search(whose="council", path="/desk/requests"),
    "desk/decisions.html": Search(whose="council", path="/desk/decisions"),
    "desk/members.html": Search(whose="council", path="/desk/trust/members", beside=(("anchor", "https://anchor.example"),)),
    "wallet/home.html": Search(whose="nora", path="/"),
    "wallet/history.html": Search(whose="nora", path="/history"),
    "wallet/who.html": Search(whose="nora", path="/who"),
    "wallet/tell.html": Search(whose="nora", path="/tell"),
    "wallet/tell_choose.html": Search(whose="nora", path="/tell/new", beside=(("do", "find"),), posted=True),
    "wallet/copies.html": Search(whose="nora", path="/copies"),
    "wallet/copy_form.html": Search(whose="nora", path="/copies/new", beside=(("do", "find"),), posted=True),
}
"""By the page on which it stands."""
A_SEARCH = re.compile(
    r'\bfinder\(form|role="search"|\bname="q"|\(form, "(?:q|search)"|method="get"(?=(?:(?!</form>).)*text_field)', re.DOTALL
)
FINDER = ROOT / "shared/web/templates/parts.html"
"""Where what all lists share is written."""


def searches_in_templates() -> set[str]:
    """Every page with a search: a role, a field, or a form of texts that goes into an address."""
    pages = {file for part in ("issuer", "verifier", "wallet", "shared") for file in (ROOT / part).rglob("templates/**/*.html")}
    assert len(pages) > 100
    return {f"{file.parent.name}/{file.name}" for file in pages if file != FINDER and A_SEARCH.search(file.read_text())}


OTHERS = {"name": "Zelda Other", "passphrase": "correct-horse-battery"}


async def _others(house: House) -> None:
    """A clerk of the office, one of the council in no group of staff, and a holder who has nothing."""
    await house.call("POST", f"{house.wallet}/api/wallets", key="", body={"holder": OTHERS["name"], "passphrase": OTHERS["passphrase"]})
    for whose in ("registry", "council"):
        clerk = Operator(
            id="zelda",
            name=OTHERS["name"],
            role="clerk",
            passphrase=hash_passphrase(OTHERS["passphrase"], system_entropy),
            made_at=0,
            ended_at=None,
        )
        storage = open_storage(f"sqlite://{house.folder / whose / DATABASES[whose]}")
        await storage.write(partial(operators.add, operator=clerk))
        await storage.close()


async def _paths(stolen: Stolen, whose: str, directory: Path) -> list[str]:
    """Every page of a service that names no one thing."""
    shutil.copytree(stolen.folder / whose, directory)
    if whose == "council":
        desk = open_desk(directory, config.read(directory))
        app, storage = build(desk, chores=False), desk.storage
    elif whose == "registry":
        office = office_app.open_office(directory, office_config.read(directory))
        app, storage = office_app.build(office, chores=False), office.storage
    else:
        host = wallet_app.open_host(open_place(directory))
        app, storage = wallet_app.build(host), host.storage
    await storage.close()
    return sorted({*open_to_all(app)})


def _leads_to(page: str) -> set[str]:
    """What is found there, by its addresses."""
    return set(re.findall(r'href="(/[^"?#]+)', page))


def test_t_ce_3_no_list_of_names_comes_of_what_everybody_can_fetch(stolen: Stolen) -> None:
    """Nor of it together with everything that the issuer keeps in clear: the rows of documents hold no word of what they say."""
    found = [row for table, row in stolen.rows("registry") if table == "document"]
    assert (
        len(found) == 8
    )  # the power, the donor's, the council's record, who is known there, the death, its cause, the estate, the one with limits
    for cell in [cell for row in found for cell in cells(row)]:
        for value in VALUES:
            assert value.encode() not in cell


def test_t_ce_4_person_body_and_time_stand_together_nowhere(stolen: Stolen) -> None:
    """The National Identity Register's table: whatever of a row names somebody, no row of any store names the body that asked as well."""
    people = [value.encode() for value in (*VALUES, stolen.house.nora["holder"])]
    bodies = [each.encode() for each in (stolen.house.desk, "Anytown Borough Council", stolen.house.council["entity"])]
    named = {"people": 0, "bodies": 0}
    for name in DATABASES:
        for table, row in stolen.rows(name):
            found = b"\n".join(cells(row))
            who = any(value in found for value in people)
            whom = any(value in found for value in bodies)
            named["people"] += who
            named["bodies"] += whom
            assert not (who and whom), (name, table)
    assert named["bodies"]  # the desk does name itself: what is searched for can be found


def test_t_co_5_two_bodies_cannot_join_their_logs(stolen: Stolen) -> None:
    """Digests in a log are keyed by its body: the same presentation has another one elsewhere, and nothing else in a line is anybody's."""
    entries = [json.loads(row["entry"]) for table, row in stolen.rows("council") if table == "log_entry" and row["entry"]]
    assert len(entries) >= 2
    macs = [entry["presentation_mac"] for entry in entries if "presentation_mac" in entry]
    assert len(macs) >= 5
    assert len(set(macs)) == len(macs)
    for entry in entries:
        names = set(entry)
        assert names <= {
            "time", "kind", "level", "intendedUseIdentifier", "vct", "claim_paths", "decision", "reason_code", "status_list_iat",
            "staff_role", "receipt_id", "presentation_mac", "retain_until", "prev",
            "permission", "recipient", "where",  # of what was told by a permission: its number, which its giver signed, and to whom
        }, names  # fmt: skip


# --- what is printed --------------------------------------------------------------------------------------------------------------------


async def test_t_au_3_nothing_that_a_service_prints_holds_a_value(stolen: Stolen) -> None:
    """Standard output, standard error, lines about requests and errors of every process: while documents were made, shown, told and corrected, and
    while somebody sends rubbish with values in it.
    """
    house = stolen.house
    await _rubbish(stolen)
    printed = {file.stem: file.read_bytes() for file in house.folder.glob("*.log")}
    assert set(printed) == {*DATABASES, "stranger"}
    for whose, text in printed.items():
        assert whose == "stranger" or len(text.splitlines()) > 10, whose
        read = clear(text)
        told = {each for words in stolen.lived.words for each in spoken(words)}
        said = {value for value in (*VALUES, *stolen.lived.secrets, *told, RUBBISH) if lies_in(value, read)}
        assert not said, whose
    assert b"/api/presentation-requests" in printed["council"]


RUBBISH = "Rubbish-Canary"


async def _rubbish(stolen: Stolen) -> None:
    house, name = stolen.house, MARGARET["family_name"]
    said = f"{RUBBISH} {name}"
    broken = stolen.lived.copy.replace(b"~", b"~" + RUBBISH.encode(), 1)
    json_, jose, form = ("application/json", "application/jose", "application/x-www-form-urlencoded")
    posts: list[tuple[str, str, str, bytes, str]] = [
        (house.issuer, "/api/credentials", house.registry["api_key"], json.dumps({"type": said, "claims": POWER}).encode(), json_),
        (house.issuer, "/api/credentials", house.registry["api_key"], json.dumps({"type": "representation", "claims": {**POWER, "powers": said}}).encode(), json_),
        (house.issuer, "/api/credentials", house.registry["api_key"], f'{{"claims": "{said}'.encode(), json_),
        (house.issuer, f"/api/credentials/{name}/cancel", house.registry["api_key"], json.dumps({"reason": said}).encode(), json_),
        (house.issuer, "/token", "", f"grant_type={said}&pre-authorized_code={said}".encode(), form),
        (house.issuer, "/credential", said, json.dumps({"credential_configuration_id": said, "proofs": {"jwt": [said]}}).encode(), json_),
        (house.issuer, "/corrections", "", said.encode(), jose),
        (house.issuer, "/console/sign-in", "", f"name={said}&passphrase={said}".encode(), form),
        (house.wallet, "/api/session", "", json.dumps({"holder": name, "passphrase": RUBBISH}).encode(), json_),
        (house.wallet, "/api/receive", stolen.lived.nora.token, json.dumps({"link": f"{house.issuer}/offer/{RUBBISH}?name={name}", "code": said}).encode(), json_),
        (house.wallet, "/api/requests", stolen.lived.nora.token, json.dumps({"link": f"openid4vp://?client_id={said}&request_uri={house.desk}/{name}"}).encode(), json_),
        (house.wallet, "/api/tell", stolen.lived.nora.token, json.dumps({"document": said, "to": [{"entity": said, "use": said}]}).encode(), json_),
        (house.wallet, f"/api/cards/{name}/corrections", stolen.lived.nora.token, json.dumps({"detail": said, "words": said}).encode(), json_),
        (house.desk, "/api/copies", house.council["api_key"], broken, json_),
        (house.desk, "/api/copies", house.council["api_key"], said.encode(), "text/plain"),
        (house.desk, "/api/locked-links", house.council["api_key"], json.dumps({"link": said, "words": stolen.lived.words[1]}).encode(), json_),
        (house.wallet, f"/view/{RUBBISH}", "", f"words={stolen.lived.words[0]}&organisation={said}".encode(), form),
        (house.desk, f"/vp/response/{stolen.lived.shown['id']}", "", f"vp_token={said}&state={said}".encode(), form),
        (house.desk, f"/vp/response/{name}", "", f"error={said}&error_description={said}".encode(), form),
        (house.desk, "/inbox", "", said.encode(), jose),
        (house.desk, "/inbox/answer", "", json.dumps({"ticket": said}).encode(), json_),
        (house.desk, "/api/presentation-requests", house.council["api_key"], json.dumps({"type": said, "query": said}).encode(), json_),
        (house.desk, "/desk/sign-in", "", f"name={said}&passphrase={said}&next=/desk/inbox?q={name}".encode(), form),
    ]  # fmt: skip
    async with ClientSession() as http:
        for base, path, key, body, kind in posts:
            headers = {"Content-Type": kind, "User-Agent": said} | ({"Authorization": f"Bearer {key}"} if key else {})
            async with http.post(base + path, data=body, headers=headers, allow_redirects=False) as answer:
                assert answer.status < 500, path
        for base in (house.issuer, house.wallet, house.desk):
            for path in (f"/{name}", f"/?q={name}", f"/desk/inbox?q={name}", f"/console/documents?reference={name}", f"/offer/{name}"):
                async with http.get(base + path, headers={"Referer": f"{base}/{name}", "Cookie": f"lang={name}"}) as answer:
                    assert answer.status < 500, path
            for line in (
                f"{said}\r\n\r\n",
                f"GET /{name} HTTP/9.{name}\r\n\r\n",
                f"POST / HTTP/1.1\r\nContent-Length: {name}\r\n\r\n",
                f"GET / HTTP/1.1\r\n{name}\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection("localhost", urlsplit(base).port)
                writer.write(line.encode())
                await asyncio.wait_for(reader.read(), 20)
                writer.close()
