from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.signing import AT
from support.trial_verify import Authority, Dice
from support.wallets import EASY, PASSPHRASE, Wallet, open_wallet

from shared import receipts
from shared.clock import DAY
from shared.errors import Conflict, HistoryRewritten, Malformed, SignInRequired, VcError
from shared.inbox import NO_ANSWER
from shared.keys import KeyId, Role
from shared.log_heads import LEEWAY
from shared.receipts import LogEntry, LogHead, Receipt
from wallet import history
from wallet.backup import BackupTools, open_backup, restore
from wallet.entries import Sealed
from wallet.present import agree
from wallet.records import DOCUMENTS, HISTORY
from wallet.share import Wish, make_out


async def some_history(wallet: Wallet) -> list[Sealed]:
    await wallet.collect()
    await wallet.share(wallet.world.council.ask())
    await wallet.share(wallet.world.bank.ask("bank"))
    return await wallet.lines()


async def test_lines_are_chained_and_numbered(wallet: Wallet) -> None:
    lines = await some_history(wallet)
    assert [line.entry.seq for line in lines] == [1, 2, 3]
    assert lines[0].entry.prev == "00" * 32
    assert len({line.entry.prev for line in lines}) == 3
    assert (await history.read_checked(wallet.storage, wallet.vault))[1]


async def test_a_line_taken_out_or_changed_shows(wallet: Wallet) -> None:
    lines = await some_history(wallet)
    last = history.name_of(wallet.vault, 3)
    await wallet.storage.write(lambda tx: HISTORY.drop(tx, wallet.vault, last))
    assert not (await history.read_checked(wallet.storage, wallet.vault))[1]
    with pytest.raises(HistoryRewritten):
        await wallet.storage.read(lambda tx: history.check(tx, wallet.vault))
    assert len(lines) == 3


async def test_a_line_added_from_outside_shows(wallet: Wallet) -> None:
    lines = await some_history(wallet)
    name = history.name_of(wallet.vault, 4)
    await wallet.storage.write(lambda tx: HISTORY.put(tx, wallet.vault, name, lines[-1], entropy=Dice("more")))
    assert not (await history.read_checked(wallet.storage, wallet.vault))[1]


def _given(at: int, head: LogHead | None, reason: str = "") -> Receipt:
    return Receipt(
        receipt_id=f"r{at}",
        entity="https://council.example",
        received_at=at,
        decision="accepted",
        reason_code=reason,
        purpose_id="council-tax",
        salt=bytes(16),
        presentation_digest=bytes(32),
        nonce="n",
        log_head=head,
    )


def _token(receipt: Receipt) -> str:
    by = Authority.new("https://council.example", role=Role.RELYING_PARTY, subject="Council")
    return by.signer.finish(receipts.prepare_receipt(receipt, key=KeyId("relying-party"), x5c=by.x5c, at=receipt.received_at))


def _head(size: int, digest: bytes = bytes(32)) -> LogHead:
    return LogHead(size=size, digest=digest)


@pytest.mark.parametrize("between", [0, 1, LEEWAY])
def test_decisions_of_about_one_time_are_entered_in_any_order(between: int) -> None:
    """A body reads its clock well before it writes: whoever was decided first may be entered last."""
    first, second = _given(AT, _head(7)), _given(AT + between, _head(6))
    history.check_heads(second, [_token(first)])
    history.check_heads(first, [_token(second)])


def test_a_log_that_shrank_or_says_something_else_at_one_length_was_rewritten() -> None:
    first, later = _given(AT, _head(7)), _given(AT + LEEWAY + 1, _head(6))
    other = _given(AT + 1, _head(7, b"\1" * 32))
    for now, before in ((later, first), (first, later), (other, first), (first, other)):
        with pytest.raises(HistoryRewritten):
            history.check_heads(now, [_token(before)])
    history.check_heads(_given(AT + DAY, None), [_token(first)])  # it says nothing of its log
    history.check_heads(later, [_token(_given(AT, _head(7), NO_ANSWER))])


