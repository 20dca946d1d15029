"""An office killed at each write of what it hears and decides: nothing is lost, and nothing happens twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from support import dying
from support.dying import quiet
from support.dying_news import CLERK, DEATH, UNSURE, act
from support.registry import LPA_1, Template

from issuer import deciding_news, following, offers, revoke
from issuer.office import Office
from issuer.records import documents, listing, news
from issuer.sessions import Action, Standing
from shared.errors import Conflict
from shared.web import log

ORDER = offers.Order(type="representation", claims=LPA_1, reference="case 7")


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    async with quiet(template, tmp_path / "office") as opened:
        yield opened


async def made(office: Office) -> str:
    return (await offers.make(office, ORDER, actor=CLERK, idempotency_key="once")).document


async def dies(office: Office, point: str, *action: str) -> None:
    await dying.dies("dying_news", point, office.directory, office.clock(), *action)


async def standings(office: Office) -> list[Standing]:
    return sorted(each.document.standing for each in await office.storage.read(lambda tx: listing.page(tx, offset=0, limit=9)))


async def cancellings(office: Office, number: str) -> int:
    return sum(each.kind == "cancelled" for each in await office.storage.read(lambda tx: documents.history(tx, number)))


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_at_hearing_of_a_death(office: Office, moment: str) -> None:
    number = await made(office)
    await dies(office, f"news:{moment}", "hear")
    assert await standings(office) == [Standing.CANCELLED if moment == "after" else Standing.IN_FORCE]
    heard = await following.hear(office, DEATH)  # the verifier was not answered, and tells it again
    assert (heard.state, heard.changed, await cancellings(office, number)) == ("done", 1, 1)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_killed_at_deciding(office: Office, moment: str) -> None:
    number = await made(office)
    told = await following.hear(office, UNSURE)
    await dies(office, f"news-decided:{moment}", "decide", told.id, number)
    assert await standings(office) == [Standing.CANCELLED if moment == "after" else Standing.IN_FORCE]
    try:
        await act(office, "decide", told.id, number)
    except Conflict:
        assert moment == "after"
    assert (await standings(office), await cancellings(office, number)) == ([Standing.CANCELLED], 1)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", ["news-decided", "make", "news-made"])
async def test_killed_at_putting_a_mistake_right(office: Office, point: str, moment: str) -> None:
    """Whatever was done before it died, there is one new document in the end; where it was decided, without anybody deciding again."""
    number = await made(office)
    told = await following.hear(office, DEATH)
    task = await deciding_news.mistake(office, told.id)
    await dies(office, f"{point}:{moment}", "decide", task.id, number)
    waits = deciding_news.gauge(CollectorRegistry())
    await deciding_news.tend(office, waits)
    (metric,) = waits.collect()
    assert metric.samples[0].value == ((point, moment) == ("news-decided", "before"))
    if (point, moment) == ("news-decided", "before"):
        await act(office, "decide", task.id, number)
    assert await standings(office) == [Standing.IN_FORCE, Standing.CANCELLED]
    assert (await office.storage.read(lambda tx: news.get(tx, task.id))).state == "settled"
    (each,) = await office.storage.read(lambda tx: news.concerned(tx, task.id))
    assert each.made


async def test_killed_while_the_other_attorneys_are_held(office: Office) -> None:
    """They wait once, however often somebody begins, and what was looked at is looked at no more."""
    peter = LPA_1 | {"decision_rule": "jointly", "cardinality": 2}
    nora = peter | {"proxy": {"given_name": "Una", "family_name": "Ashdown", "birthdate": "1971-07-30"}}
    stopped, waits = [
        (await offers.make(office, replace(ORDER, claims=each), actor=CLERK, idempotency_key=str(n))).document
        for n, each in enumerate((peter, nora))
    ]
    await revoke.change_one(office, stopped, revoke.Wish(action=Action.CANCEL, reason="attorney-stopped", actor=CLERK))
    seen = []
    for point in ("joint-stopped", "own-change"):
        for moment in ("before", "after"):
            await dies(office, f"{point}:{moment}", "own")
            seen.append((await holds(office, waits), len(await office.storage.read(news.changes))))
    held = [("held", "joint-attorney-stopped")]
    assert seen == [([], 1), (held, 2), (held, 2), (held, 1)], "that they wait is looked at too"
    await following.follow_own(office)
    assert (await holds(office, waits), await office.storage.read(news.changes)) == (held, [])
    await log.check(office.storage)
    lines = await office.storage.read(lambda tx: log.page(tx, before=99, limit=99))
    assert [dict(line.entry.entry or {})["kind"] for line in lines].count("held") == 1


async def holds(office: Office, number: str) -> list[tuple[str, str]]:
    events = await office.storage.read(lambda tx: documents.history(tx, number))
    return [(each.kind, each.reason) for each in events if each.kind != "made"]
