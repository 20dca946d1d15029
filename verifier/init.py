"""Setting up a verifier in an empty folder: keys, certificates, trust, database, first operator, first API key.

Safe to repeat after a crash, and never over a finished one: the settings file is written last and refuses everything from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.clock import Clock, Entropy
from shared.credentials import Text
from shared.errors import ConfigError
from shared.jose.jwk import thumbprint
from shared.keys import PublicKey, Role, Unsigned
from shared.private_file import make_secret, write_whole
from shared.storage import Migration, open_storage, read_migrations
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.artefact import RP_CERTIFICATE
from shared.trust.relying_party import prepare_rp_certificate
from shared.web import log
from shared.web.anchored import Anchored
from shared.web.certificates import ANCHOR, ANCHOR_FILE
from shared.web.operators import first_operator
from shared.web.passphrases import check_new_passphrase, generate_passphrase
from shared.web.settings import load
from shared.web.setup import add_anchor, toml_text
from shared.x509 import Cert
from verifier import config, registering
from verifier.config import Settings
from verifier.desk import BUNDLE, RELYING_PARTY, ROLES, SCOPES, Desk
from verifier.inbox_file import registered_inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asked for; ``passphrase`` empty means that one is made, ``entity`` empty the public address.

    ``trust`` are ``FILE.pem:ROLE[:ENTITY_URL]``.
    """

    directory: Path
    name: str
    public_url: str
    port: int
    entity: str = ""
    storage: str = ""
    operator: str = "admin"
    passphrase: str = ""
    trust: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was made. Passphrase and API key are told here and never again."""

    public_url: str
    entity: str
    operator: str
    passphrase: str
    api_key: str
    anchor: str


def migrations() -> Sequence[Migration]:
    """Sessions, rate limits, API keys and operators, then the verifier's own, and its log's."""
    return (*read_migrations("shared.web", "web"), *read_migrations("verifier", "verifier"), *log.migrations())


async def set_up(wish: Wish, *, clock: Clock, entropy: Entropy) -> SetUp:
    """Make everything; ``ConfigError`` if there is a verifier already, or something of the wish cannot be."""
    directory = wish.directory
    if config.toml(directory).exists():
        raise ConfigError(f"there is a verifier in {directory} already; nothing was changed", where="dir")
    trust = TrustAnchors()
    for option in wish.trust:
        trust = add_anchor(trust, option)
    text = _toml(wish, trust)
    settings = config.settle(load(Settings, text.encode(), {}, config.PREFIX), directory)
    passphrase = wish.passphrase or generate_passphrase(entropy)
    check_new_passphrase(passphrase)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_secret(config.key_file(directory), entropy)
    own = anchored(directory, settings, clock=clock, entropy=entropy)
    public = await own.certifier().set_up(ROLES)
    write_whole(config.trust(directory), render_trust(trust.add_signer(thumbprint(public[BUNDLE]))))
    storage = open_storage(settings.storage)
    try:
        await storage.migrate(migrations())
        await own.publisher(storage).publish(actor="set-up")
        await registering.note(directory, settings, storage, at=clock())
        api_key = await first_operator(storage, wish.operator, passphrase, scopes=SCOPES, at=clock(), entropy=entropy)
    finally:
        await storage.close()
    write_whole(config.toml(directory), text.encode())
    return SetUp(
        public_url=wish.public_url,
        entity=settings.entity_id,
        operator=wish.operator,
        passphrase=passphrase,
        api_key=api_key,
        anchor=str(directory / ANCHOR_FILE),
    )


def _toml(wish: Wish, trust: TrustAnchors) -> str:
    lines = [
        "# Settings of this verifier. Each can also be set as MUNIMENT_VERIFIER_<NAME> in the environment.",
        f"name = {toml_text(wish.name)}",
        f"public_url = {toml_text(wish.public_url)}",
        f"port = {wish.port}",
    ]
    if wish.entity and wish.entity != wish.public_url:
        lines.append(f"entity = {toml_text(wish.entity)}")
    if wish.storage:
        lines.append(f"storage = {toml_text(wish.storage)}")
    plain = sorted({pair for anchor in trust.anchors if (pair := _without_tls(anchor.entity or ""))})
    if plain:
        lines.append("# Issuers named with --trust that are called without TLS.")
        lines.append(f"outbound_allow = [{', '.join(toml_text(pair) for pair in plain)}]")
    return "\n".join(lines) + "\n"


def _without_tls(entity: str) -> str:
    """``host:port`` of an address without TLS: who names it as an issuer's own wants it called."""
    parts = urlsplit(entity)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or 80}" if parts.scheme == "http" else ""


def anchored(directory: Path, settings: Settings, *, clock: Clock, entropy: Entropy) -> Anchored:
    """The keys with which this organisation asks, certified for its identifier, and published with what it may ask for.

    When another one follows, people say, as desks need a network then. Requests that are open stay with the old certificate.
    """
    words = Text(settings.name, settings.name)

    def register(anchor: Cert, public: PublicKey, at: int) -> Unsigned[bytes]:
        return prepare_rp_certificate(
            anchor=anchor.subject,
            anchor_public=anchor.public,
            key=ANCHOR,
            entity=settings.entity_id,
            public=public,
            name=words,
            uses=registering.registered(directory, settings),
            at=at,
            registrar=registering.registrar(settings),
            inbox=registered_inbox(directory, settings),
        )

    return Anchored(
        directory=directory,
        secret=config.key_file(directory),
        keys=settings.keys,
        storage=settings.storage,
        settings=settings,
        key=RELYING_PARTY,
        role=Role.RELYING_PARTY,
        name=settings.name,
        entity=settings.entity_id,
        life=settings.snapshot_days,
        days=0,
        clock=clock,
        entropy=entropy,
        more={RP_CERTIFICATE: register},
    )


def anchored_of(desk: Desk) -> Anchored:
    """The same of a verifier that is open."""
    return anchored(desk.directory, desk.settings, clock=desk.clock, entropy=desk.entropy)
