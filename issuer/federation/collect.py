"""Visits by the clock: what those below say of themselves, for what is published of them, and what those above say of us, for our own page.

Never because somebody asked (security rule S21). What could not be had leaves what was known before, and the fault is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from collections.abc import Set as AbstractSet
from typing import Final

from issuer.federation import keys
from issuer.federation.enrol import check_configuration
from issuer.office import Office
from issuer.records import subordinates
from issuer.records.subordinates import State, Subordinate
from shared.errors import VcError
from shared.storage import Tx
from shared.trust.statements import EntityStatement, check_statement
from shared.web import above
from shared.web.above import EVERY, Fetcher, read_configuration

__all__ = ["EVERY", "Fetcher", "read_configuration", "visit"]

SOON: Final = 120  # while somebody waits for a second person, who wants to know what its address shows
AT_ONCE: Final = 8


async def visit(office: Office, fetch: Fetcher) -> None:
    """Everybody whose time has come."""
    turn, at = asyncio.Semaphore(AT_ONCE), office.clock()

    async def one(work: Awaitable[None]) -> None:
        async with turn:
            await work

    below = await office.storage.read(subordinates.everybody) if office.settings.superior else []
    due = await above.due(office.storage, office.settings.authority_hints, at)
    await asyncio.gather(
        *(one(visit_below(office, each, fetch)) for each in below if _is_due(each, at)),
        *(one(above.ask(office.storage, each, fetch, own=office.settings.public_url, clock=office.clock)) for each in due),
    )


def _is_due(each: Subordinate, at: int) -> bool:
    waits = each.wanted_keys is not None
    return (waits or each.state is State.ACTIVE) and (each.tried_at is None or each.tried_at + (SOON if waits else EVERY) <= at)


async def visit_below(office: Office, each: Subordinate, fetch: Fetcher) -> None:
    """What one body says of itself now: on the timer, and when it was approved, so that its documents count from the next publication on."""
    at, said, own = office.clock(), None, set[str]()
    try:
        own = await keys.own_names(office)
        said = await read_configuration(each.entity, fetch)
        check_configuration(office, each.entity, said, at)
    except VcError as error:
        said, fault = None, error.detail
    else:
        fault = ""
    await office.storage.write(lambda tx: _note(tx, each.entity, said, own, fault=fault, at=at), point="federation-heard")


async def _note(tx: Tx, entity: str, said: EntityStatement | None, own: AbstractSet[str], *, fault: str, at: int) -> None:
    """The row as it is now decides: it may have been changed during the visit."""
    now, token = await subordinates.get(tx, entity), None
    if said is not None and now.keys:
        try:
            check_statement(said, keys.read_keys(now.keys), at=at)
            above.check_not_older(said, now.configuration)
            now = await keys.heard(tx, now, said, own, at=at)
            token = said.wire
        except VcError as error:
            fault = error.detail
    shown = said is not None and keys.names_of(keys.read_keys(now.wanted_keys or now.keys)) <= keys.names_of(said.keys)
    if shown and said is not None and not now.keys:
        token = said.wire
    await subordinates.heard(tx, entity, configuration=token, published=shown, fault=fault, at=at)
