"""The boxes of reports on the other database, how many lie in one, and what a thief of that database's disk reads (domain check T-BR)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
from support import desk as desks
from support.family import Person, family
from support.postgresql import Server
from support.posting import post, written
from support.reading import lies_in, texts, whole
from support.registry import LPA_1, Template, make_template
from support.trial_verify import CLAIMS
from support.wallets import open_wallet

from issuer import donors, reports
from issuer.records import donors as records
from issuer.records.donors import Kept
from shared.clock import DAY
from shared.donor import tag_of
from verifier.app import one_round
from wallet import reported
from wallet.records import DOCUMENTS


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


MARGARET = {
    "given_name": "Margarethe-Pgcanary",
    "family_name": "Ashdown-Pgcanary",
    "birthdate": "1938-11-08",
    "address": {"postal_code": "ZQ97 4XJ"},
}
POWER = LPA_1 | {
    "represented": MARGARET,
    "register_entry": "urn:fdc:opg.example:2027:lpa:M-5553-0400-4997",
    "registration_date": "2026-03-07",
}


async def data_directory(dsn: str) -> str:
    """Where the server keeps everything, written out to the last page."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CHECKPOINT")
        return str(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


def stolen(folder: Path) -> bytes:
    """Every byte of tables, free space and write-ahead log."""
    return b"\n".join(whole(folder / part) for part in ("base", "pg_wal"))


SHOWN = {
    "represented": {"given_name": "Marged-Pgcanary", "family_name": "Onnen-Pgcanary", "birthdate": "1938-10-31"},
    "proxy": {"given_name": "Nia-Pgcanary", "family_name": "Onnen-Pgcanary", "birthdate": "1968-10-30"},
}
ABOUT = "PGCANARY account 5553"


async def asked_and_forgotten(folder: Path, storage: str) -> str:
    """A bank is shown these people's power, is brought a copy of it and is told by its inbox; then its time to keep that is over. What was shown live,
    by its number at the desk.
    """
    template = await desks.make_template(folder / "made" / "desk")
    async with desks.serving(template, folder / "desk", storage=storage) as desk:
        claims = CLAIMS | {name: CLAIMS[name] | each for name, each in SHOWN.items()}
        asked = await desk.ask()
        assert (await desk.answer(asked, claims=claims))[0] == 200
        seen = (await desk.state(asked))["verdict"]["credentials"]
        assert "Onnen-Pgcanary" in texts(seen)
        copy = json.loads(desks.copy_file(claims=claims))
        assert (await desk.call("POST", "/api/copies", copy))[1]["verdict"]["decision"] == "accepted"
        assert (await post(desk, written(desk, seed="posted", about=ABOUT, claims=claims)))[0] == 200
        desk.clock.at += 400 * DAY
        await one_round(desk.app)
        assert (await desk.call("GET", "/api/presentation-requests"))[1]["items"] == []
    return str(asked["id"])


async def test_t_br_on_postgresql_no_value_lies_in_clear(
    template: Template, tmp_path: Path, postgresql: Server, postgresql_uri: str
) -> None:
    """Office, wallet and a body that asks on one server, and a value of a document that is gone: the server may keep what was deleted, but none of it was
    ever in clear, and no bare digest leads to the office's reference.
    """
    (schema, own), (third, theirs) = postgresql.fresh(), postgresql.fresh()
    exchange = await asked_and_forgotten(tmp_path, theirs)
    async with family(template, tmp_path, storage=postgresql_uri) as they:
        made = await they.registry.make(claims=POWER, reference="CASE-PGCANARY-4712")
        async with open_wallet(own, world=they.world, holder="Noreen-Pgcanary", seed="pg") as hers:
            hers.means = replace(hers.means, fetch=they.nora.wallet.means.fetch, trust=they.nora.wallet.means.trust)
            item = await they.collect(Person(hers), made["invitation_link"], made["code"])
            await hers.storage.write(lambda tx: DOCUMENTS.drop(tx, hers.vault, item.id))
            await hers.storage.checkpoint()
            assert await hers.documents() == []
            disk = stolen(Path(await data_directory(postgresql.dsn)))
    for name in (schema, third):
        postgresql.run(f"DROP SCHEMA {name} CASCADE")
    for name in (made["id"], exchange):
        assert name.encode() in disk, "what is searched for can be found"
    for value in (
        *texts(MARGARET),
        POWER["register_entry"],
        POWER["registration_date"],
        "Noreen-Pgcanary",
        "CASE-PGCANARY-4712",
        *texts(SHOWN),
        ABOUT,
    ):
        assert not lies_in(str(value), disk), value
    for secret in (made["code"], "CASE-PGCANARY-4712", "Noreen-Pgcanary"):
        assert sha256(secret.encode()).digest() not in disk
        assert sha256(secret.encode()).hexdigest().encode() not in disk


async def test_reports_on_postgresql(template: Template, tmp_path: Path, postgresql_uri: str) -> None:
    async with family(template, tmp_path, storage=postgresql_uri) as they:
        number = await they.appoint()
        await they.grant(number)
        await they.go(0)
        await they.show()
        await they.go(21 * DAY)
        await they.go(DAY)
        office = they.registry.office
        secret = await donors.secret_of(office, number)
        told = await reported.state_of(they.margaret.wallet.means, they.margaret.wallet.vault, (await they.margaret.item()).id)
        assert told is not None
        assert (told.reports, len(told.uses), await reports.collect(office, secret)) == (1, 1, [])
        for day in range(records.MOST + 5):
            kept = Kept(id=f"later {day:03}", sealed="x")
            await office.storage.write(lambda tx, kept=kept, day=day: records.add(tx, tag_of(secret), kept, they.world.clock() + day * DAY))  # type: ignore[misc] # defaults of the loop
        left = await office.storage.read(lambda tx: records.reports(tx, tag_of(secret), 1_000))
        assert (len(left), left[0].id) == (records.MOST, "later 005")
        await office.storage.write(lambda tx: records.purge(tx, they.world.clock() + (records.KEPT_DAYS + 100) * DAY))
        left = await office.storage.read(lambda tx: records.reports(tx, tag_of(secret), 1_000))
        assert left[0].id == "later 100"
