"""The composition root of the issuer: who is handed what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from issuer import config
from issuer.claims import check_sources
from issuer.config import Settings
from issuer.init import migrations
from issuer.office import ISSUER, Office, chosen_types, configurations
from issuer.operator_api import OperatorApi
from issuer.pages import add_pages
from issuer.publish import StatusLists
from issuer.records.sweep import sweep
from issuer.wallet_api import WalletApi
from shared.clock import Clock, Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.errors import ConfigError, VcError
from shared.private_file import read_secret
from shared.storage import open_storage
from shared.web import auth
from shared.web.app import READY, make_app
from shared.web.setup import read_certificate
from shared.x509 import load_certificate

OFFICE: web.AppKey[Office] = web.AppKey("OFFICE", Office)
LISTS: web.AppKey[StatusLists] = web.AppKey("LISTS", StatusLists)
CHORES_EVERY = 30.0  # seconds between two rounds of housekeeping

log = logging.getLogger("muniment.issuer")


def open_office(directory: Path, settings: Settings, *, clock: Clock = system_clock, entropy: Entropy = system_entropy) -> Office:
    """Everything that use cases need; nothing is asked of database or keys yet."""
    types = chosen_types(settings.types)
    check_sources(types)
    leaf = read_certificate(directory / "issuer.pem")
    return Office(
        settings=settings,
        clock=clock,
        entropy=entropy,
        storage=open_storage(settings.storage, failpoint=settings.failpoint),
        custodian=open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory))),
        x5c=(leaf.der,),
        alg=leaf.public.alg,
        types=types,
        configurations=configurations(types),
    )


async def start(office: Office) -> StatusLists:
    """Bring the database up to date and make sure that documents can be issued."""
    await check_certificate(office)
    await office.storage.migrate(migrations())
    lists = StatusLists(office)
    await lists.begin()
    return lists


async def check_certificate(office: Office) -> None:
    """``ConfigError`` unless the certificate is for our key and our address."""
    leaf = load_certificate(office.x5c[0])
    if (await office.custodian.public(ISSUER)).key != leaf.public.key:
        raise ConfigError("the certificate issuer.pem belongs to another key than the one held", where="keys")
    if office.settings.public_url not in leaf.uris:
        raise ConfigError("the certificate issuer.pem names another public_url: run `muniment-issuer keys renew`", where="public_url")


async def stop(office: Office) -> None:
    await office.storage.close()
    await office.custodian.close()


def build(office: Office) -> web.Application:
    """The whole service."""
    app = make_app("issuer", office.settings, storage=office.storage, clock=office.clock, entropy=office.entropy)
    lists = StatusLists(office)
    app[OFFICE], app[LISTS] = office, lists
    auth.use_auth(app, sign_in_path="/console/sign-in")
    WalletApi(office, lists).add_to(app)
    OperatorApi(office).add_to(app)
    add_pages(app, office)
    app.cleanup_ctx.append(_resources)
    app[READY]["keys"] = lambda: office.custodian.public(ISSUER)
    return app


async def _resources(app: web.Application) -> AsyncIterator[None]:
    office = app[OFFICE]
    await start(office)
    chores = asyncio.create_task(_chores(app))
    yield
    chores.cancel()
    with suppress(asyncio.CancelledError):
        await chores
    await stop(office)


async def _chores(app: web.Application) -> None:
    """Housekeeping never ends the service: what failed is logged and tried again."""
    while True:
        try:
            await one_round(app)
        except VcError:
            log.warning("housekeeping could not be done", exc_info=True)
        except Exception:
            log.exception("a bug in housekeeping")
        await asyncio.sleep(CHORES_EVERY)


async def one_round(app: web.Application) -> None:
    """Forget what has had its time, take it off the disk, and sign status lists before they grow old."""
    office = app[OFFICE]
    at = office.clock()
    await office.storage.write(lambda tx: sweep(tx, at), point="sweep")
    await auth.sweep(app)
    await office.storage.checkpoint()
    await app[LISTS].begin()
    await app[LISTS].refresh()
