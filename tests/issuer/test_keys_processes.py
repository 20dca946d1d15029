"""A rotation of the keys of documents by several processes, and by one that is killed: the database decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.dying import dies, quiet
from support.registry import Template, collect, serving
from support.years import AHEAD, DUE, SECOND, Copy, judge, keys, states, tick

from issuer.app import follow_keys, publisher_of
from issuer.init import keyring_of
from issuer.office import ISSUER, Office
from shared.clock import DAY
from shared.jose.jws import parse_jws
from shared.trust.snapshot import COPY_LIFE, KeyState


@pytest.fixture
async def office(template: Template, tmp_path: Path) -> AsyncIterator[Office]:
    async with quiet(template, tmp_path / "office") as opened:
        yield opened


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("point", "at"), [("create-key", DUE - AHEAD), ("activate-key", DUE), ("finish-key", DUE + COPY_LIFE)])
async def test_killed_at_a_step_of_a_rotation(office: Office, point: str, at: int, moment: str) -> None:
    """The step is there wholly or not at all, nothing else has changed, and whoever comes next goes on with it."""
    for before in (DUE - AHEAD, DUE, DUE + COPY_LIFE):
        if before < at:
            await tick(office, before)
    standing = await states(office)
    await dies("dying_keys", f"{point}:{moment}", office.directory, at)
    assert (await states(office) == standing) is (moment == "before")
    await tick(office, at)
    expected = {
        "create-key": [KeyState.ACTIVE, KeyState.CREATED],
        "activate-key": [KeyState.VERIFY_ONLY, KeyState.ACTIVE],
        "finish-key": [KeyState.ENDED, KeyState.ACTIVE],
    }
    assert [each.state for each in await keys(office)] == expected[point]
    judge(office, await tick(office, at), office.signer.x5c, at)


async def test_two_processes_have_one_next_key_and_both_sign_with_it(template: Template, tmp_path: Path, storage_uri: str) -> None:
    """Both find it due at once; the database decides, and each follows within its next round."""
    async with (
        serving(template, tmp_path / "office", storage=storage_uri) as one,
        serving(template, tmp_path / "office", storage=storage_uri, join=True) as two,
    ):
        offices = one.office, two.office
        began = (await keys(one.office))[0].active_at or 0
        for at in (began + 365 * DAY - AHEAD, began + 365 * DAY - 8 * DAY, began + 365 * DAY):
            one.clock.at = two.clock.at = at
            await asyncio.gather(*(follow_keys(each) for each in offices for _ in range(3)))
            await asyncio.gather(*(publisher_of(each).publish() for each in offices))
        await asyncio.gather(*map(follow_keys, offices))
        assert await states(one.office) == [(ISSUER, KeyState.VERIFY_ONLY), (SECOND, KeyState.ACTIVE)]
        assert one.office.signer == two.office.signer
        assert one.office.signer.key == SECOND


async def test_a_process_that_has_not_heard_signs_nothing_with_a_key_that_is_over(
    template: Template, tmp_path: Path, storage_uri: str
) -> None:
    """The database decides at each delivery, not the next round."""
    async with (
        serving(template, tmp_path / "office", storage=storage_uri) as one,
        serving(template, tmp_path / "office", storage=storage_uri, join=True) as two,
    ):
        two.api_key = one.api_key
        holder = await collect(two, await two.make())
        first = two.office.signer
        await keyring_of(one.office).rotate(now=True, actor="Iris")
        assert two.office.signer == first
        copies = (await holder.copies(3)).credentials
        (second,) = {Copy(parse_jws(each.partition("~")[0])).x5c for each in copies}
        assert two.office.signer.x5c == second != first.x5c
