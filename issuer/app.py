"""The composition root of the issuer: who is handed what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from prometheus_client import Gauge

from issuer import config, corrections, deciding_news, following, makers, marking, recall
from issuer.claims import check_sources
from issuer.config import Settings
from issuer.corrections import Figures
from issuer.corrections_api import CorrectionsApi
from issuer.entered import enter_keys
from issuer.envelopes import Envelopes
from issuer.federation import applying, collect
from issuer.federation import publish as federation
from issuer.federation.endpoints import Endpoints
from issuer.federation.own import entity_of
from issuer.holder_api import HolderApi
from issuer.init import anchored_of, keyring_of, migrations
from issuer.makers import Makers
from issuer.office import ISSUER, Office, chosen_types, configurations
from issuer.operator_api import OperatorApi
from issuer.pages import add_pages
from issuer.publish import StatusLists
from issuer.records.sweep import sweep
from issuer.vc_api import VcApi
from issuer.wallet_api import WalletApi
from shared.clock import Clock, Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.keys import Role
from shared.private_file import read_secret
from shared.storage import open_storage
from shared.web import auth
from shared.web.app import READY, make_app
from shared.web.certificates import OwnCertificate
from shared.web.context import FETCHER
from shared.web.housekeeping import keep_house, then_clear
from shared.web.keyring import TIMER
from shared.web.log_site import LogSite
from shared.web.metrics import METRICS
from shared.web.publisher import Publisher
from shared.web.setup import read_certificate
from shared.web.signer import Signer, Signing
from shared.web.trust_file import TrustFile

OFFICE: web.AppKey[Office] = web.AppKey("OFFICE", Office)
LISTS: web.AppKey[StatusLists] = web.AppKey("LISTS", StatusLists)
ENVELOPES: web.AppKey[Envelopes] = web.AppKey("ENVELOPES", Envelopes)
FIGURES: web.AppKey[Figures] = web.AppKey("FIGURES", Figures)
NEWS: web.AppKey[Gauge] = web.AppKey("NEWS", Gauge)
CHORES_EVERY = 30.0  # seconds between two rounds of housekeeping


def open_office(directory: Path, settings: Settings, *, clock: Clock = system_clock, entropy: Entropy = system_entropy) -> Office:
    """Everything that use cases need; nothing is asked of database or keys yet."""
    types = chosen_types(settings.types)
    check_sources(types)
    leaf = read_certificate(directory / "issuer.pem")
    return Office(
        directory=directory,
        settings=settings,
        clock=clock,
        entropy=entropy,
        storage=open_storage(settings.storage, failpoint=settings.failpoint),
        custodian=open_custodian(settings.keys, entropy=entropy, passphrase=read_secret(config.key_file(directory))),
        signing=Signing(Signer.of(ISSUER, leaf)),
        types=types,
        configurations=configurations(types),
        makers=Makers(TrustFile(config.trust(directory), may_lack=True)),
    )


async def start(office: Office) -> StatusLists:
    """Bring the database up to date and make sure that documents can be issued."""
    await office.storage.migrate(migrations())
    ring = keyring_of(office)
    if await ring.is_first():
        await own_certificate(office).check()
        await publisher_of(office).note_certificate(actor=TIMER)
    await ring.follow(office.signing)
    if not office.signing.is_stopped:
        await own_certificate(office).check()
    await makers.recall(office)
    lists = StatusLists(office)
    await lists.begin()
    return lists


def own_certificate(office: Office) -> OwnCertificate:
    """The certificate that the office shows."""
    return OwnCertificate(
        program="muniment-issuer",
        custodian=office.custodian,
        x5c=office.signer.x5c,
        key=office.signer.key,
        role=Role.CREDENTIAL_ISSUER,
        uri=office.settings.public_url,
        setting="public_url",
    )


def publisher_of(office: Office) -> Publisher:
    """Says what of this office is in force."""
    own = anchored_of(office).publisher(office.storage)
    return replace(own, beside=lambda: federation.newest(office)) if office.settings.superior else own


def log_site_of(office: Office) -> LogSite:
    """The office's log, as anybody can follow it."""
    return LogSite(
        storage=office.storage,
        custodian=office.custodian,
        clock=office.clock,
        entity=office.settings.public_url,
        url=office.settings.public_url,
        role=Role.CREDENTIAL_ISSUER,
        signing=office.signing,
    )


async def stop(office: Office) -> None:
    await office.storage.close()
    await office.custodian.close()


def build(office: Office, *, chores: bool = True) -> web.Application:
    """The whole service; without ``chores`` somebody else calls ``one_round``, ``visit`` and ``visit_federation``."""
    app = make_app("issuer", office.settings, storage=office.storage, clock=office.clock, entropy=office.entropy)
    lists = StatusLists(office)
    app[OFFICE], app[LISTS], app[ENVELOPES] = office, lists, Envelopes(office)
    auth.use_auth(app, sign_in_path="/console/sign-in")
    app[FIGURES] = Figures(app[METRICS].registry)
    app[NEWS] = deciding_news.gauge(app[METRICS].registry)
    WalletApi(office, lists, app[ENVELOPES]).add_to(app)
    CorrectionsApi(office, app[ENVELOPES]).add_to(app)
    HolderApi(office).add_to(app)
    OperatorApi(office).add_to(app)
    VcApi(office).add_to(app)
    publisher_of(office).add_to(app)
    entity_of(office).add_to(app)
    log_site_of(office).add_to(app)
    if office.settings.superior:
        Endpoints(office).add_to(app)
        applying.add_to(app, office)
    add_pages(app, office)
    app.cleanup_ctx.append(_resources)
    if chores:
        keep_house(app, one_round, visit, every=CHORES_EVERY)
        keep_house(app, visit_federation, every=CHORES_EVERY)
    app[READY]["keys"] = lambda: office.custodian.public(office.signer.key)
    return app


async def _resources(app: web.Application) -> AsyncIterator[None]:
    office = app[OFFICE]
    await start(office)
    yield
    await stop(office)


async def one_round(app: web.Application) -> None:
    """Forget what has had its time, go on calling in, sign lists and what is in force before they grow old, and take off the disk what was deleted."""
    office = app[OFFICE]
    at = office.clock()
    async with then_clear(office.storage):
        await office.storage.write(lambda tx: sweep(tx, at), point="sweep")
        await auth.sweep(app)
        await recall.tend(office)
        await marking.tend(office)
        await following.follow_own(office)
        await deciding_news.tend(office, app[NEWS])
        await follow_keys(office)
        await publisher_of(office).tend()
        await app[LISTS].begin()
        if not office.signing.is_stopped:
            await app[LISTS].refresh()
        await app[ENVELOPES].refresh()
        await corrections.tend(office, app[FIGURES])
        await entity_of(office).tend()
        await enter_keys(office)
        await log_site_of(office).tend()
        await federation.tend(office)


async def follow_keys(office: Office) -> None:
    """Have the next key made and sign when it is time, and sign with the one that does, whichever process saw to it."""
    ring = keyring_of(office)
    await ring.tend()
    await ring.follow(office.signing)


async def visit(app: web.Application) -> None:
    """Hear from the makers of wallets what they have withdrawn, when it is time."""
    await makers.hear(app[OFFICE], app[FETCHER])


async def visit_federation(app: web.Application) -> None:
    """Hear from those below and above in federations, when it is time; in turns of its own, as some of them may be slow."""
    await collect.visit(app[OFFICE], app[FETCHER])
    await applying.visit(app[OFFICE], app[FETCHER])
