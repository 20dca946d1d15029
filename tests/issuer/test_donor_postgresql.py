"""The boxes of reports on the other database, and how many lie in one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.family import family
from support.registry import Template, make_template

from issuer import donors, reports
from issuer.records import donors as records
from issuer.records.donors import Kept
from shared.clock import DAY
from shared.donor import tag_of
from wallet import reported


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(make_template(tmp_path_factory.mktemp("office") / "registry"))


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
