"""The composition root of the wallet service: who is handed what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from shared.clock import Clock, Entropy, system_clock, system_entropy
from shared.custody import open_custodian
from shared.keys import Custodian
from shared.openid4vp import Admission
from shared.private_file import read_secret
from shared.storage import Storage, open_storage
from shared.web import above, auth
from shared.web.app import READY, make_app
from shared.web.context import FETCHER
from shared.web.entity import OwnEntity
from shared.web.fetch import Fetcher
from shared.web.housekeeping import keep_house, then_clear
from shared.web.sessions import Session
from wallet import confirming, logs, register, replies, telling
from wallet.attester import Attester, NoAttester, OutsideAttester, OwnAttester, check_uri
from wallet.backup import BackupTools
from wallet.config import Place
from wallet.enter import Doors
from wallet.holder_api import HolderApi
from wallet.init import entity_of, migrations
from wallet.keep import STORAGE, Keeper
from wallet.keys import Vouching, open_vouching
from wallet.means import Means, TrustFile
from wallet.moving import Moves
from wallet.outbox import Outbox
from wallet.pages import Desk, add_pages
from wallet.pages.moving import forget_first
from wallet.phone import look_after
from wallet.unlocked import Unlocked
from wallet.upkeep import upkeep
from wallet.views import Views

UPKEEP_EVERY = 20.0  # seconds between two rounds; what is due was settled long before
POST_EVERY = 2.0  # seconds: somebody may be looking


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Everything that one process of the wallet service holds; ``vouching`` are the keys by which it vouches for its wallets, if it has any."""

    place: Place
    storage: Storage
    custodian: Custodian
    fetcher: Fetcher
    means: Means
    doors: Doors
    unlocked: Unlocked
    backups: BackupTools
    vouching: Vouching | None
    views: Views
    outbox: Outbox

    async def start(self) -> None:
        """Bring the database up to date, and know which key vouches now."""
        await self.storage.migrate(migrations())
        if self.vouching is not None:
            await self.vouching.begin()
        await register.recall(self.means)

    async def close(self) -> None:
        """Release connections, files and keys."""
        await self.fetcher.close()
        await self.storage.close()
        await self.custodian.close()


def open_host(place: Place, *, clock: Clock = system_clock, entropy: Entropy = system_entropy) -> Host:
    """Everything that use cases need; nothing is asked of database or network yet."""
    settings = place.settings
    storage = open_storage(place.storage, failpoint=settings.failpoint)
    custodian = open_custodian(place.keys, entropy=entropy, passphrase=read_secret(place.key_file))
    fetcher = Fetcher.of(settings)
    trust = TrustFile(place.path(settings.trust))
    vouching = open_vouching(place, storage, custodian, clock=clock, entropy=entropy)
    return Host(
        place=place,
        storage=storage,
        custodian=custodian,
        fetcher=fetcher,
        means=Means(
            storage=storage,
            fetch=fetcher,
            trust=trust,
            learn=trust.learn,
            clock=clock,
            entropy=entropy,
            plain_http=settings.plain_http,
            admit=Admission(unsigned=settings.accept_unsigned, dids=settings.known_dids),
            attester=_attester(place, custodian, fetcher, clock, vouching),
            status_every=settings.status_hours * 3_600,
            register_every=settings.register_hours * 3_600,
            log_every=settings.log_hours * 3_600,
        ),
        doors=Doors(Keeper(custodian, entropy, settings.hardness), storage, clock=clock, entropy=entropy),
        unlocked=Unlocked(clock, entropy, idle=settings.idle_minutes * 60),
        backups=BackupTools(storage=storage, hardness=settings.hardness, clock=clock, entropy=entropy),
        vouching=vouching,
        views=Views(storage=storage, custodian=custodian, clock=clock, entropy=entropy),
        outbox=Outbox(storage=storage, custodian=custodian, fetch=fetcher, clock=clock, entropy=entropy),
    )


def _attester(place: Place, custodian: Custodian, fetcher: Fetcher, clock: Clock, vouching: Vouching | None) -> Attester:
    """Whom the settings say. A folder from before there was a certificate for it has nobody who vouches."""
    uri, name = place.settings.attester, place.settings.public_url
    kind = check_uri(uri, place.settings.plain_http)
    if kind == "outside":
        token = place.path("attester-token")
        return OutsideAttester(uri, token.read_text(encoding="utf-8").strip() if token.exists() else "", name, fetcher)
    if kind == "none" or vouching is None:
        return NoAttester(name)
    return OwnAttester(custodian, vouching.signing, name, clock, vouching.follow)


