"""An office killed between an attorney's wallet and her donor's: no report is lost or told twice, and what a donor asks is done once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError
from support.counting import rows
from support.dying import dying
from support.family import Family, family
from support.registry import Template, collect

from issuer.records import documents
from shared.clock import DAY
from shared.errors import Unavailable
from shared.web import log
from wallet import at_office, reported

MOMENTS = ("before", "after")
HOUR = 3_600


@pytest.fixture
async def they(template: Template, tmp_path: Path, postgresql_uri: str) -> AsyncIterator[Family]:
    async with family(template, tmp_path, storage=postgresql_uri) as all_of_them:
        yield all_of_them


async def count(they: Family, table: str) -> int:
    return await rows(they.registry.office.storage, table)


async def heard(they: Family) -> list[int]:
    """The numbers of the uses that Margaret was told of."""
    means, vault = they.margaret.wallet.means, they.margaret.wallet.vault
    state = await reported.state_of(means, vault, (await they.margaret.item()).id)
    return [] if state is None else [use.number for use in state.uses]


def later(they: Family, seconds: int) -> None:
    they.registry.clock.at += seconds
    they.world.clock.at = they.registry.clock.at


async def asks(they: Family, what: str) -> str:
    margaret = they.margaret
    return (await at_office.ask(margaret.wallet.means, margaret.wallet.vault, await margaret.item(), what)).standing


async def changes(they: Family, number: str) -> list[tuple[str, str]]:
    events = await they.registry.office.storage.read(lambda tx: documents.history(tx, number))
    return [(event.kind, event.reason) for event in events if event.kind in {"held", "reinstated", "cancelled"}]


async def test_killed_while_a_documents_mark_is_made(they: Family) -> None:
    """It has one mark, whoever died; whoever got no copies gets them when they ask again."""
    holder = await collect(they.registry, await they.registry.make())
    for moment in MOMENTS:
        async with dying(they.registry, f"report-box:{moment}"):
            with pytest.raises(ClientError):
                await holder.copies()
        assert (await count(they, "report_box"), await count(they, "status_entry WHERE document IS NOT NULL")) == (
            int(moment == "after"),
            0,
        )
    assert len((await holder.copies()).credentials) == 1
    assert (await count(they, "report_box"), await count(they, "status_entry WHERE document IS NOT NULL")) == (1, 1)


async def test_killed_between_a_report_and_its_donor(they: Family) -> None:
    """Her key, a report, and its fetching: each is done again where the answer was lost, and each use is told of once."""
    await they.grant(await they.appoint())
    for moment in MOMENTS:
        async with dying(they.registry, f"report-key:{moment}"):
            await they.margaret.wallet.upkeep()
        assert await count(they, "report_box WHERE recipient <> ''") == int(moment == "after")
        later(they, HOUR)
    await they.go(HOUR)
    for shown, moment in enumerate(MOMENTS, 1):
        await they.show()
        await they.go(DAY)
        later(they, 20 * DAY)
        async with dying(they.registry, f"report:{moment}"):
            await they.nora.wallet.upkeep()
        assert await count(they, "report") == int(moment == "after")
        later(they, HOUR)
        await they.nora.wallet.upkeep()
        for fetched in MOMENTS:
            lies = await count(they, "report")
            async with dying(they.registry, f"reports-collected:{fetched}"):
                await they.margaret.wallet.upkeep()
            assert await count(they, "report") == lies > 0, "what she was not told of stays"
            later(they, HOUR)
        await they.go(HOUR)
        await they.go(DAY)
        assert await heard(they) == [*range(1, shown + 1)]
        assert await count(they, "report") == 0


async def test_killed_while_a_donor_asks(they: Family) -> None:
    """What she asked for is done once, and when she asks again she hears that it is so: she cannot know that it was done."""
    number = await they.appoint()
    await they.grant(number)
    await they.go(0)
    done: list[tuple[str, str]] = []
    for ask, stands, change in (
        ("hold", "on-hold", ("held", "donor-asked")),
        ("reinstate", "valid", ("reinstated", "donor-asked")),
        ("end", "cancelled", ("cancelled", "donor-revoked")),
    ):
        for moment in MOMENTS:
            async with dying(they.registry, f"holder-ask:{moment}"):
                with pytest.raises(Unavailable):
                    await asks(they, ask)
            assert await changes(they, number) == done + [change] * (moment == "after")
        assert await asks(they, ask) == stands
        done.append(change)
        assert await changes(they, number) == done
    await log.check(they.registry.office.storage)
