"""Setting up a wallet service in an empty folder: the host's keys, trust, database and the first wallet.

Safe to repeat after a crash, and never over a finished one: the settings file is written last and refuses everything from then on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.clock import Clock, Entropy
from shared.custody import open_custodian
from shared.errors import ConfigError
from shared.keys import Custodian, Role
from shared.private_file import make_secret, read_secret, write_whole
from shared.storage import Migration, Storage, open_storage, read_migrations
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.urls import LOOPBACK
from shared.web import above, entity, own_keys
from shared.web.certificates import ANCHOR_FILE
from shared.web.entity import OwnEntity, Said, name_of
from shared.web.passphrases import generate_passphrase
from shared.web.settings import load
from shared.web.setup import add_anchor, create_keys, read_certificate, toml_text
from shared.x509 import Cert
from wallet import config, keys
from wallet.attester import ATTESTER
from wallet.config import Place, WalletSettings
from wallet.enter import Doors
from wallet.keep import REFERENCES, STORAGE, Hardness, Keeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for; ``passphrase`` empty means that one is made. ``trust`` are ``FILE.pem:role[:entity]``."""

    folder: Path
    public_url: str
    port: int
    storage: str = ""
    holder: str = ""
    passphrase: str = ""
    trust: tuple[str, ...] = ()
    open_to_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was made. Passphrase and recovery code are told here and never again; empty where no wallet was asked for.

    ``anchor`` is the file by which issuers know wallets of this service.
    """

    public_url: str
    holder: str
    passphrase: str
    recovery_code: str
    anchor: str


def migrations() -> Sequence[Migration]:
    """Counters of tries, then the wallet's own tables."""
    return (*read_migrations("shared.web", "web"), *read_migrations("wallet", "wallet"))


async def set_up(wish: Wish, *, clock: Clock, entropy: Entropy, hardness: Hardness | None = None) -> SetUp:
    """Make everything; ``ConfigError`` if there is a wallet service already, or something of the wish cannot be.

    ``hardness`` of the first wallet's lock is that of the settings unless given.
    """
    file = wish.folder / config.FILE
    if file.exists():
        raise ConfigError(f"there is a wallet service in {wish.folder} already; nothing was changed", where="dir")
    place = Place(wish.folder, load(WalletSettings, _toml(wish).encode(), {}, config.PREFIX))
    wish.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    trust = TrustAnchors()
    for entry in wish.trust:
        trust = add_anchor(trust, entry)
    write_whole(place.path(place.settings.trust), render_trust(trust))
    make_secret(place.key_file, entropy)
    await vouch(place, clock=clock, entropy=entropy)
    opened = await _first_wallet(wish, place, hardness or place.settings.hardness, clock=clock, entropy=entropy)
    write_whole(file, _toml(wish).encode())
    return opened


async def _first_wallet(wish: Wish, place: Place, hardness: Hardness, *, clock: Clock, entropy: Entropy) -> SetUp:
    custodian = open_custodian(place.keys, entropy=entropy, passphrase=read_secret(place.key_file))
    storage = open_storage(place.storage)
    anchor = str(place.path(ANCHOR_FILE))
    try:
        await create_keys(custodian, {STORAGE: Role.SEAL, REFERENCES: Role.MAC})
        await storage.migrate(migrations())
        if not wish.holder:
            return SetUp(public_url=wish.public_url, holder="", passphrase="", recovery_code="", anchor=anchor)
        passphrase = wish.passphrase or generate_passphrase(entropy)
        doors = Doors(Keeper(custodian, entropy, hardness), storage, clock=clock, entropy=entropy)
        opened = await doors.make(wish.holder, passphrase)
        return SetUp(
            public_url=wish.public_url, holder=opened.holder, passphrase=passphrase, recovery_code=opened.recovery_code, anchor=anchor
        )
    finally:
        await storage.close()
        await custodian.close()


def opened(place: Place, *, clock: Clock, entropy: Entropy) -> own_keys.Publishing:
    """The keys that follow on each other, and what is published of them, of a service that is not running; ``ConfigError`` before the first."""
    if not place.attested_by.exists():
        raise ConfigError("this service vouches for no wallets yet: run `muniment-wallet vouch`", where="attester")
    return keys.anchored(place, clock=clock, entropy=entropy).opened(migrations())


async def vouch(place: Place, *, clock: Clock, entropy: Entropy) -> Cert:
    """A new certificate by which this service vouches for its wallets, published; anchor and keys are made where there are none yet, that with
    which it speaks in federations among them. Errors as ``own_keys.renew``.
    """
    certifier = keys.anchored(place, clock=clock, entropy=entropy).certifier()
    if place.attested_by.exists():
        await certifier.create(entity.ROLES)
        return await own_keys.renew(certifier, opened(place, clock=clock, entropy=entropy))
    await certifier.set_up({ATTESTER: Role.WALLET_PROVIDER, **entity.ROLES})
    async with opened(place, clock=clock, entropy=entropy) as kept:
        ring = kept.rings[0]
        leaf = read_certificate(place.attested_by) if await ring.is_first() else await ring.renew(actor=own_keys.ACTOR)
        await kept.publisher.publish(actor=own_keys.ACTOR)
    return leaf


def entity_of(place: Place, storage: Storage, custodian: Custodian, clock: Clock) -> OwnEntity:
    """What this service says of itself in federations: whoever vouches for its wallets, if it does that itself."""
    settings = place.settings

    async def says() -> Said:
        marks = await above.held(storage, settings.authority_hints, clock())
        known = await entity.verifying(storage, Role.WALLET_PROVIDER)
        names = {"openid_wallet_provider": [each.name for each in known]} if known else {}
        return Said({"openid_wallet_provider": entity.key_ends(known)}, names, trust_marks=marks)

    return OwnEntity(
        storage=storage,
        custodian=custodian,
        clock=clock,
        entity=settings.public_url,
        url=settings.public_url,
        name=name_of(settings, keys.wallets_of(settings.public_url)),
        hints=settings.authority_hints,
        days=settings.key_days,
        says=says,
    )


def read_trust(place: Place) -> TrustAnchors:
    """Whom this wallet service trusts; nobody where there is no file."""
    file = place.path(place.settings.trust)
    return parse_trust(file.read_bytes()) if file.exists() else TrustAnchors()


def _toml(wish: Wish) -> str:
    lines = [
        "# Settings of this wallet service. Each can also be set as MUNIMENT_WALLET_<NAME> in the environment.",
        f"public_url = {toml_text(wish.public_url)}",
        f"port = {wish.port}",
    ]
    if wish.storage:
        lines.append(f"storage = {toml_text(wish.storage)}")
    if wish.open_to_all:
        lines.append("open_to_all = true")
    if (urlsplit(wish.public_url).hostname or "") in {"localhost", "127.0.0.1", "::1"}:
        lines += [
            "# This service runs on one machine for trying out: others on the same machine may be called without TLS.",
            f"outbound_allow = {json.dumps([f'{host}:*' for host in LOOPBACK])}",
        ]
    return "\n".join(lines) + "\n"
