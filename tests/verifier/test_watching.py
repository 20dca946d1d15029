"""What becomes of documents that were accepted is told to the organisation's own program, from lists that come by the clock anyway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import Running, Template, serving
from support.receiver import HOOK, Receiver
from support.signing import AT, Signer
from support.trial_verify import IDX, LIST, status_token

from verifier.records import watched
from verifier.watching import look
from verifier.webhooks import deliver


@pytest.fixture
async def site() -> Receiver:
    return Receiver()


@pytest.fixture
async def desk(template: Template, tmp_path: Path, site: Receiver) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "desk", site=site, webhook_url=HOOK) as running:
        yield running


async def rows(desk: Running) -> list[dict[str, Any]]:
    found = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT * FROM watched"))
    return [{name: row[name] for name in ("exchange", "became", "looked")} for row in found]


async def cycle(desk: Running, site: Receiver, value: int, **how: Any) -> int:
    """The issuer's next list, an hour later."""
    desk.clock.at += 3_600
    site.lists[LIST] = status_token({IDX: value}, iat=desk.clock() - 60, **how)
    site.asked.clear()
    await desk.store.refresh(site)
    asked = list(site.asked)
    told = await look(desk.desk, desk.store)
    assert site.asked == asked, "nothing is fetched for it"
    await deliver(desk.desk, site)
    return told


async def test_a_hold_its_end_and_a_cancelling_are_told_once_each(desk: Running, site: Receiver) -> None:
    asked = await desk.ask()
    await desk.answer(asked)
    assert await look(desk.desk, desk.store) == 0
    told = [site.claims() for value in (0, 2, 2, 0, 1) if await cycle(desk, site, value)]
    assert [each["data"]["became"] for each in told] == ["on-hold", "valid", "cancelled"]
    assert {each["event"] for each in told} == {"presentation.changed"}
    assert told[-1]["data"]["request"] == asked["id"]
    (document,) = told[-1]["data"]["documents"]
    assert (document["id"], document["type"].split(":")[-2]) == ("bank", "representation")
    assert await rows(desk) == []
    assert await cycle(desk, site, 0) == 0, "what was cancelled stays so"


async def test_which_copy_it_was_lies_sealed(desk: Running, site: Receiver) -> None:
    await desk.answer(await desk.ask())
    (row,) = await desk.desk.storage.read(lambda tx: tx.fetch("SELECT * FROM watched"))
    assert row["idx"] != IDX
    assert row["query"] != "bank"
    assert str(IDX).encode() not in bytes(row["sealed"])
    assert await cycle(desk, site, 1) == 1


async def test_what_was_watched_before_that_is_watched_on(desk: Running, site: Receiver) -> None:
    await desk.answer(await desk.ask())
    old = "UPDATE watched SET sealed = NULL, query = 'bank', idx = $1"
    await desk.desk.storage.write(lambda tx: tx.execute(old, IDX))
    assert await cycle(desk, site, 1) == 1
    (document,) = site.claims()["data"]["documents"]
    assert document["id"] == "bank"


async def test_the_page_lists_it_in_words(template: Template, tmp_path: Path, site: Receiver) -> None:
    async with serving(template, tmp_path / "desk", site=site, local=True, webhook_url=HOOK) as desk:
        await desk.answer(await desk.ask())
        assert await cycle(desk, site, 1) == 1
        clerk = await Clerk(desk).sign_in()
        assert "A document that was accepted has changed" in await clerk.get("/desk/webhook")


async def test_what_was_not_accepted_is_not_watched_and_what_has_ended_no_longer(desk: Running) -> None:
    await desk.answer(await desk.ask(), expires_at=AT - 60)
    assert await rows(desk) == []
    await desk.answer(await desk.ask(), seed="good")
    assert len(await rows(desk)) == 1
    await desk.desk.storage.write(lambda tx: watched.purge(tx, AT + 100 * 86_400))
    assert await rows(desk) == []


async def test_nobody_who_wants_to_be_told_nothing_watched(template: Template, tmp_path: Path) -> None:
    async with serving(template, tmp_path / "desk") as desk:
        await desk.answer(await desk.ask())
        assert await rows(desk) == []
        assert await look(desk.desk, desk.store) == 0


async def test_a_list_that_is_not_its_issuers_tells_nothing(desk: Running, site: Receiver) -> None:
    await desk.answer(await desk.ask())
    assert await cycle(desk, site, 1, signer=Signer.new()) == 0
    assert await cycle(desk, site, 2, exp=desk.clock() + 3_700) == 1
    desk.clock.at += 7_200
    assert [each["became"] for each in await rows(desk)] == ["on-hold"]


async def test_two_processes_tell_it_once(template: Template, tmp_path: Path, site: Receiver, storage_uri: str) -> None:
    async with serving(template, tmp_path / "desk", site=site, storage=storage_uri, webhook_url=HOOK) as desk:
        await desk.answer(await desk.ask())
        desk.clock.at += 3_600
        site.lists[LIST] = status_token({IDX: 1}, iat=desk.clock() - 60)
        await desk.store.refresh(site)
        assert sum(await asyncio.gather(*(look(desk.desk, desk.store) for _ in range(4)))) == 1
        assert await rows(desk) == []