async def test_anybody_can_follow_the_export(wallet: Wallet) -> None:
    lines = await some_history(wallet)
    doc = json.loads(history.export(lines, holder="Nora Ashdown", at=1))
    assert doc["schema"] == history.SCHEMA
    entries = []
    for one in doc["entries"]:
        salt, commitment = bytes.fromhex(one.pop("salt")), bytes.fromhex(one.pop("commitment"))
        entries.append(LogEntry(commitment=commitment, salt=salt, entry=one))
    head = receipts.verify_log(entries)
    assert head.size == 3
    assert head == await wallet.storage.read(lambda tx: history.check(tx, wallet.vault))
    changed = [*entries[:-1], LogEntry(commitment=entries[-1].commitment, salt=entries[-1].salt, entry={**entries[-1].entry, "time": 0})]  # type: ignore[dict-item]
    with pytest.raises(HistoryRewritten):
        receipts.verify_log(changed)


async def test_an_empty_history_is_whole(wallet: Wallet) -> None:
    assert await history.read_checked(wallet.storage, wallet.vault) == ([], True)


# --- backups -----------------------------------------------------------------------------------------------------------------------------


def tools(wallet: Wallet) -> BackupTools:
    return BackupTools(storage=wallet.storage, hardness=EASY, clock=wallet.world.clock, entropy=Dice("backup"))


async def test_a_backup_makes_the_same_wallet_elsewhere(wallet: Wallet, tmp_path: Path) -> None:
    await some_history(wallet)
    await make_out(wallet.means, wallet.vault, Wish(entity="https://b.example", name="B", purpose_id="x", query="bank"))
    data = await tools(wallet).back_up(wallet.vault, holder="Nora Ashdown", passphrase="a passphrase for backups")
    assert b"Margaret" not in data
    content = await open_backup(data, "a passphrase for backups")
    async with open_wallet(f"sqlite:///{tmp_path}/other.db", world=wallet.world, holder="Somebody", seed="elsewhere") as other:
        made = await restore(other.doors, content, holder="", passphrase=PASSPHRASE, at=wallet.world.clock(), entropy=Dice("r"))
        assert made.holder == "Nora Ashdown"
        assert made.recovery_code
        other.opened = await other.doors.open("nora ashdown", PASSPHRASE)
        document = await other.document()
        assert document.restored
        assert document.copies == (await wallet.document()).copies
        lines, intact = await history.read_checked(other.storage, other.vault)
        assert intact
        assert lines[-1].entry.transaction_type == "backup-restored"
        assert lines[:-1] == await wallet.lines()
        view = await other.ask(wallet.world.council.ask())
        await agree(other.means, other.vault, view.id)
        assert len(wallet.world.council.got) == 2
        wallet.world.clock.at += 21 * 86_400
        await other.upkeep()
        assert not (await other.document()).restored


async def test_a_backup_opens_only_with_its_own_passphrase(wallet: Wallet) -> None:
    await wallet.collect()
    data = await tools(wallet).back_up(wallet.vault, holder="Nora", passphrase="a passphrase for backups")
    with pytest.raises(SignInRequired):
        await open_backup(data, PASSPHRASE)
    doc = json.loads(data)
    for changed in (
        {**doc, "schema": "other"},
        {**doc, "kdf": "argon2id$m=99999999,t=1,p=1$00"},
        {**doc, "kdf": "nonsense"},
        {**doc, "sealed": "AAAA"},
        {**doc, "sealed": "not base64!"},
        {**doc, "sealed": doc["sealed"][:-8] + "AAAAAAA="},
    ):
        with pytest.raises(VcError):
            await open_backup(json.dumps(changed).encode(), "a passphrase for backups")
    with pytest.raises(Malformed):
        await tools(wallet).back_up(wallet.vault, holder="Nora", passphrase="short")


async def test_a_name_that_is_taken_restores_nothing(wallet: Wallet) -> None:
    await wallet.collect()
    data = await tools(wallet).back_up(wallet.vault, holder="Nora Ashdown", passphrase="a passphrase for backups")
    content = await open_backup(data, "a passphrase for backups")
    with pytest.raises(Conflict):
        await restore(wallet.doors, content, holder="", passphrase=PASSPHRASE, at=1, entropy=Dice("r"))
    made = await restore(wallet.doors, content, holder="Nora 2", passphrase=PASSPHRASE, at=1, entropy=Dice("r"))
    assert len(await wallet.storage.read(lambda tx: DOCUMENTS.all(tx, made.vault))) == 1


@settings(deadline=None)
@given(st.binary(max_size=200))
async def test_any_bytes_are_a_backup_or_an_error(data: bytes) -> None:
    try:
        await open_backup(data, "x")
    except VcError:
        return