class InMemory:
    """Sessions of open wallets are never written down (``shared.web.auth.SessionKeeper``)."""

    def __init__(self, unlocked: Unlocked) -> None:
        self._unlocked = unlocked

    async def find(self, request: web.Request, cookie: str) -> Session | None:
        """The session of an open wallet; being asked keeps it open. Also that of a browser which the wallet has left: it opens nothing."""
        del request
        known = self._unlocked.find(cookie) or self._unlocked.left(cookie)
        return None if known is None else known.session

    async def peek(self, request: web.Request, cookie: str) -> Session | None:
        """The session of an open wallet; being asked does not keep it open."""
        del request
        sitting = self._unlocked.peek(cookie)
        return None if sitting is None else sitting.session

    async def end(self, request: web.Request, session: Session) -> None:
        """Close this sitting; its key leaves the memory."""
        del request
        self._unlocked.close(session.key)


HOST: web.AppKey[Host] = web.AppKey("HOST", Host)


def build(host: Host) -> web.Application:
    """The whole service."""
    means = host.means
    app = make_app("wallet", host.place.settings, storage=host.storage, clock=means.clock, entropy=means.entropy)
    app[HOST] = host
    app[FETCHER] = host.fetcher.__call__
    auth.use_auth(app, keep=InMemory(host.unlocked))
    app.middlewares.append(forget_first(host.unlocked))
    HolderApi(means, host.doors, host.unlocked, host.place.settings, host.views, outbox=host.outbox).add_to(app)
    desk = Desk(
        means=means,
        doors=host.doors,
        unlocked=host.unlocked,
        settings=host.place.settings,
        backups=host.backups,
        views=host.views,
        outbox=host.outbox,
        moves=Moves(host.unlocked, clock=means.clock, entropy=means.entropy),
        trust_file=host.place.path(host.place.settings.trust),
        entity=_entity(host),
        vouching=host.vouching,
    )
    add_pages(app, desk)
    if host.vouching is not None:
        host.vouching.publisher.add_to(app)
    _entity(host).add_to(app)
    app.cleanup_ctx.append(_resources)
    keep_house(app, keep_keys, one_round, every=UPKEEP_EVERY)
    keep_house(app, hear_above, every=UPKEEP_EVERY)
    keep_house(app, follow_logs, every=UPKEEP_EVERY)
    keep_house(app, confirm_receipts, every=UPKEEP_EVERY)
    keep_house(app, post_letters, every=POST_EVERY)
    app[READY]["keys"] = lambda: host.custodian.seal(STORAGE, b"", context=b"ready")
    return app


def _entity(host: Host) -> OwnEntity:
    return entity_of(host.place, host.storage, host.custodian, host.means.clock)


async def _resources(app: web.Application) -> AsyncIterator[None]:
    host = app[HOST]
    await host.start()
    yield
    await host.close()


async def hear_above(app: web.Application) -> None:
    """Hear what those above this service in federations say of it, when it is time; in turns of its own, as some of them may be slow."""
    host = app[HOST]
    settings = host.place.settings
    await above.visit(host.storage, host.fetcher, own=settings.public_url, hints=settings.authority_hints, clock=host.means.clock)


async def follow_logs(app: web.Application) -> None:
    """See whether bodies that gave receipts have changed their records, when it is time; in turns of its own, as some of them may be slow."""
    host = app[HOST]
    for vault in host.unlocked.vaults():
        await logs.tend(host.means, vault)


async def confirm_receipts(app: web.Application) -> None:
    """Ask for what desks gave without a network, when it is time; in turns of its own, as some organisations may be slow."""
    host = app[HOST]
    for vault in host.unlocked.vaults():
        await confirming.tend(host.means, vault)


async def keep_keys(app: web.Application) -> None:
    """The keys by which this service vouches for its wallets, one after another, and what it says of them."""
    vouching = app[HOST].vouching
    if vouching is not None:
        await vouching.tend()


async def post_letters(app: web.Application) -> None:
    """Letters to organisations, and their answers: also for wallets that are closed."""
    await app[HOST].outbox.work()


async def one_round(app: web.Application) -> None:
    """Who may ask, if it is time; every open wallet once; and the counters whose time is over. What was deleted meanwhile leaves the disk."""
    host = app[HOST]
    async with then_clear(host.storage):
        await register.refresh(host.means)
        await host.views.sweep()
        await host.outbox.sweep()
        await _entity(host).tend()
        for vault in host.unlocked.vaults():
            await upkeep(host.means, vault)
            await look_after(host.means, vault)
            await telling.carry_on_all(host.means, vault, host.outbox)
            await replies.collect(host.means, vault, host.outbox)
        await auth.sweep(app)
