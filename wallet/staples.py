"""What an issuer says of each single copy on a phone, for desks whose own list is old: a status assertion to be shown with the copy.

Collected once a day for all copies of a batch that are in force, shown or not, in one order (security rule S21); the phone takes them
along whenever it asks how things stand. Whoever checks a copy verifies its assertion; here it is only passed on.
"""

from __future__ import annotations

import logging

import msgspec

from shared.clock import DAY
from shared.errors import VcError
from shared.flow import arun
from shared.status.assertion import fetch_assertions
from wallet.deliveries import Delivery, OnPhone
from wallet.keep import Vault
from wallet.means import Means
from wallet.records import DELIVERIES, DOCUMENTS, Item

log = logging.getLogger("muniment.wallet")

RETRY = 3_600  # seconds


async def collect_staples(means: Means, vault: Vault, item: Item[Delivery]) -> None:
    """Fetch them anew, or try again in an hour with the old ones kept."""
    state, at = item.value.state, means.clock()
    if not isinstance(state, OnPhone):
        return
    try:
        document = await means.storage.read(lambda tx: DOCUMENTS.get(tx, vault, item.value.document))
        found = await _fetch(means, state, document.value.issuer, at)
        state = msgspec.structs.replace(state, staples=found, staples_at=at + DAY)
    except VcError as error:
        log.info("what is said of the copies on a phone could not be had: %s", error.code)
        state = msgspec.structs.replace(state, staples_at=at + RETRY)
    value = msgspec.structs.replace(item.value, state=state)
    await means.storage.write(lambda tx: DELIVERIES.replace(tx, vault, item, value, entropy=means.entropy), point="phone-staples")


async def _fetch(means: Means, state: OnPhone, issuer: str, at: int) -> tuple[bytes, ...]:
    """Only the issuer itself is asked: to anybody else who keeps its lists, the question would tell which copies belong together."""
    living = [line for line in state.lines if line.status_uri.startswith(f"{issuer}/") and line.expires_at > at]
    found: list[bytes] = []
    for uri in sorted({line.status_uri for line in living}):
        told = await arun(fetch_assertions(uri, [line.status_idx for line in living if line.status_uri == uri]), means.fetch)
        found += [assertion.wire for assertion in told.values()]
    return tuple(found)
