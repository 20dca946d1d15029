"""What organisations sign later for what their desks gave without a network: asked for by the clock alone, and held against it (S10, S21, S25)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from support.given import FOR_COUNCIL, Given, given_by_council, with_receipt
from support.trial_verify import Dice
from support.wallets import EASY, PASSPHRASE, Wallet
from support.world import COUNCIL

from shared.clock import DAY
from shared.errors import VcError
from shared.flow import Fetch, Fetched
from shared.ovp.envelope import RECEIPT, render_text
from shared.ovp.receipt import CONFIRM_AT
from shared.receipts import LogHead
from shared.storage import Tx
from wallet import history, register
from wallet.backup import BackupTools, open_backup, restore
from wallet.confirming import LOOKED, PATIENCE, provisional, tend
from wallet.entries import Entry
from wallet.given import ASKING, Asking, take_in
from wallet.logs import told_on
from wallet.records import Item, Shelf
from wallet.share import make_out

Answer = Callable[[bytes], Fetched]


@pytest.fixture
async def handed(wallet: Wallet) -> Given:
    return await given_by_council(wallet)


def answers(handed: Given, answer: Answer) -> None:
    def says(fetch: Fetch) -> Fetched:
        assert (fetch.url, fetch.method, fetch.headers["content-type"]) == (COUNCIL + CONFIRM_AT, "POST", "application/cose")
        return answer(fetch.body or b"")

    handed.counter.party.says = says


def same(answer: Fetched, _: bytes) -> Fetched:
    """Whatever is asked."""
    return answer


def asked(handed: Given) -> list[int]:
    return [at for at, _, url in handed.wallet.world.log if url.endswith(CONFIRM_AT)]


async def give(handed: Given, **changes: Any) -> Entry:
    given = await take_in(handed.wallet.means, handed.wallet.vault, await handed.seq(), handed.at_desk(**changes))
    assert given.provisional
    return given


async def next_day(handed: Given) -> None:
    handed.wallet.world.clock.at += DAY
    await tend(handed.wallet.means, handed.wallet.vault)


async def last(handed: Given) -> Entry:
    return (await handed.wallet.lines())[-1].entry


async def test_it_is_confirmed(handed: Given) -> None:
    head = LogHead(size=3, digest=bytes(range(32)))
    answers(handed, lambda data: with_receipt(handed.confirmation(data, log_head=head)))
    given = await give(handed)
    await next_day(handed)
    line = await last(handed)
    assert (line.transaction_type, line.transaction_result, line.provisional) == ("answer", "success", given.provisional)
    assert (line.transaction_identifier, bool(line.receipt), line.receipt_problem) == (given.transaction_identifier, True, "")
    told = told_on((await handed.wallet.lines())[-1])
    assert told is not None
    assert told.said.head == head, "from now on their log is held against it"
    await handed.wallet.storage.read(lambda tx: history.check(tx, handed.wallet.vault))  # the chain holds
    await next_day(handed)
    assert len(asked(handed)) == 1


async def test_before_the_desk_told_it_is_asked_for_again_daily_for_a_month(handed: Given) -> None:
    answers(handed, lambda _: Fetched(status=404))
    given = await give(handed)
    for _ in range(40):
        await next_day(handed)
    assert len(asked(handed)) == 30
    assert await last(handed) == given
    lines = await handed.wallet.lines()
    assert provisional(lines, at=given.time + PATIENCE - 1) == [given]
    assert provisional(lines, at=given.time + PATIENCE) == []


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "decision": ({"decision": "rejected", "reason_code": "revoked"}, "history_rewritten"),
    "reason": ({"reason_code": "revoked"}, "history_rewritten"),
    "salt": ({"salt": bytes(16)}, "other_presentation"),
    "digest": ({"presentation_digest": bytes(32)}, "other_presentation"),
    "nonce": ({"nonce": "AAAA"}, "wrong_nonce"),
    "use": ({"purpose_id": "blue-badge"}, "purpose_mismatch"),
    "from before the desk gave anything": ({"received_at": 1}, "stale_binding"),
}


@pytest.mark.parametrize("case", DIFFERENT)
async def test_what_they_sign_otherwise_is_shown(handed: Given, case: str) -> None:
    changes, code = DIFFERENT[case]
    answers(handed, lambda data: with_receipt(handed.confirmation(data, **changes)))
    given = await give(handed)
    await next_day(handed)
    line = await last(handed)
    assert (line.provisional, line.receipt_problem.partition(":")[0]) == (given.provisional, code)
    assert line.transaction_result == "failed"
    await next_day(handed)
    assert len(asked(handed)) == 1


async def test_a_record_that_was_changed_since_is_shown(handed: Given) -> None:
    """Of one size, and not the same."""
    heads = iter([LogHead(size=5, digest=bytes(32)), LogHead(size=5, digest=bytes(range(32)))])
    answers(handed, lambda data: with_receipt(handed.confirmation(data, log_head=next(heads))))
    for _ in range(2):
        await give(handed)
        await next_day(handed)
    problems = [line.entry.receipt_problem.partition(":")[0] for line in await handed.wallet.lines() if line.entry.receipt]
    assert problems == ["", "history_rewritten"]


async def test_no_confirmation_is_dated_back_to_hide_a_rewritten_record(handed: Given) -> None:
    """By that instant heads are put in order: an earlier one may be shorter, a later one never."""
    wallet = handed.wallet
    await take_in(wallet.means, wallet.vault, await handed.seq(), handed.signed(log_head=LogHead(size=10, digest=bytes(range(32)))))
    wallet.world.clock.at += 3_600
    other = await make_out(wallet.means, wallet.vault, FOR_COUNCIL)
    await take_in(wallet.means, wallet.vault, await handed.seq(), handed.at_desk(other.value))
    shorter = LogHead(size=3, digest=bytes(32))
    long_ago = wallet.world.clock() - 4_000
    answers(handed, lambda data: with_receipt(handed.confirmation(data, log_head=shorter, received_at=long_ago)))
    await next_day(handed)
    line = await last(handed)
    assert (bool(line.receipt), line.receipt_problem.partition(":")[0]) == (True, "stale_binding")


async def test_what_nobody_of_theirs_signed_is_no_answer(handed: Given) -> None:
    """Whatever stands between is not the organisation: it is asked again the next day."""
    given = await give(handed)
    token = handed.confirmation(handed.desk_receipt())
    forged = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    wrong: list[Fetched] = [
        Fetched(status=500),
        Fetched(status=302),
        Fetched(status=200, body=b"<html>"),
        Fetched(status=200, body=b"[]"),
        Fetched(status=200, body=b'{"receipt": 7}'),
        with_receipt("a.b.c"),
        with_receipt(forged),
        with_receipt(given.provisional or ""),
    ]
    for number, each in enumerate(wrong, start=1):
        answers(handed, partial(same, each))
        await next_day(handed)
        assert (await last(handed), len(asked(handed))) == (given, number)
    answers(handed, lambda data: with_receipt(handed.confirmation(data)))
    await next_day(handed)
    assert (await last(handed)).receipt_problem == ""


async def test_one_body_that_is_away_keeps_nobody(handed: Given) -> None:
    given = await give(handed)
    handed.wallet.world.down.add(COUNCIL)
    await next_day(handed)
    assert await last(handed) == given
    handed.wallet.world.down.clear()
    answers(handed, lambda data: with_receipt(handed.confirmation(data)))
    await next_day(handed)
    assert (await last(handed)).receipt


async def test_nothing_is_asked_for_what_did_not_fit(handed: Given) -> None:
    await give(handed, use="blue-badge")
    await next_day(handed)
    assert asked(handed) == []


async def two(handed: Given) -> set[str]:
    """Two receipts that wait, for two copies; the body has heard of neither."""
    answers(handed, lambda _: Fetched(status=404))
    other = await make_out(handed.wallet.means, handed.wallet.vault, FOR_COUNCIL)
    seq = await handed.seq()
    texts = {seq: handed.at_desk(other.value), seq - 1: handed.at_desk()}
    for line, text in texts.items():
        assert not (await take_in(handed.wallet.means, handed.wallet.vault, line, text)).receipt_problem
    return set(texts.values())


def noted(handed: Given) -> list[tuple[int, str]]:
    """What is asked for from now on, and when."""
    seen: list[tuple[int, str]] = []

    def note(data: bytes) -> Fetched:
        seen.append((handed.wallet.world.clock(), render_text(RECEIPT, data)))
        return Fetched(status=404)

    answers(handed, note)
    return seen


async def test_each_is_asked_for_at_an_instant_of_its_own(handed: Given) -> None:
    """Two in one go would tell that two showings are one holder's, for ever and every day anew (S22)."""
    means, vault, clock = handed.wallet.means, handed.wallet.vault, handed.wallet.world.clock
    texts, seen = await two(handed), noted(handed)
    for _ in range(5 * 144):
        clock.at += 600
        await tend(means, vault)
    times = [at for at, _ in seen]
    assert len(set(times)) == len(times)
    apart = {text: [at for at, each in seen if each == text] for text in texts}
    assert all(len(each) >= 5 for each in apart.values()), "at least once a day"
    assert len({second - first for first, second in zip(*(each[:5] for each in apart.values()), strict=True)}) > 1, "and no two days alike"


