"""What an open wallet does by the clock for attorneys and donors, once a document was looked after."""

from __future__ import annotations

import logging

from shared.errors import VcError
from shared.storage import Tx
from wallet import at_office, reported, reporting
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS, Item
from wallet.sessions import Document

log = logging.getLogger("muniment.wallet")


async def tend(means: Means, vault: Vault, name: str) -> None:
    """Report to the donor, fetch what was reported, and ask why a document does not count. What fails is tried again later."""
    async with means.locks.of(f"{vault.wallet}/upkeep/{name}"):
        for duty in (reporting.tend, reported.tend, at_office.look):
            item = await means.storage.read(lambda tx: DOCUMENTS.find(tx, vault, name))
            if item is None:
                return
            try:
                await duty(means, vault, item)
            except VcError as error:
                log.info("what attorney and donor tell each other: %s", error.code)


async def tend_gone(means: Means, vault: Vault) -> None:
    """What donors have not heard yet of documents that were removed."""
    try:
        await reporting.tend_gone(means, vault)
    except VcError as error:
        log.info("the last reports to donors: %s", error.code)


async def forget(tx: Tx, means: Means, vault: Vault, item: Item[Document]) -> None:
    """The document goes out of the wallet, and what was told of it with it; what a donor has not heard yet is still told."""
    await reporting.leave_behind(tx, means, vault, item)
    for shelf in (reported.REPORTED, at_office.STANDINGS):
        await shelf.drop(tx, vault, item.id)
