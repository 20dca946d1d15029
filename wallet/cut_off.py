"""Requests that were left behind: answers that a process died over, and what was asked long ago."""

from __future__ import annotations

import msgspec

from shared.clock import DAY
from shared.storage import Tx
from wallet import history
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import closing_entry
from wallet.records import DOCUMENTS, REQUESTS, Item
from wallet.sessions import Agreed, Request, Unanswered

KEEP_REQUESTS = 30 * DAY
CUT_OFF = 180  # seconds after which an answer that nobody here is sending is taken for cut off


async def settle_cut_off(means: Means, vault: Vault) -> None:
    """Requests that were agreed to by a process that then died: nobody knows whether the answer arrived, and it is not sent again."""
    at = means.clock()
    for item in await means.storage.read(lambda tx: REQUESTS.all(tx, vault)):
        state = item.value.state
        if isinstance(state, Agreed) and state.at + CUT_OFF <= at and not means.locks.busy(f"{vault.wallet}/{item.id}"):
            await _settle(means, vault, item, state)


async def _settle(means: Means, vault: Vault, item: Item[Request], state: Agreed) -> None:
    cut_off = Unanswered(at=means.clock(), shown=state.shown, detail="this wallet stopped while it was sending")
    value = msgspec.structs.replace(item.value, state=cut_off)

    async def settle(tx: Tx) -> None:
        found = {query: await DOCUMENTS.find(tx, vault, document) for query, document in state.selection.items()}
        documents = {query: one.value for query, one in found.items() if one is not None}
        await REQUESTS.replace(tx, vault, item, value, entropy=means.entropy)
        await history.append(tx, vault, closing_entry(means, item, cut_off, documents), entropy=means.entropy)

    await means.storage.write(settle, point="settled")


async def forget_old(means: Means, vault: Vault) -> None:
    """What was asked long ago leaves the wallet; its line in the history stays."""
    oldest = means.clock() - KEEP_REQUESTS
    items = await means.storage.read(lambda tx: REQUESTS.all(tx, vault))
    old = [item.id for item in items if item.value.at < oldest and not isinstance(item.value.state, Agreed)]

    async def drop(tx: Tx) -> None:
        for name in old:
            await REQUESTS.drop(tx, vault, name)

    if old:
        await means.storage.write(drop, point="forgotten")