async def test_a_wallet_that_was_closed_asks_for_one_of_them(handed: Given) -> None:
    """Whose instants went by meanwhile: the others have new ones."""
    means, vault, clock = handed.wallet.means, handed.wallet.vault, handed.wallet.world.clock
    texts, seen = await two(handed), noted(handed)
    clock.at += 3 * DAY
    for _ in range(3):
        await tend(means, vault)
    assert len(seen) == 1
    for _ in range(27):
        clock.at += DAY
        await tend(means, vault)
    assert len(seen) == 28
    assert {text for _, text in seen} == texts


async def test_it_is_not_asked_for_because_it_was_taken_in(handed: Given) -> None:
    """But within the day after, however often a wallet is opened in between (S21)."""
    await two(handed)
    await tend(handed.wallet.means, handed.wallet.vault)
    assert asked(handed) == []
    (first, second) = sorted(
        item.value.next_at for item in await handed.wallet.storage.read(lambda tx: ASKING.all(tx, handed.wallet.vault))
    )
    assert 0 < first - handed.wallet.world.clock() < second - handed.wallet.world.clock() <= DAY


async def test_two_services_on_one_database_ask_once(handed: Given) -> None:
    """Whoever comes second finds the instant taken, which ends no round."""
    await give(handed)
    answers(handed, lambda _: Fetched(status=404))
    handed.wallet.world.clock.at += DAY
    await asyncio.gather(*(tend(handed.wallet.means, handed.wallet.vault) for _ in range(3)))
    assert len(asked(handed)) == 1


