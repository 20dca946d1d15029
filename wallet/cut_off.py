"""Requests that were left behind: answers that a process died over, and what was asked long ago."""

from __future__ import annotations

import logging
from contextlib import suppress

import msgspec

from shared.clock import DAY
from shared.errors import Conflict, VcError
from shared.storage import Tx
from wallet import history, permissions
from wallet.agreed import documents_of
from wallet.entries import Sealed
from wallet.keep import Vault
from wallet.means import Means
from wallet.present import close, closing_entry, request_object, send
from wallet.records import REQUESTS, Item
from wallet.sessions import Agreed, Request, Unanswered

log = logging.getLogger("muniment.wallet")

KEEP_REQUESTS = 30 * DAY
CUT_OFF = 180  # seconds after which an answer that nobody here is sending is taken for cut off
AGAIN = 3_600  # seconds after which it is not sent again: nobody waits for it any longer


async def settle_cut_off(means: Means, vault: Vault) -> None:
    """Requests that were agreed to and of which nobody was heard, or whose process died: what was posted, or was about to be, is posted again,
    byte for byte, to whom it was for, after intervals that double. When too much time has gone, nobody knows whether it arrived.
    """
    at = means.clock()
    for item in await means.storage.read(lambda tx: REQUESTS.all(tx, vault)):
        key, state = f"{vault.wallet}/{item.id}", item.value.state
        if isinstance(state, Agreed) and _due(state) <= at and not means.locks.busy(key):
            async with means.locks.of(key):  # whoever would stop it hears first what came of it
                try:
                    await _settle(means, vault, item, state)
                except Conflict:
                    pass  # another process was first
                except VcError as error:
                    log.info("an answer of which nobody was heard: %s", error.code)


def _due(state: Agreed) -> int:
    last = state.again_at or state.at
    return min(2 * last - state.at + CUT_OFF, state.at + AGAIN)


STOPPED = "you stopped it before anybody was heard"
REMOVED = "you removed the document before anybody was heard"


async def stop(means: Means, vault: Vault, request_id: str, *, because: str = STOPPED) -> Item[Request]:
    """What was agreed to is not sent again, because its holder says so; whether it arrived, nobody knows. Asked again it changes nothing."""
    async with means.locks.of(f"{vault.wallet}/{request_id}"):
        item = await means.storage.read(lambda tx: REQUESTS.get(tx, vault, request_id))
        if not isinstance(item.value.state, Agreed):
            return item
        unknown = Unanswered(at=means.clock(), shown=item.value.state.shown, detail=item.value.state.fault or because)
        return await close(means, vault, item, unknown)


async def stop_showing(means: Means, vault: Vault, document: str) -> None:
    """What was agreed to with a document that its holder removed is not sent again, and nothing that was to be sent stays here."""
    for item in await means.storage.read(lambda tx: REQUESTS.all(tx, vault)):
        if isinstance(item.value.state, Agreed) and document in item.value.state.selection.values():
            await stop(means, vault, item.id, because=REMOVED)


async def _settle(means: Means, vault: Vault, item: Item[Request], state: Agreed) -> None:
    if not state.body or state.at + AGAIN <= means.clock():
        detail = state.fault or "this wallet stopped while it was sending"
        await close(means, vault, item, Unanswered(at=means.clock(), shown=state.shown, detail=detail))
        return
    asked, again = request_object(means, item.value), msgspec.structs.replace(state, again_at=means.clock())
    value = msgspec.structs.replace(item.value, state=again)

    async def note(tx: Tx) -> Item[Request] | str:
        if len(await documents_of(tx, vault, state)) < len(state.selection):
            return REMOVED
        if not await permissions.as_given(tx, vault, asked, means.clock()):
            return "a permission that went with it was taken back or has run out"
        return await REQUESTS.replace(tx, vault, item, value, entropy=means.entropy)

    noted = await means.storage.write(note, point="send-again")
    if isinstance(noted, str):
        unknown = Unanswered(at=means.clock(), shown=state.shown, detail=noted)
        await close(means, vault, item, unknown)
    else:
        await send(means, vault, noted)


async def under_way(tx: Tx, means: Means, vault: Vault) -> list[Sealed]:
    """What was sent and nobody was heard of yet, as lines that say so; they stand nowhere (``seq`` 0) until it is settled."""
    found = []
    for item in await REQUESTS.all(tx, vault):
        state = item.value.state
        if isinstance(state, Agreed) and not state.fault:
            open_now = Unanswered(at=state.at, shown=state.shown, detail="nobody was heard so far")
            with suppress(VcError):  # one that cannot be read any longer keeps no page from being shown
                found.append(Sealed(entry=closing_entry(means, item, state, open_now), salt=b"", commitment=b""))
    return found


async def read_checked(means: Means, vault: Vault) -> tuple[list[Sealed], bool]:
    """The whole history with what is under way at its end, and whether its chain holds."""
    lines, intact = await history.read_checked(means.storage, vault)
    return [*lines, *await means.storage.read(lambda tx: under_way(tx, means, vault))], intact


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
