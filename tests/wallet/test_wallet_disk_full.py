"""The database refuses a write, as when the disk is full or somebody holds the lock: at every write in turn nothing is lost or half done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

import pytest
from support.wallets import Wallet, open_wallet
from support.world import BANK, BATCH, CODE

from shared.errors import InvalidGrant, Unavailable
from shared.storage import Storage, Work
from wallet.present import agree, read_request
from wallet.receive import collect
from wallet.share import Wish, make_out

T = TypeVar("T")


class Full:
    """A storage that refuses the writes of one name."""

    def __init__(self, storage: Storage, refuse: str) -> None:
        self._storage, self.refuse = storage, refuse

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    async def write(self, fn: Work[T], *, point: str = "") -> T:
        if point == self.refuse:
            raise Unavailable("the disk is full")
        return await self._storage.write(fn, point=point)


@pytest.fixture
async def cramped(sqlite_uri: str) -> AsyncIterator[tuple[Wallet, Full]]:
    async with open_wallet(sqlite_uri) as wallet:
        full = Full(wallet.storage, "")
        wallet.means = replace(wallet.means, storage=full)  # type: ignore[arg-type] # it refuses and hands on
        yield wallet, full


@pytest.mark.parametrize("point", ["invite", "receive-token", "receive"])
async def test_collecting(cramped: tuple[Wallet, Full], point: str) -> None:
    wallet, full = cramped
    full.refuse = point
    with pytest.raises(Unavailable):
        await wallet.collect()
    assert await wallet.documents() == []
    assert await wallet.copies() == []
    full.refuse = ""
    if point == "receive-token":  # the office has changed the code, and it could not be written down
        wallet.world.office.codes.clear()
        with pytest.raises(InvalidGrant):
            await collect(wallet.means, wallet.vault, next(iter(await wallet.invitations())), CODE)
        return
    name = await wallet.invite()
    assert (await collect(wallet.means, wallet.vault, name, CODE)).value.copies
    assert len(await wallet.copies()) == BATCH


@pytest.mark.parametrize(("point", "sent"), [("ask", 0), ("present", 0), ("answered", 1)])
async def test_showing(cramped: tuple[Wallet, Full], point: str, sent: int) -> None:
    wallet, full = cramped
    await wallet.collect()
    link = wallet.world.council.ask()
    full.refuse = point
    with pytest.raises(Unavailable):
        await wallet.share(link)
    assert len(wallet.world.council.got) == sent
    full.refuse = ""
    item = await read_request(wallet.means, wallet.vault, link)
    await agree(wallet.means, wallet.vault, item.id)
    assert len(wallet.world.council.got) == 1
    assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == 1


@pytest.mark.parametrize(("point", "used"), [("address", 0), ("addressed", 1)])
async def test_making_out(cramped: tuple[Wallet, Full], point: str, used: int) -> None:
    wallet, full = cramped
    await wallet.collect()
    full.refuse = point
    with pytest.raises(Unavailable):
        await make_out(wallet.means, wallet.vault, Wish(entity=BANK, name="", purpose_id="bank", query="bank"))
    assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == used


@pytest.mark.parametrize("forgiving", [True, False])
@pytest.mark.parametrize("point", ["status", "renew-lease", "renew-token", "renew"])
async def test_upkeep(cramped: tuple[Wallet, Full], point: str, *, forgiving: bool) -> None:
    wallet, full = cramped
    wallet.world.office.forgiving = forgiving
    item = await wallet.collect()
    wallet.world.clock.at += 21 * 86_400
    full.refuse = point
    await wallet.upkeep()
    assert len((await wallet.document()).copies) == BATCH
    assert len(await wallet.copies()) == BATCH
    full.refuse = ""
    wallet.world.clock.at += 2 * 3_600
    await wallet.upkeep()
    document = await wallet.document()
    if point == "renew-token" and not forgiving:  # the office has taken the old token back, and the new one could not be written down
        assert document.renewal is not None
        assert document.renewal.problem == "invalid_grant"
        assert document.copies == item.value.copies
    else:
        assert {copy.id for copy in document.copies}.isdisjoint(copy.id for copy in item.value.copies)