async def test_a_wallet_from_before_asks_for_what_it_has(handed: Given) -> None:
    """Its lines have no instant each; one is drawn within the day after it was opened."""
    wallet = handed.wallet
    given, seen = await give(handed), noted(handed)
    for shelf in (ASKING, LOOKED):
        for item in await wallet.storage.read(shelf_of(handed, shelf)):
            await wallet.storage.write(partial(shelf.drop, vault=wallet.vault, item=item.id))
    await tend(wallet.means, wallet.vault)
    assert seen == [], "not because it was opened (S21)"
    await next_day(handed)
    assert [text for _, text in seen] == [given.provisional]


async def test_what_lost_its_instant_has_one_again_the_next_day(handed: Given) -> None:
    wallet = handed.wallet
    given, seen = await give(handed), noted(handed)
    await tend(wallet.means, wallet.vault)
    (item,) = await wallet.storage.read(shelf_of(handed, ASKING))
    await wallet.storage.write(lambda tx: ASKING.drop(tx, wallet.vault, item.id))
    await tend(wallet.means, wallet.vault)
    assert await wallet.storage.read(shelf_of(handed, ASKING)) == [], "the history is looked through once a day"
    for _ in range(2):
        await next_day(handed)
    assert [text for _, text in seen] == [given.provisional]


async def test_a_wallet_from_a_backup_asks_for_what_it_has(handed: Given) -> None:
    wallet = handed.wallet
    given, seen = await give(handed), noted(handed)
    tools = BackupTools(storage=wallet.storage, hardness=EASY, clock=wallet.world.clock, entropy=Dice("backup"))
    data = await tools.back_up(wallet.vault, holder="Nora", passphrase=PASSPHRASE)
    content = await open_backup(data, PASSPHRASE)
    wallet.opened = await restore(wallet.doors, content, holder="Nora 2", passphrase=PASSPHRASE, at=wallet.world.clock(), entropy=Dice("r"))
    await tend(wallet.means, wallet.vault)
    await next_day(handed)
    assert [text for _, text in seen] == [given.provisional]


def shelf_of(handed: Given, shelf: Shelf[Asking]) -> Callable[[Tx], Awaitable[list[Item[Asking]]]]:
    return lambda tx: shelf.all(tx, handed.wallet.vault)


async def test_an_answer_that_takes_longer_than_a_day_is_one_line(handed: Given) -> None:
    """Another process of this service asked meanwhile."""
    wallet, release, away = handed.wallet, asyncio.Event(), asyncio.Event()
    answers(handed, lambda data: with_receipt(handed.confirmation(data)))
    await give(handed)

    async def slow(fetch: Fetch) -> Fetched:
        told = await wallet.means.fetch(fetch)
        away.set()
        await release.wait()
        return told

    wallet.world.clock.at += DAY
    first = asyncio.create_task(tend(replace(wallet.means, fetch=slow), wallet.vault))
    await away.wait()
    await next_day(handed)
    before = await wallet.lines()
    assert before[-1].entry.receipt
    release.set()
    await first
    assert await wallet.lines() == before


async def test_nothing_is_kept_of_what_nobody_asks_for_any_more(handed: Given) -> None:
    answers(handed, lambda data: with_receipt(handed.confirmation(data)))
    await give(handed)
    for _ in range(2):
        await next_day(handed)
    assert await handed.wallet.storage.read(lambda tx: ASKING.all(tx, handed.wallet.vault)) == []


async def test_the_register_is_needed_once_only(handed: Given) -> None:
    """What was found good stays so: the confirmation is by the organisation's own key, whatever its desks' certificates are by then."""
    answers(handed, lambda data: with_receipt(handed.confirmation(data)))
    given = await give(handed)
    handed.wallet.world.clock.at += 8 * DAY
    with pytest.raises(VcError):
        (await register.register(handed.wallet.means)).find(COUNCIL, at=handed.wallet.world.clock())
    await next_day(handed)
    line = await last(handed)
    assert (line.provisional, line.receipt_problem) == (given.provisional, "")
