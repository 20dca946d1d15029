"""Setting up an issuer in an empty folder: keys, certificates, database, first operator, first API key.

Safe to repeat after a crash, and never over a finished one: the settings file is written last and refuses everything from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from issuer import config
from issuer.config import Settings
from issuer.office import ISSUER, ROLES, SCOPES, Office
from issuer.records import key_makers
from shared.clock import Clock, Entropy
from shared.errors import ConfigError
from shared.keys import Role
from shared.private_file import make_secret, write_whole
from shared.storage import Migration, open_storage, read_migrations
from shared.web import log
from shared.web.anchored import Anchored
from shared.web.certificates import ANCHOR_FILE
from shared.web.keyring import Keyring
from shared.web.operators import FIRST_KEY, first_operator
from shared.web.passphrases import check_new_passphrase, generate_passphrase
from shared.web.settings import load
from shared.web.setup import toml_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for; ``passphrase`` empty means that one is made."""

    directory: Path
    name: str
    public_url: str
    port: int
    storage: str
    operator: str
    passphrase: str
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was made. Passphrase and API key are told here and never again."""

    public_url: str
    operator: str
    passphrase: str
    api_key: str
    anchor: str


def migrations() -> Sequence[Migration]:
    """Sessions, rate limits, API keys and operators, then the issuer's own, and its log's."""
    return (*read_migrations("shared.web", "web"), *read_migrations("issuer", "issuer"), *log.migrations())


async def set_up(wish: Wish, *, clock: Clock, entropy: Entropy) -> SetUp:
    """Make everything; ``ConfigError`` if there is an issuer already, or something of the wish cannot be."""
    directory = wish.directory
    if config.toml(directory).exists():
        raise ConfigError(f"there is an issuer in {directory} already; nothing was changed", where="dir")
    settings = config.settle(load(Settings, _toml(wish).encode(), {}, config.PREFIX), directory)
    passphrase = wish.passphrase or generate_passphrase(entropy)
    check_new_passphrase(passphrase)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_secret(config.key_file(directory), entropy)
    own = anchored(directory, settings, clock=clock, entropy=entropy, country=wish.country)
    await own.certifier().set_up(ROLES)
    storage = open_storage(settings.storage)
    try:
        await storage.migrate(migrations())
        await own.publisher(storage).publish(actor="set-up")
        api_key = await first_operator(storage, wish.operator, passphrase, scopes=SCOPES, at=clock(), entropy=entropy)
        await storage.write(lambda tx: key_makers.note(tx, FIRST_KEY, wish.operator))
    finally:
        await storage.close()
    write_whole(config.toml(directory), _toml(wish).encode())
    return SetUp(
        public_url=wish.public_url,
        operator=wish.operator,
        passphrase=passphrase,
        api_key=api_key,
        anchor=str(directory / ANCHOR_FILE),
    )


def _toml(wish: Wish) -> str:
    lines = [
        "# Settings of this issuer. Each can also be set as MUNIMENT_ISSUER_<NAME> in the environment.",
        f"name = {toml_text(wish.name)}",
        f"public_url = {toml_text(wish.public_url)}",
        f"port = {wish.port}",
    ]
    if wish.storage:
        lines.append(f"storage = {toml_text(wish.storage)}")
    return "\n".join(lines) + "\n"


def anchored(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy, country: str = "") -> Anchored:
    """The keys that sign documents, certified for the present address; an authority that is made is in ``country``."""
    return Anchored(
        directory=directory,
        secret=config.key_file(directory),
        keys=settings.keys,
        storage=settings.storage,
        settings=settings,
        key=ISSUER,
        role=Role.CREDENTIAL_ISSUER,
        name=settings.name,
        entity=settings.public_url,
        life=settings.snapshot_days,
        days=settings.key_days,
        clock=clock,
        entropy=entropy,
        country=country,
    )


def anchored_of(office: Office) -> Anchored:
    """The same of an office that is open."""
    return anchored(office.directory, office.settings, clock=office.clock, entropy=office.entropy)


def keyring_of(office: Office) -> Keyring:
    """Which of them signs, and which one follows it when."""
    return anchored_of(office).keyring(office.storage, office.custodian)
