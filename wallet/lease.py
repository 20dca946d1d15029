"""By what new copies of a document are fetched: a rotating token and a lease, which documents that came by one grant share."""

from __future__ import annotations

import msgspec

from shared.clock import DAY
from shared.errors import Conflict, Unavailable
from shared.openid4vci import TokenResponse
from shared.storage import Tx
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DOCUMENTS, Item
from wallet.sessions import NONE_LEFT, Document, Granted, Renewal

LEASE = 300  # seconds that one process has to renew before another may try
SILENCE = 7 * DAY
"""Seconds after which copies that were cancelled are no longer said to be replaced, where nothing is heard of others."""


def grant_of(due: Renewal) -> Granted:
    """What the first grant was good for, before it is renewed."""
    return Granted(
        access_token="",
        expires_at=0,
        refresh_token=due.token,
        server=due.server,
        client_id=due.client_id,
        identifiers={name: (one,) for name, one in due.identifiers.items()},
    )


def lock_of(vault: Vault, item: Item[Document]) -> str:
    """The lock of this process for whatever is asked for by the grant of a document: documents of one grant wait for each other."""
    due = item.value.renewal
    return f"{vault.wallet}/upkeep/{due.grant if due is not None and due.grant else item.id}"


def problem_of(due: Renewal, problem: str, at: int) -> str:
    """What stands of an attempt that came to ``problem``, empty for an office that was not reached. Of copies that were cancelled what the office said last
    stands, and of others that it promised the promise, until it was silent for too long.
    """
    if not due.cancelled or problem in NONE_LEFT or (problem and not due.parts):
        return problem
    return due.problem or ((problem or Unavailable.code) if at - due.heard_at >= SILENCE else "")


async def take_lease(means: Means, vault: Vault, item: Item[Document]) -> Item[Document]:
    """Of two processes that find the same document due, or two of one grant, one goes on; ``Conflict`` for the other."""
    due, at = item.value.renewal, means.clock()
    if due is None:
        return item
    if due.lease_until > at:
        raise Conflict("these copies are being renewed already")
    return await note_renewal(means, vault, item, msgspec.structs.replace(due, lease_until=at + LEASE), "renew-lease")


async def note_token(means: Means, vault: Vault, item: Item[Document], token: TokenResponse) -> Item[Document]:
    """A rotating token is spent once used: the next one is written down before anything else happens."""
    due = item.value.renewal
    if due is None or token.refresh_token is None:
        return item
    return await note_renewal(means, vault, item, msgspec.structs.replace(due, token=token.refresh_token), "renew-token")


async def note_renewal(means: Means, vault: Vault, item: Item[Document], renewal: Renewal, point: str) -> Item[Document]:
    """Written down for this document; token and lease also for those that came by the same grant."""
    value = msgspec.structs.replace(item.value, renewal=renewal)

    async def note(tx: Tx) -> Item[Document]:
        await share(tx, means, vault, item.id, renewal)
        return await DOCUMENTS.replace(tx, vault, item, value, entropy=means.entropy)

    return await means.storage.write(note, point=point)


async def share(tx: Tx, means: Means, vault: Vault, document: str, renewal: Renewal) -> None:
    """Two that renew documents of one grant write the same items, so that one of them finds a ``Conflict``."""
    if not renewal.grant:
        return
    for other in await DOCUMENTS.all(tx, vault):
        theirs = other.value.renewal
        if theirs is not None and theirs.grant == renewal.grant and other.id != document:
            theirs = msgspec.structs.replace(theirs, token=renewal.token, lease_until=renewal.lease_until)
            value = msgspec.structs.replace(other.value, renewal=theirs)
            await DOCUMENTS.replace(tx, vault, other, value, entropy=means.entropy)
