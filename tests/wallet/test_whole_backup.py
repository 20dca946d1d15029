"""A backup has everything in it that a holder would miss, whatever is added to wallets later."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any, get_args, get_type_hints

from support.trial_verify import Dice
from support.wallets import EASY, PASSPHRASE, Wallet, open_wallet

import wallet as package
from shared.storage import Tx
from wallet import logs, permissions, phone
from wallet.backup import BackupTools, Content, open_backup, restore
from wallet.corrections import ticket_name
from wallet.deliveries import Begun, Delivery, Lost, OnPhone, Told
from wallet.entries import Words
from wallet.links import LockedLink
from wallet.logs import LOGS, LogSeen
from wallet.permitted import Permitted
from wallet.records import COPIES, CORRECTIONS, DELIVERIES, LOCKED, PERMITTED, Shelf
from wallet.said_wrong import Correction

LEFT_OUT = {
    "profile": "made anew with the wallet",
    "receiving": "an open invitation, which can be read again",
    "requests": "an open request, which can be read again",
    "standings": "what the office said, which is asked again",
    "confirmations": "when a desk's receipt is asked for, which is drawn anew from the history",
    "confirmations-looked": "when the history is looked through for those",
}
TICKET = bytes(16)
BACKUP = "a passphrase for backups"


def shelves() -> dict[str, Shelf[Any]]:
    """Every kind of item of any module of wallets, by name."""
    modules = [
        importlib.import_module(each.name) for each in pkgutil.walk_packages(package.__path__, "wallet.") if "__main__" not in each.name
    ]
    return {each.name: each for module in modules for each in vars(module).values() if isinstance(each, Shelf)}


def types_in(hint: Any) -> set[Any]:
    return {hint}.union(*(types_in(each) for each in get_args(hint)))


def test_every_kind_of_item_is_in_a_backup_or_left_out_by_name() -> None:
    kept = {each for hint in get_type_hints(Content).values() for each in types_in(hint)}
    found = shelves()
    assert len(found) > 15
    assert {name for name, shelf in found.items() if shelf.type not in kept} == set(LEFT_OUT)


async def test_what_can_be_taken_back_or_is_waited_for_comes_back(wallet: Wallet, tmp_path: Path) -> None:
    """A permission can still be withdrawn, a ticket asked for, a link closed, and a log that was rewritten stays known as such."""
    await wallet.collect()
    copy = (await wallet.storage.read(lambda tx: COPIES.all(tx, wallet.vault)))[0].value
    given = Permitted(
        at=1, permission="p", entity="https://bank.example", name="Bank", recipient="DWP", statement=(Words(lang="en", content="I allow"),), expires="2027-06-30",
        max_uses=1, withdraw_at="https://bank.example/permissions", document="d", format="dc+sd-jwt", copy=copy, nonce="n", state="withdrawing", next_at=9,
    )  # fmt: skip
    wrong = Correction(
        at=1, document="d", issuer="https://o.example", issuer_name="O", detail="name", words="no", endpoint="https://o.example/corrections", ticket=TICKET,
        sealed="", digest=b"d", next_at=9, state="open",
    )  # fmt: skip
    link = LockedLink(at=1, copy="c", entity="https://bank.example", name="Bank", expires_at=9, view="v")
    seen = LogSeen(entity="https://bank.example", next_at=9, broken=(3,), broken_at=8)

    async def fill(tx: Tx) -> None:
        vault, dice = wallet.vault, wallet.means.entropy
        await PERMITTED.put(tx, vault, permissions.name_of(vault, given.entity, given.permission), given, entropy=dice)
        await CORRECTIONS.put(tx, vault, ticket_name(vault, TICKET), wrong, entropy=dice)
        await LOCKED.put(tx, vault, "link", link, entropy=dice)
        await LOGS.put(tx, vault, logs.name_of(vault, seen.entity), seen, entropy=dice)

    await wallet.storage.write(fill)
    tools = BackupTools(storage=wallet.storage, hardness=EASY, clock=wallet.world.clock, entropy=Dice("backup"))
    content = await open_backup(await tools.back_up(wallet.vault, holder="Nora", passphrase=BACKUP), BACKUP)
    async with open_wallet(f"sqlite:///{tmp_path}/other.db", world=wallet.world, holder="Somebody", seed="elsewhere") as other:
        made = await restore(other.doors, content, holder="", passphrase=PASSPHRASE, at=2, entropy=Dice("r"))
        vault = made.vault
        assert (await permissions.find(other.means, vault, permissions.name_of(vault, given.entity, "p"))).value == given
        assert (await other.storage.read(lambda tx: CORRECTIONS.get(tx, vault, ticket_name(vault, TICKET)))).value == wrong
        assert (await other.storage.read(lambda tx: LOCKED.get(tx, vault, "link"))).value == link
        assert (await logs.seen(other.means, vault))[seen.entity] == seen


async def test_what_a_lost_phone_keeps_can_still_be_put_on_hold(wallet: Wallet, tmp_path: Path) -> None:
    """Phone and computer gone together: the restored wallet asks the office, and says what was said before and not yet heard."""
    document = (await wallet.collect()).id
    states: dict[str, Begun | OnPhone | Lost] = {
        "kept": OnPhone(lines=(), notification_id="n1", renew_at=9),
        "lost": Lost(notification_id="n2"),
        "begun": Begun(configuration="c", nonce="n", count=1),
    }

    async def fill(tx: Tx) -> None:
        for name, state in states.items():
            value = Delivery(document=document, phone="ab" * 16, at=1, state=state)
            await DELIVERIES.put(tx, wallet.vault, name, value, entropy=wallet.means.entropy)

    await wallet.storage.write(fill)
    tools = BackupTools(storage=wallet.storage, hardness=EASY, clock=wallet.world.clock, entropy=Dice("backup"))
    content = await open_backup(await tools.back_up(wallet.vault, holder="Nora", passphrase=BACKUP), BACKUP)
    async with open_wallet(f"sqlite:///{tmp_path}/other.db", world=wallet.world, holder="Somebody", seed="elsewhere") as other:
        made = await restore(other.doors, content, holder="", passphrase=PASSPHRASE, at=2, entropy=Dice("r"))
        assert {item.id for item in await phone.all_deliveries(other.means, made.vault)} == {"kept", "lost"}
        (lost,) = [item for item in await phone.all_deliveries(other.means, made.vault) if item.id == "lost"]
        assert await phone.report_lost(other.means, made.vault, lost) is Told.HEARD
        await phone.lost(other.means, made.vault, "kept")
        told = [(one["event"], one["notification_id"]) for one in wallet.world.office.notified]
        assert told[-2:] == [("credential_deleted", "n2"), ("credential_deleted", "n1")]
