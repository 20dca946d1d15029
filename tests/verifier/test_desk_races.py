"""Fifty at once, on both databases, from two desks that share one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.desk import Running, Site, Template, copy_file, opened, present, serving
from support.signing import AT

from shared.openid4vp import render_response
from shared.receipts import peek_receipt
from shared.storage import Tx
from verifier import copies, packs
from verifier.desk import Desk
from verifier.material import Store
from verifier.receive import Again, receive
from verifier.settle import Outcome, verify_decisions

FIFTY = 50


def told(work: Sequence[Outcome | Again | BaseException | None]) -> Counter[str]:
    return Counter(
        each.decision.code or each.decision.decision if isinstance(each, Outcome) else getattr(each, "code", type(each).__name__)
        for each in work
    )


async def lines(desk: Desk) -> int:
    async def unit(tx: Tx) -> int:
        row = await tx.fetchrow("SELECT count(*) AS n FROM log_entry")
        assert row is not None
        return int(row["n"])

    return await desk.storage.read(unit)


async def test_one_request_is_answered_once(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with (
        serving(template, tmp_path / "desk", storage=storage_uri) as desk,
        opened(template, tmp_path / "desk", storage=storage_uri) as second,
    ):
        asked = await desk.ask()
        request = await desk.read(asked)
        bodies = [render_response(request, present(request, at=AT, seed=str(number % 5))) for number in range(FIFTY)]
        stores = (desk.store, Store(second))
        work = [receive(stores[n % 2].desk, stores[n % 2], asked["id"], body) for n, body in enumerate(bodies)]
        counted = told(await asyncio.gather(*work, return_exceptions=True))
        assert counted == {"accepted": 1, "replayed": FIFTY - 1}
        assert await lines(desk.desk) == 1
        await verify_decisions(desk.desk)
        assert (await desk.state(asked))["decision"] == "accepted"


async def test_one_copy_is_good_once(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with (
        serving(template, tmp_path / "desk", storage=storage_uri) as desk,
        opened(template, tmp_path / "desk", storage=storage_uri) as second,
    ):
        data, stores = copy_file(), (desk.store, Store(second))
        work = [copies.bring(stores[n % 2].desk, stores[n % 2], data, made_by="desk") for n in range(FIFTY)]
        counted = told(await asyncio.gather(*work, return_exceptions=True))
        assert counted == {"accepted": 1, "replayed": FIFTY - 1}
        assert await lines(desk.desk) == FIFTY
        await verify_decisions(desk.desk)


async def test_fifty_requests_side_by_side(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with serving(template, tmp_path / "desk", storage=storage_uri) as desk:

        async def one(number: int) -> int:
            asked = await desk.ask()
            status, _ = await desk.answer(asked, seed=str(number))
            return status

        assert await asyncio.gather(*(one(number) for number in range(FIFTY))) == [200] * FIFTY
        assert (await verify_decisions(desk.desk)).size == FIFTY


async def test_packs_have_numbers_of_their_own(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with serving(template, tmp_path / "desk", storage=storage_uri) as desk:
        made = await asyncio.gather(*(packs.make(desk.desk) for _ in range(5)))
        assert sorted(each.pack.seq for each in made) == [1, 2, 3, 4, 5]


async def test_visits_side_by_side_leave_one_picture(template: Template, tmp_path: Path, storage_uri: str) -> None:
    async with (
        serving(template, tmp_path / "desk", storage=storage_uri, refresh=False) as desk,
        opened(template, tmp_path / "desk", storage=storage_uri) as second,
    ):
        await asyncio.gather(*(store.refresh(Site()) for store in (desk.store, Store(second)) for _ in range(5)))
        picture = await desk.store.picture()
        assert len(picture.lists) == 1


@pytest.mark.parametrize("seconds", [5])
async def test_over_http_the_same_answer_is_taken_once_and_has_one_receipt(desk: Running, seconds: int) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT + seconds))
    statuses = await asyncio.gather(*(desk.post(asked, body) for _ in range(FIFTY)))
    assert {status for status, _ in statuses} == {200}
    assert len({peek_receipt(told["receipt"]).receipt_id for _, told in statuses}) == 1
    assert await lines(desk.desk) == 1
