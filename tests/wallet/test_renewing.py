"""Copies that were cancelled, while others are asked for in their place: how long that is said, and what is said when nothing comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.privatised import knowing, privatised
from support.wallets import Wallet
from support.world import ISSUER

from shared.clock import DAY
from shared.errors import Conflict
from shared.status.token_status_list import INVALID
from wallet import resend
from wallet.cards import card
from wallet.keepers import acknowledge, keeper_of
from wallet.lease import SILENCE
from wallet.records import Item
from wallet.sessions import Document


async def days(wallet: Wallet, number: int = 1) -> tuple[str, str]:
    """So many days go by; what is said of the document then, and what was in the way of new copies."""
    for _ in range(number * 4):
        wallet.world.clock.at += DAY // 4
        await wallet.upkeep()
    shown = card(await wallet.document(), at=wallet.world.clock())
    return shown.state_code, shown.trouble


async def cancelled(wallet: Wallet) -> Item[Document]:
    item = await wallet.collect()
    wallet.world.office.statuses |= {copy.status_idx: INVALID for copy in item.value.copies}
    return item


async def test_an_office_that_is_gone_leaves_it_cancelled_after_some_days(wallet: Wallet) -> None:
    """Those who were shown it can be told so from then on; it is asked all the same, and what it gives is taken."""
    await cancelled(wallet)
    wallet.world.down.add(f"{ISSUER}/token")
    assert await days(wallet) == ("renewing", "")
    with pytest.raises(Conflict):
        resend.word_for(await wallet.document())
    assert await days(wallet, SILENCE // DAY - 1) == ("renewing", "")
    assert await days(wallet) == ("invalid", "unavailable")
    assert resend.word_for(await wallet.document()) == resend.CANCELLED
    wallet.world.down.clear()
    assert await days(wallet) == ("valid", "")


async def test_copies_that_fail_a_check_are_not_on_their_way(wallet: Wallet) -> None:
    await cancelled(wallet)
    wallet.world.office.bend = lambda wire: wire.removesuffix("~").rpartition("~")[0] + "~"
    state, trouble = await days(wallet)
    assert (state, bool(trouble)) == ("invalid", True)
    assert resend.word_for(await wallet.document()) == resend.CANCELLED


async def test_of_what_the_office_has_cancelled_no_trouble_is_told(wallet: Wallet) -> None:
    """It says that there is no such document any more: that is no fault."""
    await cancelled(wallet)
    wallet.world.office.refresh_tokens.clear()
    assert await days(wallet) == ("invalid", "")


async def test_nobody_is_asked_before_the_holder_knows_who_keeps_it_now(wallet: Wallet) -> None:
    """A company keeps the record, so that nothing is on its way, nor said to be."""
    item, world = await cancelled(wallet), wallet.world
    realm = privatised()
    wallet.means = replace(wallet.means, trust=lambda: knowing(world, realm))
    assert await days(wallet) == ("invalid", "conflict")
    keeper = keeper_of(wallet.means.trust(), await wallet.document(), world.clock())
    assert keeper is not None
    await acknowledge(wallet.means, wallet.vault, item.id, keeper.statement)
    for _ in range(2):  # new copies, and how they stand
        await wallet.upkeep()
    assert (await wallet.document()).standing == "valid"
