"""The composition root of the verifier: who is handed what."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from prometheus_client import Gauge

from shared.errors import VcError
from shared.storage import Tx
from shared.web import above, auth, log
from shared.web.app import READY, make_app, run
from shared.web.context import FETCHER
from shared.web.housekeeping import keep_house, then_clear
from shared.web.metrics import METRICS
from verifier import config, fetching, inbox, inbox_keys, inherited, keys, passing, registering, resting, together, watching, webhooks
from verifier.config import Settings
from verifier.desk import Desk
from verifier.inbox_api import InboxApi
from verifier.known import finish as finish_forgetting
from verifier.material import Store
from verifier.opening import entity_of, log_site_of, open_desk, publisher_of, start, stop
from verifier.pages import add_pages
from verifier.receipts_api import ReceiptsApi
from verifier.records import desk_receipts, events, exchanges, given, known, letters, passed, permissions, scan, watched
from verifier.records import together as acts
from verifier.relying_party_api import RelyingPartyApi
from verifier.scan_api import ScanApi
from verifier.vc_api import VcApi
from verifier.wallet_api import WalletApi

DESK: web.AppKey[Desk] = web.AppKey("DESK", Desk)
STORE: web.AppKey[Store] = web.AppKey("STORE", Store)
SOON = 120  # seconds until an issuer is visited again that did not give everything
CHORES_EVERY = 20.0  # seconds between two rounds of housekeeping
TELL_EVERY = 1.0  # seconds between two looks for events to send


LATE: web.AppKey[Gauge] = web.AppKey("LATE", Gauge)
FOLLOWER: web.AppKey[resting.Follower] = web.AppKey("FOLLOWER", resting.Follower)

logger = logging.getLogger("muniment.verifier")


def serve_folder(directory: Path) -> None:
    """Serve the verifier of a data folder until SIGTERM."""
    settings = config.read(directory)

    async def make(settings: Settings) -> web.Application:
        return build(open_desk(directory, settings))

    run(make, settings, started=lambda urls: print(f"{settings.name}: {urls[0]} (desk: {urls[0]}/desk/)", flush=True))  # noqa: T201 - a person reads it in a terminal


def build(desk: Desk, *, chores: bool = True) -> web.Application:
    """The whole service; without ``chores`` somebody else calls ``one_round`` and ``visit``."""
    app = make_app("verifier", desk.settings, storage=desk.storage, clock=desk.clock, entropy=desk.entropy)
    store = Store(desk)
    app[DESK], app[STORE], app[FOLLOWER] = desk, store, resting.Follower()
    auth.use_auth(app, sign_in_path="/desk/sign-in")
    WalletApi(desk, store).add_to(app)
    RelyingPartyApi(desk, store).add_to(app)
    ScanApi(desk, store).add_to(app)
    InboxApi(desk, store).add_to(app)
    ReceiptsApi(desk).add_to(app)
    app[LATE] = Gauge("muniment_inbox_late", "Letters that wait for a person though their time is over.", registry=app[METRICS].registry)
    if desk.settings.vc_api:
        VcApi(desk, store).speak(app)
    publisher_of(desk).add_to(app)
    entity_of(desk).add_to(app)
    log_site_of(desk).add_to(app)
    add_pages(app, desk, store)
    app.cleanup_ctx.append(_resources)
    if chores:
        keep_house(app, one_round, visit, every=CHORES_EVERY)
        keep_house(app, tell, every=TELL_EVERY)
        keep_house(app, pass_on, every=TELL_EVERY)
        keep_house(app, hear_above, every=CHORES_EVERY)
        keep_house(app, follow, every=CHORES_EVERY)
    app[READY]["keys"] = lambda: desk.custodian.public(desk.signer.key)
    return app


async def _resources(app: web.Application) -> AsyncIterator[None]:
    desk = app[DESK]
    await start(desk)
    yield
    await stop(desk)


async def one_round(app: web.Application) -> None:
    """Forget what has had its time, say anew what is in force, and take off the disk what was deleted since the last round, whoever did.

    What could not be taken off is tried again in the next round.
    """
    desk = app[DESK]
    at = desk.clock()

    async def unit(tx: Tx) -> None:
        for records in (exchanges, log, scan, desk_receipts, events, given, letters, passed, permissions, known, acts, watched):
            await records.purge(tx, at)

    async with then_clear(desk.storage):
        await desk.storage.write(unit, point="purge")
        await auth.sweep(app)
        await keys.follow(desk)
        await publisher_of(desk).tend()
        await registering.tend(desk)
        await together.look_again(desk, app[STORE])
        await inherited.tend(desk, await app[STORE].federation())
        await entity_of(desk).tend()
        await log_site_of(desk).tend()
        await watching.look(desk, app[STORE])
        if desk.settings.inbox:
            await inbox_keys.tend(desk, await app[STORE].federation())
            app[LATE].set(await inbox.tend(desk))


async def tell(app: web.Application) -> None:
    """Send the organisation's own program what it was not told yet."""
    await webhooks.deliver(app[DESK], app[FETCHER])


async def pass_on(app: web.Application) -> None:
    """Send letters for others where they belong; in turns of its own, as some of those may be slow."""
    await passing.deliver(app[DESK], app[FETCHER])


async def follow(app: web.Application) -> None:
    """Have what was given end with what it rests on; in turns of its own, as our issuer may be slow."""
    await finish_forgetting(app[DESK], app[FETCHER])
    await app[FOLLOWER].follow(app[DESK], app[STORE], app[FETCHER])


async def hear_above(app: web.Application) -> None:
    """Hear what those above us in federations say of us, when it is time; in turns of its own, as some of them may be slow."""
    desk = app[DESK]
    if desk.settings.visit_issuers:
        await above.visit(desk.storage, app[FETCHER], own=desk.entity, hints=desk.settings.authority_hints, clock=desk.clock)


async def visit(app: web.Application) -> None:
    """Visit anchors and issuers, and look for a newer checking pack, when it is time.

    The clock decides, never anything that somebody showed (security rule S21).
    """
    desk, store = app[DESK], app[STORE]
    if await fetching.is_due(desk):
        try:
            await fetching.fetch(desk, app[FETCHER])
        except VcError as error:
            logger.warning("no newer checking pack: %s", error.detail)
    if not desk.settings.visit_issuers:
        return
    every = desk.settings.refresh_minutes * 60
    due = {each.entity: each.tried_at + (min(every, SOON) if each.faults else every) for each in await store.visits()}
    if any(due.get(entity, 0) <= desk.clock() for entity in store.issuers()) or await store.is_due():
        for each in await store.refresh(app[FETCHER]):
            for fault in each.faults:
                logger.warning("a visit to an issuer did not bring everything: %s", fault)
