"""Setting up an issuer in an empty folder: keys, certificates, database, first operator, first API key.

Safe to repeat after a crash, and never over a finished one: the settings file is written last and refuses everything from then on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from issuer import config
from issuer.config import Settings
from issuer.office import ANCHOR, ISSUER, REFERENCES, STORAGE
from issuer.records import people
from shared.clock import Clock, Entropy
from shared.codec import base64url
from shared.custody import open_custodian
from shared.errors import ConfigError, Conflict
from shared.keys import Custodian, KeyId, Role, sign
from shared.storage import Migration, Storage, Tx, open_storage, read_migrations
from shared.web import api_keys
from shared.web.passphrases import check_new_passphrase, generate_passphrase, hash_passphrase
from shared.web.settings import load
from shared.x509 import Cert, load_certificate, prepare_anchor, prepare_leaf, render_pem

ANCHOR_DAYS = 3_650
LEAF_DAYS = 1_095


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was made. Passphrase and API key are told here and never again."""

    public_url: str
    operator: str
    passphrase: str
    api_key: str
    anchor: str


def migrations() -> Sequence[Migration]:
    """Sessions, rate limits and API keys, then the issuer's own."""
    return (*read_migrations("shared.web", "web"), *read_migrations("issuer", "issuer"))


async def set_up(wish: Wish, *, clock: Clock, entropy: Entropy) -> SetUp:
    """Make everything; ``ConfigError`` if there is an issuer already, or something of the wish cannot be."""
    directory = wish.directory
    if config.toml(directory).exists():
        raise ConfigError(f"there is an issuer in {directory} already; nothing was changed", where="dir")
    settings = _settings(wish)
    passphrase = wish.passphrase or generate_passphrase(entropy)
    check_new_passphrase(passphrase)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = _key_file(directory, entropy)
    await _certify(directory, settings, secret, clock=clock, entropy=entropy)
    storage = open_storage(config.settle(settings, directory).storage)
    try:
        await storage.migrate(migrations())
        api_key = await first_people(storage, wish.operator, passphrase, clock(), entropy)
    finally:
        await storage.close()
    _write(config.toml(directory), _toml(wish), 0o600)
    return SetUp(
        public_url=wish.public_url,
        operator=wish.operator,
        passphrase=passphrase,
        api_key=api_key,
        anchor=str(directory / "anchor.pem"),
    )


def _settings(wish: Wish) -> Settings:
    return load(Settings, _toml(wish).encode(), {}, config.PREFIX)


def _toml(wish: Wish) -> str:
    lines = [
        "# Settings of this issuer. Each can also be set as MUNIMENT_ISSUER_<NAME> in the environment.",
        f"name = {_quoted(wish.name)}",
        f"public_url = {_quoted(wish.public_url)}",
        f"port = {wish.port}",
    ]
    if wish.storage:
        lines.append(f"storage = {_quoted(wish.storage)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in plain):
        raise ConfigError("a name or an address has no control characters")
    return f'"{plain}"'


def _key_file(directory: Path, entropy: Entropy) -> bytes:
    """The secret that opens the sealed keys, made once."""
    file = config.key_file(directory)
    if not file.exists():
        _write(file, base64url.encode(entropy(32)) + "\n", 0o600)
    return config.key_passphrase(directory)


def _write(file: Path, text: str, mode: int) -> None:
    """Whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


async def _certify(directory: Path, settings: Settings, secret: bytes, *, clock: Clock, entropy: Entropy) -> None:
    """The anchor's key lies in a file of its own, which may be moved off this machine until the next certificate is due."""
    anchors = open_anchor_keys(directory, secret, entropy=entropy)
    keys = open_custodian(config.settle(settings, directory).keys, entropy=entropy, passphrase=secret)
    try:
        await _create(anchors, ANCHOR, Role.ANCHOR)
        for key, role in ((ISSUER, Role.CREDENTIAL_ISSUER), (REFERENCES, Role.MAC), (STORAGE, Role.SEAL)):
            await _create(keys, key, role)
        anchor = await make_anchor(anchors, settings.name, at=clock(), entropy=entropy)
        _write(directory / "anchor.pem", render_pem(anchor.der), 0o644)
        await renew_leaf(directory, settings, anchors, keys, anchor, at=clock(), entropy=entropy)
    finally:
        await keys.close()
        await anchors.close()


def open_anchor_keys(directory: Path, secret: bytes, *, entropy: Entropy) -> Custodian:
    return open_custodian(f"file:{quote(str(directory / 'anchor.keys'))}", entropy=entropy, passphrase=secret)


async def _create(custodian: Custodian, key: KeyId, role: Role) -> None:
    with suppress(Conflict):  # from a set-up that was broken off
        await custodian.create(key, role)


def _serial(entropy: Entropy) -> int:
    """Positive and at most 159 bits (RFC 5280 section 4.1.2.2)."""
    return int.from_bytes(entropy(20), "big") >> 1 | 1


async def make_anchor(anchors: Custodian, name: str, *, at: int, entropy: Entropy) -> Cert:
    unsigned = prepare_anchor(
        subject=f"{name[:50]} trust anchor"[:64],
        public=await anchors.public(ANCHOR),
        key=ANCHOR,
        at=at,
        days=ANCHOR_DAYS,
        serial=_serial(entropy),
    )
    der = await sign(unsigned, anchors)
    return load_certificate(der)


async def renew_leaf(
    directory: Path, settings: Settings, anchors: Custodian, keys: Custodian, anchor: Cert, *, at: int, entropy: Entropy
) -> Cert:
    """A certificate for the issuer's key, put in the place of the one before."""
    unsigned = prepare_leaf(
        subject=settings.name[:64],
        uris=[settings.public_url],
        role=Role.CREDENTIAL_ISSUER,
        public=await keys.public(ISSUER),
        issuer=anchor,
        key=ANCHOR,
        at=at,
        days=LEAF_DAYS,
        serial=_serial(entropy),
    )
    der = await sign(unsigned, anchors)
    leaf = load_certificate(der)
    _write(directory / "issuer.pem", render_pem(leaf.der), 0o644)
    return leaf


async def first_people(storage: Storage, name: str, passphrase: str, at: int, entropy: Entropy) -> str:
    """The first operator, an admin, and a key for programs; the key's token."""
    phc = await asyncio.to_thread(hash_passphrase, passphrase, entropy)
    operator = people.Operator(id=base64url.encode(entropy(12)), name=name, role="admin", passphrase=phc, made_at=at, ended_at=None)

    async def unit(tx: Tx) -> str:
        known = await people.find(tx, name)
        if known is None:
            await people.add(tx, operator)
        else:  # a set-up that was broken off has told its passphrase to nobody
            await people.set_passphrase(tx, known.id, phc)
        key = await api_keys.create(tx, name="first key", scopes=people.SCOPES, at=at, entropy=entropy)
        return key.token

    return await storage.write(unit)
