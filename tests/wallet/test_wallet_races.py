"""Fifty at once, as if from fifty processes, on both databases; and the whole story on each."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from support.wallets import PASSPHRASE, Wallet, open_wallet
from support.world import BANK, BATCH, CODE

from shared.errors import Conflict, VcError
from wallet import history
from wallet.means import Locks, Means
from wallet.present import agree, refuse
from wallet.receive import collect
from wallet.sessions import Answered, Withheld
from wallet.share import Wish, make_out
from wallet.upkeep import upkeep

MANY = 50


def processes(wallet: Wallet) -> list[Means]:
    """The same storage without common locks."""
    return [replace(wallet.means, locks=Locks()) for _ in range(MANY)]


def check_refusals(results: list[object]) -> None:
    """Whoever lost was told so, and nothing else went wrong."""
    for result in results:
        assert not isinstance(result, BaseException) or isinstance(result, VcError), result


async def test_the_story_on_every_database(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        await wallet.collect()
        await wallet.share(wallet.world.council.ask())
        await make_out(wallet.means, wallet.vault, Wish(entity=BANK, name="Northwold Bank", purpose_id="bank", query="bank"))
        wallet.world.clock.at += 21 * 86_400
        await upkeep(wallet.means, wallet.vault)
        opened = await wallet.doors.open("nora ashdown", PASSPHRASE)
        lines, intact = await history.read_checked(wallet.storage, opened.vault)
        assert intact
        assert [line.entry.transaction_type for line in lines] == ["issuance", "presentation", "addressed-copy", "renewal"]
        assert len((await wallet.document()).copies) == BATCH + 2
        renewed = await wallet.doors.change(opened.vault.wallet, PASSPHRASE, "a new long passphrase")
        assert (await wallet.doors.recover("Nora Ashdown", renewed.recovery_code, PASSPHRASE)).holder == "Nora Ashdown"
        await wallet.doors.delete(opened.vault.wallet, PASSPHRASE)
        for table in ("wallets", "items"):
            assert await wallet.storage.read(lambda tx, table=table: tx.fetch(f"SELECT id FROM {table}")) == []  # type: ignore[misc] # noqa: S608 - a name from this file


async def test_fifty_agree_and_one_is_sent(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        await wallet.collect()
        view = await wallet.ask(wallet.world.council.ask())
        results = await asyncio.gather(*(agree(means, wallet.vault, view.id) for means in processes(wallet)), return_exceptions=True)
        check_refusals(list(results))
        assert len(wallet.world.council.got) == 1
        assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == 1
        assert [line.entry.transaction_type for line in await wallet.lines()] == ["issuance", "presentation"]


async def test_agreeing_and_refusing_at_once_is_one_of_the_two(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        await wallet.collect()
        view = await wallet.ask(wallet.world.council.ask())
        both = [(agree if number % 2 else refuse)(means, wallet.vault, view.id) for number, means in enumerate(processes(wallet))]
        check_refusals(list(await asyncio.gather(*both, return_exceptions=True)))
        shared = len(wallet.world.council.got)
        state = (await agree(wallet.means, wallet.vault, view.id)).value.state
        assert isinstance(state, Answered if shared else Withheld)
        assert len([copy for copy in (await wallet.document()).copies if copy.shown_to]) == shared


async def test_fifty_collect_and_one_document_is_kept(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        name = await wallet.invite()
        results = await asyncio.gather(*(collect(means, wallet.vault, name, CODE) for means in processes(wallet)), return_exceptions=True)
        check_refusals(list(results))
        assert len(await wallet.documents()) == 1
        assert len(await wallet.copies()) == BATCH
        kept = await collect(wallet.means, wallet.vault, name, CODE)
        assert kept.id == (await wallet.documents())[0].id


async def test_many_parties_at_once_never_share_a_copy(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        await wallet.collect()
        views = [await wallet.ask((wallet.world.council if number % 2 else wallet.world.bank).ask()) for number in range(BATCH + 4)]
        means = processes(wallet)
        results = await asyncio.gather(
            *(agree(one, wallet.vault, view.id) for one, view in zip(means, views, strict=False)), return_exceptions=True
        )
        check_refusals(list(results))
        seen: dict[str, set[str]] = {}
        for party in (wallet.world.council, wallet.world.bank):
            for got in party.got:
                ((presentation,),) = got.values()
                seen.setdefault(presentation.partition("~")[0], set()).add(party.entity)
        assert all(len(parties) == 1 for parties in seen.values())


async def test_one_name_is_taken_by_one_of_fifty(storage_uri: str) -> None:
    async with open_wallet(storage_uri) as wallet:
        results = await asyncio.gather(*(wallet.doors.make("Peter", f"passphrase number {n}") for n in range(10)), return_exceptions=True)
        assert len([result for result in results if isinstance(result, Conflict)]) == 9


@pytest.mark.parametrize("number", range(3))
async def test_the_history_stays_whole_under_many_writers(storage_uri: str, number: int) -> None:
    async with open_wallet(storage_uri, seed=f"history {number}") as wallet:
        await wallet.collect()
        views = [await wallet.ask(wallet.world.council.ask()) for _ in range(12)]
        await asyncio.gather(
            *(refuse(one, wallet.vault, view.id) for one, view in zip(processes(wallet), views, strict=False)), return_exceptions=True
        )
        for view in views:
            await refuse(wallet.means, wallet.vault, view.id)
        _, intact = await history.read_checked(wallet.storage, wallet.vault)
        assert intact
