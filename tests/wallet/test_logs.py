"""What a wallet makes of the logs of bodies that gave it receipts: by the clock alone, and no body changes its record unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.books import Book
from support.trial_verify import Authority
from support.wallets import Wallet, open_wallet
from support.world import BANK, COUNCIL

from shared import log_heads
from shared.clock import DAY
from shared.flow import Fetched
from shared.keys import Role
from shared.receipts import LogHead
from shared.storage import Tx
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from wallet import history, logs
from wallet.entries import Sealed
from wallet.logs import LogSeen
from wallet.present import agree
from wallet.records import HISTORY


@pytest.fixture
async def book(wallet: Wallet) -> Book:
    """A council that keeps a log, in which a document of the wallet has been shown once, among others."""
    book = Book(wallet.world.council).open()
    for number in range(4):
        book.enter(f"somebody else {number}")
    await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    book.sign()
    return book


async def pass_days(wallet: Wallet, days: int) -> None:
    for _ in range(days * 4):
        wallet.world.clock.at += DAY // 4
        await logs.tend(wallet.means, wallet.vault)


async def known(wallet: Wallet) -> LogSeen:
    return (await logs.seen(wallet.means, wallet.vault))[COUNCIL]


async def test_receipts_are_held_against_the_log_once_a_week(wallet: Wallet, book: Book) -> None:
    await logs.tend(wallet.means, wallet.vault)
    assert book.asked == []  # the hour was settled, and says nothing of when the receipt came
    await pass_days(wallet, 7)
    assert book.asked == ["/log/heads"]  # the receipt names the very head that was signed
    first = await known(wallet)
    assert (first.settled, first.broken) == (2, ())
    book.enter("later")
    book.sign()
    await pass_days(wallet, 7)
    assert book.asked[1:] == ["/log/heads", "/log/commitments?from=6&to=6"]
    assert logs.broken(await logs.seen(wallet.means, wallet.vault)) == {}
    assert (await known(wallet)).token == book.tokens[1]


async def test_rewritten_log_detected_by_receipt_head(wallet: Wallet, book: Book) -> None:
    """The receipt's own line says it, with the signed heads that show it, and for good."""
    book.tokens.clear()
    book.rewrite(keep=2)
    book.sign()
    await pass_days(wallet, 7)
    found = await known(wallet)
    (line,) = [line for line in await wallet.lines() if line.entry.receipt]
    assert found.broken == (line.entry.seq,)
    assert found.evidence == (book.tokens[0],)
    assert logs.broken({COUNCIL: found}) == {line.entry.seq: found}
    await pass_days(wallet, 14)
    assert (await known(wallet)).broken == (line.entry.seq,)
    assert (await known(wallet)).evidence == found.evidence


async def test_a_log_that_was_cut_off(wallet: Wallet, book: Book) -> None:
    """Fewer entries than the receipt counts, by a head that was signed later."""
    book.tokens.clear()
    del book.entries[3:]
    wallet.world.clock.at += DAY
    book.sign()
    await pass_days(wallet, 7)
    assert (await known(wallet)).broken == (2,)


async def test_a_log_that_was_rewritten_after_it_was_found_good(wallet: Wallet, book: Book) -> None:
    await pass_days(wallet, 7)
    good = await known(wallet)
    book.rewrite()
    book.tokens.clear()
    book.enter("more")
    book.sign()
    await pass_days(wallet, 7)
    found = await known(wallet)
    assert found.broken_at > good.checked_at
    assert found.evidence == (good.token, book.tokens[0])


async def test_a_log_that_stands_still_is_stale(wallet: Wallet, book: Book) -> None:
    """Heads are signed each day, also where nothing was entered: whoever signs none may hide what came after."""
    for _ in range(7 * 4):
        wallet.world.clock.at += DAY // 4
        book.sign()
        await logs.tend(wallet.means, wallet.vault)
    assert ((await known(wallet)).fault, (await known(wallet)).broken) == ("", ())
    wallet.world.clock.at += 14 * DAY
    await logs.tend(wallet.means, wallet.vault)
    assert ((await known(wallet)).fault, (await known(wallet)).broken) == ("stale", ())


@pytest.mark.parametrize("how", ["nothing", "down", "older", "shorter", "frozen", "growing"])
async def test_a_log_that_is_not_shown_any_more_is_never_called_unchanged(
    wallet: Wallet, book: Book, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It was last compared on the day on which it was last shown; what was signed then is kept against whatever comes later."""
    book.enter("later")
    book.sign()
    wallet.world.clock.at += 7 * DAY
    await logs.tend(wallet.means, wallet.vault)  # the hour is drawn
    wallet.world.clock.at += 7 * DAY
    book.sign()
    await logs.tend(wallet.means, wallet.vault)
    good = await known(wallet)
    assert (good.checked_at, good.broken_at, good.apart) == (wallet.world.clock(), 0, False)
    newest = book.tokens[-1]
    if how == "nothing":
        book.answer = lambda _: Fetched(status=404)
    elif how == "down":
        wallet.world.down.add(f"{COUNCIL}/log/")
    elif how == "older":
        del book.tokens[1:]
    elif how == "shorter":
        wallet.world.clock.at += 60
        del book.entries[-1]
        book.sign()
    elif how == "growing":
        monkeypatch.setattr(log_heads, "MAX_FOLLOWED", 1)
        for number in range(9):
            book.enter(f"much later {number}")
        wallet.world.clock.at += 7 * DAY
        book.sign()
    wallet.world.clock.at += 7 * DAY
    await logs.tend(wallet.means, wallet.vault)
    found = await known(wallet)
    assert found.token == newest or how == "shorter"
    if how == "shorter":
        assert found.broken_at
        assert found.evidence == (newest, book.tokens[-1])
        return
    assert (found.apart, found.checked_at, found.broken_at) == (True, good.checked_at, 0)
    assert found.fault == {"nothing": "not-published", "down": "unavailable"}.get(how, "older" if how == "older" else "stale")
    if how == "older":  # and whoever comes back with less is found out
        wallet.world.clock.at += DAY
        del book.entries[-1]
        book.sign()
        wallet.world.clock.at += 6 * DAY
        await logs.tend(wallet.means, wallet.vault)
        assert (await known(wallet)).evidence == (newest, book.tokens[-1])


async def test_a_receipt_from_after_the_newest_head_waits(wallet: Wallet, book: Book) -> None:
    await pass_days(wallet, 7)
    await wallet.share(wallet.world.council.ask())
    await pass_days(wallet, 7)
    assert ((await known(wallet)).settled, (await known(wallet)).broken) == (2, ())
    book.sign()
    await pass_days(wallet, 7)
    assert (await known(wallet)).settled == 3
    wallet.world.clock.at += 1
    book.rewrite(keep=5)
    book.sign()
    await pass_days(wallet, 7)
    assert (await known(wallet)).broken == ()  # it was found good; the signed head from then is what shows it
    assert (await known(wallet)).broken_at


async def test_what_is_asked_does_not_depend_on_use(tmp_path: Path) -> None:
    """Two wallets with one receipt each: one shows more every day, the other never again. The council sees the same from both (S21)."""
    asked = []
    for used in (False, True):
        async with open_wallet(f"sqlite:///{tmp_path}/{used}.db", seed="same") as wallet:
            book = Book(wallet.world.council).open()
            await wallet.collect()
            await wallet.share(wallet.world.council.ask())
            book.sign()
            await logs.tend(wallet.means, wallet.vault)
            await pass_days(wallet, 7)
            begun = len(book.asked)
            for _ in range(4):
                if used:
                    await wallet.share(wallet.world.council.ask())
                    del book.entries[-1]  # the log itself is the same for both
                await pass_days(wallet, 2)
            asked.append((begun, book.asked, [(sorted(each.headers), each.body) for each in wallet.world.fetches if "/log/" in each.url]))
    assert asked[0] == asked[1]
    assert not any("if-none-match" in headers for headers, _ in asked[0][2])


@pytest.mark.parametrize("rewritten", ["", "before", "after", "told"])
async def test_a_long_log_is_followed_over_several_visits(
    wallet: Wallet, book: Book, monkeypatch: pytest.MonkeyPatch, rewritten: str
) -> None:
    """An hour apart, from where the last one stood; who rewrites it in between, or whose log is another than a receipt says, is found out."""
    monkeypatch.setattr(log_heads, "MAX_FOLLOWED", 4)
    for number in range(6):
        book.enter(f"later {number}")
    if rewritten == "told":  # the fifth entry is the wallet's, on the way of the second visit
        book.rewrite(keep=4)
    book.tokens.clear()
    book.sign()
    wallet.world.clock.at += wallet.means.log_every
    await logs.tend(wallet.means, wallet.vault)
    wallet.world.clock.at += wallet.means.log_every
    await logs.tend(wallet.means, wallet.vault)
    begun = await known(wallet)
    assert begun.way is not None
    assert (begun.way.size, begun.settled, begun.token, begun.fault) == (4, 0, "", "stale")
    assert begun.next_at == wallet.world.clock() + logs.SOON
    if rewritten in {"before", "after"}:
        book.tokens.clear()
        book.rewrite(keep=0 if rewritten == "before" else 4)
        book.enter("more")
        book.sign()
    for _ in range(2):
        assert logs.broken(await logs.seen(wallet.means, wallet.vault)) == {}  # not before it has led to a signed head
        wallet.world.clock.at += logs.SOON
        await logs.tend(wallet.means, wallet.vault)
    found = await known(wallet)
    assert found.way is None
    assert [each.partition("?")[2] for each in book.asked if "commitments" in each][:2] == ["from=1&to=4", "from=5&to=8"]
    assert (found.broken, found.settled) == (() if not rewritten else (2,), 2)
    assert found.evidence == (() if not rewritten else (book.tokens[0],))


@pytest.mark.parametrize("wrong", ["down", "stranger", "nothing", "long", "other"])
async def test_what_keeps_a_log_from_being_followed_accuses_nobody(wallet: Wallet, book: Book, wrong: str) -> None:
    faults = {"down": "unavailable", "stranger": "untrusted", "nothing": "not-published", "long": "history_rewritten", "other": "untrusted"}
    if wrong == "down":
        wallet.world.down.add(f"{COUNCIL}/log/")
    elif wrong == "stranger":
        wallet.world.strangers.add(COUNCIL)
    elif wrong == "nothing":
        book.answer = lambda _: Fetched(status=404)
    elif wrong == "long":
        book.sign(LogHead(size=200_000, digest=bytes(32)))
    else:
        book.party.entity, told = "https://other.example", book.party.entity
        book.sign()
        book.party.entity = told
    await pass_days(wallet, 8)
    found = await known(wallet)
    assert (found.fault, found.broken) == (faults[wrong], ())
    assert found.next_at > wallet.world.clock()


async def test_a_receipt_that_did_not_fit_accuses_nobody_of_more(wallet: Wallet, book: Book) -> None:
    wallet.world.council.receipt_for = {"poa": ["another"]}
    await wallet.share(wallet.world.council.ask())
    lines = await wallet.lines()
    assert lines[-1].entry.receipt_problem
    assert [each.seq for each in logs.told_by(lines)[COUNCIL]] == [2]
    assert len(book.entries) == 6


@pytest.mark.parametrize("known_before", [True, False])
async def test_whoever_could_not_be_checked_accuses_nobody_else(wallet: Wallet, *, known_before: bool) -> None:
    """A receipt in the council's name by a root of the asker's own: it fits what was asked, and says nothing of the council's log."""
    book = Book(wallet.world.council).open()
    for number in range(9):
        book.enter(f"somebody else {number}")
    await wallet.collect()
    if known_before:
        await wallet.share(wallet.world.council.ask())
    book.sign()
    stranger = wallet.world.bank
    stranger.by = Authority.new(COUNCIL, role=Role.RELYING_PARTY, subject="anything")
    wallet.world.strangers.add(BANK)
    stranger.receipt_changes.update(entity=COUNCIL, log_head=LogHead(size=3, digest=bytes(32)))
    view = await wallet.ask(stranger.ask(use=False))
    await agree(wallet.means, wallet.vault, view.id)
    line = (await wallet.lines())[-1].entry
    assert line.receipt
    assert (line.receipt_problem, line.interacting_party_identifier.type) == ("", "x509_hash")
    await pass_days(wallet, 8)
    seen = await logs.seen(wallet.means, wallet.vault)
    assert logs.broken(seen) == {}
    assert set(seen) == ({COUNCIL} if known_before else set())


async def test_a_wallet_without_receipts_asks_nobody(wallet: Wallet) -> None:
    await wallet.collect()
    await pass_days(wallet, 8)
    assert await logs.seen(wallet.means, wallet.vault) == {}
    assert not any("/log/" in url for _, _, url in wallet.world.log)


# --- the wallet's own history --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["altered", "removed", "the last one removed", "reordered"])
async def test_t_au_1_the_wallets_own_history_altered_removed_or_reordered(wallet: Wallet, book: Book, how: str) -> None:
    """By somebody who can write to the database and has the open wallet's key."""
    await wallet.share(book.party.ask())
    assert (await history.read_checked(wallet.storage, wallet.vault))[1]
    first, second, third = await wallet.lines()

    async def put(tx: Tx, place: int, line: Sealed) -> None:
        await HISTORY.save(tx, wallet.vault, history.name_of(wallet.vault, place), line, entropy=wallet.means.entropy)

    async def meddle(tx: Tx) -> None:
        if how == "altered":
            entry = msgspec.structs.replace(second.entry, interacting_party_name="Somebody Else")
            await put(tx, 2, msgspec.structs.replace(second, entry=entry))
        elif how == "reordered":
            await put(tx, 2, msgspec.structs.replace(third, entry=msgspec.structs.replace(third.entry, seq=2)))
            await put(tx, 3, msgspec.structs.replace(second, entry=msgspec.structs.replace(second.entry, seq=3)))
        else:
            await HISTORY.drop(tx, wallet.vault, history.name_of(wallet.vault, 2 if how == "removed" else 3))

    await wallet.storage.write(meddle)
    assert not (await history.read_checked(wallet.storage, wallet.vault))[1]
    assert first.entry.seq == 1


@pytest.mark.usefixtures("book")
async def test_a_body_that_is_reached_elsewhere(wallet: Wallet) -> None:
    """Where the pin of its anchor names an address, that is where its log is looked for."""
    pin = replace(wallet.world.council.by.pin(role=Role.RELYING_PARTY, entity=COUNCIL), address="https://desk.council.example")
    wallet.means = replace(wallet.means, trust=lambda: Policy(TrustAnchors(anchors=(pin,))))
    await pass_days(wallet, 7)
    assert {url for _, _, url in wallet.world.log if "/log/" in url} == {"https://desk.council.example/log/heads"}
    assert (await known(wallet)).fault == "unavailable"
